"""The published form: one row per number, with the columns of ``metric_value``."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cdp_pipelines.metrics.cells import ALL, Keys
from cdp_pipelines.metrics.classes import Estimate
from cdp_pipelines.metrics.coverage import BASIS, Coverage
from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.periods import PUBLISHED
from cdp_pipelines.metrics.segments import SCHEMES
from cdp_pipelines.metrics.statistics import Numbers
from cdp_pipelines.metrics.status import Flags, Names

_TEXT, _NUMBER, _WHOLE, _FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()

SCHEMA = pa.schema(
    [
        ("metric_id", _TEXT),
        ("definition_version", pa.int32()),
        ("grain", _TEXT),
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        *((name, _TEXT) for name in ("channel", "segment_scheme", "segment", "slice_name", "slice_value")),
        *((name, _TEXT) for name in ("stat", "variant")),
        *((name, _NUMBER) for name in ("value", "numerator", "denominator")),
        ("n", _WHOLE),
        ("n_persons", _WHOLE),
        ("ci_low", _NUMBER),
        ("ci_high", _NUMBER),
        ("ci_method", _TEXT),
        ("coverage", _NUMBER),
        ("coverage_basis", _TEXT),
        ("n_excluded_consent", _WHOLE),
        ("status", _TEXT),
        ("status_reason", _TEXT),
        ("evidence", _TEXT),
        *((name, _FLAG) for name in ("is_final", "is_stale", "basis_changed")),
        ("unit", _TEXT),
        ("currency", _TEXT),
        ("run_id", _TEXT),
        ("computed_at", pa.timestamp("us", tz="UTC")),
    ]
)
"""Columns of a published row."""
MONEY = "money"
"""Unit of amounts of money: the row names the currency."""
_WITHOUT_PARTS = ("no_source", "missing_input", "needs_config")


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which run computed the rows, when, and the currency of the amounts in them."""

    run_id: str
    computed_at: datetime
    currency: str = "EUR"


@dataclass(frozen=True, slots=True)
class Cells:
    """What all numbers of a cell share."""

    keys: Keys
    n: Numbers
    n_persons: Numbers
    coverage: Coverage
    is_final: Flags
    is_stale: bool


def rows(metric: Metric, stamp: Stamp, cells: Cells, estimate: Estimate, status: tuple[Names, Names]) -> pa.Table:
    """The rows of one number of ``metric``: nothing about suppressed cells, no value where the status has none."""
    names, reasons = status
    count = len(names)
    silent = (names == "suppressed") | np.isin(reasons.astype(str), _WITHOUT_PARTS)
    mute = silent | (names == "insufficient_data")
    constant = {"metric_id": metric.id, "definition_version": metric.version, "stat": estimate.stat}
    constant |= {"variant": estimate.variant, "unit": metric.unit}
    constant |= {"currency": stamp.currency if metric.unit == MONEY else None}
    constant |= {"is_stale": cells.is_stale, "basis_changed": False, "run_id": stamp.run_id}
    constant |= {"computed_at": stamp.computed_at, "coverage_basis": BASIS[metric.coverage]}
    keys = cells.keys
    is_segment = np.isin(keys.slice_name.astype(str), SCHEMES)
    columns: dict[str, object] = {
        **{name: [value] * count for name, value in constant.items()},
        "channel": keys.channel,
        "segment_scheme": np.where(is_segment, keys.slice_name, ALL),
        "segment": np.where(is_segment, keys.slice_value, ALL),
        "slice_name": np.where(is_segment, ALL, keys.slice_name),
        "slice_value": np.where(is_segment, ALL, keys.slice_value),
        "grain": [PUBLISHED.get(grain, grain) for grain in keys.grain],
        "period_start": np.where(np.isin(keys.grain.astype(str), list(PUBLISHED)), keys.end - 1, keys.start),
        "period_end": keys.end.astype("datetime64[D]"),
        "value": _shown(estimate.value, mute),
        "numerator": _shown(estimate.numerator, silent),
        "denominator": _shown(estimate.denominator, silent),
        "n": _shown(cells.n, silent),
        "n_persons": _shown(cells.n_persons, silent),
        "ci_low": _shown(estimate.low, mute),
        "ci_high": _shown(estimate.high, mute),
        "ci_method": _method(estimate, mute),
        "coverage": _shown(cells.coverage.share, silent),
        "n_excluded_consent": _shown(cells.coverage.excluded, silent),
        "status": names,
        "status_reason": reasons,
        "is_final": cells.is_final,
    }
    return pa.table([_column(columns.get(field.name), field, count) for field in SCHEMA], schema=SCHEMA)


def _method(estimate: Estimate, hidden: Flags) -> Names:
    method = estimate.method.copy()
    method[hidden | np.isnan(estimate.low) & np.isnan(estimate.high)] = None
    return method


def _shown(values: Numbers, hidden: Flags) -> Numbers:
    return np.where(hidden, np.nan, values)


def _column(values: object, field: pa.Field, count: int) -> pa.Array:
    if values is None:
        return pa.nulls(count, field.type)
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return _numbers(values, field.type)
    return pa.array(values, field.type)


def _numbers(values: NDArray[np.float64], kind: pa.DataType) -> pa.Array:
    absent = np.isnan(values)
    return pa.array(np.where(absent, 0, values), pa.float64(), mask=absent).cast(kind)
