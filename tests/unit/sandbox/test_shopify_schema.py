"""Every field the schema promises is asked for, of every kind of record, and what comes back fits the schema."""

from datetime import datetime
from decimal import Decimal

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from sandbox import Switches, World
from sandbox.shopify import ALL_SCOPES
from sandbox.shopify_bulk import BulkOperations, Visit
from sandbox.shopify_graphql import Endpoint
from sandbox.shopify_roots import FIELDS
from sandbox.shopify_schema import schema_of

VERSION = "2026-10"
SCHEMA = schema_of(VERSION)
CHECKS = {
    "ID": lambda v: v.startswith("gid://shopify/"),
    "String": lambda v: isinstance(v, str),
    "URL": lambda v: v.startswith("https://"),
    "Int": lambda v: type(v) is int,
    "Float": lambda v: type(v) is float,
    "Boolean": lambda v: type(v) is bool,
    "UnsignedInt64": lambda v: isinstance(v, str) and v.isdigit(),
    "Decimal": lambda v: isinstance(v, str) and Decimal(v) >= 0,
    "DateTime": lambda v: v.endswith("Z") and datetime.fromisoformat(v),
}


@pytest.fixture(scope="module")
def world():
    return World(seed=6, customers=300)


@pytest.fixture(scope="module")
def ask(world):
    endpoint = Endpoint(world, FIELDS)
    visit = Visit(BulkOperations(world), Switches(), "http://127.0.0.1", VERSION)

    def answer(query, **variables):
        body = endpoint.answer({"query": query, "variables": variables}, VERSION, ALL_SCOPES, visit)
        assert "errors" not in body, body["errors"][0]["message"]
        return body["data"]

    return answer


def selection(kind, above=()):
    """All fields of a type; types that are being asked about further up are left out."""
    parts = []
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if inner in above or inner is kind:
            continue
        arguments = "(first: 2)" if "first" in field.args else ""
        if isinstance(inner, GraphQLObjectType | GraphQLInterfaceType):
            if below := selection(inner, (*above, kind)):
                parts.append(f"{name}{arguments} {below}")
        elif not kind.name.endswith("PageInfo") or name == "hasNextPage":
            parts.append(f"{name}{arguments}")
    if isinstance(kind, GraphQLInterfaceType):
        parts += [f"... on {one.name} {selection(one, above)}" for one in SCHEMA.get_possible_types(kind)]
    return "{ " + " ".join(parts) + " }" if parts else ""


def misfits(value, kind, where):
    """Where an answer is not what the schema says."""
    if isinstance(kind, GraphQLNonNull):
        return [f"{where}: null"] if value is None else misfits(value, kind.of_type, where)
    if value is None:
        return []
    if isinstance(kind, GraphQLList):
        return [m for one in value for m in misfits(one, kind.of_type, where)]
    if isinstance(kind, GraphQLInterfaceType):
        (kind,) = SCHEMA.get_possible_types(kind)
    if isinstance(kind, GraphQLObjectType):
        return [m for key, one in value.items() for m in misfits(one, kind.fields[key].type, f"{where}.{key}")]
    fits = value in kind.values if isinstance(kind, GraphQLEnumType) else CHECKS[kind.name](value)
    return [] if fits else [f"{where}: {value!r}"]


def ids(world):
    shop = world.shop
    orders = [o for o in shop.orders.values() if o.refunds or o.returns or o.currency != "EUR"]
    return {
        "customer": [f"gid://shopify/Customer/{c.id}" for c in shop.customers.values() if c.present][:80],
        "order": [f"gid://shopify/Order/{o.id}" for o in orders][:60],
        "refund": [f"gid://shopify/Refund/{r.id}" for o in orders for r in o.refunds][:40],
        "return": [f"gid://shopify/Return/{r.id}" for o in orders for r in o.returns][:40],
        "product": ["gid://shopify/Product/8310000000001"],
    }


@pytest.mark.parametrize("root", ["customer", "order", "refund", "return", "product"])
def test_single_records_fit(ask, world, root):
    kind = SCHEMA.query_type.fields[root].type
    # What has a case of its own is left out: no query may cost more than 1,000 points.
    own = ("Customer", "Order", "Product", "Refund", "Return")
    fields = selection(kind, tuple(SCHEMA.type_map[name] for name in own if name != kind.name))
    found = [ask(f"query($id: ID!) {{ {root}(id: $id) {fields} }}", id=one)[root] for one in ids(world)[root]]
    assert found
    assert [m for record in found for m in misfits(record, kind, root)] == []


def test_checkouts_the_shop_and_the_app_fit(ask):
    root = SCHEMA.query_type
    for name, arguments in (("abandonedCheckouts", "(first: 6)"), ("shop", ""), ("currentAppInstallation", "")):
        kind = root.fields[name].type
        above = (SCHEMA.type_map["Customer"], SCHEMA.type_map["Product"], SCHEMA.type_map["ProductVariant"])
        data = ask(f"{{ {name}{arguments} {selection(get_named_type(kind), above)} }}")
        assert misfits(data[name], kind, name) == []


def test_records_are_found_by_what_identifies_them(ask, world):
    customer = next(c for c in world.shop.customers.values() if c.present and c.email and c.phone)
    query = "query($i: CustomerIdentifierInput!) { customerByIdentifier(identifier: $i) { legacyResourceId } }"
    for identifier in (
        {"id": f"gid://shopify/Customer/{customer.id}"},
        {"emailAddress": customer.email},
        {"phoneNumber": customer.phone},
    ):
        assert ask(query, i=identifier)["customerByIdentifier"] == {"legacyResourceId": str(customer.id)}


def test_a_customers_money_and_orders(ask, world):
    customer = next(c for c in world.shop.customers.values() if len(world.shop.orders_of.get(c.id, ())) > 2)
    orders = world.shop.orders_of[customer.id]
    query = """query($id: ID!) { customer(id: $id) { amountSpent { amount } numberOfOrders canDelete
      lastOrder { legacyResourceId } orders(first: 50) { nodes { legacyResourceId } } } }"""
    answer = ask(query, id=f"gid://shopify/Customer/{customer.id}")["customer"]
    spent = sum(o.total for o in orders if o.paid and not (o.test or o.cancelled))
    assert round(float(answer["amountSpent"]["amount"]) * 100) == spent
    assert (answer["numberOfOrders"], answer["canDelete"]) == (str(len(orders)), False)
    assert [o["legacyResourceId"] for o in answer["orders"]["nodes"]] == [str(o.id) for o in orders]
    assert answer["lastOrder"] == answer["orders"]["nodes"][-1]
