"""Bulk operations: their steps, their files, and how they go wrong."""

import json
from collections import Counter, defaultdict

import httpx
import pytest

from sandbox import Fault, World, running

GRAPHQL = "/admin/api/2026-10/graphql.json"
START = """mutation($q: String!, $grouped: Boolean! = false) {
  bulkOperationRunQuery(query: $q, groupObjects: $grouped) {
    bulkOperation { id status } userErrors { code field message } } }"""
LOOK = """query($id: ID!) { node(id: $id) { ... on BulkOperation {
  status errorCode objectCount rootObjectCount fileSize url partialDataUrl completedAt } } }"""
CUSTOMERS = "{ customers { edges { node { id updatedAt } } } }"
ORDERS = """{ orders { edges { node { id
  lineItems { edges { node { id quantity } } }
  returns { edges { node { id returnLineItems { nodes { id ... on ReturnLineItem { quantity } } } } } }
} } } }"""
DEEP = """{ customers { nodes { id orders { nodes { id returns { nodes { id
  returnLineItems { nodes { id } } } } } } } } }"""


@pytest.fixture
def world():
    return World(seed=7, customers=60)


@pytest.fixture
def stand_ins(world):
    with running(world) as state:
        yield state


@pytest.fixture
def shop(stand_ins):
    with httpx.Client(
        base_url=stand_ins.urls["shopify"], headers={"x-shopify-access-token": "shpat_sandbox"}
    ) as client:
        yield client


def ask(shop, query, **variables):
    return shop.post(GRAPHQL, json={"query": query, "variables": variables}).json()["data"]


def start(shop, query, **options):
    return ask(shop, START, q=query, **options)["bulkOperationRunQuery"]


def look(shop, started):
    return ask(shop, LOOK, id=started["bulkOperation"]["id"])["node"]


def finished(shop, query, **options):
    """The operation when it has come to an end."""
    started = start(shop, query, **options)
    assert started["userErrors"] == []
    while (operation := look(shop, started))["status"] in {"CREATED", "RUNNING"}:
        pass
    return operation


def lines(shop, operation):
    return [json.loads(line) for line in shop.get(operation["url"]).text.splitlines()]


def test_steps(shop, stand_ins, world):
    stand_ins.switches.bulk_polls = 2
    started = start(shop, CUSTOMERS)
    seen = [started["bulkOperation"], *(look(shop, started) for _ in range(3))]
    assert [operation["status"] for operation in seen] == ["CREATED", "RUNNING", "RUNNING", "COMPLETED"]
    present = sorted(c.id for c in world.shop.customers.values() if c.present)
    assert seen[-1]["objectCount"] == seen[-1]["rootObjectCount"] == str(len(present))
    assert [int(line["id"].rpartition("/")[2]) for line in lines(shop, seen[-1])] == present
    assert seen[-1]["fileSize"] == str(len(shop.get(seen[-1]["url"]).content))
    current = ask(shop, "{ currentBulkOperation { id } }")["currentBulkOperation"]
    assert current["id"] == started["bulkOperation"]["id"]


def family(world):
    """How many children each parent must have, by the kind of child."""
    expected = defaultdict(Counter)
    for order in world.shop.orders.values():
        expected[f"gid://shopify/Order/{order.id}"] += Counter(LineItem=len(order.lines), Return=len(order.returns))
        for returned in order.returns:
            expected[f"gid://shopify/Return/{returned.id}"] += Counter(ReturnLineItem=len(returned.lines))
    return {parent: +children for parent, children in expected.items() if +children}


@pytest.mark.parametrize("grouped", [True, False])
def test_children_name_their_parents(shop, world, grouped):
    operation = finished(shop, ORDERS, grouped=grouped)
    rows = lines(shop, operation)
    found, together, parents = defaultdict(Counter), True, []
    for row in rows:
        parent = row.get("__parentId")
        if parent:
            found[parent][row["id"].split("/")[3]] += 1
            together &= parent in parents[-3:]
        parents.append(row["id"]) if "LineItem" not in row["id"] else None
    assert dict(found) == family(world)
    assert operation["objectCount"] == str(len(rows))
    assert operation["rootObjectCount"] == str(len(world.shop.orders))
    assert together == grouped


def test_filters_count_and_page_sizes_do_not(shop, world):
    cancelled = [o for o in world.shop.orders.values() if o.cancelled]
    query = '{ orders(first: 1, query: "status:cancelled") { nodes { id lineItems(first: 1) { nodes { id } } } } }'
    operation = finished(shop, query)
    assert cancelled
    assert operation["objectCount"] == str(len(cancelled) + sum(len(o.lines) for o in cancelled))


def test_nothing_found_leaves_no_file(shop):
    operation = finished(shop, '{ orders(query: "id:1") { nodes { id } } }')
    assert (operation["status"], operation["objectCount"], operation["url"]) == ("COMPLETED", "0", None)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("{ customers { edges { node { nothing } } } }", "nothing"),
        ("{ shop { name } }", "exactly one connection"),
        ("{ a: customers { nodes { id } } b: orders { nodes { id } } }", "exactly one connection"),
        ("{ orders { nodes { id refunds { id refundLineItems { nodes { id } } } } } }", "within a list field"),
        ("{ orders { nodes { name lineItems { nodes { id } } } } }", "must select the 'id' field"),
        (DEEP, "nested 2 levels"),
        ("{ customers { pageInfo { hasNextPage } } }", "must select the nodes"),
        ('mutation { bulkOperationCancel(id: "x") { userErrors { message } } }', "Only one query"),
    ],
)
def test_queries_that_cannot_run_in_bulk(shop, query, says):
    answer = start(shop, query)
    assert answer["bulkOperation"] is None
    assert answer["userErrors"][0]["code"] == "INVALID"
    assert says in answer["userErrors"][0]["message"]


def test_five_at_once(shop):
    assert [start(shop, CUSTOMERS)["userErrors"] for _ in range(5)] == [[]] * 5
    assert start(shop, CUSTOMERS)["userErrors"][0]["code"] == "OPERATION_IN_PROGRESS"


def test_cancelling(shop):
    started = start(shop, CUSTOMERS)
    cancel = "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }"
    answer = ask(shop, cancel, id=started["bulkOperation"]["id"])["bulkOperationCancel"]
    assert answer == {"bulkOperation": {"status": "CANCELING"}, "userErrors": []}
    assert look(shop, started)["status"] == "CANCELED"
    again = ask(shop, cancel, id=started["bulkOperation"]["id"])["bulkOperationCancel"]
    assert len(again["userErrors"]) == 1


def test_a_stuck_operation_ends_after_ten_days(shop, stand_ins, world):
    stand_ins.switches.bulk = "stuck"
    started = start(shop, CUSTOMERS)
    assert {look(shop, started)["status"] for _ in range(20)} == {"RUNNING"}
    world.advance(11)
    operation = look(shop, started)
    assert (operation["status"], operation["errorCode"], operation["url"]) == ("FAILED", "TIMEOUT", None)


def test_a_failed_operation_leaves_a_part(shop, stand_ins):
    control = httpx.post(stand_ins.control_url + "/_sandbox/switches", json={"bulk": "fails", "bulk_polls": 3})
    assert control.status_code == 200
    operation = finished(shop, CUSTOMERS)
    assert (operation["status"], operation["errorCode"], operation["url"]) == ("FAILED", "INTERNAL_SERVER_ERROR", None)
    part = shop.get(operation["partialDataUrl"]).text.splitlines()
    assert len(part) == int(operation["objectCount"]) > 0
    assert len(part) < int(operation["rootObjectCount"])


def test_a_missing_scope_shows_in_the_operation(stand_ins):
    headers = {"x-shopify-access-token": "shpat_sandbox_noscope"}
    with httpx.Client(base_url=stand_ins.urls["shopify"], headers=headers) as client:
        operation = finished(client, CUSTOMERS)
    assert (operation["status"], operation["errorCode"], operation["url"]) == ("FAILED", "ACCESS_DENIED", None)


def test_sixty_days_hold_for_bulk_too(stand_ins, world):
    headers = {"x-shopify-access-token": "shpat_sandbox_60days"}
    with httpx.Client(base_url=stand_ins.urls["shopify"], headers=headers) as client:
        operation = finished(client, "{ orders { nodes { id } } }")
    recent = [o for o in world.shop.orders.values() if o.created >= world.clock - 60 * 86_400]
    assert operation["objectCount"] == str(len(recent))


def test_the_file_needs_no_token_but_its_whole_address(shop):
    operation = finished(shop, CUSTOMERS)
    assert httpx.get(operation["url"]).status_code == 200
    assert httpx.get(operation["url"].replace("-", "-0")).status_code == 403


def test_the_file_is_kept_for_a_week(shop, world):
    operation = finished(shop, CUSTOMERS)
    number = ask(shop, "{ currentBulkOperation { id } }")["currentBulkOperation"]["id"]
    world.advance(8)
    assert look(shop, {"bulkOperation": {"id": number}})["url"] is None
    assert httpx.get(operation["url"]).status_code == 403


def test_a_file_cut_in_the_middle(shop, stand_ins):
    operation = finished(shop, CUSTOMERS)
    stand_ins.switches.faults = [Fault("shopify", "/bulk/", "cut_at_line"), Fault("shopify", "/bulk/", "cut_in_body")]
    part = shop.get(operation["url"])
    assert part.text.endswith("}\n")
    assert len(part.text.splitlines()) == int(operation["objectCount"]) // 2
    stand_ins.switches.faults = [Fault("shopify", "/bulk/", "cut_in_body")]
    with pytest.raises(httpx.RemoteProtocolError):
        shop.get(operation["url"])
    assert len(lines(shop, operation)) == int(operation["objectCount"])
