"""The rows of ``dim_metric``: what every published metric means."""

from collections.abc import Sequence
from typing import Any

from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.periods import PUBLISHED


def dim_rows(metrics: Sequence[Metric] = METRICS) -> list[dict[str, Any]]:
    """One row of ``dim_metric`` per metric."""
    return [_dim_row(metric) for metric in metrics]


def _dim_row(metric: Metric) -> dict[str, Any]:
    measure = metric.headline
    return {
        "metric_id": metric.id,
        "definition_version": metric.version,
        "name": metric.name,
        "family": metric.family,
        "tier": metric.tier,
        "class": measure.code,
        "definition": metric.definition,
        "numerator_def": metric.numerator,
        "denominator_def": metric.denominator,
        "window": metric.window,
        "lag_hours": metric.lag_hours,
        "grains": ",".join(PUBLISHED.get(grain, grain) for grain in metric.grains),
        "slices": ",".join(metric.slices),
        "unit": metric.unit,
        "range_min": measure.bounds[0],
        "range_max": measure.bounds[1],
        "better": metric.better,
        "band_low": None,
        "band_high": None,
        "purpose": metric.purpose,
        "is_sensitive": False,
        "k": metric.k,
        "n_min": measure.n_min,
        "n_ok": measure.n_ok,
        "ci_method": measure.interval,
        "roll_up": measure.roll_up,
        "sources": list(metric.sources),
        "entities": list(metric.entities),
        "external_ref": metric.external_ref,
        "seed_refs": list(metric.seed_refs),
        "guardrail_metric_id": metric.guardrail,
        "valid_from": metric.valid_from,
        "valid_to": None,
    }
