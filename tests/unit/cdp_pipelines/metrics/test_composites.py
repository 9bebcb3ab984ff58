"""A composite index: worked examples, what is missing, and how far it depends on its weights."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from small_worlds import NOW, SmallWorld, at, feeds_read_until

from cdp_pipelines.metrics.classes import Composite
from cdp_pipelines.metrics.composites import Component, index_of, sensitivities
from cdp_pipelines.metrics.computing import Scene
from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.refreshing import compute
from cdp_pipelines.metrics.rows import Stamp
from cdp_pipelines.metrics.statistics import student, wilson
from models.marts import IndexSensitivity, MetricComponent

CAI = {metric.id: metric for metric in METRICS}["cai"].headline.components
EASE = np.array([7, 6, 5, 7, 4, 6, 3, 7, 6, 5], dtype=float)
NEAR = pytest.approx


def share(x, n):
    low, high = wilson(np.array([x / n]), np.array([float(n)]))
    return {"value": x / n, "ci_low": float(low[0]), "ci_high": float(high[0]), "status": "ok"}


def ease():
    low, high = student(EASE.sum(keepdims=True), (EASE**2).sum(keepdims=True), np.array([10.0]))
    return {"value": EASE.mean(), "ci_low": float(low[0]), "ci_high": float(high[0]), "status": "low_sample"}


FOUND = {
    "self_service_usage_rate": share(80, 200),
    "self_service_resolution_rate": share(112, 200),
    "ces_self_service": ease(),
    "self_service_containment_rate": share(130, 200),
}


def test_the_index_of_four_parts():
    index = index_of(CAI, FOUND)
    assert [index.value, *index.interval, index.coverage] == NEAR([60.80, 55.2303, 66.3697, 1.0], abs=1e-4)


@pytest.mark.parametrize("status", [None, "suppressed", "insufficient_data", "error"])
def test_a_missing_part_hands_its_weight_to_the_others(status):
    found = FOUND | {"ces_self_service": FOUND["ces_self_service"] | {"status": status, "value": None}}
    if status is None:
        del found["ces_self_service"]
    index = index_of(CAI, found)
    assert [index.value, index.coverage, index.is_enough] == NEAR([54.0, 0.70, True])
    assert index.basis != index_of(CAI, FOUND).basis


def test_too_little_weight_or_one_part_alone_is_no_index():
    half = {name: FOUND[name] for name in ("self_service_usage_rate", "ces_self_service")}
    assert not index_of(CAI, half).is_enough
    heavy = (Component("a", 0.9, 0, 1), Component("b", 0.1, 0, 1))
    assert not index_of(heavy, {"a": share(1, 2)}).is_enough
    assert not index_of(CAI, {}).is_enough


def test_like_for_like_is_the_index_of_what_both_periods_have():
    common = frozenset(FOUND) - {"ces_self_service"}
    assert index_of(CAI, FOUND).among(common).value == NEAR(54.0)


def test_how_far_it_depends_on_weights():
    found = {(row.method, row.target): row.value for row in sensitivities(index_of(CAI, FOUND))}
    names = ("self_service_usage_rate", "self_service_resolution_rate", "ces_self_service")
    expected = {
        names[0]: (61.8947, 59.8095, 66.0),
        names[1]: (61.1892, 60.4651, 62.8571),
        names[2]: (59.5135, 61.9070, 54.0),
        "self_service_containment_rate": (60.5789, 61.0, 59.75),
    }
    for name, (less, more, without) in expected.items():
        values = [found["weight", f"{name} x 0.75"], found["weight", f"{name} x 1.25"], found["leave_out", name]]
        assert values == NEAR([less, more, without], abs=1e-4)
    assert [found["equal", "all"], found["geometric", "all"]] == NEAR([59.4167, 59.2697], abs=1e-4)


def test_goalposts_further_out_pull_a_part_to_the_middle():
    found = {(row.method, row.target): row.delta for row in sensitivities(index_of(CAI, FOUND))}
    # Ease lies 4.6 of 6 points up: 76.6667; between goalposts a tenth further out on either side it is at 72.2222.
    assert found["bounds", "ces_self_service +10%"] == NEAR(0.30 * (72.2222 - 76.6667), abs=1e-4)
    assert found["bounds", "ces_self_service -10%"] == NEAR(0.30 * (83.3333 - 76.6667), abs=1e-4)


def test_random_weights_tell_whether_the_direction_depends_on_them():
    index = index_of(CAI, FOUND)
    up = {name: row | {"value": row["value"] * 0.9} for name, row in FOUND.items()}
    mixed = FOUND | {"self_service_usage_rate": share(120, 200), "self_service_resolution_rate": share(86, 200)}
    drawn = {name: sensitivities(index, index_of(CAI, before))[-1] for name, before in (("up", up), ("mixed", mixed))}
    assert drawn["up"].sign_flip_share == 0
    assert drawn["mixed"].sign_flip_share > 0.2
    assert drawn["up"].p5 < drawn["up"].p50 < drawn["up"].p95
    assert drawn["up"].p50 == NEAR(index.value, abs=1)
    assert sensitivities(index)[-1].sign_flip_share is None


def test_a_part_that_is_better_low_counts_from_the_other_end():
    assert Component("a", 1, 0, 0.5, is_better_low=True).normalised(0.1) == NEAR(80)
    assert Component("a", 1, 0, 0.5, is_better_low=True).normalised(0.9) == 0


TOY = replace(
    next(metric for metric in METRICS if metric.id == "cai"),
    grains=("month",),
    measures=(
        Composite((Component("csat", 0.6, 0, 1), Component("ces", 0.2, 1, 7), Component("nps", 0.2, -100, 100))),
    ),
)
OF_TOY = [metric for metric in METRICS if metric.id in ("csat", "ces", "nps")]


def answers(world, instrument, day, score, high, count=40):
    for number in range(count):
        scale = {"score": score, "scale_min": 1 if instrument != "NPS" else 0, "scale_max": high}
        world.add(
            "survey_response",
            f"{instrument}{day}{number}",
            person_id=str(number),
            instrument=instrument,
            answered_at=at(day),
            **scale,
        )


def test_an_index_is_published_from_the_rows_of_its_parts(tmp_path):
    """December: csat 1 and ease 4 of 7. January: csat alone. February: csat and nps. March: all three."""
    world = SmallWorld(tmp_path)
    world.people(40)
    for day in ("2025-12-10", "2026-01-10", "2026-02-10", "2026-03-10"):
        answers(world, "CSAT", day, 5, 5)
    answers(world, "CES", "2025-12-10", 4, 7)
    for day in ("2026-02-10", "2026-03-10"):
        answers(world, "NPS", day, 10, 10)
    answers(world, "CES", "2026-03-10", 7, 7)
    rows = world.published([*OF_TOY, TOY])
    found = {
        (key[2][:7], row["variant"]): [row[name] for name in ("value", "coverage", "basis_changed", "status", "n")]
        for key, row in rows.items()
        if key[0] == "cai"
    }
    assert found == {
        ("2025-12", "default"): [NEAR(100 * 0.6 / 0.8 + 50 * 0.2 / 0.8), NEAR(0.8), False, "ok", 2],
        ("2026-01", "default"): [None, NEAR(0.6), True, "insufficient_data", 1],
        ("2026-02", "default"): [NEAR(100), NEAR(0.8), True, "ok", 2],
        ("2026-03", "default"): [NEAR(100), NEAR(1), True, "ok", 3],
        ("2026-03", "lfl"): [NEAR(100), NEAR(0.8), True, "ok", 2],
    }


def test_an_index_whose_parts_nobody_feeds_says_so(tmp_path):
    rows = SmallWorld(tmp_path).published([metric for metric in METRICS if metric.family == "autonomy"])
    said = {(key[1], row["value"], row["status_reason"]) for key, row in rows.items() if key[0] == "cai"}
    assert said == {("week", None, "no_source"), ("month", None, "no_source")}


def test_what_an_index_is_made_of_is_published_beside_it(tmp_path):
    world = SmallWorld(tmp_path)
    world.people(40)
    for day in ("2026-02-10", "2026-03-10"):
        answers(world, "CSAT", day, 5, 5)
        answers(world, "NPS", day, 10, 10)
    scene = Scene(NOW, "UTC", 1, Stamp("run", NOW))
    supporting = compute([*OF_TOY, TOY], world.inputs(feeds_read_until(NOW)), scene).supporting
    march = [row for row in supporting["metric_component"] if row["period_start"] == date(2026, 3, 1)]
    found = {row["component_id"]: [row[name] for name in ("weight_used", "contribution", "status")] for row in march}
    assert found == {
        "csat": [NEAR(0.75), NEAR(75), "ok"],
        "ces": [0.0, None, "insufficient_data"],
        "nps": [NEAR(0.25), NEAR(25), "ok"],
    }
    changed = {(row["method"], row["target"]) for row in supporting["index_sensitivity"]}
    assert {("leave_out", "csat"), ("equal", "all"), ("dirichlet", "all")} <= changed
    assert set(march[0]) == set(MetricComponent.model_fields)
    assert set(supporting["index_sensitivity"][0]) == set(IndexSensitivity.model_fields)
