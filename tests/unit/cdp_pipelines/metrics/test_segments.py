"""Groups of customers: ranks and names, who may be placed, what the profile store keeps, slices by group."""

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from small_worlds import NOW, SmallWorld, rates
from sqlmodel import create_engine

from cdp_pipelines.database.segments import forget_segments, publish_segments
from cdp_pipelines.metrics.computing import Scene
from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.feeds import Feed
from cdp_pipelines.metrics.refreshing import _publish_members, compute
from cdp_pipelines.metrics.rows import Stamp
from cdp_pipelines.metrics.segments import quintiles
from models.marts import SegmentMembership
from models.tables import ProfileTable

METRIC = {metric.id: metric for metric in METRICS}
RFM = replace(METRIC["seg_rfm"], k=1)
DAYS = [3, 10, 25, 40, 60, 90, 120, 200, 300, 365]
ORDERS = [12, 8, 5, 4, 3, 2, 2, 1, 1, 1]
FEEDS = (Feed("shopify", read_until=NOW, interval=timedelta(hours=1)),)


def test_quintiles_of_days_and_orders():
    assert quintiles(-np.array(DAYS, dtype=float)).tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert quintiles(np.array(ORDERS, dtype=float)).tolist() == [5, 5, 4, 4, 3, 2, 2, 1, 1, 1]


@pytest.mark.parametrize(("values", "fifths"), [([], []), ([7.0], [1]), ([1.0] * 5, [3] * 5)])
def test_few_or_equal_values_share_a_fifth(values, fifths):
    assert quintiles(np.array(values)).tolist() == fifths


def add_order(world, name, number, when, price, currency="EUR"):
    order_id = f"{name}/{number}"
    sold = {"source": "shopify", "currency": currency}
    world.add("order", order_id, person_id=name, placed_at=when, is_valid=True, **sold)
    line = {"order_id": order_id, "quantity": 1, "unit_price_micros": price * 1_000_000}
    world.add("order_line", order_id, **line, **sold)


@pytest.fixture
def world(tmp_path):
    """Ten buyers; everybody permits profiling but the first."""
    made = SmallWorld(tmp_path)
    made.rates = rates(("EUR", date(1, 1, 1), date(9999, 12, 31), 1.0))
    for number, (days, orders) in enumerate(zip(DAYS, ORDERS, strict=True)):
        name = f"c{number}"
        made.person(name, source="shopify")
        for place in range(orders):
            add_order(made, name, place, NOW - timedelta(days=days - 1), 10 * (number + 1))
    return made


def computed(world, metrics=(RFM,), k=1):
    return compute(metrics, world.inputs(FEEDS), Scene(NOW, "UTC", k, Stamp("run", NOW)))


def test_persons_are_placed_by_recency_and_frequency_with_money_in_the_code(world):
    (members,) = computed(world).members
    placed = {row["profile_id"]: row for row in members.placed.to_pylist()}
    assert {name: row["segment"] for name, row in placed.items()} == {
        "p-c0": "champions",
        "p-c1": "champions",
        "p-c2": "loyal",
        "p-c3": "loyal",
        "p-c4": "need_attention",
        "p-c5": "about_to_sleep",
        "p-c6": "hibernating",
        "p-c7": "hibernating",
        "p-c8": "lost",
        "p-c9": "lost",
    }
    # Net revenue: 120, 160, 150, 160, 150, 120, 140, 80, 90, 100 -> M 2, 5, 4, 5, 4, 2, 3, 1, 1, 2.
    assert [placed[f"p-c{number}"]["score"] for number in range(10)] == [
        *(552, 555, 444, 445, 334, 322, 223, 211, 111, 112),
    ]
    assert placed["p-c0"]["n_evidence"] == 12


def test_who_does_not_permit_profiling_is_nowhere(world):
    world.refused.add(("p-c0", "profiling"))
    (members,) = computed(world).members
    assert "p-c0" not in members.placed["profile_id"].to_pylist()
    assert "p-c0" not in members.permitted
    assert "p-c1" in members.permitted


def test_groups_are_counted_and_small_ones_hidden(world):
    rows = computed(world).rows.to_pylist()
    found = {row["segment"]: row["value"] for row in rows}
    assert found == {"all": 10, "champions": 2, "loyal": 2, "need_attention": 1, "about_to_sleep": 1} | {
        "hibernating": 2,
        "lost": 2,
    }
    assert {(row["segment_scheme"], row["slice_name"], row["grain"]) for row in rows} == {
        ("all", "all", "asof"),
        ("rfm", "all", "asof"),
    }
    hidden = {row["segment"]: row["status"] for row in computed(world, [METRIC["seg_rfm"]], k=5).rows.to_pylist()}
    assert hidden.pop("all") == "ok"
    assert set(hidden.values()) == {"suppressed"}


def test_without_a_rate_nobody_is_placed(world):
    add_order(world, "c3", "usd", NOW - timedelta(days=3), 10, "USD")
    made = computed(world)
    assert {(row["segment"], row["status_reason"]) for row in made.rows.to_pylist()} == {("all", "needs_config")}
    assert made.members[0].placed.num_rows == 0


def test_other_metrics_are_sliced_by_group_from_months_on(world):
    metrics = [RFM, METRIC["order_count"], replace(METRIC["purchase_frequency"], k=1)]
    rows = computed(world, metrics).rows.to_pylist()
    of_groups = [row for row in rows if row["segment_scheme"] == "rfm" and row["metric_id"] != "seg_rfm"]
    assert {row["grain"] for row in of_groups} == {"month", "asof"}
    champions = {
        (row["metric_id"], str(row["period_start"])): row["numerator"]
        for row in of_groups
        if row["segment"] == "champions"
    }
    assert champions["order_count", "2026-03-01"] == 20
    assert champions["purchase_frequency", "2026-03-31"] == 20
    assert {row["slice_name"] for row in of_groups} == {"all"}


def test_a_metric_about_no_persons_is_about_persons_in_a_group(world):
    rows = computed(world, [RFM, METRIC["order_count"]], k=5).rows.to_pylist()
    march = {
        row["segment"]: row["status"]
        for row in rows
        if (row["metric_id"], row["grain"], str(row["period_start"])) == ("order_count", "month", "2026-03-01")
        and row["slice_name"] == "all"
        and row["channel"] == "all"
    }
    assert march == {"all": "ok", "champions": "suppressed", "loyal": "suppressed"}


DAY = date(2026, 3, 31)


@pytest.fixture
def stores():
    engine = create_engine("sqlite://")
    ProfileTable.metadata.create_all(engine)
    yield SimpleNamespace(profile=engine)
    engine.dispose()


def publish(stores, placed, permitted="abc", day=DAY):
    columns = {
        "profile_id": list(placed),
        "segment": list(placed.values()),
        "score": [555.0] * len(placed),
        "n_evidence": [3] * len(placed),
    }
    publish_segments(stores, "rfm", pa.table(columns), permitted=permitted, day=day, version=1)


def held(stores):
    with stores.profile.connect() as connection:
        rows = connection.execute(SegmentMembership.__table__.select()).mappings().all()
    return sorted((row["profile_id"], row["segment"], row["valid_from"].day, row["valid_to"]) for row in rows)


def test_a_membership_lasts_until_the_group_changes(stores):
    publish(stores, {"a": "loyal", "b": "new"}, day=date(2026, 3, 1))
    publish(stores, {"a": "loyal", "b": "lost"})
    publish(stores, {"a": "loyal", "b": "lost"})
    assert held(stores) == [("a", "loyal", 1, None), ("b", "lost", 31, None), ("b", "new", 1, DAY)]


def test_a_change_taken_back_on_the_same_day_leaves_no_trace(stores):
    publish(stores, {"a": "loyal"}, day=date(2026, 3, 1))
    publish(stores, {"a": "lost"})
    publish(stores, {"a": "new"})
    publish(stores, {})
    assert held(stores) == [("a", "loyal", 1, DAY)]


def test_of_who_withdraws_nothing_stays(stores):
    publish(stores, {"a": "loyal", "b": "new"}, day=date(2026, 3, 1))
    publish(stores, {"a": "lost", "b": "new"}, day=date(2026, 3, 2))
    publish(stores, {"b": "new"}, permitted="b")
    assert held(stores) == [("b", "new", 1, None)]
    forget_segments(stores, "rfm")
    assert held(stores) == []


def test_the_strength_of_a_membership_is_that_of_now(stores):
    publish(stores, {"a": "loyal"}, day=date(2026, 3, 1))
    columns = {"profile_id": ["a"], "segment": ["loyal"], "score": [441.0], "n_evidence": [9]}
    publish_segments(stores, "rfm", pa.table(columns), permitted="a", day=DAY, version=1)
    with stores.profile.connect() as connection:
        row = connection.execute(SegmentMembership.__table__.select()).mappings().one()
    assert [row["score"], row["n_evidence"], row["valid_from"].day] == [441.0, 9, 1]


SCENE = Scene(NOW, "UTC", 1, Stamp("run", NOW))


def test_a_refresh_writes_who_is_where_today(world, stores):
    _publish_members(stores, computed(world), SCENE)
    world.refused.add(("p-c1", "profiling"))
    _publish_members(stores, computed(world), SCENE)
    assert [row[0] for row in held(stores)] == ["p-c0", *(f"p-c{number}" for number in range(2, 10))]
    assert {row[2:] for row in held(stores)} == {(31, None)}


def test_a_segmentation_that_fails_leaves_what_was_known(world, stores):
    publish(stores, {"a": "loyal"})
    broken = computed(world, [replace(RFM, transforms=())])
    assert broken.failed == {"rfm"}
    _publish_members(stores, broken, SCENE)
    assert held(stores) == [("a", "loyal", 31, None)]


def test_a_segmentation_without_a_source_leaves_nothing(world, stores):
    publish(stores, {"a": "loyal"})
    _publish_members(stores, compute([RFM], world.inputs(()), SCENE), SCENE)
    assert held(stores) == []


def test_coverage_says_how_much_of_what_was_bought_is_of_people_who_may_be_placed(world):
    for number in range(2, 10):
        world.refused.add((f"p-c{number}", "profiling"))
    row = next(row for row in computed(world).rows.to_pylist() if row["segment"] == "all")
    assert row["value"] == 2
    assert [row["n_excluded_consent"], row["coverage"]] == [19, pytest.approx(20 / 39)]


def test_who_may_not_be_placed_is_not_found_by_subtracting_the_segments(tmp_path):
    world = SmallWorld(tmp_path)
    world.rates = rates(("EUR", date(1, 1, 1), date(9999, 12, 31), 1.0))
    for number in range(31):
        world.person(f"c{number}", source="shopify")
        add_order(world, f"c{number}", 0, NOW - timedelta(days=9), 10 if number else 777)
    world.refused.add(("p-c0", "profiling"))
    rows = computed(world, [METRIC["seg_rfm"], METRIC["net_revenue"]], k=5).rows.to_pylist()
    months = [row for row in rows if row["metric_id"] == "net_revenue" and row["grain"] == "month"]
    found = {row["segment"]: row["value"] for row in months if (row["channel"], row["slice_name"]) == ("all", "all")}
    assert found == {"all": 1077, "need_attention": None}
