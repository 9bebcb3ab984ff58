"""What may be wrong while nobody looks: a job that failed, a source that is not read any more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from sqlalchemy import Engine

from cdp_pipelines import database
from cdp_pipelines.config import Settings
from cdp_pipelines.errors import error_class
from connectors.registry import SOURCES

INTERVALS = 2
"""Intervals of its schedule that a source may go unread; the metrics of its data are incomplete after as many."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, by names and counts.

    Attributes:
        kind: What is wrong.
        name: The job, the source, or the class of the error that keeps the installation closed.
        count: How often it failed since it was last told; whole hours unread for a source.
        parts: Names of the steps that failed.
    """

    kind: Literal["failed", "overdue", "closed"]
    name: str
    count: int
    parts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What makes two troubles the same."""
        return f"{self.kind}/{self.name}"

    @property
    def sentence(self) -> str:
        """What is told of it."""
        if self.kind == "overdue":
            unread = f"The source {self.name} has not been read to its end for {self.count} hours."
            return f"{unread} Look at: cdp sources list"
        if self.kind == "closed":
            return f"The installation cannot be opened ({self.name}), so nothing can run. Run: cdp doctor"
        times = "once" if self.count == 1 else f"{self.count} times"
        steps = f" ({', '.join(self.parts)})" if self.parts else ""
        return f"The job {self.name} failed {times}{steps}. The failed run in the Dagster UI says why."

    def to_data(self) -> dict[str, Any]:
        """The trouble as JSON keeps it."""
        return {"kind": self.kind, "name": self.name, "count": self.count, "parts": list(self.parts)}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """The trouble ``to_data`` gave."""
        return cls(data["kind"], data["name"], data["count"], tuple(data["parts"]))


def failed_run(job: str, steps: Sequence[str]) -> Trouble:
    """A run of ``job`` that failed in ``steps``."""
    return Trouble("failed", job, 1, tuple(dict.fromkeys(steps)))


def closed_installation(error: Exception) -> Trouble:
    """Nothing runs, and nothing can be looked at."""
    return Trouble("closed", error_class(error), 1)


def overdue_sources(
    control: Engine, settings: Settings, known_since: dict[str, datetime], *, now: datetime
) -> Iterator[Trouble]:
    """The connected sources that were not read to their end for more than two intervals of their schedules.

    Args:
        control: The control store.
        settings: Which sources are connected, and when they are to be read.
        known_since: By source, when it was first looked at: one that was never read is waited for from then on.
            Sources that are new are added, those that are gone are taken out.
        now: The time.
    """
    from cdp_pipelines.metrics.schedules import longest_gap

    connected = {name: source for name, source in settings.sources.items() if source.enabled}
    for name in known_since.keys() - connected.keys():
        del known_since[name]
    for declared in SOURCES:
        if declared.name not in connected:
            continue
        streams = [stream.name for stream in declared.streams]
        read = database.read_to_end(control, declared.name, streams)
        began = known_since.setdefault(declared.name, now)
        since = min(read.values()) if read.keys() >= set(streams) else began
        if now - since > INTERVALS * longest_gap(connected[declared.name].schedule):
            yield Trouble("overdue", declared.name, int((now - since) / timedelta(hours=1)))
