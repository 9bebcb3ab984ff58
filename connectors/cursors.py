"""How a stream goes on where it stopped. A cursor is JSON; what it says is known to its class alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.spec import Json

_FIRST_LOAD_SECONDS = 1
"""Start of a first load. One and not zero, because some endpoints take zero for missing."""


@dataclass(frozen=True, slots=True)
class ExportCursor:
    """The vendor hands out an opaque cursor with every page of an export; the first call names a time instead.

    Attributes:
        lag_seconds: How far in the past, by the vendor's clock, the start must lie at least.
    """

    lag_seconds: int = 61

    def first(self, state: Json | None, since: datetime | None, now: datetime) -> dict[str, str]:
        """The cursor, or the time of a first load."""
        if state is not None and since is None:
            return {"cursor": state["cursor"]}
        return {"start_time": str(_start(since, now, self.lag_seconds))}

    def after_page(self, body: Json) -> Json | None:
        """The cursor after this page."""
        token = body.get("after_cursor")
        return {"cursor": token} if token else None

    def after_all(self, started: datetime) -> None:
        """The last page has said it all."""


@dataclass(frozen=True, slots=True)
class ExportTime:
    """The vendor says with every page at which time the next one starts (epoch seconds)."""

    lag_seconds: int = 61

    def first(self, state: Json | None, since: datetime | None, now: datetime) -> dict[str, str]:
        """The time to start from, never too recent for the vendor."""
        if state is not None and since is None:
            # The end of a small export may lie within the last minute, where no export may start.
            return {"start_time": str(min(state["start_time"], int(now.timestamp()) - self.lag_seconds))}
        return {"start_time": str(_start(since, now, self.lag_seconds))}

    def after_page(self, body: Json) -> Json | None:
        """The time at which this page ends."""
        end = body.get("end_time")
        return {"start_time": end} if end else None

    def after_all(self, started: datetime) -> None:
        """The last page has said it all."""


@dataclass(frozen=True, slots=True)
class ChangedSince:
    """A filter "not before", with an overlap for what the vendor shows late or changes without saying so.

    Attributes:
        name: Query parameter or property that is compared.
        overlap: How far before the last start the next read begins.
    """

    name: str
    overlap: timedelta

    def __post_init__(self) -> None:
        if self.overlap <= timedelta():
            raise ValueError(f"The filter on {self.name} needs an overlap, because what shows up late would be lost.")

    def start(self, state: Json | None, since: datetime | None) -> datetime | None:
        """The moment to read from; None means everything."""
        if since is not None or state is None or "since" not in state:
            return since
        return datetime.fromisoformat(state["since"]) - self.overlap

    def first(self, state: Json | None, since: datetime | None, now: datetime) -> dict[str, str]:  # noqa: ARG002 - as Cursor declares it
        """The filter, in epoch seconds."""
        start = self.start(state, since)
        return {} if start is None else {self.name: str(int(start.timestamp()))}

    def after_page(self, body: Json) -> None:
        """Pages have no order in time, so only the whole window counts."""

    def after_all(self, started: datetime) -> Json:
        """The moment the read began."""
        return {"since": started.isoformat()}


@dataclass(frozen=True, slots=True)
class Everything:
    """Nothing tells what has changed, so the whole listing is read each time."""

    def first(self, state: Json | None, since: datetime | None, now: datetime) -> dict[str, str]:  # noqa: ARG002 - as Cursor declares it
        """No filter."""
        return {}

    def after_page(self, body: Json) -> None:
        """There is no place to go on from."""

    def after_all(self, started: datetime) -> Json:
        """When it was read, which says no more than that it was."""
        return {"read": started.isoformat()}


def _start(since: datetime | None, now: datetime, lag_seconds: int) -> int:
    if since is None:
        return _FIRST_LOAD_SECONDS
    return min(int(since.timestamp()), int(now.timestamp()) - lag_seconds)
