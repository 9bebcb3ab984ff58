"""The rows of composite metrics, from the rows of the metrics they are made of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cdp_pipelines.metrics.cells import ALL
from cdp_pipelines.metrics.classes import Composite
from cdp_pipelines.metrics.composites import USABLE, Index, index_of, sensitivities
from cdp_pipelines.metrics.computing import Scene, rows_without_numbers
from cdp_pipelines.metrics.coverage import BASIS
from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.rows import SCHEMA

_KEY = (
    *("metric_id", "definition_version", "grain", "period_start", "channel", "segment_scheme", "segment"),
    *("slice_name", "slice_value", "stat", "variant"),
)
Period = tuple[str, Any]
Found = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class IndexRows:
    """What is published of an index: its rows, what they are made of, and what they would be if made otherwise."""

    values: pa.Table
    components: list[dict[str, Any]]
    sensitivities: list[dict[str, Any]]


def composite_rows(metric: Metric, composite: Composite, published: pa.Table, scene: Scene) -> IndexRows:
    """The rows of an index for every period that one of its components has a row for.

    Where the components of a period are others than those of the period before, ``basis_changed`` says so and the
    variant ``lfl`` is the index of what both periods have.
    """
    of_periods = _components(composite, published, metric.grains)
    if not any(row["status_reason"] != "no_source" for found in of_periods.values() for row in found.values()):
        return IndexRows(rows_without_numbers(metric, scene, "insufficient_data", "no_source"), [], [])
    values: list[dict[str, Any]] = []
    components: list[dict[str, Any]] = []
    otherwise: list[dict[str, Any]] = []
    before: dict[str, Index] = {}
    for (grain, _), found in sorted(of_periods.items()):
        index, earlier = index_of(composite.components, found), before.get(grain)
        rows = list(_of_period(metric, index, earlier, found, scene))
        values += rows
        components += _made_of(composite, index, found, rows[0])
        if index.is_enough:
            otherwise += [_key(rows[0]) | asdict(one) for one in sensitivities(index, earlier)]
        before[grain] = index
    return IndexRows(pa.Table.from_pylist(values, schema=SCHEMA), components, otherwise)


def _made_of(composite: Composite, index: Index, found: Found, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One row per component, missing ones included."""
    parts = {part.component.metric_id: part for part in index.parts}
    for component in composite.components:
        part = parts.get(component.metric_id)
        yield _key(row) | {
            "component_id": component.metric_id,
            "weight": component.weight,
            "weight_used": part.weight if part else 0.0,
            "raw": part.value if part else None,
            "normalised": part.normalised if part else None,
            "lo": component.low,
            "hi": component.high,
            "contribution": part.weight * part.normalised if part else None,
            "status": found[component.metric_id]["status"] if component.metric_id in found else "missing",
        }


def _key(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _KEY}


def _components(composite: Composite, published: pa.Table, grains: Sequence[str]) -> dict[Period, dict[str, Any]]:
    """By period and metric, the rows of the components over all channels and slices."""
    named = [component.metric_id for component in composite.components]
    wanted = pc.is_in(published["metric_id"], pa.array(named))
    for column, value in (("stat", "value"), ("variant", "default"), ("channel", ALL), ("slice_name", ALL)):
        wanted = pc.and_(wanted, pc.equal(published[column], value))
    found: dict[Period, dict[str, Any]] = {}
    for row in published.filter(wanted).to_pylist():
        if row["grain"] in grains and row["segment_scheme"] == ALL:
            found.setdefault((row["grain"], row["period_start"]), {})[row["metric_id"]] = row
    return found


def _of_period(
    metric: Metric, index: Index, before: Index | None, found: Found, scene: Scene
) -> Iterator[dict[str, Any]]:
    is_changed = before is not None and before.basis != index.basis
    yield _row(metric, index, found, scene) | {"basis_changed": is_changed, "variant": "default"}
    common = index.among(before.basis) if before is not None else index
    if is_changed and common.is_enough:
        yield _row(metric, common, found, scene) | {"basis_changed": is_changed, "variant": "lfl"}


def _row(metric: Metric, index: Index, found: Found, scene: Scene) -> dict[str, Any]:
    rows = list(found.values())
    used = [found[name] for name in index.basis]
    return {
        **{name: rows[0][name] for name in ("grain", "period_start", "period_end")},
        **dict.fromkeys(("channel", "segment_scheme", "segment", "slice_name", "slice_value"), ALL),
        "metric_id": metric.id,
        "definition_version": metric.version,
        "stat": "value",
        "unit": metric.unit,
        "n": len(used),
        "n_persons": min((row["n_persons"] for row in used if row["n_persons"] is not None), default=None),
        "coverage": index.coverage,
        "coverage_basis": BASIS["weight"],
        "is_final": all(row["is_final"] for row in rows),
        "is_stale": any(row["is_stale"] for row in rows),
        **_status(index, used),
        **_numbers(index),
        "run_id": scene.stamp.run_id,
        "computed_at": scene.stamp.computed_at,
    }


def _status(index: Index, used: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """No better than the weakest of its parts."""
    if not index.is_enough:
        return {"status": "insufficient_data", "status_reason": "below_minimum"}
    states = {row["status"] for row in used}
    return {"status": next(state for state in reversed(USABLE) if state in states), "status_reason": None}


def _numbers(index: Index) -> dict[str, Any]:
    if not index.is_enough:
        return {"value": None}
    low, high = index.interval
    return {"value": index.value, "ci_low": low, "ci_high": high, "ci_method": "delta"}
