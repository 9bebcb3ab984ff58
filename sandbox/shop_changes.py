# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""What one day does to the shop: at least one of every kind of change, so that a second sync has something to find."""

from random import Random
from typing import TYPE_CHECKING

from sandbox import shop_orders as orders
from sandbox import spelling
from sandbox.shop_customers import add_customer, add_second_account, address_of, decide
from sandbox.shop_growth import SHARE, between, business_of, guest, leave_checkouts, new_shopper
from sandbox.shop_removals import merges_and_removals
from sandbox.shop_truth import values_of_customer
from sandbox.zendesk_records import changed_email

if TYPE_CHECKING:
    from sandbox.shop_records import ShopCustomer, ShopOrder
    from sandbox.world import World

DAY = 86_400


def one_day(world: "World", rng: Random, start: int, end: int) -> None:
    """Everything that happens in the shop between ``start`` and ``end`` (epoch s)."""
    _work_on_orders(world, rng, start, end)
    _work_on_returns(world, rng, start, end)
    _edit_accounts(world, rng, start, end)
    _decide(world, rng, start, end)
    _open_accounts(world, rng, start, end)
    _sell(world, rng, start, end)
    leave_checkouts(world, rng, max(2, world.customers // 400), start, end)
    merges_and_removals(world, rng, start, end)


def _some(rng: Random, found: list["ShopOrder"], count: int) -> list["ShopOrder"]:
    return rng.sample(found, min(count, len(found)))


def _work_on_orders(world: "World", rng: Random, start: int, end: int) -> None:
    """Sent, cancelled, refunded, and asked to be taken back."""
    shop = world.shop
    waiting = [o for o in shop.orders.values() if o.fulfilled is None and o.cancelled is None]
    for order in _some(rng, waiting, 2):
        orders.cancel(shop, rng, order, between(rng, start, end))
    for order in waiting:
        if order.cancelled is None and order.paid and order.created < start - DAY:
            orders.fulfil(order, between(rng, start, end))
    sent = [o for o in shop.orders.values() if o.fulfilled and start - 30 * DAY < o.fulfilled < start - 2 * DAY]
    untouched = [o for o in sent if not o.refunds and not o.returns]
    for number, order in enumerate(_some(rng, untouched, max(4, world.customers // 500))):
        at = between(rng, start, end)
        if number % 4 == 0:
            orders.refund(shop, rng, order, at, whole=rng.random() < 0.5)
        elif number % 4 == 1:
            orders.give_back(shop, rng, order, at)
        else:
            orders.request_return(shop, rng, order, at)


def _work_on_returns(world: "World", rng: Random, start: int, end: int) -> None:
    for order in [o for o in world.shop.orders.values() if o.returns]:
        asked = order.returns[-1]
        if asked.status == "REQUESTED" and asked.at < start:
            orders.decide_return(rng, order, asked, between(rng, start, end))
        elif asked.status == "OPEN" and (asked.approved or 0) < start - 4 * DAY:
            orders.close_return(world.shop, order, asked, between(rng, start, end))


def _accounts(world: "World") -> list["ShopCustomer"]:
    return [c for c in world.shop.customers.values() if c.present and not c.erased]


def _edit_accounts(world: "World", rng: Random, start: int, end: int) -> None:
    """A new address, a new e-mail, a corrected name."""
    shop, accounts = world.shop, _accounts(world)
    for number, customer in enumerate(rng.sample(accounts, min(len(accounts), max(3, world.customers // 400)))):
        customer.updated = between(rng, start, end)
        world.retired += values_of_customer(customer)
        if number % 3 == 0:
            customer.address = address_of(shop, rng, customer.person, business_of(world, customer.person))
        elif number % 3 == 1 and customer.email:
            shop.taken.discard(customer.email)
            customer.email = changed_email(rng, customer.person)
            shop.taken.add(customer.email)
        else:
            customer.first, customer.last = customer.person.first, spelling.plain(customer.person.last)


def _decide(world: "World", rng: Random, start: int, end: int) -> None:
    """Grants and withdrawals of both channels, two of each at least if there are as many."""
    accounts = _accounts(world)
    for channel, held in (("email", "email_consent"), ("sms", "sms_consent")):
        reachable = [c for c in accounts if getattr(c, "email" if channel == "email" else "phone")]
        granted = [c for c in reachable if getattr(c, held).state == "SUBSCRIBED"]
        others = [c for c in reachable if getattr(c, held).state != "SUBSCRIBED"]
        for state, group in (("UNSUBSCRIBED", granted), ("SUBSCRIBED", others)):
            for customer in rng.sample(group, min(len(group), max(2, world.customers // 500))):
                decide(rng, customer, between(rng, start, end), channel=channel, state=state)


def _open_accounts(world: "World", rng: Random, start: int, end: int) -> None:
    shop = world.shop
    new = [p for p in world.people[shop.people_seen :] if rng.random() < SHARE]
    shop.people_seen = len(world.people)
    for person in (*new, new_shopper(world, rng)):
        add_customer(shop, rng, person, business_of(world, person), between(rng, start, end), world.noise)
    single = [c for c in _accounts(world) if len(shop.ids_of[c.person.key]) == 1]
    for customer in rng.sample(single, min(1, len(single))):
        add_second_account(shop, rng, customer.person, between(rng, start, end))


def _sell(world: "World", rng: Random, start: int, end: int) -> None:
    """Orders in the order they come in; one in ten by a guest."""
    accounts = _accounts(world)
    for at in sorted(between(rng, start, end) for _ in range(max(6, world.customers // 150))):
        known = accounts[int(rng.random() * len(accounts))] if rng.random() < 0.9 else None
        known = known if known and known.created <= at else None
        person = known.person if known else guest(world, rng)
        orders.place_order(world.shop, rng, person, business_of(world, person), known, at)
