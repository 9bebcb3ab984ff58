"""Accounts and orders that leave the shop: merged, deleted, erased; each at least once whenever this runs."""

from random import Random
from typing import TYPE_CHECKING

from sandbox.shop_customers import erase, merge
from sandbox.shop_truth import values_of_customer, values_of_order

if TYPE_CHECKING:
    from sandbox.shop_records import ShopCustomer
    from sandbox.world import World

DAY = 86_400


def merges_and_removals(world: "World", rng: Random, start: int, end: int) -> None:
    """As many as happen between ``start`` and ``end`` (epoch s); a long history's happened in its last weeks."""
    days = max(1, (end - start) // DAY // 12)

    def times(per_mille_a_day: float) -> int:
        return max(1, int(world.customers * per_mille_a_day * days / 1000))

    _merge(world, rng, start, end, times(0.1))
    _delete_customers(world, rng, start, end, times(0.1))
    _erase(world, rng, start, end, times(0.05))
    _delete_orders(world, rng, times(0.05))


def _within(rng: Random, start: int, end: int, earliest: int) -> int:
    start = max(start, earliest)
    return start + int(rng.random() * max(1, end - start))


def _present(world: "World") -> "list[ShopCustomer]":
    return [c for c in world.shop.customers.values() if c.present and not c.erased]


def _sample(rng: Random, found: "list[ShopCustomer]", count: int) -> "list[ShopCustomer]":
    return rng.sample(found, min(count, len(found) // 2))


def _merge(world: "World", rng: Random, start: int, end: int, count: int) -> None:
    shop = world.shop
    doubles = [ids for ids in shop.ids_of.values() if len([i for i in ids if shop.customers[i].present]) > 1]
    for ids in rng.sample(doubles, min(count, len(doubles))):
        kept, lost = [shop.customers[i] for i in ids if shop.customers[i].present][:2]
        if not (kept.erased or lost.erased):
            merge(shop, kept, lost, _within(rng, start, end, max(kept.updated, lost.updated) + 1))


def _delete_customers(world: "World", rng: Random, start: int, end: int, count: int) -> None:
    """The vendor deletes only accounts without orders."""
    idle = [c for c in _present(world) if not world.shop.orders_of.get(c.id)]
    for customer in _sample(rng, idle, count):
        customer.deleted = customer.updated = _within(rng, start, end, customer.updated + 1)
        for checkout in world.shop.checkouts.values():
            if checkout.customer_id == customer.id:
                checkout.customer_id, checkout.updated = None, max(checkout.updated, customer.updated)


def _erase(world: "World", rng: Random, start: int, end: int, count: int) -> None:
    for customer in _sample(rng, _present(world), count):
        world.retired += values_of_customer(customer)
        for order in world.shop.orders_of.get(customer.id, ()):
            world.retired += values_of_order(order)
        erase(world.shop, customer, _within(rng, start, end, customer.updated + 1))


def _delete_orders(world: "World", rng: Random, count: int) -> None:
    """Cancelled and test orders that somebody tidied away."""
    shop = world.shop
    gone = [o for o in shop.orders.values() if o.cancelled or o.test]
    for order in rng.sample(gone, min(count, len(gone) // 2)):
        world.retired += values_of_order(order)
        del shop.orders[order.id]
        if order.customer_id:
            shop.orders_of[order.customer_id].remove(order)
