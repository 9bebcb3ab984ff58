"""What the shop holds, and that it is about the same people as the other systems."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import combinations

import phonenumbers
import pytest

from sandbox import World

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world():
    return World(seed=3, customers=1500, now=NOW)


def present(world):
    return [c for c in world.shop.customers.values() if c.present]


def test_same_arguments_same_shop_also_after_advancing():
    first, second = World(seed=5, customers=60, now=NOW), World(seed=5, customers=60, now=NOW)
    first.advance(2)
    second.advance()
    second.advance()
    assert repr(first.shop) == repr(second.shop)
    assert repr(first.shop) != repr(World(seed=6, customers=60, now=NOW).shop)


@pytest.mark.parametrize("customers", [1, 2, 5, 20])
def test_the_smallest_shops_live_too(customers):
    world = World(seed=1, customers=customers, now=NOW)
    before = repr(world.shop)
    world.advance(20)
    assert repr(world.shop) != before


def test_has_what_a_connector_must_cope_with(world):
    orders, customers = world.shop.orders.values(), world.shop.customers.values()
    returns = [r for o in orders for r in o.returns]
    refunds = [r for o in orders for r in o.refunds]
    assert {r.status for r in returns} == {"REQUESTED", "OPEN", "CLOSED", "DECLINED", "CANCELED"}
    assert {o.currency for o in orders} == {"EUR", "CHF", "GBP", "USD", "SEK", "PLN"}
    assert {c.email_consent.state for c in customers} >= {"SUBSCRIBED", "UNSUBSCRIBED", "NOT_SUBSCRIBED", "PENDING"}
    assert {c.sms_consent.state for c in customers} >= {"SUBSCRIBED", "UNSUBSCRIBED", "NOT_SUBSCRIBED", "REDACTED"}
    for what in (
        [o for o in orders if o.customer_id is None],
        [o for o in orders if o.test],
        [o for o in orders if o.cancelled and o.refunds],
        [o for o in orders if o.gift_card],
        [o for o in orders if o.code],
        [o for o in orders if not o.tax_included],
        [o for o in orders if any(line.product.is_gift_card for line in o.lines)],
        [r for r in refunds if not r.lines],
        [r for r in refunds if r.shipping],
        [c for c in customers if c.merged_into],
        [c for c in customers if c.deleted],
        [c for c in customers if c.erased],
        [c for c in customers if c.email is None and c.phone and not c.erased],
        [c for c in world.shop.checkouts.values() if c.completed],
        [c for c in world.shop.checkouts.values() if c.completed is None and c.customer_id is None],
    ):
        assert what
    assert Counter(o.customer_id for o in orders if o.customer_id).most_common(1)[0][1] >= 4


def test_a_consent_says_when_and_how_it_was_given(world):
    for customer in present(world):
        for consent in (customer.email_consent, customer.sms_consent):
            asked = consent.state != "NOT_SUBSCRIBED"
            assert (consent.at is not None) == asked
            assert (consent.level is not None) == (asked and consent.state != "REDACTED")


def test_nobody_is_refunded_more_than_was_paid(world):
    for order in world.shop.orders.values():
        assert 0 <= order.refunded <= order.total
        for line in order.lines:
            back = sum(piece.quantity for r in order.refunds for piece in r.lines if piece.line is line)
            assert (line.current == line.quantity - back) or order.cancelled


def test_times_are_in_order(world):
    for order in world.shop.orders.values():
        owner = world.shop.owner(order.customer_id)
        moments = [order.created, *(r.at for r in order.refunds), *(r.at for r in order.returns), order.cancelled]
        assert order.created <= min(m for m in moments if m)
        assert max(m for m in moments if m) <= order.updated <= world.clock - 299
        assert owner is None or owner.updated >= order.created


def test_addresses_and_numbers_are_unique_among_accounts(world):
    for values in ([c.email for c in present(world) if c.email], [c.phone for c in present(world) if c.phone]):
        assert len(values) == len(set(values))


def test_recovered_checkouts_share_their_token_with_an_order(world):
    tokens = {o.token: o for o in world.shop.orders.values()}
    recovered = [c for c in world.shop.checkouts.values() if c.completed]
    assert [c for c in recovered if c.token not in tokens] == []
    abandoned = [c for c in world.shop.checkouts.values() if not c.completed]
    assert [c for c in abandoned if c.token in tokens] == []


def e164(text):
    return phonenumbers.format_number(phonenumbers.parse(text, "DE"), phonenumbers.PhoneNumberFormat.E164)


def test_numbers_beside_addresses_are_numbers(world):
    typed = [c for c in present(world) if c.address and c.address.phone and c.address.company is None]
    assert len(typed) > 100
    assert {e164(c.address.phone) == c.person.phone for c in typed} == {True}


def keys_of(world):
    """For each live record of three systems the keys a deterministic matcher has, role addresses left out."""
    keys = {}
    for contact in world.live["contacts"].records:
        props = contact.props
        emails = [props.get("email", ""), *props.get("hs_additional_emails", "").split(";")]
        phones = [e164(props[name]) for name in ("phone", "mobilephone") if name in props]
        keys["hubspot", contact.id] = {e.lower() for e in emails if e} | set(phones)
    for user in world.zendesk.users.values():
        if user.active and user.role == "end-user":
            values = {i.value.lower() if i.type == "email" else e164(i.value) for i in user.identities}
            keys["zendesk", str(user.id)] = values | ({e164(user.phone)} if user.phone else set())
    for customer in present(world):
        numbers = {customer.phone} | (
            {e164(customer.address.phone)} if customer.address and customer.address.phone else set()
        )
        keys["shopify", str(customer.id)] = {value for value in {customer.email, *numbers} if value}
    roles = ("info@", "office@", "kontakt@")
    return {record: {v for v in values if not v.startswith(roles)} for record, values in keys.items()}


def test_shared_keys_find_most_shop_accounts_in_other_systems_and_no_stranger(world):
    keys, holders, groups = keys_of(world), defaultdict(set), {}
    owners = {tuple(record): entry["person"] for entry in world.truth()["people"] for record in entry["records"]}
    for record, values in keys.items():
        groups[record] = {record}
        for value in values:
            holders[value].add(record)
    for records in holders.values():
        if len(records) <= 6:
            union = set().union(*(groups[record] for record in records))
            groups.update(dict.fromkeys(union, union))
    found = {pair for group in groups.values() for pair in combinations(sorted(group), 2)}
    by_person = defaultdict(list)
    for record in keys:
        by_person[owners[record]].append(record)
    true = {pair for records in by_person.values() for pair in combinations(sorted(records), 2)}
    of_shop = {pair for pair in true if "shopify" in {source for source, _ in pair}}
    assert len(of_shop) > 500
    assert 0.85 <= len(of_shop & found) / len(of_shop) < 0.99
    assert len(true & found) / len(found) >= 0.99


def test_some_shoppers_are_known_to_no_other_system(world):
    alone = [e for e in world.truth()["people"] if {source for source, _ in e["records"]} == {"shopify"}]
    everywhere = [e for e in world.truth()["people"] if len({source for source, _ in e["records"]}) == 3]
    assert len(alone) >= 1500 // 12
    assert len(everywhere) > 300


def test_truth_knows_who_left(world):
    inactive = {tuple(record) for entry in world.truth()["people"] for record in entry["inactive"]}
    gone = {("shopify", str(c.id)) for c in world.shop.customers.values() if not c.present}
    assert gone == {record for record in inactive if record[0] == "shopify"}


def test_truth_knows_who_the_guests_are(world):
    told = world.truth()["guest_orders"]
    assert set(told) == {str(o.id) for o in world.shop.orders.values() if o.customer_id is None}
    emails = {p.key: {p.email, p.second_email} for p in (*world.people, *world.shop.people)}
    for number, key in told.items():
        assert world.shop.orders[int(number)].email in emails[key]


def test_personal_values_cover_the_shop(world):
    values = set(world.personal_values())
    assert {("email", c.email) for c in present(world) if c.email} <= values
    assert {("ip", o.ip) for o in world.shop.orders.values() if o.ip} <= values
    assert {("text", o.note) for o in world.shop.orders.values() if o.note} <= values
    assert {("address", o.address.street) for o in world.shop.orders.values() if o.address} <= values


def test_an_erased_customers_orders_are_blank_and_their_values_remembered(world):
    values = set(world.personal_values())
    erased = [c for c in world.shop.customers.values() if c.erased]
    orders = [o for c in erased for o in world.shop.orders_of.get(c.id, ())]
    assert orders
    assert {(o.address, o.email, o.phone, o.ip, o.note) for o in orders} == {(None,) * 5}
    assert {("address", o.person.street) for o in orders} <= values


def facts(world):
    """What incremental reads see of each record, with the time they go by."""
    shop = world.shop
    tables = {"customer": shop.customers, "order": shop.orders, "checkout": shop.checkouts}
    return {(kind, i): (record.updated, told(record)) for kind, table in tables.items() for i, record in table.items()}


def told(record):
    """Everything but the true person, who changes with what other systems learn."""
    return [repr(getattr(record, name)) for name in record.__slots__ if name != "person"]


def test_whatever_changes_is_found_by_an_incremental_read():
    world = World(seed=9, customers=300, now=NOW)
    before, last_readable = facts(world), world.clock - 300
    deleted = set(world.shop.orders)
    world.advance()
    after = facts(world)
    deleted -= set(world.shop.orders)
    assert set(before) - set(after) == {("order", i) for i in deleted}
    changed = {key for key, fact in after.items() if before.get(key) != fact}
    assert {kind for kind, _ in changed} == {"customer", "order", "checkout"}
    assert [key for key in changed if after[key][0] < last_readable] == []
    assert [key for key in changed if after[key][0] > world.clock - 60] == []


def test_a_day_brings_every_kind_of_change():
    world = World(seed=8, customers=400, now=NOW)
    shop, start = world.shop, world.clock - 300
    counts = len(shop.customers), len(shop.checkouts)
    granted = {c.id for c in shop.customers.values() if c.email_consent.state == "SUBSCRIBED"}
    texted = {c.id for c in shop.customers.values() if c.sms_consent.state == "SUBSCRIBED"}
    orders = set(shop.orders)
    world.advance(2)
    withdrawn = [c for c in shop.customers.values() if c.email_consent.state == "UNSUBSCRIBED" and c.id in granted]
    silenced = [c for c in shop.customers.values() if c.sms_consent.state == "UNSUBSCRIBED" and c.id in texted]
    assert len([c for c in withdrawn if c.email_consent.at > start and c.updated >= c.email_consent.at]) >= 2
    assert len([c for c in silenced if c.sms_consent.at > start]) >= 2
    assert [c for c in shop.customers.values() if c.email_consent.state == "SUBSCRIBED" and c.email_consent.at > start]
    assert (len(shop.customers), len(shop.checkouts)) > counts
    assert set(shop.orders) - orders
    assert orders - set(shop.orders)
    for what in (
        [o for o in shop.orders.values() if o.cancelled and o.cancelled > start],
        [o for o in shop.orders.values() if o.fulfilled and o.fulfilled > start],
        [r for o in shop.orders.values() for r in o.refunds if r.at > start],
        [r for o in shop.orders.values() for r in o.returns if r.at > start],
        [c for c in shop.customers.values() if c.merged_into and c.updated > start],
        [c for c in shop.customers.values() if c.deleted and c.deleted > start],
        [c for c in shop.customers.values() if c.erased and c.updated > start],
    ):
        assert what
