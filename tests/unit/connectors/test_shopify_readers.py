"""Shopify's readers, one odd answer at a time, on a shop of handlers."""

import re
from datetime import UTC, datetime

import httpx
import orjson
import pytest

from connectors import IncompleteError, Patience, RejectedError, RetriableError
from connectors.errors import SpoiltError
from connectors.shopify import SHOPIFY, readers
from connectors.shopify.queries import CUSTOMERS, ORDERS, RETURN_LINES, RETURNED, SCOPES_PATH
from models import Checkout, ConsentEvent, Order, OrderLine, Person, Refund, RefundLine, ReturnLine

CREATED, UPDATED = "2025-01-02T03:04:05Z", "2026-01-02T03:04:05Z"
STARTED = "2026-02-01T00:00:00Z"
FILE = "https://files.shopify.example/1?signature=verysecret"
LOADING = {"operation": "gid://shopify/BulkOperation/1", "started": STARTED, "lines": 0}
NOW = "2026-03-01T12:00:00+00:00"
SINCE = {"since": UPDATED, "swept": "2026-03-01T00:00:00+00:00"}


def gid(kind, number):
    return f"gid://shopify/{kind}/{number}"


def money(amount="10.00"):
    return {"shopMoney": {"amount": amount, "currencyCode": "EUR"}}


def customer(number, updated=UPDATED, **changes):
    record = {"id": gid("Customer", number), "createdAt": CREATED, "updatedAt": updated, "firstName": "Anna"}
    return record | changes


def line(number):
    return {
        "id": gid("LineItem", number),
        "quantity": 1,
        "isGiftCard": False,
        "originalUnitPriceSet": money(),
        "discountAllocations": [],
        "taxLines": [],
    }


def order(number, *lines, more=None, updated=UPDATED):
    info = {"hasNextPage": more is not None, "endCursor": more}
    return {
        "id": gid("Order", number),
        "createdAt": CREATED,
        "processedAt": CREATED,
        "updatedAt": updated,
        "test": False,
        "taxesIncluded": False,
        "totalPriceSet": money(),
        "customer": {"id": gid("Customer", 1)},
        "lineItems": {"nodes": list(lines), "pageInfo": info},
    }


def page(root, *records, after=None):
    return {"data": {root: {"nodes": list(records), "pageInfo": {"hasNextPage": bool(after), "endCursor": after}}}}


class Shop:
    """Answers GraphQL by the first handler whose name is in the query; an operation of ``statuses`` with ``file``."""

    def __init__(self, *lines, statuses=("COMPLETED",), count=None, **handlers):
        self.file = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        self.count = str(len(lines) if count is None else count)
        self.statuses, self.handlers = list(statuses), handlers
        self.url, self.code, self.current = FILE, None, None
        self.started, self.downloads, self.asked = [], [], []
        self.scopes = ["read_orders", "read_all_orders"]

    def handle(self, request):
        if request.url.path == SCOPES_PATH:
            return httpx.Response(200, json={"access_scopes": [{"handle": scope} for scope in self.scopes]})
        if request.method == "GET":
            self.downloads.append(request)
            return self.download()
        body = orjson.loads(request.content)
        if "bulkOperationRunQuery" in body["query"]:
            self.started.append(body["variables"])
            return httpx.Response(200, json={"data": {"bulkOperationRunQuery": self.start()}})
        if "... on BulkOperation" in body["query"]:
            return httpx.Response(200, json={"data": {"node": self.state()}})
        if "currentBulkOperation" in body["query"]:
            return httpx.Response(200, json={"data": {"currentBulkOperation": self.current}})
        self.asked.append(body)
        handler = next(answer for name, answer in self.handlers.items() if f"{name}(" in body["query"])
        answer = handler(body["variables"]) if callable(handler) else handler
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def download(self):
        return httpx.Response(200, content=self.file)

    def start(self):
        operation = {"id": LOADING["operation"], "status": "CREATED", "createdAt": STARTED}
        return {"bulkOperation": operation, "userErrors": []}

    def state(self):
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"status": status, "errorCode": self.code, "objectCount": self.count, "url": self.url}

    @property
    def searches(self):
        return [body["variables"].get("query") for body in self.asked]


class Result:
    def __init__(self):
        self.pages, self.error, self.waits = [], None, []

    def of(self, entity):
        return [row["source_id"] for page in self.pages for row in page.rows[entity]]

    @property
    def cursors(self):
        return [page.cursor for page in self.pages]

    @property
    def rejected(self):
        return [item for page in self.pages for item in page.rejected]


@pytest.fixture
def read(vendor):
    """Reads a stream to its end or error, and keeps what came before that."""

    def run(shop, name, *, cursor=None, since=None, retry_ids=()):
        import asyncio

        there = vendor({}, source=SHOPIFY)
        there.handle = shop.handle
        result = Result()

        async def all_pages():
            async with there.connection(patience=Patience(attempts=2)) as connection:
                stream = SHOPIFY.stream(name)
                async for page in connection.read(stream, cursor=cursor, since=since, retry_ids=retry_ids):
                    result.pages.append(page)

        try:
            asyncio.run(all_pages())
        except Exception as error:  # noqa: BLE001 - looked at by the test
            result.error = error
        result.waits = there.waits
        return result

    return run


def test_a_first_load_waits_for_the_operation_and_reads_its_file(read):
    shop = Shop(customer(1), customer(2), statuses=["CREATED", "RUNNING", "COMPLETED"])
    result = read(shop, "customers")

    assert result.error is None
    assert result.of(Person) == ["1", "2"]
    assert result.cursors == [LOADING, {**LOADING, "lines": 2}, {"since": STARTED, "swept": STARTED}]
    assert [page.is_milestone for page in result.pages] == [True, False, False]
    assert result.waits == [1, 2]
    assert shop.started == [{"query": CUSTOMERS.bulk_query, "grouped": False}]


def test_the_file_is_fetched_without_the_token_and_its_address_is_not_logged(read, caplog):
    caplog.set_level("INFO")
    shop = Shop(customer(1))
    read(shop, "customers")

    (download,) = shop.downloads
    assert "X-Shopify-Access-Token" not in download.headers
    assert "verysecret" not in caplog.text


def test_a_load_that_is_under_way_is_taken_up_again(read):
    shop = Shop(customer(1), customer(2), customer(3))
    result = read(shop, "customers", cursor={**LOADING, "lines": 2})

    assert shop.started == []
    assert result.of(Person) == ["3"]
    assert result.cursors == [{**LOADING, "lines": 3}, {"since": STARTED, "swept": STARTED}]


def test_a_shop_without_records_has_no_file(read):
    shop = Shop()
    shop.url = None
    result = read(shop, "customers")

    assert (result.error, shop.downloads) == (None, [])
    assert result.cursors[-1] == {"since": STARTED, "swept": STARTED}


def test_positions_are_put_into_their_order(read):
    roots = [{key: value for key, value in order(n).items() if key != "lineItems"} for n in (1, 2, 3)]
    owned = [{**line(n), "__parentId": roots[parent]["id"]} for n, parent in ((11, 0), (12, 0), (31, 2))]
    shop = Shop(roots[0], *owned[:2], roots[1], roots[2], owned[2])
    result = read(shop, "orders")

    assert result.of(OrderLine) == ["11", "12", "31"]
    assert [row["order_id"] for page in result.pages for row in page.rows[OrderLine]] == ["1", "1", "3"]
    assert result.of(Order) == ["1", "2", "3"]
    assert shop.started == [{"query": ORDERS.bulk_query, "grouped": True}]


def test_text_that_looks_like_the_end_of_a_line_does_not_end_it(read):
    shop = Shop(customer(1, firstName="a\u2028b\x85c"))
    shop.file = shop.file.replace(b"\\u2028", "\u2028".encode())
    assert read(shop, "customers").pages[1].rows[Person][0]["given_name"] == "a\u2028b\x85c"


def test_a_position_that_does_not_follow_its_order_stops_the_load(read):
    shop = Shop({**line(11), "__parentId": gid("Order", 1)})
    result = read(shop, "orders")
    assert isinstance(result.error, IncompleteError)
    assert "does not follow" in str(result.error)


def test_an_operation_that_never_ends_is_left_to_the_next_run(read):
    shop = Shop(customer(1), statuses=["RUNNING"])
    result = read(shop, "customers")

    assert isinstance(result.error, RetriableError)
    assert "is RUNNING after 60 minutes" in str(result.error)
    assert 3600 <= sum(result.waits) < 3800
    assert result.cursors == [LOADING]  # committed: the next run looks at the same operation
    shop.statuses = ["COMPLETED"]
    assert read(shop, "customers", cursor=LOADING).of(Person) == ["1"]
    assert len(shop.started) == 1


@pytest.mark.parametrize(
    ("status", "code", "words", "kind"),
    [
        ("FAILED", "TIMEOUT", "is FAILED (TIMEOUT)", RetriableError),
        ("CANCELED", None, "is CANCELED,", RetriableError),
        ("EXPIRED", None, "is EXPIRED,", RetriableError),
        ("FAILED", "ACCESS_DENIED", "lacks a permission", RejectedError),
        ("Anna", "Anna", "in an unknown state,", RetriableError),
    ],
)
def test_an_operation_that_ends_badly_is_given_up(read, status, code, words, kind):
    shop = Shop(customer(1), statuses=[status])
    shop.code = code
    result = read(shop, "customers", cursor=LOADING)

    assert isinstance(result.error, kind)
    assert words in str(result.error)
    assert "Anna" not in str(result.error)
    assert (result.cursors, result.pages[-1].is_milestone) == ([{}], True)
    shop.statuses, shop.code = ["COMPLETED"], None
    assert read(shop, "customers", cursor={}).of(Person) == ["1"]
    assert len(shop.started) == 1


@pytest.mark.parametrize(
    "found", [None, {"status": "COMPLETED", "objectCount": "9", "url": FILE, "query": "another one"}]
)
def test_where_the_operation_is_no_longer_ours_another_is_started(read, found):
    """Shopify forgets them, and a newer version of this program asks for other fields."""
    shop = Shop(customer(1), customer(2))
    states = [found, shop.state()]
    shop.state = lambda: states.pop(0)
    result = read(shop, "customers", cursor={**LOADING, "operation": gid("BulkOperation", 7), "lines": 1})

    assert (result.of(Person), result.error, len(shop.started)) == (["1", "2"], None, 1)
    assert result.cursors == [LOADING, {**LOADING, "lines": 2}, {"since": STARTED, "swept": STARTED}]


def test_an_operation_that_is_forgotten_while_we_wait_is_given_up(read):
    shop = Shop()
    shop.state = lambda: None
    result = read(shop, "customers")
    assert (result.cursors, "EXPIRED" in str(result.error)) == ([LOADING, {}], True)


@pytest.mark.parametrize("cut", [1, 5, -1])
def test_a_file_that_was_cut_is_named_and_nothing_of_its_end_is_taken(read, cut):
    roots = [{key: value for key, value in order(n).items() if key != "lineItems"} for n in (1, 2)]
    shop = Shop(roots[0], roots[1], {**line(21), "__parentId": gid("Order", 2)})
    whole = shop.file
    last = whole.rindex(b"\n", 0, -1) + 1
    shop.file = whole[:last] if cut == -1 else whole[: last + cut]
    result = read(shop, "orders")

    assert isinstance(result.error, SpoiltError)
    assert "cut" in str(result.error)
    assert result.of(Order) == []  # the second order would have lost its position
    assert result.cursors[-1] == {}
    shop.file = whole
    again = read(shop, "orders", cursor={})
    assert (again.of(Order), again.of(OrderLine)) == (["1", "2"], ["21"])


def test_what_was_whole_before_the_cut_is_kept(read, monkeypatch):
    monkeypatch.setattr("connectors.shopify.operations._PARENTS", 2)
    shop = Shop(*(customer(n) for n in range(1, 6)), count=9)
    result = read(shop, "customers")

    assert result.of(Person) == ["1", "2", "3", "4"]
    assert result.cursors == [LOADING, {**LOADING, "lines": 2}, {**LOADING, "lines": 4}, {}]
    assert "5 lines instead of 9" in str(result.error)


def test_a_broken_connection_is_taken_up_where_it_broke(read):
    shop = Shop(customer(1), customer(2), customer(3))

    class Breaking(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield shop.file[: shop.file.index(b"\n") + 9]
            raise httpx.RemoteProtocolError("peer closed connection of anna@foo.example")

    answers = [httpx.Response(200, stream=Breaking()), httpx.Response(200, content=shop.file)]
    shop.download = lambda: answers.pop(0)
    result = read(shop, "customers")
    assert (result.error, result.of(Person)) == (None, ["1", "2", "3"])


def test_a_connection_that_breaks_each_time_is_an_error_that_keeps_the_operation(read):
    shop = Shop(customer(1))

    def refuse():
        raise httpx.ReadError("anna@foo.example")

    shop.download = refuse
    result = read(shop, "customers")

    assert isinstance(result.error, RetriableError)
    assert not isinstance(result.error, SpoiltError)
    assert "anna" not in str(result.error)
    assert result.cursors == [LOADING]


def test_a_file_that_is_gone_is_given_up(read):
    shop = Shop(customer(1))
    shop.download = lambda: httpx.Response(403, content=b"<Error>anna</Error>")
    result = read(shop, "customers")

    assert "the file is not there (status 403)" in str(result.error)
    assert result.cursors == [LOADING, {}]


def test_a_file_that_was_thrown_away_is_no_empty_shop(read):
    shop = Shop(customer(1))
    shop.url = None
    result = read(shop, "customers", cursor=LOADING)

    assert isinstance(result.error, SpoiltError)
    assert "as it does after a week" in str(result.error)
    assert result.cursors == [{}]


@pytest.mark.parametrize("url", ["http://files.example/1", "ftp://files.example/1", "https://a:b@files.example/1"])
def test_a_file_at_an_unsafe_address_is_not_fetched(read, url):
    shop = Shop(customer(1))
    shop.url = url
    result = read(shop, "customers")

    assert shop.downloads == []
    assert "an address that does not begin with https://" in str(result.error)
    assert url not in str(result.error)


def test_a_busy_shop_is_waited_for(read):
    shop = Shop(customer(1))
    busy = {"bulkOperation": None, "userErrors": [{"code": "OPERATION_IN_PROGRESS", "field": None}]}
    answers = [busy, busy, shop.start()]
    shop.start = lambda: answers.pop(0)
    result = read(shop, "customers")

    assert result.of(Person) == ["1"]
    assert result.waits == [1, 2]


@pytest.mark.parametrize(("code", "kind"), [("LIMIT_REACHED", RetriableError), ("INVALID", RejectedError)])
def test_an_operation_that_cannot_start_is_an_error(read, code, kind):
    shop = Shop()
    shop.start = lambda: {"bulkOperation": None, "userErrors": [{"code": code, "message": "Anna"}]}
    result = read(shop, "customers")

    assert isinstance(result.error, kind)
    assert "Anna" not in str(result.error)
    assert result.pages == []


def test_changes_are_asked_for_ten_minutes_over_and_sorted_by_the_time_of_change(read):
    shop = Shop(
        customers=lambda asked: page(
            "customers", customer(2 if asked["after"] else 1), after=None if asked["after"] else "c1"
        )
    )
    result = read(shop, "customers", cursor={**SINCE, "since": "2026-01-01T00:00:00Z"})

    assert result.of(Person) == ["1", "2"]
    assert shop.searches == ["updated_at:>='2025-12-31T23:50:00Z'"] * 2
    assert "sortKey: UPDATED_AT" in shop.asked[0]["query"]
    assert result.cursors == [SINCE, SINCE, {**SINCE, "since": NOW}]
    assert shop.started == []


def test_a_backfill_reads_changes_and_never_all(read):
    shop = Shop(customers=page("customers", customer(1)))
    result = read(shop, "customers", cursor=LOADING, since=datetime(2025, 5, 6, tzinfo=UTC))

    assert result.of(Person) == ["1"]
    assert shop.searches == ["updated_at:>='2025-05-06T00:00:00Z'"]


def test_a_long_listing_goes_on_from_the_last_time_of_change(read, monkeypatch):
    monkeypatch.setattr(readers, "_LONGEST_LISTING", 2)
    later = "2026-02-02T00:00:00Z"
    answers = [
        page("customers", customer(1), after="a"),
        page("customers", customer(2, later), after="b"),
        page("customers", customer(2, later)),
    ]
    shop = Shop(customers=lambda _: answers.pop(0))
    result = read(shop, "customers", cursor=SINCE)

    assert result.of(Person) == ["1", "2", "2"]
    assert shop.searches[2] == "updated_at:>='2026-02-02T00:00:00Z'"


def test_a_long_listing_that_is_not_sorted_by_change_keeps_its_filter(read, monkeypatch):
    monkeypatch.setattr(readers, "_LONGEST_LISTING", 1)
    checkout = {"id": gid("AbandonedCheckout", 1), "createdAt": CREATED, "updatedAt": UPDATED, "totalPriceSet": money()}
    answers = [page("abandonedCheckouts", checkout, after="a"), page("abandonedCheckouts")]
    shop = Shop(abandonedCheckouts=lambda _: answers.pop(0))
    result = read(shop, "abandoned_checkouts", cursor=SINCE)

    assert result.of(Checkout) == ["1"]
    changed = "updated_at:>='2026-01-02T02:54:05Z'"
    assert shop.searches == [changed, f"{changed} AND created_at:>='{CREATED}'"]
    assert result.cursors == [None, None, {**SINCE, "since": NOW}]


def test_more_records_of_one_second_than_a_listing_shows_lead_to_a_bulk_operation(read, monkeypatch):
    monkeypatch.setattr(readers, "_LONGEST_LISTING", 1)
    shop = Shop(customer(1), customers=page("customers", customer(1), after="a"))
    result = read(shop, "customers", cursor=SINCE)

    assert isinstance(result.error, RetriableError)
    assert "one and the same second" in str(result.error)
    assert (result.cursors[-1], result.pages[-1].is_milestone) == ({}, True)


def test_positions_beyond_the_first_page_are_fetched(read):
    def node(asked):
        assert asked["id"] == gid("Order", 1)
        found = {"l1": ([line(2)], "l2"), "l2": ([line(3)], None)}[asked["after"]]
        return {
            "data": {
                "node": {
                    "lineItems": {"nodes": found[0], "pageInfo": {"hasNextPage": bool(found[1]), "endCursor": found[1]}}
                }
            }
        }

    shop = Shop(orders=page("orders", order(1, line(1), more="l1"), order(2, line(9))), node=node)
    result = read(shop, "orders", cursor=SINCE)
    assert result.of(OrderLine) == ["1", "2", "3", "9"]


def refund(number, *lines, total="10.00", more=None):
    return {
        "id": gid("Refund", number),
        "processedAt": UPDATED,
        "updatedAt": UPDATED,
        "totalRefundedSet": money(total),
        "refundShippingLines": {"nodes": []},
        "refundLineItems": {"nodes": list(lines), "pageInfo": {"hasNextPage": bool(more), "endCursor": more}},
    }


def refund_line(number):
    return {
        "id": gid("RefundLineItem", number),
        "quantity": 1,
        "restockType": "NO_RESTOCK",
        "lineItem": {"id": gid("LineItem", 1)},
        "subtotalSet": money("5.00"),
        "totalTaxSet": money("0.00"),
    }


def refunded(number, *refunds):
    return {
        "id": gid("Order", number),
        "updatedAt": UPDATED,
        "taxesIncluded": False,
        "refunds": [{"id": gid("Refund", refund)} for refund in refunds],
    }


def by_number(**kinds):
    """Answers ``nodes`` from records by kind and number; unknown ones are gone."""

    def nodes(asked):
        ids = [re.fullmatch(r"gid://shopify/(\w+)/(\d+)", id_).groups() for id_ in asked["ids"]]
        return {"data": {"nodes": [kinds.get(kind, {}).get(int(number)) for kind, number in ids]}}

    return nodes


def test_refunds_are_fetched_with_their_positions(read):
    rest = {"nodes": [refund_line(22)], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    shop = Shop(
        orders=page("orders", refunded(1, 2, 3), refunded(4)),
        nodes=by_number(Refund={2: refund(2, refund_line(21), more="x"), 3: None}),
        node={"data": {"node": {"refundLineItems": rest}}},
    )
    result = read(shop, "refunds", cursor=SINCE)

    assert (result.error, result.rejected) == (None, [])
    assert (result.of(Refund), result.of(RefundLine)) == (["2"], ["21", "22"])


def test_a_cut_off_list_of_refunds_is_asked_for_whole(read):
    found = {n: refund(n) for n in range(1, 8)}
    shop = Shop(
        orders=page("orders", refunded(1, 1, 2, 3, 4, 5)), nodes=by_number(Order={1: refunded(1, *found)}, Refund=found)
    )
    assert read(shop, "refunds", cursor=SINCE).of(Refund) == list("1234567")


def test_more_refunds_than_can_be_listed_are_set_aside(read, monkeypatch):
    monkeypatch.setattr(readers, "_MOST_REFUNDS", 6)
    found = {n: refund(n) for n in range(1, 7)}
    shop = Shop(
        orders=page("orders", refunded(1, 1, 2, 3, 4, 5)), nodes=by_number(Order={1: refunded(1, *found)}, Refund=found)
    )
    result = read(shop, "refunds", cursor=SINCE)
    assert (result.of(Refund), [item.record_id for item in result.rejected]) == ([], [gid("Order", 1)])


def test_a_negative_refund_is_set_aside_with_the_refunds_of_its_order_alone(read):
    shop = Shop(
        orders=page("orders", refunded(1, 1), refunded(2, 2)),
        nodes=by_number(Refund={1: refund(1, total="-3.00"), 2: refund(2)}),
    )
    result = read(shop, "refunds", cursor=SINCE)

    assert result.of(Refund) == ["2"]
    assert [(item.record_id, item.error_class) for item in result.rejected] == [(gid("Order", 1), "ValueError")]
    shop.handlers["nodes"] = by_number(Refund={1: refund(1), 2: refund(2)})
    again = read(shop, "refunds", cursor=SINCE, retry_ids=[gid("Order", 1)])
    assert "id:1" in shop.searches
    assert again.pages[0].recovered == [gid("Order", 1)]


def returned_order(number, *returns):
    nodes = [{"id": gid("Return", number)} for number in returns]
    return {"id": gid("Order", number), "updatedAt": UPDATED, "returns": {"nodes": nodes}}


def with_returns(number, *lines, status="CLOSED", more=None, more_lines=None):
    items = [{"id": gid("ReturnLineItem", n), "quantity": 1, "returnReason": "COLOR"} for n in lines]
    info = {"hasNextPage": bool(more_lines), "endCursor": more_lines}
    found = {"id": gid("Return", number), "status": status, "createdAt": CREATED, "closedAt": None}
    found["returnLineItems"] = {"nodes": items, "pageInfo": info}
    return {
        "id": gid("Order", number),
        "returns": {"nodes": [found], "pageInfo": {"hasNextPage": bool(more), "endCursor": more}},
    }


def returns_shop(changed=(), open_ones=(), **kinds):
    def orders(asked):
        return page("orders", *(open_ones if asked["query"].startswith("return_status:") else changed))

    return Shop(orders=orders, nodes=by_number(**kinds))


def test_returns_are_fetched_for_orders_that_have_some(read):
    shop = returns_shop([returned_order(1, 1), returned_order(2)], Order={1: with_returns(1, 11, 12)})
    result = read(shop, "returns", cursor=SINCE)

    assert result.of(ReturnLine) == ["11", "12"]
    assert [body["variables"]["ids"] for body in shop.asked if "ids" in body["variables"]] == [[gid("Order", 1)]]
    assert result.cursors[-1] == {**SINCE, "since": NOW, "open": []}


def test_returns_and_their_positions_beyond_the_first_page_are_fetched(read):
    def node(asked):
        kind = asked["id"].split("/")[3]
        if kind == "Order":
            rest = with_returns(5, 51)["returns"]
            return {"data": {"node": {"returns": rest}}}
        return {"data": {"node": {RETURN_LINES.name: with_returns(1, 12)["returns"]["nodes"][0][RETURN_LINES.name]}}}

    shop = returns_shop([returned_order(1, 1)], Order={1: with_returns(1, 11, more="r", more_lines="l")})
    shop.handlers = {"node": node, **shop.handlers}
    assert read(shop, "returns", cursor=SINCE).of(ReturnLine) == ["11", "12", "51"]


def test_orders_with_an_open_return_are_read_again_until_it_is_closed(read):
    """Nothing promises that a return that moves on changes its order."""
    one_open = returned_order(1, 1)
    shop = returns_shop([], [one_open], Order={1: with_returns(1, 11, status="REQUESTED")})
    first = read(shop, "returns", cursor=SINCE)
    assert (first.of(ReturnLine), first.cursors[-1]["open"]) == (["11"], [gid("Order", 1)])

    both = {**returned_order(1), **with_returns(1, 11, status="CANCELED")}
    shop = returns_shop([], [], Order={1: both})
    second = read(shop, "returns", cursor=first.cursors[-1])
    assert [row["status"] for page in second.pages for row in page.rows[ReturnLine]] == ["cancelled"]
    assert second.cursors[-1]["open"] == []


def test_the_place_of_a_load_of_returns_keeps_which_are_open(read):
    shop = returns_shop([returned_order(1, 1)], Order={1: with_returns(1, 11)})
    result = read(shop, "returns", cursor={"since": UPDATED, "open": [gid("Order", 4)]})
    assert result.cursors[0] == {"since": UPDATED, "open": [gid("Order", 4)]}
    assert result.cursors[-1] == {"since": NOW, "open": []}


def test_quarantined_customers_are_asked_for_by_number(read):
    shop = Shop(customers=page("customers", customer(7)))
    result = read(shop, "customers", cursor=SINCE, retry_ids=[gid("Customer", 7), gid("Customer", 8)])

    assert shop.searches[0] == "id:7 OR id:8"
    assert sorted(result.pages[0].recovered) == [gid("Customer", 7), gid("Customer", 8)]


def test_a_customer_seen_twice_on_pages_is_the_same_row(read):
    shop = Shop(customers=page("customers", customer(1), customer(1)))
    rows = [row for found in read(shop, "customers", cursor=SINCE).pages for row in found.rows[Person]]
    assert rows[0] == rows[1]


def test_a_wrong_shop_name_is_named(vendor):
    there = vendor(httpx.Response(404, json={"errors": "Not Found"}), source=SHOPIFY)
    result = there.check()
    assert not result.ok
    assert "there is no such shop; account must be the part before .myshopify.com" in result.sentence


def test_the_privacy_messages_are_declared():
    assert {hook.topic: hook.means for hook in SHOPIFY.webhooks} == {
        "customers/data_request": "access",
        "customers/redact": "erase",
        "shop/redact": "erase_account",
        "customers/delete": "deleted",
        "customers/merge": "merged",
    }


def test_bulk_queries_take_what_pages_take():
    assert RETURNED.bulk_query == "{ orders { edges { node { id updatedAt returns { edges { node { id } } } } } } }"
    assert "pageInfo" not in ORDERS.bulk_query
    assert ConsentEvent in SHOPIFY.stream("customers").entities


def swept_pages(result):
    return [page for page in result.pages if page.sweeps]


def is_gone(sweeps, entity, source_id):
    return any(
        sweep.entity is entity and source_id.startswith(sweep.prefix) and source_id not in sweep.present
        for sweep in sweeps
    )


def test_once_a_day_a_list_of_all_ids_tells_what_was_deleted(read):
    shop = Shop({"id": gid("Customer", 71)}, {"id": gid("Customer", 8)}, customers=page("customers", customer(72)))
    result = read(shop, "customers", cursor={**SINCE, "swept": "2026-02-28T12:00:00+00:00"})

    assert shop.started == [{"query": CUSTOMERS.ids_query, "grouped": False}]
    (last,) = swept_pages(result)
    assert {number: is_gone(last.sweeps, Person, number) for number in ("70", "71", "72", "8", "9")} == {
        "70": True,
        "71": False,
        "72": False,  # read a moment ago, so it is there whatever the list says
        "8": False,
        "9": True,
    }
    assert not is_gone(last.sweeps, Person, "guest-order:70")
    assert last.cursor == {"since": NOW, "swept": NOW}
    assert [found.is_milestone for found in result.pages] == [False, False, True, False]


def test_an_order_that_was_deleted_takes_its_guest_along(read):
    shop = Shop({"id": gid("Order", 1)}, orders=page("orders"))
    (last,) = swept_pages(read(shop, "orders", cursor={"since": UPDATED}))

    assert is_gone(last.sweeps, Order, "2")
    assert is_gone(last.sweeps, Person, "guest-order:2")
    assert not is_gone(last.sweeps, Order, "1")
    assert not is_gone(last.sweeps, Person, "guest-order:1")
    assert not is_gone(last.sweeps, Person, "2")


def test_old_orders_a_token_may_not_see_are_not_taken_for_deleted(read):
    shop = Shop(orders=page("orders"))
    shop.scopes = ["read_orders"]
    result = read(shop, "orders", cursor={"since": UPDATED})
    assert (shop.started, swept_pages(result), result.error) == ([], [], None)


def test_a_backfill_looks_for_no_deletions(read):
    shop = Shop(customers=page("customers"))
    assert swept_pages(read(shop, "customers", cursor={"since": UPDATED}, since=datetime(2026, 1, 1, tzinfo=UTC))) == []
    assert shop.started == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"statuses": ["RUNNING"]}, "is RUNNING after 10 minutes"),
        ({"statuses": ["FAILED"]}, "is FAILED"),
        ({"count": 5}, "1 lines instead of 5"),
        ({"count": ""}, "does not say how many ids"),
    ],
)
def test_a_list_of_ids_that_is_not_whole_deletes_nothing(read, changes, words):
    shop = Shop({"id": gid("Customer", 1)}, customers=page("customers", customer(1)), **changes)
    result = read(shop, "customers", cursor={"since": UPDATED})

    assert (result.error, swept_pages(result)) == (None, [])
    assert words in result.pages[-1].notices[0]
    assert "swept" not in result.pages[-1].cursor  # the next run tries again


def test_an_operation_begun_by_a_killed_run_is_taken_over_where_no_other_may_start(read):
    shop = Shop(customer(1))
    shop.start = lambda: {"bulkOperation": None, "userErrors": [{"code": "OPERATION_IN_PROGRESS"}]}
    shop.current = {"id": LOADING["operation"], "status": "RUNNING", "query": CUSTOMERS.bulk_query}
    shop.current["createdAt"] = "2026-01-31T00:00:00Z"
    result = read(shop, "customers")

    assert result.of(Person) == ["1"]
    assert result.cursors[-1]["since"] == "2026-01-31T00:00:00Z"


def test_a_list_of_ids_that_began_earlier_is_not_taken_over(read):
    """What was created since then is not in it, and would be taken for deleted."""
    shop = Shop({"id": gid("Customer", 1)}, customers=page("customers", customer(1)))
    shop.start = lambda: {"bulkOperation": None, "userErrors": [{"code": "OPERATION_IN_PROGRESS"}]}
    shop.current = {"id": LOADING["operation"], "status": "RUNNING", "query": CUSTOMERS.ids_query, "createdAt": STARTED}
    result = read(shop, "customers", cursor={"since": UPDATED})

    assert (result.error, swept_pages(result)) == (None, [])
    assert "too many bulk operations" in result.pages[-1].notices[0]
