"""The rows of composite metrics, from the rows of the metrics they are made of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cdp_pipelines.metrics.cells import ALL
from cdp_pipelines.metrics.classes import Composite
from cdp_pipelines.metrics.composites import USABLE, Index, index_of
from cdp_pipelines.metrics.computing import Scene, rows_without_numbers
from cdp_pipelines.metrics.coverage import BASIS
from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.rows import SCHEMA

Period = tuple[str, Any]
Found = Mapping[str, Mapping[str, Any]]


def composite_rows(metric: Metric, composite: Composite, published: pa.Table, scene: Scene) -> pa.Table:
    """The rows of an index for every period that one of its components has a row for.

    Where the components of a period are others than those of the period before, ``basis_changed`` says so and the
    variant ``lfl`` is the index of what both periods have.
    """
    of_periods = _components(composite, published, metric.grains)
    if not any(row["status_reason"] != "no_source" for found in of_periods.values() for row in found.values()):
        return rows_without_numbers(metric, scene, "insufficient_data", "no_source")
    made: list[dict[str, Any]] = []
    before: dict[str, Index] = {}
    for (grain, _), found in sorted(of_periods.items()):
        index = index_of(composite.components, found)
        made += _of_period(metric, index, before.get(grain), found, scene)
        before[grain] = index
    return pa.Table.from_pylist(made, schema=SCHEMA)


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
