"""How long a schedule may leave a source unread."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_YEAR = range(366)


def longest_gap(cron: str) -> timedelta:
    """The longest time between two moments a cron expression of five fields names, over a year.

    One that names fewer than two moments a year leaves a year.
    """
    minutes, hours, days, months, weekdays = cron.lower().split()
    at = sorted(60 * hour + minute for hour in _named(hours, 0, 23) for minute in _named(minutes, 0, 59))
    in_month, in_year = _named(days, 1, 31), _named(months, 1, 12, _MONTHS)
    in_week = {day % 7 for day in _named(weekdays, 0, 7, _DAYS)}
    # As cron has it: of two restricted kinds of day, either will do.
    either = days != "*" and weekdays != "*"

    def fires(day: datetime) -> bool:
        by_date, by_name = day.day in in_month, (day.weekday() + 1) % 7 in in_week
        return day.month in in_year and (by_date or by_name if either else by_date and by_name)

    first = datetime(2024, 1, 1, tzinfo=UTC)  # a leap year
    firing = [number for number in _YEAR if fires(first + timedelta(days=number))]
    moments = [number * 24 * 60 + minute for number in firing for minute in at]
    return timedelta(minutes=max((later - earlier for earlier, later in pairwise(moments)), default=366 * 24 * 60))


def _named(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    """The numbers a field of the expression stands for."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        begin, _, end = span.partition("-")
        if begin == "*":
            first, last = low, high
        else:
            first = _number(begin, names, low)
            last = _number(end, names, low) if end else (high if step else first)
        found.update(range(first, last + 1, int(step or 1)))
    return found


def _number(text: str, names: tuple[str, ...], low: int) -> int:
    return names.index(text) + low if text in names else int(text)
