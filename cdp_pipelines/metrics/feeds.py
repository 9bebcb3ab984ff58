"""What feeds the metrics: which source, how far it has been read, and how often."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from cdp_pipelines.metrics.cells import Keys
from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.periods import midnights
from cdp_pipelines.metrics.statistics import Numbers
from cdp_pipelines.metrics.status import Flags


@dataclass(frozen=True, slots=True)
class Feed:
    """One connected source.

    Attributes:
        source: Its name; ``cdp`` is the platform itself.
        read_until: When it was last read to its end; None before the first time.
        interval: Time between two reads.
        complete_from: Since when everything it holds has been read; None means from its beginning.
        tables: The same as ``read_until``, for each table that it fills: its streams are read one by one.
    """

    source: str
    read_until: datetime | None
    interval: timedelta
    complete_from: datetime | None = None
    tables: Mapping[str, datetime | None] = field(default_factory=dict)

    def is_stale(self, now: datetime) -> bool:
        """Whether it has not been read for more than two intervals."""
        return self.read_until is None or self.read_until < now - 2 * self.interval

    def filling(self, tables: Collection[str]) -> "Feed":
        """The same source, read until the least recently read of ``tables``; None if one of them never was."""
        needed = [until for table, until in self.tables.items() if table in tables]
        return replace(self, read_until=earliest(needed)) if needed else self


def feeding(metric: Metric, feeds: Collection[Feed], tables: Collection[str]) -> tuple[Feed, ...]:
    """The connected sources that can feed ``metric``, as far as its tables have been read.

    None if it needs a table nobody fills.
    """
    if not set(metric.entities) <= set(tables):
        return ()
    return tuple(feed.filling(metric.tables) for feed in feeds if feed.source in metric.sources)


def earliest(moments: Collection[datetime | None]) -> datetime | None:
    """The first of ``moments``; None if there are none, or one of them is not known."""
    known = [moment for moment in moments if moment is not None]
    return min(known) if known and len(known) == len(moments) else None


def observed_throughout(keys: Keys, feeds: Sequence[Feed], now: datetime, zone: str) -> Flags:
    """Cells whose whole period the sources were there to report: only there a count of nothing is a zero.

    Of a period that runs up to now, the last two intervals may still be outstanding.
    """
    start, end = midnights(keys.start, zone), midnights(keys.end, zone)
    whole = np.ones(len(keys), bool)
    for feed in feeds:
        if feed.read_until is None:
            return np.zeros(len(keys), bool)
        due = np.minimum(end, (now - 2 * feed.interval).timestamp())
        whole &= feed.read_until.timestamp() >= due
        if feed.complete_from is not None:
            whole &= start >= feed.complete_from.timestamp()
    return whole


def hours_passed(keys: Keys, feeds: Sequence[Feed], now: datetime, zone: str) -> Numbers:
    """Hours of each period that have passed, counted from when the sources began to be read."""
    begin = max((feed.complete_from.timestamp() for feed in feeds if feed.complete_from), default=-np.inf)
    start = np.maximum(midnights(keys.start, zone), begin)
    end = np.minimum(midnights(keys.end, zone), now.timestamp())
    hours: Numbers = np.maximum(end - start, 0) / 3600
    return hours


def settled(keys: Keys, feeds: Sequence[Feed], now: datetime, zone: str, lag_hours: int) -> Flags:
    """Cells whose period, and the time after it in which the number may still change, have been read to the end."""
    known = [now, *(feed.read_until for feed in feeds if feed.read_until is not None)]
    if any(feed.read_until is None for feed in feeds):
        return np.zeros(len(keys), bool)
    final: Flags = midnights(keys.end, zone) + lag_hours * 3600 <= min(known).timestamp()
    return final
