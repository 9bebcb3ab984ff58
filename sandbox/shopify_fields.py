"""Where each value of the schema comes from. Lines, refunds and returns come as (record, order), for the currency.

Two tables: ``PLAIN`` for values of the record alone, ``MADE`` (in ``shopify_roots`` too) for those that need arguments
or the rest of the shop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.shop_records import (
    CURRENCY,
    SHOP,
    MarketingConsent,
    PostalAddress,
    Product,
    ReturnLine,
    ShopCheckout,
    ShopCustomer,
    ShopLine,
    ShopOrder,
    ShopRefund,
    ShopReturn,
)
from sandbox.shopify_paging import Listing
from sandbox.shopify_plans import Call, Getter, Maker
from sandbox.times import iso_seconds

Money = tuple[int, str, int]
SHOP_MONEY = (CURRENCY, 1_000_000)
_CREATED = "2019-03-01T09:00:00Z"
_NEVER = MarketingConsent()


@dataclass(frozen=True, slots=True)
class Transaction:
    """A payment or a repayment."""

    id: int
    kind: str
    gateway: str
    amount: int
    at: int
    order: ShopOrder


def gid(kind: str, number: int) -> str:
    """A global id."""
    return f"gid://shopify/{kind}/{number}"


def time_or_none(at: int | None) -> str | None:
    """A time the vendor's way."""
    return None if at is None else iso_seconds(at)


def decimal(cents: int) -> str:
    """An amount as text, with at least one decimal, as the vendor writes it."""
    return str(cents / 100)


def _of_order(amount: Callable[[ShopOrder], int]) -> Getter:
    return lambda o: (amount(o), o.currency, o.rate)


def _of_pair(amount: Callable[[Any], int]) -> Getter:
    return lambda pair: (amount(pair[0]), pair[1].currency, pair[1].rate)


def _of_checkout(amount: Callable[[ShopCheckout], int]) -> Getter:
    return lambda c: (amount(c), *SHOP_MONEY)


def _of_line(amount: Callable[[ShopLine], int]) -> Getter:
    return lambda line: (amount(line), *SHOP_MONEY)


def _constant(value: Any) -> Getter:  # noqa: ANN401 - a value of any scalar
    return lambda _record: value


def financial_status(order: ShopOrder) -> str:
    """From what was paid and what went back."""
    if not order.paid:
        return "VOIDED" if order.cancelled else "PENDING"
    if order.refunds:
        return "REFUNDED" if order.refunded >= order.total else "PARTIALLY_REFUNDED"
    return "PAID"


def fulfillment_status(order: ShopOrder) -> str:
    """Sent or not."""
    return "FULFILLED" if order.fulfilled else "UNFULFILLED"


def return_status(order: ShopOrder) -> str:
    """From the latest return."""
    status = order.returns[-1].status if order.returns else None
    return {"REQUESTED": "RETURN_REQUESTED", "OPEN": "IN_PROGRESS", "CLOSED": "RETURNED"}.get(status or "", "NO_RETURN")


def current_subtotal(order: ShopOrder) -> int:
    """What is left of the lines after what came back."""
    return sum(line.net * line.current // line.quantity for line in order.lines)


def _current_total(order: ShopOrder) -> int:
    taxes = 0 if order.tax_included else sum(line.tax * line.current // line.quantity for line in order.lines)
    return current_subtotal(order) + taxes + (0 if order.cancelled else order.shipping)


def display_name(customer: ShopCustomer) -> str:
    """The name, or whatever there is instead."""
    name = f"{customer.first or ''} {customer.last or ''}".strip()
    return name or customer.email or customer.phone or ""


def transactions(order: ShopOrder) -> list[Transaction]:
    """Payments first, then repayments; gift cards pay what they can."""
    first, found = order.id + 1_700_000_000_000, []
    if order.paid and order.gift_card:
        found.append(Transaction(first, "SALE", "gift_card", order.gift_card, order.created, order))
    if order.paid and order.total > order.gift_card:
        rest = order.total - order.gift_card
        found.append(Transaction(first + 1, "SALE", "shopify_payments", rest, order.created, order))
    found += [
        Transaction(first + 2 + n, "REFUND", "shopify_payments", r.amount, r.at, order)
        for n, r in enumerate(order.refunds)
    ]
    return found


def _refund_payments(refund: ShopRefund, order: ShopOrder) -> list[Transaction]:
    return [t for t in transactions(order) if t.kind == "REFUND" and t.at == refund.at and t.amount == refund.amount]


def _formatted(address: PostalAddress) -> list[str]:
    return [address.street, f"{address.zip} {address.city}", address.country]


def _allocations(pair: tuple[ShopLine, ShopOrder]) -> list[Money]:
    line, order = pair
    return [(amount, order.currency, order.rate) for amount in (line.sale, line.code) if amount]


def _order_taxes(order: ShopOrder) -> list[tuple[int, Money]]:
    rates = sorted({line.tax_rate for line in order.lines if line.tax_rate})
    return [
        (rate, (sum(ln.tax for ln in order.lines if ln.tax_rate == rate), order.currency, order.rate)) for rate in rates
    ]


def _line_taxes(pair: tuple[ShopLine, ShopOrder]) -> list[tuple[int, Money]]:
    line, order = pair
    return [(line.tax_rate, (line.tax, order.currency, order.rate))] if line.tax_rate else []


def _consent(consent: Callable[[ShopCustomer], MarketingConsent]) -> dict[str, Getter]:
    """The old way of saying a consent, beside the address it belongs to."""
    return {
        "marketingState": lambda c: consent(c).state,
        "marketingOptInLevel": lambda c: consent(c).level,
        "marketingUpdatedAt": lambda c: time_or_none(consent(c).at),
        "sourceLocation": _constant(None),
    }


_CONSENT_STATE: dict[str, Getter] = {
    "state": lambda c: "NEVER_SUBSCRIBED" if c.state == "NOT_SUBSCRIBED" else c.state,
    "optInLevel": lambda c: c.level,
    "collectedFrom": lambda c: c.collected_from,
    "updatedAt": lambda c: time_or_none(c.at),
    "sourceLocation": _constant(None),
}
_OLD_CONSENT: dict[str, Getter] = {
    "marketingState": lambda c: c.state,
    "marketingOptInLevel": lambda c: c.level,
    "consentUpdatedAt": lambda c: time_or_none(c.at),
    "consentCollectedFrom": lambda c: c.collected_from,
    "sourceLocation": _constant(None),
}
_PAYLOAD: dict[str, Getter] = {"bulkOperation": lambda p: p[0], "userErrors": lambda p: p[1]}
_USER_ERROR: dict[str, Getter] = {"code": lambda e: e[0], "field": lambda e: e[1], "message": lambda e: e[2]}

PLAIN: Mapping[str, Mapping[str, Getter]] = {
    "Connection": {"nodes": lambda p: p.nodes, "edges": lambda p: p.edges, "pageInfo": lambda p: p},
    "Edge": {"node": lambda e: e.node, "cursor": lambda e: e.cursor},
    "PageInfo": {
        "hasNextPage": lambda p: p.has_next,
        "hasPreviousPage": lambda p: p.has_previous,
        "startCursor": lambda p: p.first_cursor,
        "endCursor": lambda p: p.last_cursor,
    },
    "Count": {"count": lambda c: c[0], "precision": lambda c: c[1]},
    "MoneyV2": {"amount": lambda m: decimal(m[0]), "currencyCode": lambda m: m[1]},
    "MoneyBag": {
        "shopMoney": lambda m: (m[0], CURRENCY),
        "presentmentMoney": lambda m: (round(m[0] * m[2] / 1_000_000), m[1]),
    },
    "TaxLine": {
        "title": _constant("VAT"),
        "rate": lambda t: t[0] / 1000,
        "ratePercentage": lambda t: t[0] / 10,
        "priceSet": lambda t: t[1],
    },
    "Shop": {
        "id": _constant(gid("Shop", 68_001_000_123)),
        "name": _constant("Sandbox Shop"),
        "email": _constant("shop@support.example"),
        "myshopifyDomain": _constant(f"{SHOP}.myshopify.com"),
        "currencyCode": _constant(CURRENCY),
        "ianaTimezone": _constant("Europe/Berlin"),
        "timezoneOffset": _constant("+0100"),
        "createdAt": _constant(_CREATED),
        "updatedAt": _constant(_CREATED),
        "url": _constant(f"https://{SHOP}.myshopify.com"),
        "plan": _constant("Basic"),
        "taxesIncluded": _constant(value=True),
        "enabledPresentmentCurrencies": _constant(["CHF", "EUR", "GBP", "PLN", "SEK", "USD"]),
    },
    "ShopPlan": {
        "displayName": lambda name: name,
        "publicDisplayName": lambda name: name,
        "partnerDevelopment": _constant(value=False),
        "shopifyPlus": _constant(value=False),
    },
    "AppInstallation": {"id": _constant(gid("AppInstallation", 514_000_777)), "accessScopes": lambda scopes: scopes},
    "AccessScope": {"handle": lambda s: s, "description": lambda s: s.replace("_", " ").capitalize()},
    "Customer": {
        "id": lambda c: gid("Customer", c.id),
        "legacyResourceId": lambda c: str(c.id),
        "firstName": lambda c: c.first,
        "lastName": lambda c: c.last,
        "displayName": display_name,
        "email": lambda c: c.email,
        "phone": lambda c: c.phone,
        "emailMarketingConsent": lambda c: c.email_consent if c.email or c.erased else None,
        "smsMarketingConsent": lambda c: c.sms_consent if c.phone or c.erased else None,
        "defaultEmailAddress": lambda c: c if c.email else None,
        "defaultPhoneNumber": lambda c: c if c.phone else None,
        "defaultAddress": lambda c: c.address,
        "createdAt": lambda c: iso_seconds(c.created),
        "updatedAt": lambda c: iso_seconds(c.updated),
        "state": lambda c: c.state,
        "locale": lambda c: c.locale,
        "note": lambda c: c.note,
        "tags": lambda c: c.tags,
        "verifiedEmail": lambda c: c.email is not None,
        "taxExempt": _constant(value=False),
        "dataSaleOptOut": lambda c: c.sale_opt_out,
    },
    "CustomerEmailAddress": {
        "emailAddress": lambda c: c.email,
        **_consent(lambda c: c.email_consent),
        "validFormat": _constant(value=True),
        "openTrackingLevel": _constant("UNKNOWN"),
        "marketingUnsubscribeUrl": lambda c: f"https://{SHOP}.myshopify.com/account/unsubscribe/{c.id:x}",
    },
    "CustomerPhoneNumber": {
        "phoneNumber": lambda c: c.phone,
        **_consent(lambda c: c.sms_consent),
        "marketingCollectedFrom": lambda c: c.sms_consent.collected_from,
        "smsMarketingConsent": lambda c: c.sms_consent,
        "whatsAppMarketingConsent": _constant(_NEVER),
    },
    "CustomerSmsMarketingConsent": _CONSENT_STATE,
    "CustomerWhatsAppMarketingConsent": _CONSENT_STATE,
    "CustomerEmailMarketingConsentState": _OLD_CONSENT,
    "CustomerSmsMarketingConsentState": {**_OLD_CONSENT, "marketingOptInLevel": lambda c: c.level or "UNKNOWN"},
    "MailingAddress": {
        "id": lambda a: gid("MailingAddress", a.id),
        "firstName": lambda a: a.first,
        "lastName": lambda a: a.last,
        "name": lambda a: f"{a.first} {a.last}",
        "company": lambda a: a.company,
        "address1": lambda a: a.street,
        "city": lambda a: a.city,
        "zip": lambda a: a.zip,
        "country": lambda a: a.country,
        "countryCodeV2": lambda a: a.country_code,
        "phone": lambda a: a.phone,
        "formatted": _formatted,
        **dict.fromkeys(("address2", "province", "provinceCode", "latitude", "longitude", "timeZone"), _constant(None)),
    },
    "Order": {
        "id": lambda o: gid("Order", o.id),
        "legacyResourceId": lambda o: str(o.id),
        "name": lambda o: f"#{o.number}",
        "number": lambda o: o.number,
        "confirmationNumber": lambda o: o.token[:9].upper(),
        "createdAt": lambda o: iso_seconds(o.created),
        "updatedAt": lambda o: iso_seconds(o.updated),
        "processedAt": lambda o: iso_seconds(o.created),
        "cancelledAt": lambda o: time_or_none(o.cancelled),
        "closedAt": lambda o: time_or_none(o.closed),
        "cancelReason": lambda o: o.cancel_reason,
        "closed": lambda o: o.closed is not None,
        "confirmed": _constant(value=True),
        "test": lambda o: o.test,
        "taxesIncluded": lambda o: o.tax_included,
        "email": lambda o: o.email,
        "phone": lambda o: o.phone,
        "clientIp": lambda o: o.ip,
        "customerLocale": lambda o: o.locale,
        "customerAcceptsMarketing": lambda o: o.accepts_marketing,
        **dict.fromkeys(("billingAddress", "shippingAddress", "displayAddress"), lambda o: o.address),
        "currencyCode": _constant(CURRENCY),
        "presentmentCurrencyCode": lambda o: o.currency,
        "totalPriceSet": _of_order(lambda o: o.total),
        "currentTotalPriceSet": _of_order(_current_total),
        "originalTotalPriceSet": _of_order(lambda o: o.total),
        "subtotalPriceSet": _of_order(lambda o: o.subtotal),
        "currentSubtotalPriceSet": _of_order(current_subtotal),
        "totalTaxSet": _of_order(lambda o: o.tax),
        "totalDiscountsSet": _of_order(lambda o: o.discounts),
        "totalShippingPriceSet": _of_order(lambda o: o.shipping),
        "totalRefundedSet": _of_order(lambda o: o.refunded),
        "totalTipReceivedSet": _of_order(lambda _o: 0),
        "netPaymentSet": _of_order(lambda o: (o.total if o.paid else 0) - o.refunded),
        "taxLines": _order_taxes,
        "discountCode": lambda o: o.code,
        "discountCodes": lambda o: [o.code] if o.code else [],
        "displayFinancialStatus": financial_status,
        "displayFulfillmentStatus": fulfillment_status,
        "returnStatus": return_status,
        "note": lambda o: o.note,
        "tags": _constant([]),
        "customAttributes": _constant([]),
        "sourceName": lambda o: o.source,
        "sourceIdentifier": _constant(None),
        "cartToken": lambda o: o.token[::-1],
        "checkoutToken": lambda o: o.token,
        "statusPageUrl": lambda o: f"https://{SHOP}.myshopify.com/orders/{o.token}/authenticate",
    },
    "Attribute": {"key": lambda a: a[0], "value": lambda a: a[1]},
    "Location": {"id": lambda a: a, "name": lambda a: a},
    "StaffMember": {"id": lambda a: a},
    "DiscountAllocation": {"allocatedAmountSet": lambda m: m},
    "LineItem": {
        "id": lambda p: gid("LineItem", p[0].id),
        "name": lambda p: p[0].product.title,
        "title": lambda p: p[0].product.title,
        "variantTitle": _constant(None),
        "sku": lambda p: p[0].product.sku,
        "vendor": lambda p: p[0].product.vendor,
        "quantity": lambda p: p[0].quantity,
        "currentQuantity": lambda p: p[0].current,
        "refundableQuantity": lambda p: p[0].current,
        "unfulfilledQuantity": lambda p: 0 if p[1].fulfilled else p[0].current,
        "originalUnitPriceSet": _of_pair(lambda line: line.product.price),
        "originalTotalSet": _of_pair(lambda line: line.gross),
        "totalDiscountSet": _of_pair(lambda line: line.sale),
        "discountedUnitPriceSet": _of_pair(lambda line: (line.gross - line.sale) // line.quantity),
        "discountedUnitPriceAfterAllDiscountsSet": _of_pair(lambda line: line.net // line.quantity),
        "discountAllocations": _allocations,
        "taxable": lambda p: p[0].tax_rate > 0,
        "isGiftCard": lambda p: p[0].product.is_gift_card,
        "requiresShipping": lambda p: not p[0].product.is_gift_card,
        "product": lambda p: None if p[0].product.withdrawn else p[0].product,
        "variant": lambda p: None if p[0].product.withdrawn else p[0].product,
        "customAttributes": _constant([]),
    },
    "Refund": {
        "id": lambda p: gid("Refund", p[0].id),
        "legacyResourceId": lambda p: str(p[0].id),
        **dict.fromkeys(("createdAt", "processedAt", "updatedAt"), lambda p: iso_seconds(p[0].at)),
        "note": lambda p: p[0].note,
        "order": lambda p: p[1],
        "return": lambda p: next(((r, p[1]) for r in p[1].returns if r.id == p[0].return_id), None),
        "totalRefundedSet": _of_pair(lambda refund: refund.amount),
        "staffMember": _constant(None),
    },
    "RefundLineItem": {
        "id": lambda p: gid("RefundLineItem", p[0].id),
        "lineItem": lambda p: (p[0].line, p[1]),
        "quantity": lambda p: p[0].quantity,
        "restockType": lambda p: p[0].restock,
        "restocked": lambda p: p[0].restock != "NO_RESTOCK",
        "priceSet": _of_pair(lambda piece: piece.subtotal // max(1, piece.quantity)),
        "subtotalSet": _of_pair(lambda piece: piece.subtotal),
        "totalTaxSet": _of_pair(lambda piece: piece.tax),
        "location": _constant(None),
    },
    "RefundShippingLine": {
        "id": lambda p: gid("RefundShippingLine", p[0].id),
        "subtotalAmountSet": _of_pair(lambda refund: refund.shipping),
        "taxAmountSet": _of_pair(lambda _refund: 0),
    },
    "OrderTransaction": {
        "id": lambda t: gid("OrderTransaction", t.id),
        "kind": lambda t: t.kind,
        "status": _constant("SUCCESS"),
        "gateway": lambda t: t.gateway,
        "amountSet": lambda t: (t.amount, t.order.currency, t.order.rate),
        **dict.fromkeys(("createdAt", "processedAt"), lambda t: iso_seconds(t.at)),
        "test": lambda t: t.order.test,
    },
    "Fulfillment": {
        "id": lambda o: gid("Fulfillment", o.id),
        "status": _constant("SUCCESS"),
        **dict.fromkeys(("createdAt", "updatedAt"), lambda o: iso_seconds(o.fulfilled)),
    },
    "Return": {
        "id": lambda p: gid("Return", p[0].id),
        "name": lambda p: f"#{p[1].number}-R{p[0].number}",
        "status": lambda p: p[0].status,
        "createdAt": lambda p: iso_seconds(p[0].at),
        "requestApprovedAt": lambda p: time_or_none(p[0].approved),
        "closedAt": lambda p: time_or_none(p[0].closed),
        "totalQuantity": lambda p: sum(piece.quantity for piece in p[0].lines),
        "order": lambda p: p[1],
        "decline": lambda p: "RETURN_PERIOD_ENDED" if p[0].status == "DECLINED" else None,
    },
    "ReturnDecline": {"reason": lambda reason: reason, "note": _constant(None)},
    "ReturnLineItem": {
        "id": lambda p: gid("ReturnLineItem", p[0].id),
        "quantity": lambda p: p[0].quantity,
        "customerNote": lambda p: p[0].customer_note,
        "returnReasonNote": _constant(""),
        "returnReason": lambda p: p[0].reason,
        "returnReasonDefinition": lambda p: p[0].reason,
        "refundableQuantity": lambda p: p[0].quantity - p[0].refunded,
        "refundedQuantity": lambda p: p[0].refunded,
        "processedQuantity": lambda p: p[0].refunded,
        "unprocessedQuantity": lambda p: p[0].quantity - p[0].refunded,
        "fulfillmentLineItem": lambda p: (p[0].line, p[1]),
        "withCodeDiscountedTotalPriceSet": _of_pair(
            lambda piece: piece.line.net * piece.quantity // piece.line.quantity
        ),
    },
    "ReturnReasonDefinition": {
        "id": lambda reason: gid("ReturnReasonDefinition", sum(reason.encode())),
        "handle": lambda reason: reason.lower().replace("_", "-"),
        "name": lambda reason: reason.replace("_", " ").capitalize(),
        "deleted": _constant(value=False),
    },
    "FulfillmentLineItem": {
        "id": lambda p: gid("FulfillmentLineItem", p[0].id),
        "lineItem": lambda p: p,
        "quantity": lambda p: p[0].quantity,
    },
    "AbandonedCheckout": {
        "id": lambda c: gid("AbandonedCheckout", c.id),
        "name": lambda c: f"#{c.id}",
        "createdAt": lambda c: iso_seconds(c.created),
        "updatedAt": lambda c: iso_seconds(c.updated),
        "completedAt": lambda c: time_or_none(c.completed),
        "abandonedCheckoutUrl": lambda c: (
            f"https://{SHOP}.myshopify.com/checkouts/ac/{c.token}/recover?key={c.token[:8]}"
        ),
        "billingAddress": lambda c: c.address,
        "shippingAddress": lambda c: c.address,
        "note": _constant(""),
        **dict.fromkeys(
            ("subtotalPriceSet", "totalPriceSet"), _of_checkout(lambda c: sum(line.net for line in c.lines))
        ),
        "totalDiscountSet": _of_checkout(lambda c: sum(line.sale for line in c.lines)),
        "totalTaxSet": _of_checkout(lambda c: sum(line.tax for line in c.lines)),
        "discountCodes": _constant([]),
        "customAttributes": _constant([]),
    },
    "AbandonedCheckoutLineItem": {
        "id": lambda line: gid("AbandonedCheckoutLineItem", line.id),
        "title": lambda line: line.product.title,
        "sku": lambda line: line.product.sku,
        "variantTitle": _constant(None),
        "quantity": lambda line: line.quantity,
        "originalUnitPriceSet": _of_line(lambda line: line.product.price),
        "originalTotalPriceSet": _of_line(lambda line: line.gross),
        "discountedTotalPriceSet": _of_line(lambda line: line.net),
        "product": lambda line: None if line.product.withdrawn else line.product,
        "variant": lambda line: None if line.product.withdrawn else line.product,
    },
    "Product": {
        "id": lambda p: gid("Product", p.id),
        "legacyResourceId": lambda p: str(p.id),
        "title": lambda p: p.title,
        "productType": lambda p: p.kind,
        "vendor": lambda p: p.vendor,
        "isGiftCard": lambda p: p.is_gift_card,
        "createdAt": _constant(_CREATED),
        "updatedAt": _constant(_CREATED),
        "category": lambda p: p.kind,
        "tags": _constant([]),
    },
    "TaxonomyCategory": {
        "id": lambda kind: gid("TaxonomyCategory", sum(kind.encode())),
        "name": lambda kind: kind,
        "fullName": lambda kind: f"Home & Garden > {kind}",
    },
    "ProductVariant": {
        "id": lambda p: gid("ProductVariant", p.variant_id),
        "legacyResourceId": lambda p: str(p.variant_id),
        "title": _constant("Default Title"),
        "sku": lambda p: p.sku,
        "price": lambda p: decimal(p.price),
        "product": lambda p: p,
    },
    "BulkOperation": {
        "id": lambda b: gid("BulkOperation", b.id),
        "status": lambda b: b.status,
        "errorCode": lambda b: b.error_code,
        "type": _constant("QUERY"),
        "query": lambda b: b.query,
        "objectCount": lambda b: str(b.objects),
        "rootObjectCount": lambda b: str(b.roots),
        "fileSize": lambda b: None if b.size is None else str(b.size),
        "url": lambda b: b.url,
        "partialDataUrl": lambda b: b.partial_url,
        "createdAt": lambda b: iso_seconds(b.created),
        "completedAt": lambda b: time_or_none(b.completed),
    },
    "BulkOperationRunQueryPayload": _PAYLOAD,
    "BulkOperationCancelPayload": _PAYLOAD,
    "BulkOperationUserError": _USER_ERROR,
    "UserError": _USER_ERROR,
}


def _first(get: Callable[[Any], Sequence[Any]]) -> Maker:
    """A list that is no connection: cut by ``first`` without a word."""

    def maker(_call: Call, args: dict[str, Any]) -> Getter:
        most = args.get("first")
        return get if most is None else lambda record: get(record)[:most]

    return maker


def _connection(get: Callable[[Any], Sequence[Any]]) -> Maker:
    """A nested connection in the order things were added."""
    return lambda _call, _args: lambda record: Listing(get(record))


def _discounted_total(_call: Call, args: dict[str, Any]) -> Getter:
    if args.get("withCodeDiscounts"):
        return _of_pair(lambda line: line.net)
    return _of_pair(lambda line: line.gross - line.sale)


MADE: Mapping[tuple[str, str], Maker] = {
    ("Customer", "addresses"): _first(lambda c: [c.address] if c.address else []),
    ("Customer", "addressesV2"): _connection(lambda c: [c.address] if c.address else []),
    ("Order", "lineItems"): _connection(lambda o: [(line, o) for line in o.lines]),
    ("Order", "refunds"): _first(lambda o: [(refund, o) for refund in o.refunds]),
    ("Order", "transactions"): _first(transactions),
    ("Order", "fulfillments"): _first(lambda o: [o] if o.fulfilled else []),
    ("Order", "returns"): _connection(lambda o: [(returned, o) for returned in o.returns]),
    ("LineItem", "taxLines"): _first(_line_taxes),
    ("LineItem", "discountedTotalSet"): _discounted_total,
    ("Refund", "refundLineItems"): _connection(lambda p: [(piece, p[1]) for piece in p[0].lines]),
    ("Refund", "refundShippingLines"): _connection(lambda p: [p] if p[0].shipping else []),
    ("Refund", "transactions"): _connection(lambda p: _refund_payments(*p)),
    ("Return", "returnLineItems"): _connection(lambda p: [(piece, p[1]) for piece in p[0].lines]),
    ("Return", "refunds"): _connection(lambda p: [(r, p[1]) for r in p[1].refunds if r.return_id == p[0].id]),
    ("AbandonedCheckout", "lineItems"): _connection(lambda c: c.lines),
    ("Product", "variants"): _connection(lambda p: [p]),
}

_TYPES = {
    ShopCustomer: "Customer",
    ShopOrder: "Order",
    ShopRefund: "Refund",
    ShopReturn: "Return",
    ReturnLine: "ReturnLineItem",
    ShopLine: "LineItem",
    ShopCheckout: "AbandonedCheckout",
    Product: "Product",
}


def type_of(record: Any) -> str:  # noqa: ANN401 - any record
    """The schema's type of something that may be of several."""
    return _TYPES.get(type(record[0] if isinstance(record, tuple) else record), "BulkOperation")
