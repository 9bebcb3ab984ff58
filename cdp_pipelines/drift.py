"""Drift: fields of a stream's records that are new, came as another JSON type than declared, or have stopped coming.

A new or re-typed field differs from the declaration. A missing one differs from what came before: most declared fields
may be left out by their vendor, so only one that nearly every record had is missed, and only by a run that read enough.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Engine

from cdp_pipelines.database.stream_fields import load_fields, save_fields
from connectors.shapes import OTHER, Seen
from connectors.spec import Stream
from models import StreamField

ENOUGH = 100
"""Records a run must have read for a field to be missed."""
NEARLY_ALL = 0.9
"""Share of the records that had a field which is missed when it stops coming."""
MOST_KEPT = 200
"""Names of odd fields that are kept per stream, over all runs."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that is not as it was declared or used to be. Names, types and counts; never a value.

    Attributes:
        field: Its name.
        what: How it differs.
        came_as: JSON type it came as; empty for a missing one.
        records: Records of the run that had it so, or lacked it.
        since: When it was first seen so; for a missing one, when it last came.
    """

    field: str
    what: Literal["new", "missing", "retyped"]
    came_as: str
    records: int
    since: datetime

    @property
    def sentence(self) -> str:
        """What is told of it, without a full stop."""
        if self.what == "missing":
            return f"{self.field} is missing from all {self.records:,} records, it last came on {self.since:%Y-%m-%d}"
        is_what = "is new, it came" if self.what == "new" else "came re-typed"
        return f"{self.field} {is_what} as {self.came_as} in {self.records:,} records, since {self.since:%Y-%m-%d}"


def note_fields(
    control: Engine, source: str, stream: Stream, seen: Seen, *, records: int, now: datetime
) -> list[Change]:
    """Compare what a run has seen with the declaration and with earlier runs, and remember it.

    Args:
        control: The control store.
        source: Name of the source.
        stream: What was read.
        seen: Fields of its records.
        records: How many there were.
        now: When.
    """
    if not records:
        return []
    before = load_fields(control, source, stream.name)
    bounded = Seen(seen.present, _bounded(seen.odd, before))
    counts = {(name, ""): count for name, count in seen.present.items()} | bounded.odd
    save_fields(control, source, stream.name, counts, of_records=records, now=now, before=before)
    return sorted(changes(stream, bounded, before, records=records, now=now), key=lambda one: (one.what, one.field))


def changes(
    stream: Stream, seen: Seen, before: Mapping[tuple[str, str], StreamField], *, records: int, now: datetime
) -> Iterator[Change]:
    """What differs; ``before`` is what earlier runs have seen, by field and what it came as."""
    for (name, came_as), count in seen.odd.items():
        known = before.get((name, came_as))
        what: Literal["new", "retyped"] = "retyped" if name in seen.present else "new"
        yield Change(name, what, came_as, count, known.first_seen if known else now)
    for (name, came_as), known in before.items():
        is_ours = name in stream.fields or (stream.texts_in is not None and name.startswith(f"{stream.texts_in}."))
        if came_as or not is_ours or name in seen.present or records < ENOUGH:
            continue
        if known.records >= NEARLY_ALL * known.of_records and known.of_records >= ENOUGH:
            yield Change(name, "missing", "", records, known.last_seen)


def _bounded(
    odd: Mapping[tuple[str, str], int], before: Mapping[tuple[str, str], StreamField]
) -> dict[tuple[str, str], int]:
    """The counts, with names beyond those that are kept counted together."""
    kept = {name for name, came_as in before if came_as}
    bounded: dict[tuple[str, str], int] = {}
    for (name, came_as), count in odd.items():
        if name not in kept and len(kept) >= MOST_KEPT:
            name = OTHER  # noqa: PLW2901 - that is what it is called from here on
        kept.add(name)
        bounded[name, came_as] = bounded.get((name, came_as), 0) + count
    return bounded
