"""Periods of the calendar, in local days: which one a day belongs to, where it starts and ends.

A period is known by its number: days, weeks or months since the beginning of 1970.
"""

from datetime import UTC, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Grain = Literal["day", "week", "month", "asof", "roll90"]
Days = NDArray[np.datetime64]
Numbers = NDArray[np.int64]

TRAILING_DAYS = 90
_THURSDAY_TO_MONDAY = 3  # 1970-01-01 was a Thursday


def number_of(days: Days, grain: Grain) -> Numbers:
    """The period each local day belongs to."""
    ordinal = days.astype("datetime64[D]").astype(np.int64)
    if grain == "week":
        return (ordinal + _THURSDAY_TO_MONDAY) // 7
    if grain == "month":
        return days.astype("datetime64[M]").astype(np.int64)
    return ordinal


def start_of(numbers: Numbers, grain: Grain) -> Days:
    """The first day of each period."""
    if grain == "week":
        return (numbers * 7 - _THURSDAY_TO_MONDAY).astype("datetime64[D]")
    if grain == "month":
        return numbers.astype("datetime64[M]").astype("datetime64[D]")
    return numbers.astype("datetime64[D]")


def trailing_ends(first: np.datetime64, today: np.datetime64) -> Days:
    """The (exclusive) ends at which a trailing window is published: every month's end, and today's."""
    months = np.arange(first.astype("datetime64[M]") + 1, today.astype("datetime64[M]") + 1)
    ends = np.append(months.astype("datetime64[D]"), today + 1)
    return np.unique(ends)


def local_day(moment: datetime, zone: str) -> np.datetime64:
    """The local day of a moment."""
    return np.datetime64(moment.astimezone(ZoneInfo(zone)).date(), "D")


def midnights(days: Days, zone: str) -> NDArray[np.float64]:
    """Seconds since 1970 at which each local day begins."""
    local = ZoneInfo(zone)
    distinct, place = np.unique(days, return_inverse=True)
    seconds = [datetime.combine(day, time(), local).astimezone(UTC).timestamp() for day in distinct.tolist()]
    return np.array(seconds, dtype=np.float64)[place]
