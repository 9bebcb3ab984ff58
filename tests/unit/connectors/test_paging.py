"""Paging functions: one call each."""

import pytest

from connectors import IncompleteError
from connectors.paging import (
    after_each,
    after_last_id,
    export_cursor,
    export_time,
    halved,
    list_cursor,
    next_after,
    offset_while_more,
    one_page,
)
from connectors.spec import Request

PLAIN = Request("/x", {"limit": "2"})
SEARCH = Request(
    "/x/search",
    json={
        "filterGroups": [{"filters": [{"propertyName": "m"}, {"propertyName": "id", "operator": "GT", "value": "0"}]}],
        "limit": 200,
    },
)


def test_each_result_of_a_batch_that_has_more_is_asked_for_again():
    results = [
        {"from": {"id": "1"}, "to": [], "paging": {"next": {"after": "500"}}},
        {"from": {"id": "2"}, "to": [], "paging": None},
        {"from": {"id": "3"}, "to": [], "paging": {"next": {"after": "x", "link": "https://evil.example"}}},
    ]
    asked = Request("/x/batch", json={"inputs": [{"id": "1"}, {"id": "2"}, {"id": "3"}]})
    following = after_each(asked, {"results": results})
    assert following == Request("/x/batch", json={"inputs": [{"id": "1", "after": "500"}, {"id": "3", "after": "x"}]})
    assert after_each(asked, {"results": results[1:2]}) is None


def test_a_listing_that_is_not_paged_has_one_page():
    assert one_page(PLAIN, {}) is None


@pytest.mark.parametrize("body", [{}, {"paging": None}, {"paging": {}}, {"paging": {"next": None}}])
def test_next_after_ends_without_a_next(body):
    assert next_after(PLAIN, body) is None


def test_next_after_goes_on():
    body = {"paging": {"next": {"after": 5, "link": "https://evil.example"}}}
    assert next_after(PLAIN, body) == Request("/x", {"limit": "2", "after": "5"})


def test_after_last_id_asks_for_ids_above_the_last_one():
    following = after_last_id(SEARCH, {"results": [{"id": "3"}, {"id": "8"}], "paging": {"next": {"after": "2"}}})
    filters = [{"propertyName": "m"}, {"propertyName": "id", "operator": "GT", "value": "8"}]
    assert following == Request("/x/search", json={"filterGroups": [{"filters": filters}], "limit": 200})


@pytest.mark.parametrize("body", [{"results": [{"id": "3"}]}, {"results": [], "paging": {"next": {"after": "2"}}}])
def test_after_last_id_ends(body):
    assert after_last_id(SEARCH, body) is None


def test_after_last_id_goes_on_above_no_page_that_is_out_of_order():
    body = {"results": [{"id": "10"}, {"id": "9"}], "paging": {"next": {"after": "2"}}}
    with pytest.raises(IncompleteError, match="not in the order of their ids"):
        after_last_id(SEARCH, body)


@pytest.mark.parametrize(
    ("request_", "least", "expected"),
    [
        (Request("/x", {"per_page": "9"}), 1, Request("/x", {"per_page": "4"})),
        (Request("/x", {"page[size]": "100"}), 50, Request("/x", {"page[size]": "50"})),
        (Request("/x", {"page[size]": "99"}), 50, None),
        (Request("/x", {"limit": "1"}), 1, None),
        (Request("/x", {"after": "7"}), 1, None),
        (Request("/x", json={"limit": 200, "a": 1}), 1, Request("/x", json={"limit": 100, "a": 1})),
        (
            Request("/x", json={"query": "q", "variables": {"first": 8, "b": 2}}),
            1,
            Request("/x", json={"query": "q", "variables": {"first": 4, "b": 2}}),
        ),
        (Request("/x", json={"query": "q"}), 1, None),
    ],
)
def test_halved(request_, least, expected):
    assert halved(request_, least) == expected


def test_offset_while_more():
    assert offset_while_more(PLAIN, {"hasMore": True, "offset": "o"}) == Request("/x", {"limit": "2", "offset": "o"})
    assert offset_while_more(PLAIN, {"hasMore": False, "offset": "o"}) is None


def test_an_export_cursor_replaces_the_start():
    first = Request("/x", {"start_time": "1", "per_page": "9"})
    following = export_cursor(first, {"after_cursor": "c", "end_of_stream": False})
    assert following == Request("/x", {"per_page": "9", "cursor": "c"})
    assert export_cursor(first, {"after_cursor": "c", "end_of_stream": True}) is None


@pytest.mark.parametrize(
    ("body", "start"),
    [
        ({"end_of_stream": False, "end_time": 7, "count": 3}, "7"),
        ({"end_of_stream": True, "end_time": 7, "count": 1000, "next_page": "https://x"}, None),
        ({"end_time": 7, "count": 1000, "next_page": "https://x"}, "7"),
        ({"end_time": 7, "count": 999, "next_page": "https://x"}, None),
        ({"end_time": 7}, None),
    ],
    ids=["more", "end", "old and full", "old and short", "old without count"],
)
def test_export_time(body, start):
    following = export_time(Request("/x", {"start_time": "1"}), body)
    assert following == (start and Request("/x", {"start_time": start}))


def test_list_cursor():
    body = {"meta": {"has_more": True, "after_cursor": "c"}}
    assert list_cursor(PLAIN, body) == Request("/x", {"limit": "2", "page[after]": "c"})
    assert list_cursor(PLAIN, {"meta": {"has_more": False}}) is None
    assert list_cursor(PLAIN, {}) is None


@pytest.mark.parametrize(
    ("paging", "body"),
    [
        (next_after, {"paging": {"next": {"link": "x"}}}),
        (after_each, {"results": [{"from": {"id": "1"}, "paging": {"next": {"link": "x"}}}]}),
        (offset_while_more, {"hasMore": True}),
        (export_cursor, {"end_of_stream": False, "after_cursor": None}),
        (export_time, {"end_of_stream": False, "end_time": ""}),
        (list_cursor, {"meta": {"has_more": True}}),
    ],
)
def test_more_without_a_place_to_go_on_is_an_error(paging, body):
    with pytest.raises(IncompleteError, match="says that more follows"):
        paging(PLAIN, body)


def test_a_post_carries_its_place_in_the_body():
    assert Request("/x", json={"limit": 1}).having(after="2") == Request("/x", json={"limit": 1, "after": "2"})
