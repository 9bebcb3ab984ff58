"""Worked examples of orders, reviews, deals and profiles with known results, n_min and k aside."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from small_worlds import NOW, SmallWorld, at, feeds_read_until, rates

from cdp_pipelines.metrics.declarations import METRICS

METRIC = {metric.id: metric for metric in METRICS}
NEAR = pytest.approx
EUR = ("EUR", date(1, 1, 1), date(9999, 12, 31), 1.0)
ALL = ("all", "all", "all")


@pytest.fixture
def world(tmp_path):
    made = SmallWorld(tmp_path)
    made.rates = rates(EUR)
    return made


def relaxed(metric_id):
    """The metric with minimum sample 1 and k 1, as formulas are checked."""
    metric = METRIC[metric_id]
    measures = tuple(replace(measure, n_min=min(measure.n_min, 1)) for measure in metric.measures)
    return replace(metric, k=min(metric.k, 1), measures=measures)


def order(world, order_id, day, lines, *, person=None, currency="EUR", **values):
    """An order of lines (category, quantity, price, discount), the last two in whole units of the currency."""
    values = {"is_valid": True, "channel": "web", "checkout_mode": "self_web"} | values
    world.add("order", order_id, source="shopify", person_id=person, placed_at=at(day), currency=currency, **values)
    for number, (category, quantity, price, discount, *gift) in enumerate(lines):
        money = {"unit_price_micros": price * 1_000_000, "discount_micros": discount * 1_000_000, "currency": currency}
        what = {"order_id": order_id, "product_category": category, "quantity": quantity, "is_gift_card": bool(gift)}
        world.add("order_line", f"{order_id}-{number}", source="shopify", **what, **money)


def refund(world, refund_id, order_id, day, amount, *, line=None, currency="EUR", **values):
    """A refund of ``amount``: for a line of the order, or for no single one."""
    micros = amount * 1_000_000
    where = {"source": "shopify", "order_id": order_id, "currency": currency}
    adjusted = 0 if line else micros
    world.add(
        "refund", refund_id, refunded_at=at(day), amount_micros=micros, adjustment_micros=adjusted, **where, **values
    )
    if line:
        world.add(
            "refund_line", refund_id, refund_id=refund_id, order_line_id=line, quantity=1, amount_micros=micros, **where
        )


def customers(world, *names):
    for name in names:
        world.person(name, source="shopify")


def cell(rows, metric_id, grain="month", start="2026-03-01", where=ALL, stat="value"):
    return rows[metric_id, grain, start, *where, stat]


def three_orders(world):
    customers(world, "A", "B")
    order(world, "O1", "2026-03-02", [("mugs", 2, 20, 5)], person="A")
    order(world, "O2", "2026-03-03", [("mugs", 1, 30, 0)], person="B")
    order(world, "O3", "2026-03-04", [("plates", 1, 25, 0)], person="A")
    refund(world, "R1", "O1", "2026-03-20", 20, line="O1-0")


def test_revenue_average_and_frequency_of_three_orders(world):
    three_orders(world)
    names = ("order_count", "net_revenue", "average_order_value", "purchase_frequency", "repeat_purchase_rate")
    rows = world.published([relaxed(name) for name in names])
    assert cell(rows, "order_count")["value"] == 3
    assert cell(rows, "net_revenue")["value"] == NEAR(70)
    average = cell(rows, "average_order_value")
    assert [average[name] for name in ("value", "numerator", "denominator", "currency")] == [30, 90, 3, "EUR"]
    frequency = cell(rows, "purchase_frequency", "asof", "2026-03-31")
    assert [frequency[name] for name in ("value", "numerator", "denominator", "currency")] == [1.5, 3, 2, None]
    assert frequency["period_end"] == date(2026, 4, 1)
    assert cell(rows, "repeat_purchase_rate", "asof", "2026-03-31")["value"] == 0.5


def test_value_of_a_customer_so_far_less_refunds_times_margin(world):
    three_orders(world)
    world.rows["order"] = [row for row in world.rows["order"] if row["person_id"] == "A"]
    rows = world.published([relaxed("clv_historical")], margin_rate=0.40)
    found = rows["clv_historical", "asof", "2026-03-31", *ALL, "value"]
    revenue = rows["clv_historical", "asof", "2026-03-31", *ALL, "value", "revenue"]
    assert [found["value"], revenue["value"], found["n_persons"], found["currency"]] == [NEAR(16), NEAR(40), 1, "EUR"]


def test_without_a_margin_rate_only_the_variant_without_it_has_a_number(world):
    three_orders(world)
    rows = world.published([relaxed("clv_historical")])
    found = rows["clv_historical", "asof", "2026-03-31", *ALL, "value"]
    assert [found[name] for name in ("value", "status", "status_reason", "n")] == [
        None,
        "insufficient_data",
        "needs_config",
        None,
    ]
    assert rows["clv_historical", "asof", "2026-03-31", *ALL, "value", "revenue"]["value"] == NEAR(70)


def test_the_interval_of_a_ratio_lets_orders_of_a_person_move_together(world):
    """By hand: R = 30; residuals of A 35 + 25 - 60 = 0 and of B 0, so nothing varies between persons."""
    three_orders(world)
    row = cell(world.published([relaxed("average_order_value")]), "average_order_value")
    assert [row["ci_low"], row["ci_high"], row["ci_method"]] == [30, 30, "delta"]


def test_the_interval_of_a_ratio_is_the_delta_methods(world):
    """Four persons with orders (10), (20, 30), (40), (60): R = 32, e = -22, -14, 8, 28."""
    for number, prices in enumerate([(10,), (20, 30), (40,), (60,)]):
        customers(world, f"p{number}")
        for place, price in enumerate(prices):
            order(world, f"{number}/{place}", "2026-03-02", [("mugs", 1, price, 0)], person=f"p{number}")
    row = cell(world.published([relaxed("average_order_value")]), "average_order_value")
    half = 1.959964 * np.sqrt(4 / 3 * (22**2 + 14**2 + 8**2 + 28**2)) / 5
    assert [row["value"], row["ci_low"], row["ci_high"]] == NEAR([32, 32 - half, 32 + half])


def test_orders_per_buyer_tell_who_came_back(world):
    for number, count in enumerate([1, 1, 2, 3, 1, 5]):
        customers(world, f"p{number}")
        for place in range(count):
            order(world, f"{number}/{place}", "2026-02-02", [("mugs", 1, 10, 0)], person=f"p{number}")
    order(world, "long ago", "2025-03-31", [("mugs", 1, 10, 0)], person="p0")
    rows = world.published([relaxed("repeat_purchase_rate")])
    now = cell(rows, "repeat_purchase_rate", "asof", "2026-03-31")
    assert [now[name] for name in ("numerator", "denominator", "value")] == [3, 6, 0.5]
    assert cell(rows, "repeat_purchase_rate", "asof", "2026-02-28")["numerator"] == 4


def test_an_order_is_in_each_category_it_holds_and_once_in_all(world):
    customers(world, "A")
    order(world, "O1", "2026-03-02", [("mugs", 1, 10, 0), ("plates", 1, 5, 0), ("mugs", 1, 3, 0)], person="A")
    order(world, "O2", "2026-03-03", [("plates", 1, 7, 0)], person="A")
    names = ("order_count", "net_revenue", "average_order_value")
    rows = world.published([relaxed(name) for name in names])
    found = {
        name: [cell(rows, name, where=where)["value"] for where in (ALL, *categories("mugs", "plates"))]
        for name in names
    }
    assert found == {
        "order_count": [2, 1, 2],
        "net_revenue": [25, 13, 12],
        "average_order_value": [12.5, 18, 12.5],
    }


def categories(*names):
    return [("all", "product_category", name) for name in names]


def test_tests_cancelled_orders_gift_cards_and_their_refunds_are_no_revenue(world):
    customers(world, "A")
    order(world, "O1", "2026-03-02", [("mugs", 1, 10, 0), (None, 1, 50, 0, "gift card")], person="A")
    order(world, "O2", "2026-03-02", [("mugs", 1, 100, 0)], person="A", cancelled_at=at("2026-03-03"))
    order(world, "O3", "2026-03-02", [("mugs", 1, 100, 0)], person="A", is_test=True)
    order(world, "O4", "2026-03-02", [("mugs", 1, 100, 0)], person="A", is_valid=False)
    for refund_id, bought in (("R1", "O2"), ("R2", "O4")):
        refund(world, refund_id, bought, "2026-03-05", 100, line=f"{bought}-0")
    refund(world, "R3", "O1", "2026-03-05", 50, line="O1-1")
    rows = world.published([relaxed("net_revenue"), relaxed("order_count")])
    assert [cell(rows, "net_revenue")["value"], cell(rows, "order_count")["value"]] == [10, 1]


def test_a_refund_counts_when_it_is_paid_and_one_of_no_single_line_has_no_category(world):
    customers(world, "A")
    order(world, "O1", "2026-02-10", [("mugs", 1, 100, 0), ("plates", 1, 20, 0)], person="A")
    refund(world, "R1", "O1", "2026-03-05", 30, line="O1-0")
    refund(world, "R2", "O1", "2026-03-06", 8)
    rows = world.published([relaxed("net_revenue")])
    assert [cell(rows, "net_revenue", start=f"2026-0{month}-01")["value"] for month in (2, 3)] == [120, -38]
    assert cell(rows, "net_revenue", where=("all", "product_category", "mugs"))["value"] == -30


def test_amounts_are_converted_at_the_rate_of_their_day(world):
    customers(world, "A")
    world.rates = rates(
        EUR, ("USD", date(2026, 3, 1), date(2026, 3, 9), 0.9), ("USD", date(2026, 3, 9), date(2026, 3, 17), 0.8)
    )
    order(world, "O1", "2026-03-02", [("mugs", 1, 100, 0)], person="A", currency="USD")
    refund(world, "R1", "O1", "2026-03-10", 50, line="O1-0", currency="USD")
    row = cell(world.published([relaxed("net_revenue")]), "net_revenue")
    assert [row["value"], row["currency"]] == [NEAR(90 - 40), "EUR"]


MONEY_METRICS = ("net_revenue", "average_order_value", "clv_historical")


def test_a_currency_without_a_rate_leaves_no_partial_sum(world):
    customers(world, "A", "B")
    order(world, "O1", "2026-02-02", [("mugs", 1, 100, 0)], person="A")
    order(world, "O2", "2026-03-02", [("mugs", 1, 100, 0)], person="A")
    order(world, "O3", "2026-03-03", [("plates", 1, 100, 0)], person="B", currency="USD")
    rows = world.published([*map(relaxed, MONEY_METRICS), relaxed("order_count")], margin_rate=0.5)
    missing = [
        cell(rows, "net_revenue"),
        cell(rows, "average_order_value"),
        cell(rows, "net_revenue", where=("all", "product_category", "plates")),
        cell(rows, "clv_historical", "asof", "2026-03-31"),
    ]
    assert {tuple(row[name] for name in ("value", "numerator", "status", "status_reason")) for row in missing} == {
        (None, None, "insufficient_data", "needs_config")
    }
    # What needs no rate is there: another month, another category, a count, the days before.
    assert cell(rows, "net_revenue", start="2026-02-01")["value"] == 100
    assert cell(rows, "net_revenue", where=("all", "product_category", "mugs"))["value"] == 100
    assert cell(rows, "order_count")["value"] == 2
    assert cell(rows, "clv_historical", "asof", "2026-03-02")["value"] == 100


def retained(world, start, end):
    """One order in February 2025 of who is active at the start, one in March 2026 of who is at the end."""
    for person in sorted(start | end):
        customers(world, str(person))
    for person in sorted(start):
        order(world, f"{person} before", "2025-03-15", [("mugs", 1, 10, 0)], person=str(person))
    for person in sorted(end):
        order(world, f"{person} later", "2026-03-10", [("mugs", 1, 10, 0)], person=str(person))


def test_who_is_new_or_back_does_not_count_as_retained(world):
    retained(world, set(range(1, 11)), set(range(3, 13)))
    row = cell(world.published([relaxed("customer_retention_rate")]), "customer_retention_rate")
    assert [row[name] for name in ("numerator", "denominator", "value", "n_persons")] == [8, 10, 0.8, 10]


def test_retention_has_a_wilson_interval(world):
    retained(world, set(range(200)), set(range(170)))
    row = cell(world.published([relaxed("customer_retention_rate")]), "customer_retention_rate")
    assert [row["value"], row["ci_low"], row["ci_high"]] == NEAR([0.85, 0.7939, 0.8929], abs=1e-4)


def test_retention_of_quarters_years_and_cohorts(world):
    """Active at the start of 2025 and of each quarter: who ordered in the 365 days before."""
    customers(world, "a", "b")
    for number, (person, day) in enumerate([("a", "2024-11-20"), ("b", "2025-02-20"), ("a", "2025-10-01")]):
        order(world, str(number), day, [("mugs", 1, 10, 0)], person=person)
    rows = world.published([relaxed("customer_retention_rate")])
    year = cell(rows, "customer_retention_rate", "year", "2025-01-01")
    assert [year["numerator"], year["denominator"]] == [1, 1]
    quarters = {
        key[2]: (row["numerator"], row["denominator"])
        for key, row in rows.items()
        if key[1] == "quarter" and key[3:6] == ALL
    }
    assert quarters == {
        "2025-01-01": (1, 1),
        "2025-04-01": (2, 2),
        "2025-07-01": (2, 2),
        # a's second order came on the first day, b has until 20 February 2026.
        "2025-10-01": (2, 2),
        "2026-01-01": (1, 2),
    }
    cohorts = {
        key[5]: (row["numerator"], row["denominator"])
        for key, row in rows.items()
        if key[1:3] == ("quarter", "2026-01-01") and key[4] == "acquisition_cohort"
    }
    assert cohorts == {"2024": (1, 1), "2025": (0, 1)}


def test_orders_nobody_can_follow_lower_the_coverage_and_count_for_nobody(world):
    customers(world, "A", "B")
    for number, person in enumerate(["A", "A", "B", None]):
        order(world, str(number), "2026-03-02", [("mugs", 1, 10, 0)], person=person)
    names = ("purchase_frequency", "repeat_purchase_rate")
    rows = world.published([relaxed(name) for name in names])
    found = [cell(rows, name, "asof", "2026-03-31") for name in names]
    assert [(row["numerator"], row["denominator"], row["coverage"]) for row in found] == [(3, 2, 0.75), (1, 2, 0.75)]
    assert {row["n_excluded_consent"] for row in found} == {0}


def test_units_that_come_back_within_sixty_days(world):
    customers(world, "A")
    order(world, "O1", "2026-01-05", [("mugs", 4, 10, 0), ("plates", 2, 5, 0)], person="A")
    order(world, "O2", "2026-01-06", [("mugs", 4, 10, 0)], person="A")
    for number, (line, quantity, day, status, reason) in enumerate(
        [
            ("O1-0", 1, "2026-01-20", "closed", "DEFECTIVE"),
            ("O1-0", 1, "2026-02-20", "open", "UNWANTED"),
            ("O1-1", 5, "2026-01-20", "closed", "UNWANTED"),  # more than was sold
            ("O2-0", 4, "2026-03-20", "closed", "UNWANTED"),  # after 60 days
            ("O2-0", 1, None, "requested", "UNWANTED"),  # not back yet
            ("O2-0", 1, "2026-01-20", "declined", "UNWANTED"),
            (None, 1, "2026-01-20", "closed", None),
        ]
    ):
        sold = {"order_id": (line or "O2")[:2], "order_line_id": line, "quantity": quantity, "status": status}
        back = {"returned_at": at(day) if day else None, "reason": reason}
        world.add("return_line", str(number), source="shopify", **sold, **back)
    rows = world.published([relaxed("product_return_rate")])
    found = {
        key[4:6]: (row["numerator"], row["denominator"])
        for key, row in rows.items()
        if key[1:3] == ("cohort", "2026-01-01") and key[3] == "all"
    }
    assert found == {
        ("all", "all"): (5, 10),
        ("product_category", "mugs"): (2, 8),
        ("product_category", "plates"): (2, 2),
        ("reason", "DEFECTIVE"): (1, 10),
        ("reason", "UNWANTED"): (3, 10),
        ("reason", "unknown"): (1, 10),
        ("source", "shopify"): (5, 10),
    }
    assert not cell(rows, "product_return_rate", "cohort", "2026-02-01")["is_final"]


def test_checkouts_without_an_order_in_a_day_are_abandoned(world):
    customers(world, "A")
    for number, finished in enumerate(["2026-03-02T20:00", "2026-03-04T00:00", None]):
        completed = {"completed_at": at(finished) if finished else None}
        world.add(
            "checkout", f"c{number}", source="shopify", started_at=at("2026-03-02T10:00"), channel="web", **completed
        )
    world.add("checkout", "linked", source="shopify", started_at=at("2026-03-02T10:00"), channel="web")
    order(world, "O1", "2026-03-02T11:00", [], person="A", checkout_id="linked")
    order(world, "O2", "2026-03-02T11:00", [], person="A")  # its checkout is not listed: one more, finished
    order(world, "O3", "2026-03-02T11:00", [], person="A", cancelled_at=at("2026-03-05"))
    order(world, "O4", "2026-03-02T11:00", [], person="A", channel="in_store", checkout_mode="assisted_store")
    row = cell(world.published([relaxed("cart_abandonment_rate")]), "cart_abandonment_rate", "day", "2026-03-02")
    assert [row["numerator"], row["denominator"]] == [2, 6]


def test_ratings_are_brought_to_five_stars(world):
    for number, rating in enumerate([5, 4, 5, 3, 1, 5, 4, 4, 5, 4]):
        values = {"platform": "google", "at": at("2026-03-02"), "rating": rating, "rating_max": 5}
        world.add("review", str(number), source="google_reviews", **values)
    world.add("review", "none", source="google_reviews", platform="google", at=at("2026-03-02"))
    rows = world.published([METRIC["review_average_rating"], METRIC["review_volume"]])
    row = cell(rows, "review_average_rating")
    assert [row["value"], row["ci_low"], row["ci_high"]] == NEAR([4, 3.1078, 4.8922], abs=1e-4)
    assert row["status"] == "low_sample"
    assert cell(rows, "review_average_rating", "roll365", "2025-04-01")["n"] == 10
    assert cell(rows, "review_volume", where=("all", "platform", "google"))["value"] == 11


def test_a_scale_of_ten_becomes_one_of_five(world):
    world.add("review", "1", source="google_reviews", platform="x", at=at("2026-03-02"), rating=5.5, rating_max=10)
    assert cell(world.published([relaxed("review_average_rating")]), "review_average_rating")["value"] == 3


def test_replies_within_seven_days_and_the_wait_for_them(world):
    for number, (rating, hours) in enumerate([(5, 10), (4, 20), (3, 200), (1, None), (1, 30)]):
        moment = at("2026-03-02")
        reply = {"reply_at": moment + timedelta(hours=hours) if hours else None}
        values = {"platform": "google", "at": moment, "rating": rating, "rating_max": 5}
        world.add("review", str(number), source="google_reviews", **values, **reply)
    rows = world.published([relaxed("review_response_rate"), relaxed("review_response_time")])
    bands = {
        where[2]: cell(rows, "review_response_rate", where=where)["value"]
        for where in (ALL, *(("all", "rating_band", band) for band in ("low", "middle", "high")))
    }
    assert bands == {"all": 0.6, "low": 0.5, "middle": 0, "high": 1}
    median = cell(rows, "review_response_time", stat="p50")
    assert [median["value"], median["numerator"], median["denominator"]] == [30, 4, 5]


def deal(world, deal_id, created, closed=None, *, won=False, pipeline="default"):
    moments = {"created_at": at(created), "closed_at": at(closed) if closed else None}
    state = {"is_closed": closed is not None, "is_won": won, "pipeline": pipeline}
    world.add("deal", deal_id, source="hubspot", **moments, **state)


def test_deals_won_of_deals_closed_in_the_period_of_closing(world):
    for number in range(3):
        deal(world, f"won{number}", "2026-02-01", "2026-03-05", won=True)
    deal(world, "lost", "2026-02-01", "2026-03-05")
    deal(world, "later", "2026-02-01", "2026-02-05", pipeline="partners")
    deal(world, "open", "2026-02-01")
    rows = world.published([relaxed("opportunity_win_rate")])
    row = cell(rows, "opportunity_win_rate")
    assert [row["numerator"], row["denominator"]] == [3, 4]
    assert cell(rows, "opportunity_win_rate", start="2026-02-01", where=("all", "pipeline", "partners"))["value"] == 0


def test_open_deals_are_censored_and_lost_ones_left_out_of_the_sales_cycle(world):
    for number, days in enumerate([10, 20, 30]):
        closed = (at("2026-02-01") + timedelta(days=days)).strftime("%Y-%m-%d")
        deal(world, str(number), "2026-02-01", closed, won=True)
    deal(world, "open", "2026-02-01")
    deal(world, "lost", "2026-02-01", "2026-02-02")
    row = cell(world.published([relaxed("sales_cycle_length")]), "sales_cycle_length", start="2026-02-01", stat="p50")
    assert [row["value"], row["numerator"], row["denominator"]] == [20, 3, 4]


def test_records_beyond_the_first_of_a_source_are_duplicates(world):
    world.person("z1", profile="p-1")
    world.person("z2", profile="p-1")
    world.person("h1", profile="p-1", source="hubspot")
    world.person("h2", profile="p-2", source="hubspot")
    world.person("guest", profile="p-2", source="hubspot", is_guest=True)
    rows = world.published([relaxed("crm_duplicate_rate")])
    found = {
        where[2]: cell(rows, "crm_duplicate_rate", "asof", "2026-03-31", where)
        for where in (ALL, ("all", "source", "zendesk"), ("all", "source", "hubspot"))
    }
    assert {name: (row["numerator"], row["denominator"], row["ci_low"]) for name, row in found.items()} == {
        "all": (1, 4, None),
        "zendesk": (1, 2, None),
        "hubspot": (0, 2, None),
    }


def test_sources_per_active_profile(world):
    """a is known to three sources, the third since 20 March, b to one; c is not active, d was until the 30th."""
    for source, since in (("zendesk", "2026-01-01"), ("hubspot", "2026-01-01"), ("shopify", "2026-03-20")):
        world.person(f"a-{source}", profile="p-a", source=source, created_at=at(since))
    for name in "bcd":
        world.person(name, created_at=at("2025-06-01"))
    for number, (person, day) in enumerate([("a-zendesk", "2026-02-01"), ("b", "2026-03-01"), ("d", "2025-12-30")]):
        world.add("ticket", str(number), created_at=at(day), status="open", requester_id=person)
    rows = world.published([relaxed("profile_source_breadth")])
    found = {day: cell(rows, "profile_source_breadth", "asof", f"2026-03-{day}") for day in (10, 25, 30)}
    assert {day: (row["numerator"], row["denominator"]) for day, row in found.items()} == {
        10: (4, 3),
        25: (5, 3),
        30: (4, 2),
    }
    # Student's t of 3 and 1: 2 +/- 12.7062, cut at 0.
    assert [found[30]["value"], found[30]["ci_low"], found[30]["ci_high"]] == NEAR([2, 0, 14.7062], abs=1e-3)


def test_filled_blocks_of_enabled_ones(world):
    """Enabled: identity, orders, service. a has all three, b identity alone, the guest an order alone."""
    for name in "ab":
        world.person(name, created_at=at("2026-01-01"))
    world.person("guest", source="shopify", is_guest=True, created_at=at("2026-02-01"))
    world.person("a-shop", profile="p-a", source="shopify", created_at=at("2026-02-01"))
    order(world, "O1", "2026-02-01", [], person="a-shop")
    order(world, "O2", "2026-02-01", [], person="guest")
    world.add("ticket", "1", created_at=at("2026-03-01"), status="open", requester_id="a")
    rows = world.published([relaxed("customer_360_completeness")])
    found = {
        where[2]: cell(rows, "customer_360_completeness", "asof", "2026-03-31", where)
        for where in (ALL, *(("all", "block", block) for block in ("identity", "orders", "service")))
    }
    assert {name: (row["numerator"], row["denominator"]) for name, row in found.items()} == {
        "all": (5, 9),
        "identity": (2, 3),
        "orders": (2, 3),
        "service": (1, 3),
    }
    assert [found["all"]["n_persons"], found["all"]["coverage"], found["all"]["ci_low"]] == [3, 1, None]
    before = cell(rows, "customer_360_completeness", "asof", "2026-02-10")
    assert [before["numerator"], before["denominator"]] == [4, 9]


def test_consent_is_sliced_by_the_locale_of_the_person(world):
    for name, locale in (("a", "de"), ("b", "de"), ("c", "fr"), ("d", None)):
        world.person(name, locale=locale, created_at=at("2026-01-01"))
    for name, state in (("a", "granted"), ("c", "denied"), ("d", "granted")):
        world.consent(f"p-{name}", "marketing", state, "2026-02-01")
    rows = world.published([relaxed("consent_opt_in_rate")])
    found = {
        (locale, stat): cell(rows, "consent_opt_in_rate", "asof", "2026-03-31", ("all", "locale", locale), stat)
        for locale in ("de", "fr")
        for stat in ("value", "of_all_persons")
    }
    assert {key: (row["numerator"], row["denominator"]) for key, row in found.items()} == {
        ("de", "value"): (1, 1),
        ("de", "of_all_persons"): (1, 2),
        ("fr", "value"): (0, 1),
        ("fr", "of_all_persons"): (0, 1),
    }


@pytest.mark.parametrize(
    ("source", "silent"),
    [
        ("shopify", {"order_count", "net_revenue", "clv_historical", "cart_abandonment_rate", "product_return_rate"}),
        ("google_reviews", {"review_volume", "review_average_rating"}),
        ("hubspot", {"opportunity_win_rate", "sales_cycle_length"}),
    ],
)
def test_without_its_source_a_metric_says_so(world, source, silent):
    others = feeds_read_until(NOW, sorted({"cdp", "google_reviews", "hubspot", "shopify", "zendesk"} - {source}))
    rows = world.published([METRIC[name] for name in sorted(silent)], feeds=others)
    assert {row["status_reason"] for row in rows.values()} == {"no_source"}


def test_no_day_of_customer_values_differs_from_the_last_shown_by_few_persons(world):
    """Ten buy on the first; two of them buy again on each day that follows; only five together may be seen."""
    for number in range(10):
        customers(world, f"p{number}")
        order(world, f"first{number}", "2026-03-01", [("mugs", 1, 10, 0)], person=f"p{number}")
    for day in range(2, 7):
        for number in (2 * day - 4, 2 * day - 3):
            order(world, f"{day}/{number}", f"2026-03-0{day}", [("mugs", 1, 10, 0)], person=f"p{number}")
    rows = world.published([METRIC["clv_historical"]], k=5, margin_rate=1.0)
    shown = {day: cell(rows, "clv_historical", "asof", f"2026-03-0{day}")["value"] for day in range(1, 8)}
    assert shown == {1: 100, 2: None, 3: None, 4: 160, 5: None, 6: None, 7: None}


def issue(world, ticket, person, opened, solved, *, words=(), replied=True):
    """A ticket of ``person`` with a staff reply, further words of the person on the days given, and its solve."""
    values = {"requester_id": person, "status": "open", "created_at": at(opened)}
    world.add("ticket", ticket, **values)
    for number, day in enumerate(words):
        world.add("message", f"{ticket}w{number}", ticket_id=ticket, author_id=person, at=at(day))
    if replied:
        world.add("message", f"{ticket}r", ticket_id=ticket, author_id="staff", at=at(opened) + timedelta(hours=1))
    if solved:
        step = {"kind": "status", "status_from": "open", "status_to": "solved", "at": at(solved)}
        world.add("ticket_event", f"{ticket}s", ticket_id=ticket, **step)


def test_issues_settled_at_once_and_issues_that_come_back(world):
    """a: once. b: wrote twice. c: back four days after the solve. d: back too late. e: not solved. f: no staff."""
    for name in "abcdef":
        world.person(name)
    world.person("staff", kind="staff", linked=False)
    issue(world, "a1", "a", "2026-03-02", "2026-03-03")
    issue(world, "b1", "b", "2026-03-02", "2026-03-04", words=["2026-03-03"])
    issue(world, "c1", "c", "2026-03-02", "2026-03-03")
    issue(world, "c2", "c", "2026-03-07", "2026-03-08")
    issue(world, "d1", "d", "2026-03-02", "2026-03-03")
    issue(world, "d2", "d", "2026-03-12", "2026-03-13")
    issue(world, "e1", "e", "2026-03-02", None)
    issue(world, "f1", "f", "2026-03-02", "2026-03-03", replied=False)
    issue(world, "n1", None, "2026-03-02", "2026-03-03")
    rows = world.published([relaxed("first_contact_resolution_rate"), relaxed("repeat_contact_rate")])
    found = {name: cell(rows, name) for name in ("first_contact_resolution_rate", "repeat_contact_rate")}
    # Resolved: a1, b1, c1, c2, d1, d2, f1; of nobody: n1.
    assert {name: (row["numerator"], row["denominator"], row["coverage"]) for name, row in found.items()} == {
        "first_contact_resolution_rate": (4, 6, NEAR(6 / 7)),
        "repeat_contact_rate": (1, 7, NEAR(7 / 8)),
    }
