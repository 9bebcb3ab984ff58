# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""The life of orders: placed, paid, sent, cancelled, refunded, returned; and checkouts that were left."""

from dataclasses import replace
from random import Random

from sandbox.names import LOCALES
from sandbox.records import Business, Person
from sandbox.shop_customers import address_of
from sandbox.shop_products import GIFT_CARD, PRODUCTS
from sandbox.shop_records import (
    CURRENCY,
    Product,
    RefundLine,
    ReturnLine,
    ShopCheckout,
    ShopCustomer,
    ShopData,
    ShopLine,
    ShopOrder,
    ShopRefund,
    ShopReturn,
)
from sandbox.spelling import pick

HOUR, DAY = 3600, 86_400
_RATES = {"Switzerland": ("CHF", 941_000), "United Kingdom": ("GBP", 846_000)}
_VISITING = (("USD", 1_087_000), ("SEK", 11_312_000), ("PLN", 4_271_000))
_TAX = {"Germany": 190, "Austria": 200, "Switzerland": 81, "France": 200, "Spain": 210, "United Kingdom": 200}
_REASONS = ("SIZE_TOO_SMALL", "COLOR", "DEFECTIVE", "NOT_AS_DESCRIBED", "UNWANTED", "WRONG_ITEM", "OTHER")
_CANCEL_REASONS = ("CUSTOMER", "CUSTOMER", "INVENTORY", "FRAUD", "DECLINED")
_CODES = ("WELCOME10", "SPRING10", "FRIENDS10")
_RETURN_NOTES = ("Please call me on {phone}. {name}", "Gefällt mir leider nicht. {name}", "Broken on arrival, {name}.")


def place_order(
    data: ShopData, rng: Random, person: Person, business: Business | None, customer: ShopCustomer | None, at: int
) -> ShopOrder:
    """An order at ``at``, by an account or (``customer`` None) by a guest."""
    random, country = rng.random, LOCALES[person.locale].country
    currency, rate = _money(rng, country)
    data.last_order_number += 1
    order = ShopOrder(
        data.next_id("order", 5_940_000_000_311),
        data.last_order_number,
        person,
        customer.id if customer else None,
        at,
        at,
        customer.email if customer else _guest_email(rng, person),
        customer.phone if customer and random() < 0.5 else None,
        address_of(data, rng, person, business),
        currency,
        rate,
        _lines(data, rng, country),
        shipping=0 if random() < 0.4 else 490,
        tax_included=country != "Switzerland",
        token=f"{rng.getrandbits(128):032x}",
        ip=f"198.19.{int(random() * 256)}.{int(random() * 256)}",
        locale=LOCALES[person.locale].language,
        accepts_marketing=bool(customer and customer.email_consent.state == "SUBSCRIBED"),
        source="web" if random() < 0.92 else "pos",
        test=random() < 0.01,
        paid=random() > 0.03,
    )
    if random() < 0.2:
        _apply_code(order, pick(rng, _CODES))
    if random() < 0.05:
        order.gift_card = min(order.total, 5000)
    if random() < 0.04:
        order.note = f"Bitte bei {person.name}, {person.street} klingeln ({order.number})"
    data.orders[order.id] = order
    if customer:
        data.orders_of.setdefault(customer.id, []).append(order)
        customer.updated = max(customer.updated, at)
    return order


def _guest_email(rng: Random, person: Person) -> str:
    """Guests give whichever address comes to mind."""
    return person.second_email if person.second_email and rng.random() < 0.4 else person.email


def _money(rng: Random, country: str) -> tuple[str, int]:
    """Presentment currency: mostly the country's, sometimes a traveller's."""
    chance = rng.random()
    if chance < 0.02:
        return pick(rng, _VISITING)
    return _RATES[country] if country in _RATES and chance < 0.85 else (CURRENCY, 1_000_000)


def _lines(data: ShopData, rng: Random, country: str) -> list[ShopLine]:
    products: dict[str, Product] = {}
    while True:
        product = GIFT_CARD if rng.random() < 0.02 else pick(rng, PRODUCTS)
        products[product.sku] = product
        if rng.random() < 0.45:
            break
    return [_line(data, rng, product, country) for product in products.values()]


def _line(data: ShopData, rng: Random, product: Product, country: str) -> ShopLine:
    quantity = 1 if rng.random() < 0.75 else 2 + int(rng.random() * 3)
    sale = product.price * quantity // 5 if rng.random() < 0.1 and not product.is_gift_card else 0
    rate = 0 if product.is_gift_card else _TAX[country]
    number = data.next_id("line", 15_400_000_000_407)
    return ShopLine(number, product, quantity, quantity, sale, 0, rate, country != "Switzerland")


def _apply_code(order: ShopOrder, code: str) -> None:
    """A tenth off the whole order, spread over its lines."""
    order.code = code
    for line in order.lines:
        if not line.product.is_gift_card:
            line.code = (line.gross - line.sale) // 10


def live(data: ShopData, rng: Random, order: ShopOrder, end: int) -> None:
    """What happens to a new order until ``end``."""
    random = rng.random
    at = order.created + int(rng.expovariate(1 / (20 * HOUR))) + 60
    if random() < 0.04:
        if at <= end:
            cancel(data, rng, order, at)
        return
    if at > end or not order.paid:
        return
    fulfil(order, at)
    later = at + 2 * DAY + int(rng.expovariate(1 / (6 * DAY)))
    chance = random()
    if later <= end and chance < 0.07:
        request_return(data, rng, order, later)
        _settle_return(data, rng, order, later, end)
    elif later <= end and chance < 0.1:
        refund(data, rng, order, later, whole=random() < 0.3)
    elif later <= end and chance < 0.11:
        give_back(data, rng, order, later)


def _settle_return(data: ShopData, rng: Random, order: ShopOrder, at: int, end: int) -> None:
    decided, done = at + DAY, at + 6 * DAY
    if decided <= end:
        decide_return(rng, order, order.returns[-1], decided)
    if done <= end and order.returns[-1].status == "OPEN":
        close_return(data, order, order.returns[-1], done)


def _touch(data: ShopData, order: ShopOrder, at: int) -> None:
    order.updated = max(order.updated, at)
    if customer := data.owner(order.customer_id):
        customer.updated = max(customer.updated, at)


def fulfil(order: ShopOrder, at: int) -> None:
    """Sent and done."""
    order.fulfilled = order.closed = order.updated = at


def cancel(data: ShopData, rng: Random, order: ShopOrder, at: int) -> None:
    """Cancelled before it was sent; what was paid goes back."""
    order.cancelled, order.cancel_reason, order.closed = at, pick(rng, _CANCEL_REASONS), at
    if order.paid:
        _pay_back(data, order, at, [(line, line.current) for line in order.lines], "CANCEL", shipping=order.shipping)
    for line in order.lines:
        line.current = 0
    _touch(data, order, at)


def refund(data: ShopData, rng: Random, order: ShopOrder, at: int, *, whole: bool) -> None:
    """Pay back everything, or one piece of one line."""
    lines = [(line, line.current) for line in order.lines] if whole else [(pick(rng, order.lines), 1)]
    lines = [(line, quantity) for line, quantity in lines if line.current >= quantity > 0]
    restock = "RETURN" if rng.random() < 0.6 else "NO_RESTOCK"
    made = _pay_back(data, order, at, lines, restock, shipping=order.shipping if whole and not order.refunds else 0)
    if rng.random() < 0.3:
        made.note = f"{order.person.name} called about #{order.number}"


def _pay_back(
    data: ShopData, order: ShopOrder, at: int, pieces: list[tuple[ShopLine, int]], restock: str, *, shipping: int = 0
) -> ShopRefund:
    lines = [_refund_line(data, line, quantity, restock) for line, quantity in pieces]
    for line, quantity in pieces:
        line.current -= quantity
    taxes = 0 if order.tax_included else sum(line.tax for line in lines)
    amount = sum(line.subtotal for line in lines) + taxes + shipping
    made = ShopRefund(data.next_id("refund", 9_450_000_000_503), at, amount, lines, shipping)
    order.refunds.append(made)
    _touch(data, order, at)
    return made


def _refund_line(data: ShopData, line: ShopLine, quantity: int, restock: str) -> RefundLine:
    number = data.next_id("refund line", 6_120_000_000_607)
    return RefundLine(
        number, line, quantity, restock, line.net * quantity // line.quantity, line.tax * quantity // line.quantity
    )


def give_back(data: ShopData, rng: Random, order: ShopOrder, at: int) -> None:
    """A goodwill payment that belongs to no line."""
    amount = max(1, min(1000, order.total - order.refunded) - int(rng.random() * 300))
    order.refunds.append(ShopRefund(data.next_id("refund", 9_450_000_000_503), at, amount, []))
    _touch(data, order, at)


def request_return(data: ShopData, rng: Random, order: ShopOrder, at: int) -> None:
    """The customer asks to send one line back."""
    lines = [line for line in order.lines if line.current] or order.lines[:1]
    line, note = pick(rng, lines), None
    if rng.random() < 0.5:
        note = pick(rng, _RETURN_NOTES).format(name=order.person.name, phone=order.person.phone)
    number = data.next_id("return line", 3_210_000_000_701)
    piece = ReturnLine(number, line, max(1, line.current), pick(rng, _REASONS), note)
    made = data.next_id("return", 2_870_000_000_809)
    order.returns.append(ShopReturn(made, len(order.returns) + 1, "REQUESTED", at, [piece]))
    _touch(data, order, at)


def decide_return(rng: Random, order: ShopOrder, asked: ShopReturn, at: int) -> None:
    """Approved, declined or withdrawn."""
    chance = rng.random()
    asked.status = "OPEN" if chance < 0.85 else "DECLINED" if chance < 0.93 else "CANCELED"
    if asked.status == "OPEN":
        asked.approved = at
    else:
        asked.closed = at
    order.updated = max(order.updated, at)


def close_return(data: ShopData, order: ShopOrder, returned: ShopReturn, at: int) -> None:
    """The goods are back and the money goes back."""
    pieces = [(piece.line, min(piece.quantity, piece.line.current)) for piece in returned.lines]
    made = _pay_back(data, order, at, [(line, quantity) for line, quantity in pieces if quantity], "RETURN")
    made.return_id = returned.id
    returned.status, returned.closed = "CLOSED", at
    for piece in returned.lines:
        piece.refunded = piece.quantity


def leave_checkout(
    data: ShopData, rng: Random, person: Person, business: Business | None, customer: ShopCustomer | None, at: int
) -> ShopCheckout:
    """Somebody typed their address and went away."""
    checkout = ShopCheckout(
        data.next_id("checkout", 37_100_000_000_907),
        person,
        customer.id if customer else None,
        at,
        at,
        address_of(data, rng, person, business),
        _lines(data, rng, LOCALES[person.locale].country),
        token=f"{rng.getrandbits(128):032x}",
    )
    data.checkouts[checkout.id] = checkout
    return checkout


def recover(data: ShopData, rng: Random, checkout: ShopCheckout, business: Business | None, at: int) -> ShopOrder:
    """The mail about the forgotten basket worked: the checkout becomes an order with the same token."""
    checkout.completed = checkout.updated = at
    order = place_order(data, rng, checkout.person, business, data.owner(checkout.customer_id), at)
    order.token, order.code, order.gift_card = checkout.token, None, 0
    order.lines = [replace(line, id=data.next_id("line", 15_400_000_000_407)) for line in checkout.lines]
    return order
