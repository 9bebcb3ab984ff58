"""What a unit of each currency is worth in the base currency, day by day, from a file the operator keeps.

The file is CSV with the columns ``date`` (2026-03-31), ``currency`` (ISO 4217) and ``rate`` (units of the base currency
for one unit of it, with a point). The newest rate on or before a day counts for that day if it is at most seven days
old, so that weekends and holidays need no row. The base currency is worth 1 and needs no row either. What no rate
covers is not converted, and a sum that would need it is not given: see ``transforms/order_line_net.sql``.
"""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Final

import pyarrow as pa

from cdp_pipelines.config import Settings, is_currency
from cdp_pipelines.errors import ConfigError

LONGEST_DAYS: Final = 7
"""A rate older than this is no rate."""

COLUMNS: Final = ("date", "currency", "rate")
SCHEMA: Final = pa.schema(
    [("currency", pa.string()), ("from_day", pa.date32()), ("until_day", pa.date32()), ("rate", pa.float64())]
)
"""One row per currency and span of days; ``until_day`` is the first day the rate no longer counts for."""

_ALWAYS: Final = (date.min, date.max)
_PROBLEMS_TOLD: Final = 10

Rates = dict[str, dict[date, float]]


def read_rates(settings: Settings) -> pa.Table:
    """The rates of the settings' file as spans of days, the base currency always among them.

    Raises:
        ConfigError: The file is missing or a line of it is wrong; every problem has its line and its remedy.
    """
    base, path = settings.company.base_currency, settings.company.currency_rates
    spans = [(base, *_ALWAYS, 1.0)]
    if path is not None:
        spans += [span for currency, days in sorted(_read(path, base).items()) for span in _spans(currency, days)]
    return pa.Table.from_arrays([pa.array(column, kind) for column, kind in _columns(spans)], schema=SCHEMA)


def _columns(spans: list[tuple[str, date, date, float]]) -> Iterator[tuple[list[object], pa.DataType]]:
    columns = zip(*spans, strict=True)
    return ((list(column), field.type) for column, field in zip(columns, SCHEMA, strict=True))


def _spans(currency: str, days: dict[date, float]) -> Iterator[tuple[str, date, date, float]]:
    """From each day with a rate to the next one, or to where the rate is too old."""
    known = sorted(days)
    for day, following in pairwise([*known, date.max]):
        too_old = min(day, date.max - timedelta(LONGEST_DAYS + 1)) + timedelta(LONGEST_DAYS + 1)
        yield currency, day, min(following, too_old), days[day]


def _read(path: Path, base: str) -> Rates:
    rates: Rates = {}
    problems: list[str] = []
    for number, row in _rows(path):
        try:
            _take(rates, row, base)
        except ValueError as problem:
            problems.append(f"line {number}: {problem}")
    if problems:
        more = len(problems) - _PROBLEMS_TOLD
        raise ConfigError(path, problems[:_PROBLEMS_TOLD] + ([f"{more} more lines have problems."] if more > 0 else []))
    return rates


def _rows(path: Path) -> Iterator[tuple[int, dict[str | None, str | list[str] | None]]]:
    """Line number and fields of each row; the first line names the columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if sorted(reader.fieldnames or ()) != sorted(COLUMNS):
                raise ConfigError(path, [f"line 1: the columns must be {', '.join(COLUMNS)}, separated by commas."])
            for row in reader:
                yield reader.line_num, row
    except FileNotFoundError:
        fix = "the file does not exist. Create it, or take currency_rates out of the settings."
    except UnicodeDecodeError:
        fix = "the file is not UTF-8 text. Save it as UTF-8."
    except csv.Error:
        fix = "the file is not CSV. Write one line per day and currency, separated by commas, without quotes."
    except OSError as error:
        fix = f"the file cannot be read ({error.strerror}). Check its permissions."
    else:
        return
    raise ConfigError(path, [fix])


def _take(rates: Rates, row: dict[str | None, str | list[str] | None], base: str) -> None:
    """Add one row to ``rates``.

    Raises:
        ValueError: The row is wrong; the message says what to write and quotes nothing.
    """
    if None in row or None in row.values():
        raise ValueError(f"write exactly {len(COLUMNS)} values, separated by commas.")
    day, currency, rate = _day(str(row["date"])), str(row["currency"]).strip(), _rate(str(row["rate"]))
    if not is_currency(currency):
        raise ValueError("the currency is no ISO 4217 code; write for example USD.")
    if currency == base and rate != 1:
        raise ValueError(f"{base} is the base currency, whose rate is 1; remove the line.")
    if rates.setdefault(currency, {}).setdefault(day, rate) != rate:
        raise ValueError("there is another rate for this day and currency; keep one of the two lines.")
    if currency == base:
        del rates[currency]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("the date is none; write for example 2026-03-31.") from None


def _rate(text: str) -> float:
    try:
        rate = float(Decimal(text.strip()))
    except (InvalidOperation, ValueError):  # ValueError: a signalling NaN
        rate = 0.0
    if not isfinite(rate) or rate <= 0:
        raise ValueError("the rate is no number above 0; write for example 0.9215.")
    return rate
