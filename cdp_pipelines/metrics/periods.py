"""Periods of the calendar, in local days: which one a day belongs to, where it starts and ends.

A period is known by its number: days, weeks, months, quarters or years since the beginning of 1970.
A *trailing* grain has no such periods but a window of fixed length that ends with each month, and with today.
"""

from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Grain = Literal["day", "week", "month", "quarter", "year", "cohort", "asof", "asof365", "roll90", "roll365"]
Days = NDArray[np.datetime64]
Numbers = NDArray[np.int64]

TRAILING_DAYS: dict[str, int] = {"roll90": 90, "roll365": 365, "asof365": 365}
"""Trailing grains: days in the window. ``asof365`` is the state that the year up to a day leaves behind."""
PUBLISHED: dict[str, str] = {"asof365": "asof"}
"""Grains published under another name, as of the last day of their window."""
_THURSDAY_TO_MONDAY = 3  # 1970-01-01 was a Thursday
_MONTHS = {"month": 1, "cohort": 1, "quarter": 3, "year": 12}


def number_of(days: Days, grain: Grain) -> Numbers:
    """The period each local day belongs to."""
    ordinal = days.astype("datetime64[D]").astype(np.int64)
    if grain == "week":
        return (ordinal + _THURSDAY_TO_MONDAY) // 7
    if grain in _MONTHS:
        months: Numbers = days.astype("datetime64[M]").astype(np.int64)
        return months // _MONTHS[grain]
    return ordinal


def start_of(numbers: Numbers, grain: Grain) -> Days:
    """The first day of each period."""
    if grain == "week":
        return (numbers * 7 - _THURSDAY_TO_MONDAY).astype("datetime64[D]")
    if grain in _MONTHS:
        return (numbers * _MONTHS[grain]).astype("datetime64[M]").astype("datetime64[D]")
    return numbers.astype("datetime64[D]")


def trailing_ends(first: np.datetime64, today: np.datetime64) -> Days:
    """The (exclusive) ends at which a trailing window is published: every month's end, and today's."""
    months = np.arange(first.astype("datetime64[M]") + 1, today.astype("datetime64[M]") + 1)
    ends = np.append(months.astype("datetime64[D]"), today + 1)
    return np.unique(ends)


def current_period(grain: Grain, today: np.datetime64) -> tuple[np.datetime64, np.datetime64]:
    """First day and (exclusive) end of the period that ``today`` is in, or of the window that ends with it."""
    if grain in TRAILING_DAYS:
        return today + 1 - TRAILING_DAYS[grain], today + 1
    number = number_of(np.array([today]), grain)
    return start_of(number, grain)[0], start_of(number + 1, grain)[0]


def local_day(moment: datetime, zone: str) -> np.datetime64:
    """The local day of a moment."""
    return np.datetime64(moment.astimezone(ZoneInfo(zone)).date(), "D")


def midnights(days: Days, zone: str) -> NDArray[np.float64]:
    """Seconds since 1970 at which each local day begins."""
    local = ZoneInfo(zone)
    distinct, place = np.unique(days, return_inverse=True)
    # A system that knows no date says the year 1; east of Greenwich it begins before that.
    first = date.min + timedelta(2)
    seconds = [datetime.combine(max(day, first), time(), local).timestamp() for day in distinct.tolist()]
    return np.array(seconds, dtype=np.float64)[place]
