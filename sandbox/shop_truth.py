"""The shop's part of what only tests, benchmarks and the demo may know."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.records import Person
    from sandbox.shop_records import PostalAddress, ShopCustomer, ShopOrder
    from sandbox.world import World

Value = tuple[str, str]


def records_of(world: "World", person: "Person") -> tuple[list[list[str]], list[list[str]]]:
    """``["shopify", id]`` of all accounts of a person, and of those that are merged away or deleted."""
    shop = world.shop
    ids = shop.ids_of.get(person.key, ())
    return [["shopify", str(i)] for i in ids], [["shopify", str(i)] for i in ids if not shop.customers[i].present]


def guest_orders(world: "World") -> dict[str, str]:
    """The person behind each order that was placed without an account, by the order's id."""
    return {str(order.id): order.person.key for order in world.shop.orders.values() if order.customer_id is None}


def personal_values(world: "World") -> Iterator[Value]:
    """(kind, value) of everything the shop serves, repeats included."""
    for customer in world.shop.customers.values():
        yield from values_of_customer(customer)
    for order in world.shop.orders.values():
        yield from values_of_order(order)
    for checkout in world.shop.checkouts.values():
        yield from _of_address(checkout.address)


def values_of_customer(customer: "ShopCustomer") -> Iterator[Value]:
    """What one account holds."""
    if customer.email:
        yield "email", customer.email
    if customer.phone:
        yield "phone", customer.phone
    if customer.first and customer.last:
        yield "name", f"{customer.first} {customer.last}"
    if customer.note:
        yield "text", customer.note
    if customer.address:
        yield from _of_address(customer.address)


def values_of_order(order: "ShopOrder") -> Iterator[Value]:
    """What one order holds."""
    if order.ip:
        yield "ip", order.ip
    if order.email:
        yield "email", order.email
    if order.address:
        yield from _of_address(order.address)
    for note in (order.note, *(refund.note for refund in order.refunds)):
        if note:
            yield "text", note
    for piece in (piece for returned in order.returns for piece in returned.lines):
        if piece.customer_note:
            yield "text", piece.customer_note


def _of_address(address: "PostalAddress") -> Iterator[Value]:
    yield "name", f"{address.first} {address.last}"
    yield "address", address.street
    if address.phone:
        yield "phone", address.phone
