"""Joins never multiply facts: what SQL makes of orders, lines, refunds, returns and checkouts is what pandas makes.

The plain computation keeps each fact at its own grain and never merges two tables of many rows each.
"""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from small_worlds import NOW, SmallWorld, at, rates

from cdp_pipelines.metrics.declarations import METRICS

METRIC = {metric.id: metric for metric in METRICS}
BEGIN = at("2026-01-05T10:00")
EVER = (date(1, 1, 1), date(9999, 12, 31))
DOLLAR = (date(2026, 1, 1), date(2026, 3, 10), 0.5)
TODAY, YEAR = "2026-03-31", NOW - timedelta(days=365)
CATEGORIES = ("mugs", "plates", None)
REASONS = ("DEFECTIVE", "UNWANTED", None)
BASKETS = (
    *("order_count", "net_revenue", "average_order_value", "repeat_purchase_rate", "purchase_frequency"),
    *("product_return_rate", "cart_abandonment_rate", "clv_historical"),
)

days = st.integers(0, 80)
line = st.tuples(st.sampled_from(CATEGORIES), st.integers(1, 3), st.integers(1, 9), st.integers(0, 1), st.booleans())
paid_back = st.tuples(st.integers(0, 20), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=3), days)
sent_back = st.tuples(
    st.one_of(st.none(), st.integers(0, 3)),
    st.integers(1, 3),
    st.one_of(st.none(), days),
    st.sampled_from(["open", "closed", "closed", "declined", "requested"]),
    st.sampled_from(REASONS),
)
purchase = st.fixed_dictionaries(
    {
        "person": st.one_of(st.none(), st.integers(0, 5)),
        "day": days,
        "valid": st.sampled_from([True, True, True, False]),
        "currency": st.sampled_from(["EUR", "EUR", "EUR", "USD"]),
        "lines": st.lists(line, max_size=4),
        "refunds": st.lists(paid_back, max_size=3),
        "returns": st.lists(sent_back, max_size=3),
    }
)
basket = st.tuples(days, st.one_of(st.none(), st.integers(0, 60)), st.one_of(st.none(), st.integers(0, 5)))


@st.composite
def some_shop(draw):
    """Six people, some of whom refuse; what they bought, sent back and left in the basket."""
    refusing = draw(st.sets(st.integers(0, 5), max_size=2))
    return refusing, draw(st.lists(purchase, max_size=8)), draw(st.lists(basket, max_size=5))


def placed_at(order):
    return BEGIN + timedelta(days=order["day"])


def build(folder, shop):
    refusing, orders, baskets = shop
    world = SmallWorld(Path(folder))
    world.rates = rates(("EUR", *EVER, 1.0), ("USD", *DOLLAR))
    for number in range(6):
        world.person(str(number), source="shopify")
    for number in refusing:
        world.refused |= {(f"p-{number}", purpose) for purpose in ("service_delivery", "analytics")}
    for number, order in enumerate(orders):
        add_order(world, number, order, linked=dict(linked(baskets)).get(number))
    for number, (day, hours, _) in enumerate(baskets):
        start = BEGIN + timedelta(days=day)
        finished = {"completed_at": start + timedelta(hours=hours) if hours is not None else None}
        world.add("checkout", f"c{number}", source="shopify", started_at=start, channel="web", **finished)
    return world


def linked(baskets):
    """Which order names which checkout: the first checkout that names the order."""
    for number, (_, _, order) in reversed(list(enumerate(baskets))):
        if order is not None:
            yield order, f"c{number}"


def add_order(world, number, order, linked):
    same = {"source": "shopify", "currency": order["currency"]}
    name, person = f"o{number}", None if order["person"] is None else str(order["person"])
    sold = {"is_valid": order["valid"], "channel": "web", "checkout_mode": "self_web", "checkout_id": linked}
    world.add("order", name, person_id=person, placed_at=placed_at(order), **sold, **same)
    for place, (category, quantity, price, discount, is_gift) in enumerate(order["lines"]):
        money = {"unit_price_micros": price * 1_000_000, "discount_micros": discount * 1_000_000}
        what = {"order_id": name, "product_category": category, "quantity": quantity, "is_gift_card": is_gift}
        world.add("order_line", f"{name}-{place}", **what, **money, **same)
    for place, (adjusted, parts, after) in enumerate(order["refunds"]):
        moment, refund = placed_at(order) + timedelta(days=after), f"{name}r{place}"
        amounts = {"amount_micros": 0, "adjustment_micros": adjusted * 1_000_000}
        world.add("refund", refund, order_id=name, refunded_at=moment, **amounts, **same)
        for part, (of_line, amount) in enumerate(parts):
            whose = {"order_line_id": f"{name}-{of_line}", "quantity": 1, "amount_micros": amount * 1_000_000}
            world.add("refund_line", f"{refund}-{part}", refund_id=refund, order_id=name, **whose, **same)
    for place, (of_line, quantity, after, status, reason) in enumerate(order["returns"]):
        moment = None if after is None else placed_at(order) + timedelta(days=after)
        whose = {"order_line_id": None if of_line is None else f"{name}-{of_line}", "returned_at": moment}
        what = {"quantity": quantity, "status": status, "reason": reason}
        world.add("return_line", f"{name}b{place}", source="shopify", order_id=name, **whose, **what)


def rate(currency, moment):
    if currency == "EUR":
        return 1.0
    return DOLLAR[2] if DOLLAR[0] <= moment.date() < DOLLAR[1] else float("nan")


def in_base(amount, currency, moment):
    """An amount in the base currency; nothing is nothing, whatever the rate."""
    return amount * rate(currency, moment) if amount else 0.0


def month(moment):
    return moment.strftime("%Y-%m-01")


def bought(shop, *, valid=True):
    """The orders that may be counted: one row each, with what they are worth."""
    refusing, orders, _ = shop
    rows = [
        {"order": number, "person": order["person"], "at": placed_at(order), "month": month(placed_at(order))}
        | {"value": sum(worth for _, _, worth, _ in lines_of(order)), "categories": {c for c, *_ in lines_of(order)}}
        for number, order in enumerate(orders)
        if order["person"] not in refusing and (order["valid"] or not valid)
    ]
    return pd.DataFrame(rows, columns=["order", "person", "at", "month", "value", "categories"])


def lines_of(order):
    """Category, quantity, worth in the base currency and place of each line that is no gift card."""
    for place, (category, quantity, price, discount, is_gift) in enumerate(order["lines"]):
        if not is_gift:
            worth = in_base(quantity * price - discount, order["currency"], placed_at(order))
            yield category, quantity, worth, place


def counting(shop):
    """The orders whose money counts."""
    refusing, orders, _ = shop
    return [order for order in orders if order["person"] not in refusing and order["valid"]]


def money_moves(shop):
    """Every change of revenue: a line, a part of a refund."""
    for order in counting(shop):
        for category, _, worth, _ in lines_of(order):
            yield order["person"], placed_at(order), category, worth
        for refund in order["refunds"]:
            moment = placed_at(order) + timedelta(days=refund[2])
            for category, amount in parts_of(order, refund) if moment <= NOW else ():
                yield order["person"], moment, category, -in_base(amount, order["currency"], moment)


def parts_of(order, refund):
    """Category and amount of what was paid back for goods; a line that is not known has no category."""
    adjusted, parts, _ = refund
    if adjusted:
        yield None, adjusted
    for place, amount in parts:
        category, is_gift = order["lines"][place][::4] if place < len(order["lines"]) else (None, False)
        if not is_gift:
            yield category, amount


def came_back(shop):
    """Units sold and returned in time, by month of sale and category."""
    for order in counting(shop):
        back = [
            (of_line, quantity)
            for of_line, quantity, after, status, _ in order["returns"]
            if after is not None and after <= 60 and status in ("open", "closed")
        ]
        for category, quantity, _, place in lines_of(order):
            returned = sum(units for of_line, units in back if of_line == place)
            yield month(placed_at(order)), category, min(returned, quantity), quantity
        yield month(placed_at(order)), None, sum(units for of_line, units in back if of_line is None), 0


def sums(frame, column):
    return frame.groupby("month")[column].apply(lambda values: values.sum(skipna=False)).to_dict()


def expected(shop):
    """Numerator and denominator by metric, period and category, None where a rate is missing."""
    orders = bought(shop)
    moves = pd.DataFrame(list(money_moves(shop)), columns=["person", "at", "category", "value"])
    moves["month"] = [month(moment) for moment in moves["at"]]
    returns = pd.DataFrame(list(came_back(shop)), columns=["month", "category", "x", "n"])
    found = {}
    for category in ("all", "mugs", "plates"):
        chosen = orders.loc[[category == "all" or category in held for held in orders["categories"]]]
        for start, group in chosen.groupby("month"):
            found["order_count", start, category] = (len(group), None)
            found["average_order_value", start, category] = (group["value"].sum(skipna=False), len(group))
        for start, total in sums(moves if category == "all" else moves[moves.category == category], "value").items():
            found["net_revenue", start, category] = (total, None)
        part = returns if category == "all" else returns[returns.category == category]
        for start, group in part.groupby("month"):
            found["product_return_rate", start, category] = (group["x"].sum(), group["n"].sum())
        known = chosen[chosen.person.notna() & (chosen["at"] > YEAR)].groupby("person").size()
        if len(known):
            found["repeat_purchase_rate", TODAY, category] = ((known >= 2).sum(), len(known))
            if category == "all":
                found["purchase_frequency", TODAY, category] = (known.sum(), len(known))
    mine = moves[moves.person.notna()]
    if orders.person.notna().any():
        found["clv_historical", TODAY, "all"] = (mine["value"].sum(skipna=False), None)
    return found | abandoned(shop)


def abandoned(shop):
    baskets = shop[2]
    orders = bought(shop, valid=False).set_index("order")
    names = {order: int(name[1:]) for order, name in linked(baskets)}
    rows = []
    for number, (day, hours, _) in enumerate(baskets):
        start = BEGIN + timedelta(days=day)
        ends = [start + timedelta(hours=hours)] if hours is not None else []
        ends += [orders.loc[order, "at"] for order, of in names.items() if of == number and order in orders.index]
        rows.append((month(start), int(not ends or min(ends) > start + timedelta(hours=24))))
    rows += [(row.month, 0) for order, row in orders.iterrows() if order not in names]
    frame = pd.DataFrame(rows, columns=["month", "x"])
    return {
        ("cart_abandonment_rate", start, "all"): (group["x"].sum(), len(group))
        for start, group in frame.groupby("month")
    }


def published(shop):
    metrics = [replace(METRIC[name], k=0) for name in BASKETS]
    with TemporaryDirectory() as folder:
        rows = build(folder, shop).published(metrics)
    found = {}
    for (name, grain, start, channel, slice_name, value, *rest), row in rows.items():
        is_wanted = (grain in ("month", "cohort") or (grain, start) == ("asof", TODAY)) and channel == "all"
        is_variant = name == "clv_historical" and rest[1:] != ["revenue"]
        if is_wanted and slice_name in ("all", "product_category") and not is_variant and row["n"] != 0:
            found[name, start, value] = (row["numerator"], row["denominator"])
    return found


def plain(numbers):
    """Rounded so that the order of adding does not matter; nothing where a part is not known."""
    if any(isinstance(number, float) and pd.isna(number) for number in numbers):
        return (None, None)
    return tuple(None if number is None else round(float(number), 6) for number in numbers)


def comparable(found):
    """Cells without any number are left out: one side has no row where the other has an empty one."""
    return {key: plain(numbers) for key, numbers in found.items() if any(plain(numbers))}


FREE = {"person": 0, "day": 46, "valid": True, "currency": "USD", "lines": [("mugs", 1, 3, 1, False)], "returns": []}


@given(some_shop())
@example((set(), [FREE | {"refunds": [(0, [], 18)]}], []))  # nothing is paid back on a day without a rate
@example((set(), [FREE | {"day": 80, "lines": [("mugs", 1, 1, 1, False)], "refunds": []}], []))  # nothing is paid
@settings(max_examples=12, deadline=None)
def test_metrics_of_a_shop_equal_a_plain_computation(shop):
    assert comparable(published(shop)) == comparable(expected(shop))


def one_order(**values):
    usual = {"person": 0, "day": 0, "valid": True, "currency": "EUR", "lines": [], "refunds": [], "returns": []}
    return usual | values


def test_the_plain_computation_can_tell_shops_apart():
    """Two lines, two refunds of two parts each and two returns of one line: six rows if they were merged."""
    mug = ("mugs", 2, 5, 0, False)
    order = one_order(
        lines=[mug, ("plates", 1, 4, 0, False)],
        refunds=[(0, [(0, 1), (1, 1)], 1), (3, [(0, 1)], 2)],
        returns=[(0, 1, 3, "closed", "UNWANTED"), (0, 1, 4, "closed", "DEFECTIVE")],
    )
    found = comparable(expected((set(), [order, one_order(lines=[mug])], [])))
    assert found["net_revenue", "2026-01-01", "all"] == (24 - 6, None)
    assert found["product_return_rate", "2026-01-01", "all"] == (2, 5)
    assert found["order_count", "2026-01-01", "mugs"] == (2, None)
    assert found == comparable(published((set(), [order, one_order(lines=[mug])], [])))


@pytest.mark.parametrize("moment", [0, 70])
def test_a_missing_rate_is_missing_on_both_sides(moment):
    shop = (set(), [one_order(day=moment, currency="USD", lines=[("mugs", 1, 8, 0, False)])], [])
    start = month(BEGIN + timedelta(days=moment))
    assert comparable(published(shop)).get(("net_revenue", start, "all")) == ((4, None) if moment == 0 else None)
    assert comparable(published(shop)) == comparable(expected(shop))


SOURCES = ("hubspot", "shopify", "zendesk")
record = st.tuples(st.integers(0, 3), st.sampled_from(SOURCES), days)
deed = st.tuples(st.integers(0, 3), st.sampled_from(["ticket", "order", "answer"]), days)


def company(folder, records, deeds):
    """Four profiles with records in some sources, and what the first record of each did there."""
    world = SmallWorld(Path(folder))
    for number, (person, source, day) in enumerate(records):
        since = BEGIN + timedelta(days=day)
        world.person(f"r{number}", profile=f"p-{person}", source=source, created_at=since)
    first = {person: (f"r{number}", source) for number, (person, source, _) in reversed(list(enumerate(records)))}
    for number, (person, what, day) in enumerate(deeds):
        if person not in first:
            continue
        who, source = first[person]
        moment, own = BEGIN + timedelta(days=day), {"source": source}
        if what == "ticket":
            world.add("ticket", f"t{number}", requester_id=who, created_at=moment, status="open", **own)
        elif what == "order":
            sold = {"placed_at": moment, "is_valid": True, "currency": "EUR"}
            world.add("order", f"o{number}", person_id=who, **sold, **own)
        else:
            answered = {"instrument": "CSAT", "category": "good", "answered_at": moment}
            world.add("survey_response", f"a{number}", person_id=who, **answered, **own)
    return world


def described(records, deeds, day):
    """Breadth and completeness at the end of ``day``, person by person."""
    today = (BEGIN + timedelta(days=day)).date()
    known = pd.DataFrame(records, columns=["person", "source", "day"])
    done = pd.DataFrame(deeds, columns=["person", "what", "day"])
    done = done[done.person.isin(known.person)]
    recent = set(done[(done.day <= day) & (done.day > day - 90)].person)
    sources = known[known.day <= day].groupby("person").source.nunique()
    breadth = [sources[person] for person in recent if person in sources.index]
    blocks = pd.concat([known.assign(what="identity")[["person", "what", "day"]], done])
    since = blocks.groupby("person").day.min()
    people = since[since <= day].index
    filled = blocks[blocks.day <= day].drop_duplicates(["person", "what"])
    return {
        ("profile_source_breadth", str(today)): (sum(breadth), len(breadth)),
        ("customer_360_completeness", str(today)): (len(filled), len(people) * blocks.what.nunique()),
    }


@given(st.lists(record, min_size=1, max_size=8), st.lists(deed, max_size=8))
@settings(max_examples=12, deadline=None)
def test_metrics_of_profiles_equal_a_plain_computation(records, deeds):
    metrics = [replace(METRIC[name], k=0) for name in ("profile_source_breadth", "customer_360_completeness")]
    with TemporaryDirectory() as folder:
        rows = company(folder, records, deeds).published(metrics)
    found = {
        (name, start): (row["numerator"], row["denominator"])
        for (name, _, start, _, slice_name, *_), row in rows.items()
        if slice_name == "all"
    }
    for day in (0, 20, 40, 60, 85):
        for key, numbers in described(records, deeds, day).items():
            assert plain(found.get(key, (0, 0))) == plain(numbers)
