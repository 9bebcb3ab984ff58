# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""How the shop comes to be: some of the people open accounts and buy, some again and again, some without an account."""

from random import Random
from typing import TYPE_CHECKING

from sandbox import shop_orders as orders
from sandbox.people import new_person
from sandbox.shop_customers import add_customer, add_second_account
from sandbox.shop_removals import merges_and_removals

if TYPE_CHECKING:
    from sandbox.records import Business, Person
    from sandbox.shop_records import ShopCustomer
    from sandbox.world import World

DAY = 86_400
HISTORY_DAYS = 365
"""The shop is older than the helpdesk: whoever may read only its last sixty days misses most of it."""
FIRST_SHOPPER = 5_000_000
"""People whom only the shop knows are numbered from here, so that nobody else's number is used up."""
SHARE = 0.5


def populate(world: "World", rng: Random, end: int) -> None:
    """Fill an empty shop with a year up to ``end`` (epoch s)."""
    start = end - HISTORY_DAYS * DAY
    opened = [(_opening(rng, start, end), person) for person in world.people if rng.random() < SHARE]
    opened += [(_opening(rng, start, end), new_shopper(world, rng)) for _ in range(max(2, world.customers // 12))]
    world.shop.people_seen = len(world.people)
    baskets: list[tuple[int, Person, ShopCustomer | None]] = []
    for at, person in sorted(opened, key=lambda entry: entry[0]):
        customer = add_customer(world.shop, rng, person, business_of(world, person), at, world.noise)
        baskets += [(moment, person, customer) for moment in _visits(rng, at, end)]
    for at, person, _ in list(baskets):
        if rng.random() < 0.015 and len(world.shop.ids_of[person.key]) == 1:
            again = add_second_account(world.shop, rng, person, between(rng, at, end))
            baskets.append((between(rng, again.created, end), person, again))
    baskets += [(between(rng, start, end), guest(world, rng), None) for _ in range(max(2, world.customers // 12))]
    for at, person, account in sorted(baskets, key=lambda entry: entry[0]):
        made = orders.place_order(world.shop, rng, person, business_of(world, person), account, at)
        orders.live(world.shop, rng, made, end)
    leave_checkouts(world, rng, max(4, world.customers // 6), start, end)
    _ask_for_returns(world, rng, end)
    merges_and_removals(world, rng, start, end)


def _ask_for_returns(world: "World", rng: Random, end: int) -> None:
    """Yesterday's requests, which nobody has answered yet."""
    sent = [o for o in world.shop.orders.values() if (o.fulfilled or 0) > end - 30 * DAY and not o.refunds + o.returns]
    for order in rng.sample(sent, min(len(sent), 1 + world.customers // 1000)):
        orders.request_return(world.shop, rng, order, between(rng, max(order.fulfilled or 0, end - DAY), end))


def business_of(world: "World", person: "Person") -> "Business | None":
    """Where a person works."""
    return world.businesses[person.company] if person.company >= 0 else None


def between(rng: Random, start: int, end: int) -> int:
    """A second from ``start`` on, before ``end``."""
    return start + int(rng.random() * max(1, end - start))


def new_shopper(world: "World", rng: Random) -> "Person":
    """Somebody no other system knows."""
    person = new_person(rng, FIRST_SHOPPER + len(world.shop.people), world.businesses)
    world.shop.people.append(person)
    return person


def guest(world: "World", rng: Random) -> "Person":
    """Somebody who buys without an account; the shop may have one for them all the same."""
    return world.people[int(rng.random() * len(world.people))]


def _opening(rng: Random, start: int, end: int) -> int:
    return start + int(rng.random() * 30 * DAY) if rng.random() < 0.4 else between(rng, start, end)


def _visits(rng: Random, at: int, end: int) -> list[int]:
    """When somebody buys: a quarter never, most once, some every few weeks."""
    if rng.random() < 0.25:
        return []
    visits = [at + int(rng.random() * DAY)]
    while rng.random() < 0.66:
        visits.append(visits[-1] + DAY + int(rng.expovariate(1 / (50 * DAY))))
    return [visit for visit in visits if visit <= end]


def leave_checkouts(world: "World", rng: Random, count: int, start: int, end: int) -> None:
    """``count`` abandoned checkouts, some of them recovered within two days."""
    accounts = [c for c in world.shop.customers.values() if c.present and not c.erased]
    for at in sorted(between(rng, start, end) for _ in range(count)):
        known = accounts[int(rng.random() * len(accounts))] if rng.random() < 0.7 else None
        known = known if known and known.created <= at else None
        person = known.person if known else guest(world, rng)
        checkout = orders.leave_checkout(world.shop, rng, person, business_of(world, person), known, at)
        later = at + 3600 + int(rng.random() * 2 * DAY)
        if rng.random() < 0.2 and later <= end:
            orders.recover(world.shop, rng, checkout, business_of(world, person), later)
