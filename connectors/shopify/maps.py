"""Shopify's JSON to canonical rows. Ids arrive as ``gid://shopify/Order/123`` and are kept as ``123``.

Amounts are those of the shop's own currency (``shopMoney``), whatever currency the buyer saw.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from connectors.spec import Context, Json, Mapped, Row
from models import Checkout, ConsentEvent, Order, OrderLine, Person, Refund, RefundLine, ReturnLine, micros

GUEST = "guest-order:"
"""How the source id of a person begins who is known by an order alone."""
_GID = re.compile(r"gid://shopify/\w+/(\d+)")
_TOKEN_IN_ADDRESS = re.compile(r"/checkouts/(?:[a-z]{1,3}/)?([0-9A-Za-z_-]{16,})(?:[/?]|$)")
_CHANNELS = {
    "android": "app", "iphone": "app", "mobile_app": "app", "pos": "in_store", "web": "web",
}  # fmt: skip
_MODES = {
    "android": "self_app", "iphone": "self_app", "mobile_app": "self_app", "pos": "assisted_store", "web": "self_web",
}  # fmt: skip
_STATES = {"SUBSCRIBED": "granted", "UNSUBSCRIBED": "withdrawn", "REDACTED": "withdrawn"}
_NO_DECISION = frozenset({"INVALID", "NEVER_SUBSCRIBED", "NOT_SUBSCRIBED", "PENDING"})
_FALLEN_THROUGH = frozenset({"EXPIRED", "VOIDED"})
_RESTOCKS = {"CANCEL": "cancel", "LEGACY_RESTOCK": "return", "NO_RESTOCK": "none", "RETURN": "return"}
_RETURNS = {
    "CANCELED": "cancelled", "CLOSED": "closed", "DECLINED": "declined", "OPEN": "open", "REQUESTED": "requested",
}  # fmt: skip


def map_customer(record: Json, _context: Context) -> Mapped:
    """A customer, and what it answered to marketing by e-mail and by text message."""
    number = _number(record)
    email, phone = record.get("defaultEmailAddress") or {}, record.get("defaultPhoneNumber") or {}
    person = {
        "source_id": number,
        "version_at": record["updatedAt"],
        "created_at": record["createdAt"],
        "given_name": record.get("firstName") or None,
        "family_name": record.get("lastName") or None,
        "email": email.get("emailAddress") or None,
        "phone": phone.get("phoneNumber") or None,
        "locale": record.get("locale") or None,
    }
    person |= _address(record.get("defaultAddress") or {}, phone=person["phone"])
    decisions = [_decision(record, number, "email", email), _decision(record, number, "sms", phone)]
    return [*((ConsentEvent, row) for row in decisions if row), (Person, person)]


def _address(address: Json, *, phone: str | None) -> Row:
    streets = [address.get("address1"), address.get("address2")]
    number = address.get("phone") or None
    return {
        "street": ", ".join(street for street in streets if street) or None,
        "postal_code": address.get("zip") or None,
        "city": address.get("city") or None,
        "region": address.get("country") or None,
        "other_phones": [number] if number and number != phone else None,
    }


def _decision(record: Json, number: str, channel: str, holder: Json) -> Row | None:
    """A decision; silence, an unconfirmed wish and an address that does not work are none."""
    state = holder.get("marketingState")
    if state is None or state in _NO_DECISION:
        return None
    if state not in _STATES:
        raise ValueError("unknown marketing state")
    at = holder.get("marketingUpdatedAt")
    decided = _STATES[state]
    level = str(holder.get("marketingOptInLevel") or "UNKNOWN").lower()
    return {
        "source_id": f"customer/{number}/{channel}",
        "version_at": record["updatedAt"],
        "person_id": number,
        "purpose": "marketing",
        "channel": channel,
        "state": decided,
        # Undated: a grant as early as can be, a withdrawal as late, so that neither wins against a dated decision
        # that it may have come before.
        "at": at or record["createdAt" if decided == "granted" else "updatedAt"],
        "inferred": at is None,
        "lawful_basis": "consent" if decided == "granted" else None,
        "evidence": level if decided == "granted" else state.lower(),
    }


def map_order(record: Json, _context: Context) -> Mapped:
    """An order and its positions; of a guest also the person, if there is an address or a number to know it by."""
    number, total = _number(record), record["totalPriceSet"]["shopMoney"]
    guest = None if record.get("customer") else _guest(record, number)
    origin = record.get("sourceName") or ""
    order = {
        "source_id": number,
        "version_at": record["updatedAt"],
        "person_id": guest["source_id"] if guest else _number(record.get("customer")),
        "checkout_id": record.get("checkoutToken") or None,
        "placed_at": record["processedAt"],
        "completed_at": record["createdAt"],
        "cancelled_at": record.get("cancelledAt"),
        "is_valid": _is_valid(record),
        "is_test": record["test"],
        "payment_status": _lower(record.get("displayFinancialStatus")),
        "fulfillment_status": _lower(record.get("displayFulfillmentStatus")),
        "channel": _CHANNELS.get(origin, "other"),
        "sales_channel": origin or None,
        "checkout_mode": _MODES.get(origin, "unknown"),
        "currency": total["currencyCode"],
        "presentment_currency": record.get("presentmentCurrencyCode"),
        "total_micros": micros(total["amount"]),
    }
    lines = [(OrderLine, _line(record, number, line)) for line in record["lineItems"]["nodes"]]
    return [*([(Person, guest)] if guest else []), *lines, (Order, order)]


def _is_valid(record: Json) -> bool:
    fell_through = record.get("displayFinancialStatus") in _FALLEN_THROUGH
    return not (record["test"] or record.get("cancelledAt") or fell_through)


def _guest(record: Json, number: str) -> Row | None:
    email, phone = record.get("email") or None, record.get("phone") or None
    address = record.get("displayAddress") or {}
    phone = phone or address.get("phone") or None
    if email is None and phone is None:
        return None
    return {
        "source_id": f"{GUEST}{number}",
        "version_at": record["updatedAt"],
        "created_at": record["createdAt"],
        "is_guest": True,
        "is_test": record["test"],
        "given_name": address.get("firstName") or None,
        "family_name": address.get("lastName") or None,
        "email": email,
        "phone": phone,
        **_address(address, phone=phone),
    }


def _line(record: Json, order: str, line: Json) -> Row:
    price = line["originalUnitPriceSet"]["shopMoney"]
    product = line.get("product") or {}
    discounts = (item["allocatedAmountSet"] for item in line["discountAllocations"])
    taxes = (item["priceSet"] for item in line["taxLines"]) if record["taxesIncluded"] else ()
    return {
        "source_id": _number(line),
        "version_at": record["updatedAt"],
        "order_id": order,
        "product_id": _number(product) if product else None,
        "sku": line.get("sku") or None,
        "product_category": product.get("productType") or None,
        "quantity": line["quantity"],
        "unit_price_micros": micros(price["amount"]),
        "discount_micros": _sum(discounts),
        "included_tax_micros": _sum(taxes),
        "currency": price["currencyCode"],
        "is_gift_card": line["isGiftCard"],
    }


def map_refunds(record: Json, _context: Context) -> Mapped:
    """The refunds of an order, with the part of each that concerns one position.

    Goods that came back without a return of their own make one, so that each unit that came back is in one row.
    """
    order = _number(record)
    rows: Mapped = []
    for refund in record["refunds"]:
        number, total = _number(refund), refund["totalRefundedSet"]["shopMoney"]
        lines = [_refund_line(record, refund, line, place) for place, line in enumerate(_items(refund))]
        row = {
            "source_id": number,
            "version_at": refund["updatedAt"],
            "order_id": order,
            "return_id": _number(refund.get("return")),
            "refunded_at": refund["processedAt"],
            "amount_micros": _paid_back(total),
            "adjustment_micros": _adjustment(record, refund),
            "currency": total["currencyCode"],
        }
        rows += [(RefundLine, line) for line in lines]
        if row["return_id"] is None:
            rows += [(ReturnLine, _came_back(row, line)) for line in lines if line["restock"] == "return"]
        rows.append((Refund, row))
    return rows


def _items(refund: Json) -> list[Json]:
    items: list[Json] = refund["refundLineItems"]["nodes"]
    return items


def _paid_back(amount: Json) -> int:
    """What was paid back. Nothing says what a negative amount would mean, so it is refused and not guessed."""
    paid = micros(amount["amount"])
    if paid < 0:
        raise ValueError("a refund below zero")
    return paid


def _refund_line(record: Json, refund: Json, line: Json, place: int) -> Row:
    number, amount = _number(refund), line["subtotalSet"]["shopMoney"]
    return {
        # The vendor may leave the id out.
        "source_id": _number(line) if line.get("id") else f"{number}/{place}",
        "version_at": refund["updatedAt"],
        "refund_id": number,
        "order_id": _number(record),
        "order_line_id": _number(line["lineItem"]),
        "quantity": line["quantity"],
        "amount_micros": _paid_back(amount) - (_micros(line["totalTaxSet"]) if record["taxesIncluded"] else 0),
        "currency": amount["currencyCode"],
        "restock": _RESTOCKS.get(line.get("restockType") or ""),
    }


def _came_back(refund: Row, line: Row) -> Row:
    return {
        "source_id": f"refund/{line['source_id']}",
        "version_at": line["version_at"],
        "order_id": line["order_id"],
        "order_line_id": line["order_line_id"],
        "quantity": line["quantity"],
        "status": "closed",
        "returned_at": refund["refunded_at"],
    }


def _adjustment(record: Json, refund: Json) -> int:
    """What was paid back beyond the refund's positions and shipping, or kept of them.

    A refund that moved no money took positions out of an unpaid order, and nothing was kept of those.
    """
    total = _micros(refund["totalRefundedSet"])
    if total == 0:
        return 0
    for line in _items(refund):
        total -= _micros(line["subtotalSet"])
        total -= 0 if record["taxesIncluded"] else _micros(line["totalTaxSet"])
    for shipping in refund["refundShippingLines"]["nodes"]:
        total -= _micros(shipping["subtotalAmountSet"])
        total -= 0 if record["taxesIncluded"] else _micros(shipping["taxAmountSet"])
    return total


def map_returns(record: Json, _context: Context) -> Mapped:
    """What a buyer sends back of an order, position by position."""
    return [
        (ReturnLine, _return_line(record, returned, line))
        for returned in record["returns"]["nodes"]
        for line in returned["returnLineItems"]["nodes"]
    ]


def _return_line(record: Json, returned: Json, line: Json) -> Row:
    status = returned["status"]
    if status not in _RETURNS:
        raise ValueError("unknown state of a return")
    times = (record["updatedAt"], returned["createdAt"], returned.get("requestApprovedAt"), returned.get("closedAt"))
    position = (line.get("fulfillmentLineItem") or {}).get("lineItem")
    return {
        "source_id": _number(line),
        "version_at": max(datetime.fromisoformat(time) for time in times if time),  # it has no time of change itself
        "return_id": _number(returned),
        "order_id": _number(record),
        "order_line_id": _number(position),
        "quantity": line["quantity"],
        "status": _RETURNS[status],
        "requested_at": returned["createdAt"],
        "returned_at": returned.get("closedAt") if status == "CLOSED" else None,
        "reason": _lower(line.get("returnReason")),
    }


def map_checkout(record: Json, _context: Context) -> Mapped:
    """An abandoned checkout, known by the token that the order it may become carries too.

    The address it is in also holds a secret key, which goes no further.
    """
    found = _TOKEN_IN_ADDRESS.search(record.get("abandonedCheckoutUrl") or "")
    total = record["totalPriceSet"]["shopMoney"]
    checkout = {
        "source_id": found[1] if found else _number(record),
        "version_at": record["updatedAt"],
        "person_id": _number(record.get("customer")),
        "started_at": record["createdAt"],
        "completed_at": record.get("completedAt"),
        "channel": "web",
        "checkout_mode": "self_web",
        "currency": total["currencyCode"],
        "total_micros": micros(total["amount"]),
    }
    return [(Checkout, checkout)]


def _number(holder: Json | None) -> Any:  # noqa: ANN401 - text, or None for nobody
    """The number in a record's id."""
    if not holder:
        return None
    found = _GID.match(holder["id"])
    if found is None:
        raise ValueError("an id of another form")
    return found[1]


def _micros(bag: Json) -> int:
    return micros(bag["shopMoney"]["amount"])


def _sum(bags: Iterable[Json]) -> int:
    return sum(_micros(bag) for bag in bags)


def _lower(value: str | None) -> str | None:
    return value.lower() if value else None
