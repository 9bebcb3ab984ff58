"""The older REST resources that official clients list: shop, customers and orders, paged by the Link header."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import orjson

from sandbox.shop_records import CURRENCY, SHOP, MarketingConsent, PostalAddress, ShopCustomer, ShopLine, ShopOrder
from sandbox.shopify_fields import financial_status, transactions
from sandbox.shopify_roots import customers, orders
from sandbox.times import parse_millis
from sandbox.web import Request, Response, reply

if TYPE_CHECKING:
    from sandbox.world import World

Json = dict[str, Any]
PAGE, MOST = 50, 250
_ZONE = ZoneInfo("Europe/Berlin")


def _time(at: int | None) -> str | None:
    """In the shop's time zone, unlike in GraphQL."""
    return None if at is None else datetime.fromtimestamp(at, UTC).astimezone(_ZONE).isoformat()


def _money(cents: int) -> str:
    return f"{cents / 100:.2f}"


def _consent(consent: MarketingConsent) -> Json:
    level = consent.level.lower() if consent.level else None
    return {"state": consent.state.lower(), "opt_in_level": level, "consent_updated_at": _time(consent.at)}


def _address(address: PostalAddress | None) -> Json | None:
    if address is None:
        return None
    return {
        "id": address.id,
        "first_name": address.first,
        "last_name": address.last,
        "name": f"{address.first} {address.last}",
        "company": address.company,
        "address1": address.street,
        "address2": None,
        "city": address.city,
        "zip": address.zip,
        "province": None,
        "country": address.country,
        "country_code": address.country_code,
        "phone": address.phone,
    }


def customer_json(world: "World", customer: ShopCustomer) -> Json:
    """A customer as REST shows it."""
    bought = world.shop.orders_of.get(customer.id, [])
    spent = sum(t.amount for o in bought for t in transactions(o) if t.kind == "SALE" and not (o.test or o.cancelled))
    address = _address(customer.address)
    sms = _consent(customer.sms_consent) | {"consent_collected_from": customer.sms_consent.collected_from}
    return {
        "id": customer.id,
        "admin_graphql_api_id": f"gid://shopify/Customer/{customer.id}",
        "email": customer.email,
        "phone": customer.phone,
        "first_name": customer.first,
        "last_name": customer.last,
        "created_at": _time(customer.created),
        "updated_at": _time(customer.updated),
        "state": customer.state.lower(),
        "note": customer.note,
        "tags": ", ".join(customer.tags),
        "orders_count": len(bought),
        "total_spent": _money(spent),
        "last_order_id": bought[-1].id if bought else None,
        "verified_email": customer.email is not None,
        "tax_exempt": False,
        "currency": CURRENCY,
        "email_marketing_consent": _consent(customer.email_consent) if customer.email else None,
        "sms_marketing_consent": sms if customer.phone else None,
        "addresses": [address] if address else [],
        "default_address": address,
    }


def _line(line: ShopLine) -> Json:
    product = None if line.product.withdrawn else line.product
    return {
        "id": line.id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{line.id}",
        "sku": line.product.sku,
        "title": line.product.title,
        "name": line.product.title,
        "vendor": line.product.vendor,
        "quantity": line.quantity,
        "current_quantity": line.current,
        "price": _money(line.product.price),
        "total_discount": _money(line.sale),
        "discount_allocations": [{"amount": _money(part)} for part in (line.sale, line.code) if part],
        "tax_lines": [{"title": "VAT", "price": _money(line.tax), "rate": line.tax_rate / 1000}],
        "gift_card": line.product.is_gift_card,
        "taxable": line.tax_rate > 0,
        "product_id": product.id if product else None,
        "variant_id": product.variant_id if product else None,
    }


def _refunds(order: ShopOrder) -> list[Json]:
    return [
        {
            "id": refund.id,
            "order_id": order.id,
            "created_at": _time(refund.at),
            "processed_at": _time(refund.at),
            "note": refund.note,
            "refund_line_items": [
                {
                    "id": piece.id,
                    "line_item_id": piece.line.id,
                    "quantity": piece.quantity,
                    "restock_type": piece.restock.lower(),
                    "subtotal": piece.subtotal / 100,
                    "total_tax": piece.tax / 100,
                }
                for piece in refund.lines
            ],
            "transactions": [{"kind": "refund", "status": "success", "amount": _money(refund.amount)}],
        }
        for refund in order.refunds
    ]


def order_json(world: "World", order: ShopOrder) -> Json:
    """An order as REST shows it."""
    owner = world.shop.owner(order.customer_id)
    return {
        "id": order.id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order.id}",
        "name": f"#{order.number}",
        "order_number": order.number,
        "created_at": _time(order.created),
        "updated_at": _time(order.updated),
        "processed_at": _time(order.created),
        "cancelled_at": _time(order.cancelled),
        "cancel_reason": order.cancel_reason.lower() if order.cancel_reason else None,
        "closed_at": _time(order.closed),
        "test": order.test,
        "taxes_included": order.tax_included,
        "currency": CURRENCY,
        "presentment_currency": order.currency,
        "email": order.email or "",
        "phone": order.phone,
        "browser_ip": order.ip,
        "buyer_accepts_marketing": order.accepts_marketing,
        "checkout_token": order.token,
        "customer": customer_json(world, owner) if owner else None,
        "billing_address": _address(order.address),
        "shipping_address": _address(order.address),
        "subtotal_price": _money(order.subtotal),
        "total_price": _money(order.total),
        "total_tax": _money(order.tax),
        "total_discounts": _money(order.discounts),
        "financial_status": financial_status(order).lower(),
        "fulfillment_status": "fulfilled" if order.fulfilled else None,
        "discount_codes": [{"code": order.code}] if order.code else [],
        "line_items": [_line(line) for line in order.lines],
        "refunds": _refunds(order),
        "note": order.note,
        "source_name": order.source,
        "tags": "",
    }


def _any(_record: object, _request: Request) -> bool:
    return True


def _in_status(order: ShopOrder, request: Request) -> bool:
    """Only open orders unless the client says otherwise: the commonest surprise of this resource."""
    status = request.one("status") or "open"
    if status == "any":
        return True
    found = "cancelled" if order.cancelled else "closed" if order.closed else "open"
    return found == status


@dataclass(frozen=True, slots=True)
class Resource:
    """One REST collection."""

    scope: str
    records: Callable[["World", frozenset[str]], Any]
    render: Callable[["World", Any], Json]
    keep: Callable[[Any, Request], bool] = _any


RESOURCES: Mapping[str, Resource] = {
    "customers": Resource("read_customers", customers, customer_json),
    "orders": Resource("read_orders", orders, order_json, _in_status),
}


def _refusal(resource: Resource, scopes: frozenset[str]) -> Response | None:
    if resource.scope in scopes:
        return None
    return reply({"errors": f"[API] This action requires merchant approval for {resource.scope} scope."}, 403)


def _bound(request: Request, name: str) -> int | None:
    text = request.one(name)
    millis = parse_millis(text) if text else None
    return None if millis is None else millis // 1000


def _found(world: "World", request: Request, resource: Resource, scopes: frozenset[str]) -> list[Any]:
    """What the filters leave, by id."""
    found = [r for r in resource.records(world, scopes) if resource.keep(r, request)]
    for field in ("created", "updated"):
        low, high = _bound(request, f"{field}_at_min"), _bound(request, f"{field}_at_max")
        if low is not None:
            found = [r for r in found if getattr(r, field) >= low]
        if high is not None:
            found = [r for r in found if getattr(r, field) <= high]
    if ids := request.several("ids"):
        found = [r for r in found if str(r.id) in set(ids)]
    return sorted(found, key=lambda r: r.id)


def listing(world: "World", request: Request, name: str, scopes: frozenset[str]) -> Response:
    """A page; ``page_info`` carries the filters of the first one and goes with ``limit`` alone."""
    resource = RESOURCES[name]
    if refused := _refusal(resource, scopes):
        return refused
    place = request.one("page_info")
    asked = request if place is None else _remembered(request, place)
    if asked is None or (place and set(request.query) - {"page_info", "limit", "fields"}):
        return reply({"errors": {"page_info": "Invalid value."}}, 400)
    limit = request.integer("limit", PAGE)
    if not 1 <= limit <= MOST:
        return reply({"errors": {"limit": f"must be between 1 and {MOST}"}}, 400)
    found = _found(world, asked, resource, scopes)
    start = bisect_right([r.id for r in found], asked.integer("since_id", 0))
    page = found[start : start + limit]
    response = reply({name: [resource.render(world, record) for record in page]})
    if links := _links(request, asked, found, start, limit):
        response.headers["link"] = links
    return response


def _remembered(request: Request, place: str) -> Request | None:
    """The request whose page this is, as it was when the listing began."""
    try:
        query = orjson.loads(base64.urlsafe_b64decode(place))
    except (binascii.Error, ValueError):
        return None
    return Request(request.method, request.path, query, request.headers, b"", request.origin)


def _links(request: Request, asked: Request, found: list[Any], start: int, limit: int) -> str:
    def link(position: int, rel: str) -> str:
        since = str(found[position - 1].id if position else 0)
        place = base64.urlsafe_b64encode(orjson.dumps({**asked.query, "since_id": [since]})).decode()
        query = urlencode({"limit": limit, "page_info": place})
        return f'<{request.origin}{request.path}?{query}>; rel="{rel}"'

    links = [link(max(0, start - limit), "previous")] if start else []
    if start + limit < len(found):
        links.append(link(start + limit, "next"))
    return ", ".join(links)


def single(world: "World", _request: Request, name: str, number: str, scopes: frozenset[str]) -> Response:
    """One record by its number, or how many there are."""
    resource = RESOURCES[name]
    if refused := _refusal(resource, scopes):
        return refused
    if number == "count":
        return reply({"count": len(_found(world, _request, resource, scopes))})
    found = next((r for r in resource.records(world, scopes) if str(r.id) == number), None)
    if found is None:
        return reply({"errors": "Not Found"}, 404)
    return reply({name.removesuffix("s"): resource.render(world, found)})


def shop() -> Response:
    """The shop."""
    about = {
        "id": 68_001_000_123,
        "name": "Sandbox Shop",
        "email": "shop@support.example",
        "domain": f"{SHOP}.myshopify.com",
        "myshopify_domain": f"{SHOP}.myshopify.com",
        "currency": CURRENCY,
        "iana_timezone": "Europe/Berlin",
        "plan_name": "basic",
        "country_code": "DE",
        "taxes_included": True,
    }
    return reply({"shop": about})
