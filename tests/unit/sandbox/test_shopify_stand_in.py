"""The traps of Shopify's API that a connector must survive."""

import json
import time
from datetime import UTC, datetime

import httpx
import pytest
from graphql import GraphQLObjectType

from sandbox import Fault, World, running
from sandbox.shopify import ALL_SCOPES
from sandbox.shopify_paging import Listing, RefusedQueryError, cut
from sandbox.shopify_roots import FIELDS
from sandbox.shopify_schema import VERSIONS, schema_of

NOW = "/admin/api/2026-10/graphql.json"


@pytest.fixture(scope="module")
def world():
    return World(seed=6, customers=300)


@pytest.fixture(scope="module")
def stand_ins(world):
    with running(world) as state:
        yield state


@pytest.fixture(autouse=True)
def all_off(stand_ins):
    yield
    stand_ins.switches.faults = []
    stand_ins.switches.rate_scale = None


@pytest.fixture(scope="module")
def shop(stand_ins):
    with httpx.Client(
        base_url=stand_ins.urls["shopify"], headers={"x-shopify-access-token": "shpat_sandbox"}
    ) as client:
        yield client


def post(shop, query, path=NOW, **variables):
    return shop.post(path, json={"query": query, "variables": variables})


def ask(shop, query, **variables):
    """The data of a query that must not fail."""
    body = post(shop, query, **variables).json()
    assert "errors" not in body, body["errors"]
    return body["data"]


def error_of(shop, query, **variables):
    answer = post(shop, query, **variables)
    assert answer.status_code == 200
    return answer.json()["errors"][0]


def everything(shop, root, fields="id", **arguments):
    """All nodes of a root connection, page by page."""
    given = "".join(f", {name}: {value}" for name, value in arguments.items())
    query = (
        f"query($c: String) {{ {root}(first: 40, after: $c{given}) "
        f"{{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )
    found, cursor = [], None
    while True:
        page = ask(shop, query, c=cursor)[root]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        cursor = page["pageInfo"]["endCursor"]


def numbers(nodes):
    return [int(node["id"].rpartition("/")[2]) for node in nodes]


def present(world):
    return [c for c in world.shop.customers.values() if c.present]


@pytest.mark.parametrize(
    ("root", "records"),
    [
        ("customers", present),
        ("orders", lambda world: list(world.shop.orders.values())),
        ("abandonedCheckouts", lambda world: list(world.shop.checkouts.values())),
    ],
)
def test_pages_hold_everything_once(shop, world, root, records):
    found = numbers(everything(shop, root))
    assert len(found) > 40
    assert sorted(found) == sorted(record.id for record in records(world))


@pytest.mark.parametrize("reverse", ["true", "false"])
def test_sorted_by_the_time_of_change(shop, world, reverse):
    found = numbers(everything(shop, "orders", sortKey="UPDATED_AT", reverse=reverse))
    expected = sorted(world.shop.orders.values(), key=lambda o: (o.updated, o.id), reverse=reverse == "true")
    assert found == [o.id for o in expected]


def test_pages_backwards_are_the_same_pages(shop, world):
    page_info = "pageInfo { hasPreviousPage startCursor }"
    query = f"query($b: String) {{ customers(last: 60, before: $b) {{ nodes {{ id }} {page_info} }} }}"
    found, cursor = [], None
    while True:
        page = ask(shop, query, b=cursor)["customers"]
        found = numbers(page["nodes"]) + found
        if not page["pageInfo"]["hasPreviousPage"]:
            break
        cursor = page["pageInfo"]["startCursor"]
    assert found == sorted(c.id for c in present(world))


def test_an_empty_page_has_no_cursor(shop):
    page = ask(shop, '{ orders(first: 5, query: "id:1") { nodes { id } pageInfo { hasNextPage endCursor } } }')
    assert page["orders"] == {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}


def test_updated_window(shop, world):
    at = sorted(o.updated for o in world.shop.orders.values())[-40]
    moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = everything(shop, "orders", query=json.dumps(f"updated_at:>='{moment}'"), sortKey="UPDATED_AT")
    assert set(numbers(found)) == {o.id for o in world.shop.orders.values() if o.updated >= at}


def test_an_unknown_filter_brings_everything_and_a_warning(shop, world):
    body = post(shop, '{ customers(first: 250, query: "created_at:>2090-01-01") { nodes { id } } }').json()
    assert len(body["data"]["customers"]["nodes"]) == min(250, len(present(world)))
    assert body["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"


def test_edges_and_nodes_are_the_same_and_aliases_and_fragments_work(shop):
    page = ask(
        shop,
        """
        query($with: Boolean!) {
          first: customers(first: 2) { edges { cursor node { ...who __typename } } nodes { id n: firstName } }
          shop { name @include(if: $with) currencyCode @skip(if: $with) }
        }
        fragment who on Customer { id n: firstName }
        """,
        **{"with": True},
    )
    edges = [edge["node"] for edge in page["first"]["edges"]]
    assert [{"id": e["id"], "n": e["n"]} for e in edges] == page["first"]["nodes"]
    assert edges[0]["__typename"] == "Customer"
    assert page["shop"] == {"name": "Sandbox Shop"}


def test_plain_lists_are_cut_without_a_word(shop, world):
    order = max(world.shop.orders.values(), key=lambda o: len(o.refunds) + bool(o.paid and o.gift_card))
    assert order.refunds
    query = "query($id: ID!, $n: Int) { order(id: $id) { transactions(first: $n) { id kind } refunds { id } } }"
    whole = ask(shop, query, id=f"gid://shopify/Order/{order.id}")["order"]
    part = ask(shop, query, id=f"gid://shopify/Order/{order.id}", n=1)["order"]
    assert numbers(whole["refunds"]) == [r.id for r in order.refunds]
    assert part["transactions"] == whole["transactions"][:1] != whole["transactions"]


def cents(bag, side="shopMoney"):
    return round(float(bag[side]["amount"]) * 100)


def test_an_orders_money_adds_up(shop, world):
    bag = "{ shopMoney { amount currencyCode } }"
    fields = f"""
      id currencyCode taxesIncluded totalPriceSet {bag} subtotalPriceSet {bag}
      totalTaxSet {bag} totalShippingPriceSet {bag} totalDiscountsSet {bag}
      lineItems(first: 15) {{ nodes {{ quantity originalUnitPriceSet {bag}
        discountAllocations {{ allocatedAmountSet {bag} }} taxLines(first: 1) {{ priceSet {bag} }} }} }}
    """
    recent = max(world.shop.orders)
    page = ask(shop, f"{{ orders(first: 3, sortKey: ID, reverse: true) {{ nodes {{ {fields} }} }} }}")
    assert numbers(page["orders"]["nodes"])[0] == recent
    for order in page["orders"]["nodes"]:
        lines = order["lineItems"]["nodes"]
        gross = sum(cents(line["originalUnitPriceSet"]) * line["quantity"] for line in lines)
        off = sum(cents(part["allocatedAmountSet"]) for line in lines for part in line["discountAllocations"])
        tax = sum(cents(part["priceSet"]) for line in lines for part in line["taxLines"])
        assert (gross - off, off, tax) == (
            cents(order["subtotalPriceSet"]),
            cents(order["totalDiscountsSet"]),
            cents(order["totalTaxSet"]),
        )
        extra = cents(order["totalShippingPriceSet"]) + (0 if order["taxesIncluded"] else tax)
        assert cents(order["totalPriceSet"]) == gross - off + extra
        assert order["totalPriceSet"]["shopMoney"]["currencyCode"] == "EUR" == order["currencyCode"]


def test_presentment_money_differs_where_the_currency_does(shop, world):
    order = next(o for o in world.shop.orders.values() if o.currency == "GBP")
    money = "totalPriceSet { presentmentMoney { amount currencyCode } shopMoney { amount } }"
    query = f"query($id: ID!) {{ order(id: $id) {{ presentmentCurrencyCode {money} }} }}"
    answer = ask(shop, query, id=f"gid://shopify/Order/{order.id}")["order"]
    bag = answer["totalPriceSet"]
    assert answer["presentmentCurrencyCode"] == bag["presentmentMoney"]["currencyCode"] == "GBP"
    assert (cents(bag), cents(bag, "presentmentMoney")) == (order.total, round(order.total * order.rate / 1_000_000))


def test_who_is_gone_is_null(shop, world):
    merged = next(c for c in world.shop.customers.values() if c.merged_into)
    deleted = next(c for c in world.shop.customers.values() if c.deleted)
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    ids = [f"gid://shopify/Customer/{i}" for i in (merged.id, deleted.id, merged.merged_into)]
    survivor = world.shop.owner(merged.id)
    assert ask(shop, query, ids=ids)["nodes"] == [None, None, {"id": f"gid://shopify/Customer/{survivor.id}"}]


def test_consents_in_the_words_of_each_version(shop, world):
    customer = next(c for c in present(world) if c.phone and c.sms_consent.state == "NOT_SUBSCRIBED")
    ids = {"id": f"gid://shopify/Customer/{customer.id}"}
    new = "query($id: ID!) { customer(id: $id) { defaultPhoneNumber { smsMarketingConsent { state updatedAt } } } }"
    old = "query($id: ID!) { customer(id: $id) { defaultPhoneNumber { marketingState marketingUpdatedAt } } }"
    assert ask(shop, new, **ids)["customer"]["defaultPhoneNumber"] == {
        "smsMarketingConsent": {"state": "NEVER_SUBSCRIBED", "updatedAt": None}
    }
    assert ask(shop, old, **ids)["customer"]["defaultPhoneNumber"] == {
        "marketingState": "NOT_SUBSCRIBED",
        "marketingUpdatedAt": None,
    }
    refused = post(shop, new, NOW.replace("2026-10", "2026-07"), **ids).json()["errors"][0]
    assert refused["extensions"]["code"] == "undefinedField"


def test_an_erased_customer_is_blank(shop, world):
    erased = next(c for c in world.shop.customers.values() if c.erased)
    query = """query($id: ID!) { customer(id: $id) { firstName lastName email phone displayName defaultAddress { id }
      defaultEmailAddress { emailAddress } emailMarketingConsent { marketingState } } }"""
    assert ask(shop, query, id=f"gid://shopify/Customer/{erased.id}")["customer"] == {
        **dict.fromkeys(("firstName", "lastName", "email", "phone", "defaultAddress", "defaultEmailAddress")),
        "displayName": "",
        "emailMarketingConsent": {"marketingState": "REDACTED"},
    }


@pytest.mark.parametrize(
    ("query", "code", "path"),
    [
        ("{ customers(first: 1) { nodes { x } } }", "undefinedField", ["query", "customers", "nodes", "x"]),
        ("{ customers(first: 1, by: 2) { nodes { id } } }", "argumentNotAccepted", ["query", "customers"]),
        ("query Q { customers(first: 1) { nodes } }", "selectionMismatch", ["query Q", "customers", "nodes"]),
        ("{ customer { id } }", "missingRequiredArguments", ["query", "customer"]),
        ("{ orders(first: $n) { nodes { id } } }", "variableNotDefined", ["query", "orders"]),
        ("{ customers { nodes { id } } }", "BAD_REQUEST", ["customers"]),
        ("{ customers(first: 251) { nodes { id } } }", "BAD_REQUEST", ["customers"]),
        ('{ customers(first: 2, after: "x") { nodes { id } } }', "INVALID_CURSOR", ["customers"]),
    ],
)
def test_refused_queries(shop, query, code, path):
    error = error_of(shop, query)
    assert (error["extensions"]["code"], error["path"]) == (code, path)


def test_a_wrong_variable_is_named_and_its_value_is_not(shop):
    error = error_of(shop, "query($n: Int!) { customers(first: $n) { nodes { id } } }", n="secret@example.com")
    assert error["message"] == "Variable $n was provided invalid value"
    assert "secret" not in json.dumps(error)


def test_what_is_no_query(shop):
    assert error_of(shop, "{ customers(first: 1 {")["locations"] == [{"line": 1, "column": 22}]
    assert shop.post(NOW, content=b"nonsense").json()["errors"][0]["message"] == "No query was specified"


def test_the_schema_can_be_read(shop):
    assert ask(shop, '{ __type(name: "Refund") { name } }') == {"__type": {"name": "Refund"}}


def test_prices_are_told_and_too_dear_queries_refused(shop):
    body = post(shop, '{ customers(first: 3, query: "id:1") { nodes { id defaultAddress { id } } } }').json()
    assert body["extensions"]["cost"] == {
        "requestedQueryCost": 2 + 3 * 2,
        "actualQueryCost": 2,
        "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 2000, "restoreRate": 100.0},
    }
    error = error_of(shop, "{ orders(first: 250) { nodes { id lineItems(first: 50) { nodes { id } } } } }")
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert error["extensions"]["cost"] == 2 + 250 * (1 + 2 + 50)


def test_an_empty_bucket_is_a_200_and_fills_again(stand_ins, shop):
    stand_ins.switches.rate_scale = {"shopify": 0.5}
    fields = "nodes { id defaultAddress { id } defaultEmailAddress { validFormat } }"
    first = post(shop, f'{{ customers(first: 250, query: "id:1") {{ {fields} }} }}').json()["extensions"]["cost"]
    assert (first["requestedQueryCost"], first["throttleStatus"]["maximumAvailable"]) == (752, 1000.0)
    dear = f"{{ customers(first: 250) {{ {fields} }} }}"
    answers = [post(shop, dear) for _ in range(4)]
    paid = [a.json()["extensions"]["cost"]["actualQueryCost"] for a in answers]
    assert [line.points for line in stand_ins.requests[-4:]] == paid
    throttled = next(a.json() for a in answers if "errors" in a.json())
    assert {a.status_code for a in answers} == {200}
    assert "data" not in throttled
    assert throttled["errors"][0]["extensions"]["code"] == "THROTTLED"
    cost = throttled["extensions"]["cost"]
    assert cost["actualQueryCost"] is None
    wait = (cost["requestedQueryCost"] - cost["throttleStatus"]["currentlyAvailable"]) / 50
    stand_ins.switches.rate_scale = {"shopify": 500}
    assert wait > 0
    assert "data" in post(shop, dear).json()


def test_a_token_without_scopes_sees_which_it_needs(stand_ins):
    headers = {"x-shopify-access-token": "shpat_sandbox_noscope"}
    with httpx.Client(base_url=stand_ins.urls["shopify"], headers=headers) as client:
        body = post(client, "{ customers(first: 1) { nodes { id } } }").json()
        assert body["data"] == {"customers": None}
        assert body["errors"][0]["path"] == ["customers"]
        assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
        assert body["errors"][0]["extensions"]["requiredAccess"] == "`read_customers` access scope."
        assert client.get("/admin/oauth/access_scopes.json").json() == {"access_scopes": []}
        rest = client.get("/admin/api/2026-10/customers.json")
    assert rest.status_code == 403
    assert "read_customers scope" in rest.json()["errors"]


def test_without_the_extra_scope_history_ends_after_sixty_days(stand_ins, shop, world):
    recent = {o.id for o in world.shop.orders.values() if o.created >= world.clock - 60 * 86_400}
    headers = {"x-shopify-access-token": "shpat_sandbox_60days"}
    old = next(o for o in world.shop.orders.values() if o.id not in recent)
    with httpx.Client(base_url=stand_ins.urls["shopify"], headers=headers) as client:
        assert set(numbers(everything(client, "orders"))) == recent
        query = "query($id: ID!) { order(id: $id) { id } ordersCount { count } }"
        answer = ask(client, query, id=f"gid://shopify/Order/{old.id}")
        scopes = {s["handle"] for s in client.get("/admin/oauth/access_scopes.json").json()["access_scopes"]}
    assert answer == {"order": None, "ordersCount": {"count": len(recent)}}
    assert scopes == ALL_SCOPES - {"read_all_orders"}
    assert ask(shop, "{ ordersCount { count } }")["ordersCount"]["count"] == len(world.shop.orders)


def test_counts_saturate(shop, world):
    asked = ask(shop, "{ few: customersCount(limit: 3) { count precision } all: customersCount { count precision } }")
    assert asked == {
        "few": {"count": 3, "precision": "AT_LEAST"},
        "all": {"count": len(present(world)), "precision": "EXACT"},
    }


@pytest.mark.parametrize("host", ["other.localhost", "other.myshopify.com"])
def test_another_shop_is_not_found(shop, host):
    answer = shop.post(NOW, json={"query": "{ shop { name } }"}, headers={"host": host})
    assert (answer.status_code, answer.json()) == (404, {"errors": "Not Found"})


def test_a_wrong_token_is_told_in_a_text(stand_ins):
    answer = httpx.post(stand_ins.urls["shopify"] + NOW, json={}, headers={"x-shopify-access-token": "no"})
    assert (answer.status_code, type(answer.json()["errors"])) == (401, str)


@pytest.mark.parametrize(
    ("asked", "served"),
    [("2026-10", "2026-10"), ("2026-01", "2026-01"), ("2024-04", "2026-01"), ("unstable", "unstable")],
)
def test_old_versions_fall_forward(shop, asked, served):
    answer = post(shop, "{ shop { name } }", NOW.replace("2026-10", asked))
    assert answer.headers["x-shopify-api-version"] == served
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("version", ["2027-01", "2026-11", "latest"])
def test_versions_that_are_not_served(shop, version):
    assert post(shop, "{ shop { name } }", NOW.replace("2026-10", version)).status_code == 404


def test_only_so_many_records_can_be_paged_through():
    listing = Listing(range(25_002), [(i, i) for i in range(25_002)])
    last = cut(listing, {"first": 250, "after": None}, ("orders",))
    assert len(last.nodes) == 250
    with pytest.raises(RefusedQueryError, match="25000"):
        cut(listing, {"last": 2}, ("orders",))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_of_the_schema_has_a_value(version):
    missing = []
    for kind in schema_of(version).type_map.values():
        if not isinstance(kind, GraphQLObjectType) or kind.name.startswith("__"):
            continue
        name = "Connection" if kind.name.endswith("Connection") else "Edge" if kind.name.endswith("Edge") else kind.name
        known = {*FIELDS.plain.get(name, ()), *(field for parent, field in FIELDS.made if parent == kind.name)}
        missing += [f"{kind.name}.{field}" for field in kind.fields if field not in known]
    assert missing == []


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [
        ("429_retry_after", 429, "2.0"),
        ("500", 500, None),
        ("503_retry_after", 503, "2.0"),
        ("expired_token", 401, None),
    ],
)
def test_faults(stand_ins, shop, kind, status, retry_after):
    stand_ins.switches.faults = [Fault("shopify", "/admin", kind, retry_after=2)]
    answer = post(shop, "{ shop { name } }")
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry_after)
    assert ask(shop, "{ shop { name } }")


@pytest.mark.parametrize(("kind", "code"), [("throttled", "THROTTLED"), ("internal_error", "INTERNAL_SERVER_ERROR")])
def test_faults_under_a_200(stand_ins, shop, kind, code):
    stand_ins.switches.faults = [Fault("shopify", "/admin", kind)]
    assert error_of(shop, "{ shop { name } }")["extensions"]["code"] == code
    assert ask(shop, "{ shop { name } }")


def test_refunds_and_returns_have_addresses_of_their_own(shop, world):
    order = next(o for o in world.shop.orders.values() if any(r.return_id for r in o.refunds))
    refund = next(r for r in order.refunds if r.return_id)
    query = "query($r: ID!, $t: ID!) { refund(id: $r) { id order { id } return { id } } return(id: $t) { status } }"
    answer = ask(shop, query, r=f"gid://shopify/Refund/{refund.id}", t=f"gid://shopify/Return/{refund.return_id}")
    assert answer["refund"]["return"]["id"] == f"gid://shopify/Return/{refund.return_id}"
    assert numbers([answer["refund"]["order"]]) == [order.id]
    assert answer["return"] == {"status": "CLOSED"}


def test_rest_is_limited_by_calls(stand_ins, shop):
    stand_ins.switches.rate_scale = 0.1
    answers = [shop.get("/admin/api/2026-10/shop.json") for _ in range(5)]
    assert [a.status_code for a in answers] == [200] * 4 + [429]
    assert answers[0].headers["x-shopify-shop-api-call-limit"] == "1/4"
    assert answers[4].headers["retry-after"] == "2.0"


def test_rest_lists_open_orders_unless_told_otherwise(shop, world):
    def count(**query):
        return shop.get("/admin/api/2026-10/orders/count.json", params=query).json()["count"]

    orders = world.shop.orders.values()
    assert count() == sum(1 for o in orders if not o.closed)
    assert count(status="cancelled") == sum(1 for o in orders if o.cancelled)
    assert count(status="any") == len(orders)
    newest = max(o.updated for o in orders)
    moment = datetime.fromtimestamp(newest, UTC).isoformat()
    assert count(status="any", updated_at_min=moment) == sum(1 for o in orders if o.updated >= newest)


def test_rest_pages_go_both_ways_and_allow_no_other_filter(shop):
    path = "/admin/api/2026-10/customers.json"
    first = shop.get(path, params={"limit": 50})
    second = shop.get(first.links["next"]["url"])
    back = shop.get(second.links["previous"]["url"])
    assert back.json() == first.json() != second.json()
    refused = shop.get(first.links["next"]["url"] + "&since_id=1")
    assert refused.status_code == 400


def test_rest_knows_single_records_and_says_what_it_does_not_have(shop, world):
    order = next(o for o in world.shop.orders.values() if o.refunds and o.customer_id)
    found = shop.get(f"/admin/api/2026-10/orders/{order.id}.json").json()["order"]
    assert found["refunds"][0]["id"] == order.refunds[0].id
    assert found["customer"]["id"] == order.customer_id
    assert shop.get("/admin/api/2026-10/orders/1.json").status_code == 404
    assert shop.get("/admin/api/2026-10/unicorns.json").status_code == 404


def test_a_page_of_orders_is_cheap(shop):
    fields = "id lineItems(first: 10) { nodes { id quantity originalUnitPriceSet { shopMoney { amount } } } }"
    query = f"{{ orders(first: 10, sortKey: UPDATED_AT) {{ nodes {{ {fields} }} }} }}"
    ask(shop, query)
    started = time.process_time()
    for _ in range(10):
        ask(shop, query)
    assert time.process_time() - started < 1.0
