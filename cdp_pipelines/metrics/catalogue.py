"""docs/metrics.md: what every metric means, from its declaration. ``python -m`` writes it; ``--check`` compares."""

import sys
from collections.abc import Sequence
from pathlib import Path

from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.periods import PUBLISHED

DOCUMENT = Path("docs/metrics.md")

_INTRODUCTION = """\
# Metrics

Written by `python -m cdp_pipelines.metrics.catalogue` from the declarations beside it; do not edit.

A number appears only where it can be stood behind.
Every row has a status.
`ok`, `low_sample` and `low_coverage` show the value, the last two with a flag.
`insufficient_data` says in `status_reason` why there is none: `no_source`, nothing connected can feed it;
`missing_input`, nothing was read of that time; `below_minimum`, the sample is too small; `needs_config`, the settings
lack a currency rate or `margin_rate`.
`suppressed` protects fewer than k persons; `error` means the computation failed.
Intervals are at 95 %.
Of the tables of the mart, `metric_value` has every period, `metric_latest` the newest one of every cell, and
`metric_wide_month` a row per month and a column per metric of tier 1 (of states the last day of the month, of cohorts
those of the month); why a cell of it is null, the status in `metric_value` says.
`published` below names the grains: `asof` is the state at the end of a day, `roll90` and `roll365` are so many days
up to one, `cohort` is what became of the orders of a month. Columns are in the [data dictionary](data-dictionary.md).
`stat` is `value`, or `p50` and `p90` for quantiles, or a companion that the definition names.
A rate is computed from its own sums for every period and slice; never average or add rates, medians or distinct counts.
From months on, metrics of moments are also given by `segment_scheme` `rfm`: the group each person is in now, for those
who permit profiling. Groups follow from orders, so read orders and retention by group as a description, not an effect.
`metric_component` and `index_sensitivity` say what an index is made of and how far it depends on its weights.

| class | what | interval | smallest sample shown / without a flag |
|---|---|---|---|
| C | count | none | - |
| A | amount of money | none | - |
| R | ratio of two sums | delta, over persons | 5 / 30 |
| P | share of units | Wilson, on the effective sample where persons have several units | 5 / 30 |
| T | share of survey answers | as P | 10 / 30 |
| M | mean of a score | Student's t | 10 / 30 |
| NET | difference of two shares | delta | 10 / 30 |
| E | events per hour | Garwood (exact Poisson) | 30 / 100 hours |
| Q | median, 90th percentile | order statistics, for the median | 5 / 30 |
| Q(KM) | the same with some still running | order statistics, or Brookmeyer-Crowley | 5 / 30 that ended |
| K | share of what should be there that is there | none: all of it is looked at | - |
| F(sum) | what all persons have been worth | none | - |
| S | persons in each group of a segmentation | none | - |
| X | index of other metrics, 0 to 100 | delta, from its components | 0.60 of the weight, two components |
"""


def document(metrics: Sequence[Metric] = METRICS) -> str:
    """The text of docs/metrics.md."""
    return "\n".join([_INTRODUCTION, *(_section(metric) for metric in metrics)])


def _section(metric: Metric) -> str:
    measure = metric.headline
    low, high = measure.bounds
    between = "" if low is None and high is None else f", {_end(low)} to {_end(high)}"
    facts = {
        "what": f"{metric.numerator} ÷ {metric.denominator}" if metric.denominator != "-" else metric.numerator,
        "class": f"{measure.code}; roll-up: {measure.roll_up}",
        "unit": f"{metric.unit}{between}; better: {metric.better}",
        "published": "; by ".join(filter(None, [_grains(metric), ", ".join(metric.slices)])),
        "final after": f"{metric.lag_hours} hours" if metric.lag_hours else "the end of the period",
        "purpose": metric.purpose,
        "smallest number of persons": str(metric.k) if metric.k else "not about persons",
        "sources": ", ".join(metric.sources) or "none connected yet: published as insufficient_data/no_source",
        "tables": ", ".join(metric.entities),
    }
    lines = [f"| {name} | {text} |" for name, text in facts.items()]
    return "\n".join(
        [f"## {metric.id}", "", f"{metric.name}. {metric.definition}", "", "| | |", "|---|---|", *lines, ""]
    )


def _grains(metric: Metric) -> str:
    return ", ".join(PUBLISHED.get(grain, grain) for grain in metric.grains)


def _end(bound: float | None) -> str:
    return "∞" if bound is None else f"{bound:g}"


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(document(), encoding="utf-8")
    elif not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != document():
        sys.exit(f"{DOCUMENT} is not what the declarations say. Run: python -m cdp_pipelines.metrics.catalogue")
