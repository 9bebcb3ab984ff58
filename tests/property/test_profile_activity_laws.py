"""What profiles did: the statement that joins everything gives what adding up one thing after another gives."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from small_worlds import NOW, SmallWorld, rates

from cdp_pipelines.identity.activity import STEPS, TABLES
from cdp_pipelines.transforms import transform

PEOPLE = ("a", "b", "c")
RATES = {"EUR": 1.0, "USD": 0.5}
WHO = st.sampled_from([*PEOPLE, None])
DAYS = st.sampled_from([0, 1, 30, 89, 90, 364, 365, 400])
AMOUNTS = st.integers(-3, 40)

LINES = st.lists(st.tuples(st.integers(0, 3), AMOUNTS, st.booleans()), max_size=3)
ORDERS = st.fixed_dictionaries(
    {
        "who": WHO,
        "days": DAYS,
        "currency": st.sampled_from(["EUR", "EUR", "USD", "CHF"]),
        "counts": st.sampled_from([True, True, True, False]),
        "lines": LINES,
        "refunds": st.lists(
            st.tuples(DAYS, AMOUNTS, st.lists(st.tuples(st.integers(0, 2), AMOUNTS), max_size=2)), max_size=2
        ),
    }
)
TICKETS = st.fixed_dictionaries(
    {"who": WHO, "days": DAYS, "status": st.sampled_from(["open", "solved"]), "spam": st.booleans()}
)
COMPANIES = st.fixed_dictionaries(
    {
        "orders": st.lists(ORDERS, max_size=6),
        "tickets": st.lists(TICKETS, max_size=5),
        "answers": st.lists(WHO, max_size=3),
        "reviews": st.lists(WHO, max_size=3),
    }
)


def ago(days):
    return NOW - timedelta(days=days)


def build(folder, company):
    world = SmallWorld(Path(folder))
    world.rates = rates(*((currency, date.min, date.max, rate) for currency, rate in RATES.items()))
    for name in PEOPLE:
        world.person(name)
    for number, order in enumerate(company["orders"]):
        sell(world, str(number), order)
    for number, ticket in enumerate(company["tickets"]):
        asked = {"requester_id": ticket["who"], "created_at": ago(ticket["days"]), "topic": f"topic {number}"}
        world.add("ticket", str(number), status=ticket["status"], is_spam=ticket["spam"], **asked)
    for number, who in enumerate(company["answers"]):
        world.add("survey_response", str(number), person_id=who, instrument="NPS", answered_at=NOW)
    for number, who in enumerate(company["reviews"]):
        world.add("review", str(number), person_id=who, platform="shop", at=NOW)
    return world


def sell(world, number, order):
    money = {"currency": order["currency"]}
    world.add("order", number, person_id=order["who"], placed_at=ago(order["days"]), is_valid=order["counts"], **money)
    for place, (quantity, price, is_gift_card) in enumerate(order["lines"]):
        line = {"quantity": quantity, "unit_price_micros": price * 10**6, "is_gift_card": is_gift_card, **money}
        world.add("order_line", f"{number}-{place}", order_id=number, **line)
    for place, (days, adjustment, goods) in enumerate(order["refunds"]):
        refund = f"{number}-{place}"
        paid = {"amount_micros": 0, "adjustment_micros": adjustment * 10**6, "refunded_at": ago(days), **money}
        world.add("refund", refund, order_id=number, **paid)
        for part, (line, amount) in enumerate(goods):
            named = {"refund_id": refund, "order_id": number, "order_line_id": f"{number}-{line}", "quantity": 1}
            world.add("refund_line", f"{refund}-{part}", amount_micros=amount * 10**6, **named, **money)


def added_up(values):
    """The sum, unknown if any part is."""
    values = list(values)
    return None if None in values else sum(values)


def sold(order):
    amounts = [quantity * price for quantity, price, is_gift_card in order["lines"] if not is_gift_card]
    return added_up(converted(amount, order) for amount in amounts)


def paid_back(order):
    """Days ago and amount of each refund, gift cards left out."""
    gifts = {place for place, (_, _, is_gift_card) in enumerate(order["lines"]) if is_gift_card}
    return [
        (days, converted(adjustment + sum(amount for line, amount in goods if line not in gifts), order))
        for days, adjustment, goods in order["refunds"]
    ]


def converted(amount, order):
    """In the base currency, unknown without a rate; nothing is nothing in every currency."""
    rate = RATES.get(order["currency"], None if amount else 0)
    return None if rate is None else amount * rate


def of(company, person):
    """What one person did, or None."""
    orders = [order for order in company["orders"] if order["who"] == person and order["counts"]]
    tickets = [ticket for ticket in company["tickets"] if ticket["who"] == person]
    own = [ticket for ticket in tickets if not ticket["spam"]]
    reviews = company["reviews"].count(person)
    if not (orders or tickets or reviews or person in company["answers"]):
        return None
    back = [refund for order in orders for refund in paid_back(order)]
    recent = added_up(sold(order) for order in orders if order["days"] < 365)
    returned = added_up(amount for days, amount in back if days < 365)
    whole, whole_back = added_up(map(sold, orders)), added_up(amount for _, amount in back)
    return {
        "profile_id": f"p-{person}",
        "first_order_at": ago(max(order["days"] for order in orders)) if orders else None,
        "orders_365": sum(order["days"] < 365 for order in orders) if orders else None,
        "net_revenue_365": None if None in (recent, returned) else recent - returned,
        "aov": whole / len(orders) if orders and whole is not None else None,
        "net_revenue": whole - whole_back if orders and None not in (whole, whole_back) else None,
        "last_contact_at": ago(min(ticket["days"] for ticket in own)) if own else None,
        "open_tickets": sum(ticket["status"] == "open" for ticket in own) if tickets else None,
        "issues_90": sum(ticket["days"] < 90 for ticket in own) if own else None,
        "reviews": reviews or None,
    }


@given(COMPANIES)
@settings(max_examples=20, deadline=None)
def test_what_profiles_did_equals_adding_up_one_thing_after_another(company):
    with TemporaryDirectory() as folder, build(folder, company).session(tables=TABLES) as session:
        for name in STEPS:
            session.derive(name, transform(name))
        rows = session.query(transform("profile_activity")).to_pylist()
    expected = [done for person in PEOPLE if (done := of(company, person)) is not None]
    found = [{name: row[name] for name in expected[0]} for row in rows] if expected else rows
    assert sorted(found, key=lambda row: row["profile_id"]) == expected
