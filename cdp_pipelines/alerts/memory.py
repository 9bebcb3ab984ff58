"""What was told when, so that the same trouble is told again after a while and not before."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

import orjson

from cdp_pipelines.alerts.troubles import Trouble


@dataclass(slots=True)
class Memory:
    """Kept as one text between two looks.

    Attributes:
        seen_until: Failures up to this moment were looked at.
        runs: Runs looked at whose failure is so recent that they may be met again.
        told: By trouble, when it was last told.
        waiting: By trouble, what is to be told: no message got through yet, or the last one was too short ago.
        known_since: By source, when it was first looked at.
    """

    seen_until: datetime
    runs: set[str] = field(default_factory=set)
    told: dict[str, datetime] = field(default_factory=dict)
    waiting: dict[str, Trouble] = field(default_factory=dict)
    known_since: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str | None, *, now: datetime) -> Self:
        """The memory ``to_text`` wrote; a new one begins now, so that nothing older than it is told."""
        if not text:
            return cls(now)
        data: dict[str, Any] = orjson.loads(text)
        return cls(
            datetime.fromisoformat(data["seen_until"]),
            set(data["runs"]),
            {key: datetime.fromisoformat(at) for key, at in data["told"].items()},
            {key: Trouble.from_data(trouble) for key, trouble in data["waiting"].items()},
            {name: datetime.fromisoformat(at) for name, at in data["known_since"].items()},
        )

    def to_text(self) -> str:
        """The memory as text."""
        data = {
            "seen_until": self.seen_until,
            "runs": sorted(self.runs),
            "told": self.told,
            "waiting": {key: trouble.to_data() for key, trouble in self.waiting.items()},
            "known_since": self.known_since,
        }
        return orjson.dumps(data).decode()

    def add(self, troubles: Iterable[Trouble]) -> None:
        """Count troubles onto those that wait."""
        for trouble in troubles:
            before = self.waiting.get(trouble.key)
            parts = dict.fromkeys((*(before.parts if before else ()), *trouble.parts))
            count = trouble.count + (before.count if before else 0)
            self.waiting[trouble.key] = Trouble(trouble.kind, trouble.name, count, tuple(parts))

    def keep_failures(self) -> None:
        """Forget what waits and is a state, no event: it is found again if it lasts."""
        self.waiting = {key: trouble for key, trouble in self.waiting.items() if trouble.kind == "failed"}

    def due(self, *, repeat: timedelta, now: datetime) -> list[Trouble]:
        """What is to be told now."""
        self.told = {key: at for key, at in self.told.items() if now - at < repeat}
        return [trouble for key, trouble in sorted(self.waiting.items()) if key not in self.told]

    def note_told(self, troubles: Iterable[Trouble], *, now: datetime) -> None:
        """Note that these were told."""
        for trouble in troubles:
            self.told[trouble.key] = now
            self.waiting.pop(trouble.key, None)
