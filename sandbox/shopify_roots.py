"""The roots of the schema: listings with their filters and orders, single records by id, and what a token may see."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox import shopify_bulk, shopify_fields
from sandbox.shop_products import GIFT_CARD, PRODUCTS
from sandbox.shop_records import ShopCheckout, ShopCustomer, ShopOrder
from sandbox.shopify_fields import financial_status, fulfillment_status, return_status, transactions
from sandbox.shopify_paging import Listing
from sandbox.shopify_plans import Call, Fields, Getter, Maker
from sandbox.shopify_search import Filter, Numbers, Search, Times, Words, parse

if TYPE_CHECKING:
    from sandbox.world import World

SIXTY_DAYS = 60 * 86_400
ALL_ORDERS = "read_all_orders"
SCOPES: Mapping[str, str] = {
    **dict.fromkeys(("Customer", "CustomerConnection", "QueryRoot.customersCount"), "read_customers"),
    **dict.fromkeys(("Order", "OrderConnection", "QueryRoot.ordersCount", "Refund"), "read_orders"),
    **dict.fromkeys(("AbandonedCheckoutConnection", "QueryRoot.abandonedCheckoutsCount"), "read_orders"),
    **dict.fromkeys(("Return", "ReturnConnection"), "read_returns"),
    **dict.fromkeys(("Product", "ProductVariant", "ProductConnection"), "read_products"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One listing: what the shop has of it, how it is filtered and sorted."""

    records: Callable[["World", frozenset[str]], Iterable[Any]]
    filters: Mapping[str, Filter]
    sorts: Mapping[str, Callable[[Any], Any]]


def sees(world: "World", scopes: frozenset[str], order: ShopOrder) -> bool:
    """Without the extra scope, orders end sixty days ago."""
    return ALL_ORDERS in scopes or order.created >= world.clock - SIXTY_DAYS


def customers(world: "World", _scopes: frozenset[str]) -> Iterable[ShopCustomer]:
    """Accounts that were neither deleted nor merged away."""
    return (c for c in world.shop.customers.values() if c.present)


def orders(world: "World", scopes: frozenset[str]) -> Iterable[ShopOrder]:
    """Orders within reach."""
    return (o for o in world.shop.orders.values() if sees(world, scopes, o))


def checkouts(world: "World", _scopes: frozenset[str]) -> Iterable[ShopCheckout]:
    """All of them; recovered ones stay in the list."""
    return world.shop.checkouts.values()


def _status(order: ShopOrder) -> tuple[str, ...]:
    if order.cancelled:
        return ("cancelled",)
    return ("closed",) if order.closed else ("open", "not_closed")


def _some_words(*values: str | None) -> tuple[str, ...]:
    return tuple(value.lower() for value in values if value)


def _created(record: Any) -> int:  # noqa: ANN401 - anything with a time
    return int(record.created)


def _updated(record: Any) -> int:  # noqa: ANN401 - anything with a time
    return int(record.updated)


def _id(record: Any) -> int:  # noqa: ANN401 - anything with an id
    return int(record.id)


_TIMES: dict[str, Callable[[Any], Any]] = {"ID": _id, "CREATED_AT": _created, "UPDATED_AT": _updated}
KINDS: Mapping[str, Kind] = {
    "customers": Kind(
        customers,
        {
            "id": Numbers(_id),
            "customer_date": Times(_created),
            "updated_at": Times(_updated),
            "email": Words(lambda c: _some_words(c.email)),
            "phone": Words(lambda c: _some_words(c.phone)),
            "tag": Words(lambda c: c.tags),
            "state": Words(lambda c: _some_words(c.state)),
            "accepts_marketing": Words(lambda c: ("true" if c.email_consent.state == "SUBSCRIBED" else "false",)),
            "default": Words(lambda c: _some_words(c.email, c.phone, c.first, c.last)),
        },
        {**_TIMES, "NAME": lambda c: f"{c.last or ''}, {c.first or ''}"},
    ),
    "orders": Kind(
        orders,
        {
            "id": Numbers(_id),
            "created_at": Times(_created),
            "updated_at": Times(_updated),
            "processed_at": Times(_created),
            "customer_id": Numbers(lambda o: o.customer_id or 0),
            "email": Words(lambda o: _some_words(o.email)),
            "name": Words(lambda o: (f"#{o.number}", str(o.number))),
            "status": Words(_status),
            "financial_status": Words(lambda o: _some_words(financial_status(o))),
            "fulfillment_status": Words(lambda o: _some_words(fulfillment_status(o))),
            "return_status": Words(lambda o: _some_words(return_status(o))),
            "test": Words(lambda o: (str(o.test).lower(),)),
            "default": Words(lambda o: _some_words(o.email, f"#{o.number}")),
        },
        {**_TIMES, "PROCESSED_AT": _created, "ORDER_NUMBER": lambda o: o.number, "TOTAL_PRICE": lambda o: o.total},
    ),
    "abandonedCheckouts": Kind(
        checkouts,
        {
            "id": Numbers(_id),
            "created_at": Times(_created),
            "updated_at": Times(_updated),
            "status": Words(lambda c: ("closed",) if c.completed else ("open",)),
            "recovery_state": Words(lambda c: ("recovered",) if c.completed else ("not_recovered",)),
        },
        {"ID": _id, "CHECKOUT_ID": _id, "CREATED_AT": _created},
    ),
    "products": Kind(
        lambda _world, _scopes: (*(p for p in PRODUCTS if not p.withdrawn), GIFT_CARD),
        {"id": Numbers(_id), "default": Words(lambda p: _some_words(p.title, p.sku))},
        {"ID": _id, "TITLE": lambda p: p.title},
    ),
}


def matching(call: Call, name: str, query: str | None) -> list[Any]:
    """The records of a listing that a search finds, in no order; remembered until the world changes."""
    kind, text = KINDS[name], query or ""
    search: Search = parse(text, dict(kind.filters))
    if search.warnings:
        call.warnings.append({"path": [name], "query": text, "warnings": search.warnings})
    world, scopes = call.world, call.scopes
    wide = ALL_ORDERS in scopes
    return world.remember(
        f"shopify {name} {wide} {text}", lambda: [r for r in kind.records(world, scopes) if search.test(r)]
    )


def listing(call: Call, name: str, query: str | None, sort_key: str) -> Listing:
    """The same, sorted."""
    found = matching(call, name, query)
    value: Callable[[Any], Any] = KINDS[name].sorts.get(sort_key, _id)

    def make() -> list[Listing]:
        keyed = sorted(((value(record), record.id, record) for record in found), key=lambda entry: entry[:2])
        return [Listing([record for *_, record in keyed], [(at, number) for at, number, _ in keyed])]

    return call.world.remember(f"shopify {name} {ALL_ORDERS in call.scopes} {query} {sort_key}/", make)[0]


def _list(name: str) -> Maker:
    def maker(call: Call, args: dict[str, Any]) -> Getter:
        found = listing(call, name, args.get("query"), args["sortKey"])
        return lambda _root: found

    return maker


def _count(name: str) -> Maker:
    def maker(call: Call, args: dict[str, Any]) -> Getter:
        count, most = len(matching(call, name, args.get("query"))), args.get("limit")
        if most is not None and count > most:
            return lambda _root: (most, "AT_LEAST")
        return lambda _root: (count, "EXACT")

    return maker


def find(call: Call, global_id: str) -> Any:  # noqa: ANN401 - a record of any kind, or None
    """The record with a gid, if this token sees it."""
    kind, _, number = global_id.removeprefix("gid://shopify/").partition("/")
    wanted = int(number) if number.isdigit() else 0
    if kind == "BulkOperation":
        return call.context.operation(wanted)
    if scope := SCOPES.get(kind):
        return _find_in_shop(call, kind, wanted) if scope in call.scopes else None
    return call.world.shop.checkouts.get(wanted) if kind == "AbandonedCheckout" else None


def _find_in_shop(call: Call, kind: str, wanted: int) -> Any:  # noqa: ANN401
    if kind == "Customer":
        found = call.world.shop.customers.get(wanted)
        return found if found and found.present else None
    if kind == "Order":
        order = call.world.shop.orders.get(wanted)
        return order if order and sees(call.world, call.scopes, order) else None
    if kind in {"Product", "ProductVariant"}:
        return next((p for p in PRODUCTS if wanted in {p.id, p.variant_id}), None)
    pair = call.world.remember("shopify parts", lambda: [_parts(call.world)])[0].get((kind, wanted))
    return pair if pair and sees(call.world, call.scopes, pair[1]) else None


def _parts(world: "World") -> dict[tuple[str, int], tuple[Any, ShopOrder]]:
    """Refunds and returns with their orders, by type and id."""
    found: dict[tuple[str, int], tuple[Any, ShopOrder]] = {}
    for order in world.shop.orders.values():
        found |= {("Refund", refund.id): (refund, order) for refund in order.refunds}
        found |= {("Return", returned.id): (returned, order) for returned in order.returns}
    return found


def _by_id(call: Call, args: dict[str, Any]) -> Getter:
    return lambda _root: find(call, args["id"])


def _by_ids(call: Call, args: dict[str, Any]) -> Getter:
    return lambda _root: [find(call, one) for one in args["ids"]]


def _identified(call: Call, args: dict[str, Any]) -> Getter:
    asked = args["identifier"]
    if asked.get("id"):
        return lambda _root: find(call, asked["id"])
    values = {asked.get("emailAddress"), asked.get("phoneNumber")} - {None}
    return lambda _root: next((c for c in customers(call.world, call.scopes) if values & {c.email, c.phone}), None)


def _orders_of(call: Call, customer: ShopCustomer) -> list[ShopOrder]:
    return call.world.shop.orders_of.get(customer.id, [])


def _spent(call: Call, customer: ShopCustomer) -> tuple[int, str]:
    counted = (o for o in _orders_of(call, customer) if not (o.test or o.cancelled))
    return sum(t.amount for o in counted for t in transactions(o) if t.kind == "SALE"), "EUR"


def _of_call(get: Callable[[Call, Any], Any]) -> Maker:
    """A value that needs the rest of the shop."""
    return lambda call, _args: lambda record: get(call, record)


def _owner(call: Call, record: ShopOrder | ShopCheckout) -> ShopCustomer | None:
    return call.world.shop.owner(record.customer_id)


def _visible_orders(call: Call, customer: ShopCustomer) -> Listing:
    return Listing([o for o in _orders_of(call, customer) if sees(call.world, call.scopes, o)])


MADE: Mapping[tuple[str, str], Maker] = {
    **shopify_fields.MADE,
    **shopify_bulk.MADE,
    ("QueryRoot", "shop"): _of_call(lambda call, _: call.world),
    ("QueryRoot", "currentAppInstallation"): _of_call(lambda call, _: sorted(call.scopes)),
    **{("QueryRoot", name): _list(name) for name in KINDS},
    **{("QueryRoot", f"{name}Count"): _count(name) for name in KINDS if name != "products"},
    **{
        ("QueryRoot", name): _by_id
        for name in ("node", "customer", "order", "refund", "return", "product", "bulkOperation")
    },
    ("QueryRoot", "nodes"): _by_ids,
    ("QueryRoot", "customerByIdentifier"): _identified,
    ("Customer", "amountSpent"): _of_call(_spent),
    ("Customer", "numberOfOrders"): _of_call(lambda call, c: str(len(_orders_of(call, c)))),
    ("Customer", "canDelete"): _of_call(lambda call, c: not _orders_of(call, c)),
    ("Customer", "lastOrder"): _of_call(lambda call, c: (_visible_orders(call, c).records or [None])[-1]),
    ("Customer", "orders"): _of_call(_visible_orders),
    ("Order", "customer"): _of_call(_owner),
    ("AbandonedCheckout", "customer"): _of_call(_owner),
}
FIELDS = Fields(shopify_fields.PLAIN, MADE, SCOPES, shopify_fields.type_of)
