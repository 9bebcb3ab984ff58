"""Times as the vendors write them. The world counts in epoch seconds (Zendesk) and epoch milliseconds (HubSpot)."""

from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

DAY_SECONDS = 86_400


@lru_cache(maxsize=100_000)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY_SECONDS, UTC).strftime("%Y-%m-%d")


_CLOCK = tuple(f"T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(DAY_SECONDS))
"""Every second of a day as text: formatting a time becomes two look-ups, which pages of 1,000 records notice."""
_MILLIS = tuple(f".{millis:03}Z" for millis in range(1000))


def iso_seconds(seconds: int) -> str:
    """``2026-01-31T09:30:00Z`` for an epoch time in seconds."""
    day, second = divmod(seconds, DAY_SECONDS)
    return _day(day) + _CLOCK[second] + "Z"


def iso_millis(millis: int) -> str:
    """``2026-01-31T09:30:00.123Z`` for an epoch time in milliseconds."""
    seconds, rest = divmod(millis, 1000)
    day, second = divmod(seconds, DAY_SECONDS)
    return _day(day) + _CLOCK[second] + _MILLIS[rest]


def parse_millis(text: str) -> int | None:
    """Epoch milliseconds from digits (taken as they are) or ISO 8601 text (UTC unless it says otherwise), else None."""
    try:
        moment = None if text.lstrip("-").isdigit() else datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment is None:
        return int(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def http_date(seconds: int) -> str:
    """``Sat, 31 Jan 2026 09:30:00 GMT`` for an epoch time in seconds."""
    return formatdate(seconds, usegmt=True)
