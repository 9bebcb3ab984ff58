"""Orders, returns, checkouts, deals and reviews in a session: whose they are, and what they are worth."""

from datetime import date

import pytest
from small_worlds import SmallWorld, at, rates

from cdp_pipelines.transforms import transform
from models import micros

RATES = rates(
    ("EUR", date.min, date.max, 1.0),
    ("USD", date(2026, 3, 1), date(2026, 3, 3), 0.5),
    ("USD", date(2026, 3, 3), date(2026, 3, 10), 0.25),
)
VIEWS = ("valid_order", "order_line_net", "order_net", "refund_net")


@pytest.fixture
def world(tmp_path):
    small = SmallWorld(tmp_path)
    small.rates = RATES
    return small


def order(world, number, person=None, *, lines=(), placed="2026-03-02", currency="EUR", **values):
    """An order whose lines are (quantity, unit price, further fields)."""
    placed_at, valid = at(placed), values.pop("is_valid", True)
    world.add("order", number, person_id=person, placed_at=placed_at, currency=currency, is_valid=valid, **values)
    for place, (quantity, price, more) in enumerate(lines):
        amounts = {name: micros(value) for name, value in more.items() if name.endswith("_micros")}
        line = {"quantity": quantity, "unit_price_micros": micros(price), "currency": currency} | more | amounts
        world.add("order_line", f"{number}-{place}", order_id=number, **line)


def refund(world, number, order_id, *, lines=(), refunded="2026-03-04", currency="EUR", adjustment="0"):
    """A refund whose lines are (position of the order's line, amount)."""
    paid = {"amount_micros": micros("999"), "adjustment_micros": micros(adjustment), "currency": currency}
    world.add("refund", number, order_id=order_id, refunded_at=at(refunded), **paid)
    for place, amount in lines:
        line = {"refund_id": number, "order_id": order_id, "order_line_id": f"{order_id}-{place}", "quantity": 1}
        world.add("refund_line", f"{number}-{place}", amount_micros=micros(amount), currency=currency, **line)


def read(session, table, *columns):
    chosen = ", ".join(columns)
    return sorted(tuple(row.values()) for row in session.query(f'select {chosen} from "{table}"').to_pylist())  # noqa: S608


def derived(session):
    for view in VIEWS:
        session.derive(view, transform(view))
    return session


def test_orders_and_what_hangs_on_them_follow_the_buyer(world):
    world.person("yes")
    world.person("no")
    world.refused.add(("p-no", "service_delivery"))
    for person in ("yes", "no"):
        order(world, person, person, lines=[(1, "10", {})])
        refund(world, person, person, lines=[(0, "4")])
        world.add("return_line", person, order_id=person, quantity=1, status="closed")
        world.add("checkout", person, person_id=person, started_at=at("2026-03-02"))
        world.add("deal", person, person_id=person, created_at=at("2026-03-02"))
        world.add("review", person, person_id=person, platform="shop", at=at("2026-03-02"))
    with world.session() as session:
        for table in ("order", "order_line", "refund", "refund_line", "return_line", "checkout", "deal", "review"):
            assert read(session, table, "profile_id") == [("p-yes",)], table
        excluded = read(session, "excluded", '"table"', "n")
    assert excluded == [(table, 1) for table in ("checkout", "deal", "identity_link", "order", "person", "review")]


@pytest.mark.parametrize("unknown_permitted", [True, False])
def test_rows_about_nobody_identifiable_follow_the_policy_for_the_unknown(world, unknown_permitted):
    order(world, "guest", lines=[(1, "10", {})])
    refund(world, "r", "guest")
    world.add("checkout", "c", started_at=at("2026-03-02"))
    world.add("deal", "d", account_id="acme", created_at=at("2026-03-02"))
    world.add("review", "r", platform="google", at=at("2026-03-02"))
    with world.session(unknown_permitted=unknown_permitted) as session:
        for table in ("order", "order_line", "refund", "checkout", "deal", "review"):
            assert read(session, table, "profile_id") == ([(None,)] if unknown_permitted else []), table


def test_a_guest_with_an_address_is_asked_like_anybody_else(world):
    world.person("guest-order:1", is_guest=True)
    order(world, "1", "guest-order:1")
    world.refused.add(("p-guest-order:1", "service_delivery"))
    with world.session() as session:
        assert read(session, "order", "order_id") == []
    with world.session("analytics") as session:
        assert read(session, "order", "profile_id") == [("p-guest-order:1",)]
        assert read(session, "identity_link", "profile_id", "is_guest") == [("p-guest-order:1", True)]


def test_test_orders_and_those_of_staff_are_never_measured(world):
    world.person("staff", kind="staff")
    order(world, "1", "staff", lines=[(1, "10", {})])
    order(world, "2", is_test=True, lines=[(1, "10", {})])
    refund(world, "r", "2")
    world.add("checkout", "c", started_at=at("2026-03-02"), is_test=True)
    with world.session() as session:
        for table in ("order", "order_line", "refund", "checkout", "excluded"):
            assert session.query(f'select count(*) as n from "{table}"')["n"][0].as_py() == 0  # noqa: S608


def test_net_value_leaves_out_discounts_contained_tax_and_gift_cards(world):
    lines = [
        (2, "20", {"discount_micros": "5", "included_tax_micros": "3.5"}),
        (1, "50", {"is_gift_card": True}),
        (3, "0.1", {}),
    ]
    order(world, "1", lines=lines)
    order(world, "2", lines=[(1, "50", {"is_gift_card": True})])
    with world.session() as session:
        derived(session)
        assert read(session, "order_line_net", "order_line_id", "amount_base") == [("1-0", 31.5), ("1-2", 0.3)]
        found = read(session, "order_net", "order_id", "amount_base", "n_lines", "units", "has_rate")
    assert found == [("1", pytest.approx(31.8), 2, 5, 1), ("2", 0.0, 0, 0, 1)]


@pytest.mark.parametrize("values", [{"is_valid": False}, {"cancelled_at": at("2026-03-03")}, {"placed": "2027-01-01"}])
def test_only_purchases_that_stand_are_worth_something(world, values):
    order(world, "1", lines=[(1, "10", {})], **values)
    refund(world, "r", "1", lines=[(0, "10")])
    with world.session() as session:
        derived(session)
        assert [read(session, view, "order_id") for view in VIEWS] == [[], [], [], []]


def test_refunds_count_goods_alone(world):
    order(world, "1", lines=[(2, "20", {}), (1, "50", {"is_gift_card": True})])
    refund(world, "r", "1", lines=[(0, "7.5"), (1, "50")], adjustment="0.5")
    refund(world, "shipping", "1")
    refund(world, "correction", "1", lines=[(0, "-2")])
    with world.session() as session:
        found = read(derived(session), "refund_net", "refund_id", "amount_base")
    assert found == [("correction", -2.0), ("r", 8.0), ("shipping", 0.0)]


@pytest.mark.parametrize(
    ("placed", "zone", "value"),
    [
        ("2026-03-02T23:30", "UTC", 5.0),
        ("2026-03-02T23:30", "Europe/Berlin", 2.5),
        ("2026-03-09", "UTC", 2.5),
        ("2026-03-10", "UTC", None),
        ("2026-02-28", "UTC", None),
    ],
)
def test_an_amount_is_converted_at_the_rate_of_its_local_day(world, placed, zone, value):
    order(world, "1", lines=[(1, "10", {})], placed=placed, currency="USD")
    refund(world, "r", "1", lines=[(0, "10")], refunded="2026-03-04", currency="USD")
    with world.session(time_zone=zone) as session:
        derived(session)
        assert read(session, "order_net", "amount_base", "has_rate") == [(value, int(value is not None))]
        assert read(session, "refund_net", "amount_base", "has_rate") == [(2.5, 1)]


def test_without_a_rate_nothing_is_converted_and_no_part_is_shown_as_the_whole(world):
    order(world, "1", lines=[(1, "10", {})], currency="CHF")
    refund(world, "r", "1", lines=[(0, "10")], currency="CHF")
    with world.session() as session:
        derived(session)
        assert read(session, "order_line_net", "net", "amount_base", "has_rate") == [(10.0, None, 0)]
        assert read(session, "order_net", "amount_base", "has_rate") == [(None, 0)]
        assert read(session, "refund_net", "net", "amount_base", "has_rate") == [(10.0, None, 0)]


def test_overflowing_amounts_do_not_stop_a_refresh(world):
    order(world, "1", lines=[(10**9, "1000000000000", {})])
    with world.session() as session:
        assert read(derived(session), "order_net", "amount_base") == [(1e21,)]
