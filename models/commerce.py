"""What people buy, send back, leave in the basket and negotiate: orders, refunds, returns, checkouts, deals.

Amounts are whole numbers of millionths of the currency's main unit (``…_micros``) beside the ISO 4217 code of the
currency they are in: exact for every currency and every decimal a vendor sends, whatever the currency's smallest coin
is, and added up without rounding. ``micros`` makes one; a rate turns them into the base currency when they are used,
never before, so a corrected rate corrects the past.
"""

from decimal import Decimal
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AwareDatetime

from models.activity import Channel
from models.fields import Entity, Fact, Ref

MICROS: Final = 1_000_000
"""Millionths in one unit of a currency."""

_LARGEST: Final = 2**63 - 1
_MONEY: Final = "millionths of the currency"

CheckoutMode = Literal["self_web", "self_app", "kiosk", "assisted_store", "assisted_phone", "unknown"]


def micros(amount: str | int | Decimal) -> int:
    """An amount as a vendor writes it (``"12.50"``), in millionths: 12500000. Digits beyond the sixth are rounded.

    Raises:
        ValueError: It is no finite decimal number, or too large to be kept exactly; the message quotes nothing.
    """
    try:
        whole = int((Decimal(amount) * MICROS).to_integral_value())
    except (ArithmeticError, ValueError):
        raise ValueError("an amount of money is not a finite decimal number") from None
    if abs(whole) > _LARGEST:
        raise ValueError("an amount of money is too large to be kept exactly")
    return whole


class Order(Entity):
    """A purchase and its present state. What was bought is in ``order_line``, what was paid back in ``refund``.

    A guest's order that carries an e-mail address or a phone number names a person record of its own
    (``person.is_guest``); an order that carries neither is its own subject.
    """

    __entity__: ClassVar[str] = "order"
    __grain__: ClassVar[str] = "One row per order of a source"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("person", "person_id"),)
    __has_alias__: ClassVar[bool] = True

    person_id: Annotated[str | None, Fact("Source id of the person who bought, a guest's record included")] = None
    account_id: Annotated[str | None, Fact("Source id of the organisation")] = None
    checkout_id: Annotated[str | None, Fact("Source id of the checkout it came from, where known")] = None
    checkout_started_at: Annotated[AwareDatetime | None, Fact("When the checkout was started", unit="UTC")] = None
    placed_at: Annotated[AwareDatetime, Fact("When it was placed; the day whose rate converts its lines", unit="UTC")]
    completed_at: Annotated[AwareDatetime | None, Fact("When the checkout was completed", unit="UTC")] = None
    cancelled_at: Annotated[AwareDatetime | None, Fact("When it was cancelled, if it was", unit="UTC")] = None
    promised_at: Annotated[AwareDatetime | None, Fact("Delivery promised for", unit="UTC")] = None
    fulfilled_at: Annotated[AwareDatetime | None, Fact("When it was sent off", unit="UTC")] = None
    delivered_at: Annotated[AwareDatetime | None, Fact("When it arrived", unit="UTC")] = None
    is_valid: Annotated[bool, Fact("Counts as a purchase: not a test, not cancelled, its payment not voided")]
    is_test: Annotated[bool, Fact("Made for testing; left out of every metric")] = False
    payment_status: Annotated[str | None, Fact("State of the payment, as the source states it")] = None
    fulfillment_status: Annotated[str | None, Fact("State of the delivery, as the source states it")] = None
    channel: Annotated[Channel, Fact("Channel it was placed by")] = "other"
    sales_channel: Annotated[str | None, Fact("Where it was placed, as the source names it")] = None
    checkout_mode: Annotated[CheckoutMode, Fact("Who operated the checkout, and where")] = "unknown"
    location: Annotated[str | None, Fact("Source id of the shop or branch")] = None
    currency: Annotated[str, Fact("Currency of every amount of the order, its lines and refunds", unit="ISO 4217")]
    presentment_currency: Annotated[str | None, Fact("Currency the buyer saw", unit="ISO 4217")] = None
    total_micros: Annotated[int | None, Fact("What the buyer owed, tax and shipping included", unit=_MONEY)] = None


class OrderLine(Entity):
    """One position of an order. Its net value is quantity x unit price - discount - tax contained in the price."""

    __entity__: ClassVar[str] = "order_line"
    __grain__: ClassVar[str] = "One row per position of an order"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("order", "order_id"),)

    order_id: Annotated[str, Fact("Source id of the order")]
    product_id: Annotated[str | None, Fact("Source id of the product, where it still exists")] = None
    sku: Annotated[str | None, Fact("Stock keeping unit")] = None
    product_category: Annotated[str | None, Fact("Kind of product, as the source classifies it")] = None
    quantity: Annotated[int, Fact("Units ordered", unit="units")]
    unit_price_micros: Annotated[int, Fact("Price of one unit before discounts", unit=_MONEY)]
    discount_micros: Annotated[
        int, Fact("Discounts of the whole line, its share of the order's discounts included", unit=_MONEY)
    ] = 0
    included_tax_micros: Annotated[
        int, Fact("Tax of the whole line that the price contains; 0 where tax comes on top", unit=_MONEY)
    ] = 0
    unit_cost_micros: Annotated[int | None, Fact("What one unit cost the business", unit=_MONEY)] = None
    currency: Annotated[str, Fact("Currency of the amounts", unit="ISO 4217")]
    is_gift_card: Annotated[bool, Fact("A gift card: money taken in advance, no revenue")] = False
    is_customised: Annotated[bool | None, Fact("The buyer configured it, where the source says")] = None


class Refund(Entity):
    """Money paid back on an order. Which goods it is for is in ``refund_line``."""

    __entity__: ClassVar[str] = "refund"
    __grain__: ClassVar[str] = "One row per refund of an order"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("order", "order_id"),)

    order_id: Annotated[str, Fact("Source id of the order")]
    return_id: Annotated[str | None, Fact("Source id of the return it settles, where there is one")] = None
    refunded_at: Annotated[AwareDatetime, Fact("When it was paid back; the day whose rate converts it", unit="UTC")]
    amount_micros: Annotated[int, Fact("What was paid back, tax and shipping included", unit=_MONEY)]
    adjustment_micros: Annotated[
        int, Fact("Part of it that concerns goods but no single line, without tax and shipping", unit=_MONEY)
    ] = 0
    currency: Annotated[str, Fact("Currency of the amounts", unit="ISO 4217")]
    reason: Annotated[str | None, Fact("Reason, as a code of the source")] = None
    opened_by: Annotated[Literal["customer", "agent", "system"] | None, Fact("Who asked for it, where known")] = None


class RefundLine(Entity):
    """The part of a refund that concerns one position of the order."""

    __entity__: ClassVar[str] = "refund_line"
    __grain__: ClassVar[str] = "One row per refund and position of the order"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("order", "order_id"),)

    refund_id: Annotated[str, Fact("Source id of the refund")]
    order_id: Annotated[str, Fact("Source id of the order")]
    order_line_id: Annotated[str, Fact("Source id of the position")]
    quantity: Annotated[int, Fact("Units paid back", unit="units")]
    amount_micros: Annotated[
        int, Fact("Paid back for them after discounts, without tax: the basis of the line's net value", unit=_MONEY)
    ]
    currency: Annotated[str, Fact("Currency of the amount", unit="ISO 4217")]
    restock: Annotated[
        Literal["return", "cancel", "none"] | None, Fact("Whether the goods came back, were never sent, or stay away")
    ] = None


class ReturnLine(Entity):
    """Goods a buyer sends back, position by position.

    Where a source keeps no returns of their own, a refund that takes goods back makes one, so each unit that came back
    is in exactly one row.
    """

    __entity__: ClassVar[str] = "return_line"
    __grain__: ClassVar[str] = "One row per position of a return"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("order", "order_id"),)

    return_id: Annotated[str | None, Fact("Source id of the return, where the source keeps returns")] = None
    order_id: Annotated[str, Fact("Source id of the order")]
    order_line_id: Annotated[str | None, Fact("Source id of the position, where known")] = None
    quantity: Annotated[int, Fact("Units sent back", unit="units")]
    status: Annotated[Literal["requested", "open", "closed", "declined", "cancelled"], Fact("State of the return")]
    requested_at: Annotated[AwareDatetime | None, Fact("When it was asked for", unit="UTC")] = None
    returned_at: Annotated[
        AwareDatetime | None, Fact("When the goods were back, or the nearest time the source states", unit="UTC")
    ] = None
    reason: Annotated[str | None, Fact("Reason, as a code of the source")] = None
    opened_by: Annotated[Literal["customer", "agent", "system"] | None, Fact("Who asked for it, where known")] = None


class Checkout(Entity):
    """A checkout somebody started and may not have finished."""

    __entity__: ClassVar[str] = "checkout"
    __grain__: ClassVar[str] = "One row per checkout a source lists"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("person", "person_id"),)

    person_id: Annotated[str | None, Fact("Source id of the person, where known")] = None
    order_id: Annotated[str | None, Fact("Source id of the order it became, where the source says so")] = None
    started_at: Annotated[AwareDatetime, Fact("When it was started", unit="UTC")]
    completed_at: Annotated[AwareDatetime | None, Fact("When it was completed, if it was", unit="UTC")] = None
    channel: Annotated[Channel, Fact("Channel it was started by")] = "other"
    checkout_mode: Annotated[CheckoutMode, Fact("Who operated it, and where")] = "unknown"
    device: Annotated[str | None, Fact("Kind of device, where the source says")] = None
    currency: Annotated[str | None, Fact("Currency of the amount", unit="ISO 4217")] = None
    total_micros: Annotated[int | None, Fact("What it would have cost, tax and shipping included", unit=_MONEY)] = None
    is_test: Annotated[bool, Fact("Made for testing; left out of every metric")] = False


class Deal(Entity):
    """A sale in negotiation, won or lost."""

    __entity__: ClassVar[str] = "deal"
    __grain__: ClassVar[str] = "One row per deal of a source"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("person", "person_id"), Ref("account", "account_id"))

    person_id: Annotated[str | None, Fact("Source id of the first person it is with")] = None
    person_ids: Annotated[list[str] | None, Fact("Source ids of everybody it is with")] = None
    account_id: Annotated[str | None, Fact("Source id of the organisation")] = None
    owner_id: Annotated[str | None, Fact("Source id of the member of staff in charge")] = None
    pipeline: Annotated[str | None, Fact("Pipeline, by the name the business gave it")] = None
    stage: Annotated[str | None, Fact("Stage, by the name the business gave it")] = None
    deal_type: Annotated[str | None, Fact("New or existing business, as the source classifies it")] = None
    created_at: Annotated[AwareDatetime, Fact("When it was opened", unit="UTC")]
    closed_at: Annotated[
        AwareDatetime | None,
        Fact("When it was won or lost; null while it is open, whatever date is hoped for", unit="UTC"),
    ] = None
    is_closed: Annotated[bool, Fact("It is won or lost")] = False
    is_won: Annotated[bool, Fact("It is won")] = False
    amount_micros: Annotated[int | None, Fact("Its value", unit=_MONEY)] = None
    currency: Annotated[str | None, Fact("Currency of the value", unit="ISO 4217")] = None
