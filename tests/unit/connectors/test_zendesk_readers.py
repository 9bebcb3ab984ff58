"""Zendesk's survey responses, whose filter has a unit nobody is sure of; and what a refusal says."""

from dataclasses import replace

import httpx
import pytest

from connectors import source
from connectors.cursors import Everything
from connectors.zendesk.readers import missing_scopes
from models import Person

ZENDESK = source("zendesk")
SURVEYS = ZENDESK.stream("survey_responses")
STATE = {"since": "2026-02-15T00:00:00+00:00"}
FILTER = "filter[created_at_start]"


def response(number, at="2026-02-15T00:00:00Z"):
    answer = {"type": "rating_scale", "rating": 5, "rating_category": "good", "created_at": at, "updated_at": at}
    return {"id": f"r{number}", "responder_id": 7, "subject_zrns": [], "answers": [answer]}


def surveys(*records, **meta):
    return {"survey_responses": list(records), "meta": meta}


def test_a_first_load_asks_without_a_filter_and_remembers_the_newest_answer(vendor):
    later, sooner = response(1, "2026-02-15T01:00:00+01:00"), response(2, "2026-02-14T23:59:00Z")
    there = vendor(surveys(later, has_more=True, after_cursor="c"), surveys(sooner), source=ZENDESK)
    pages = there.read(stream=SURVEYS)
    assert there.queries == [
        {"page[size]": "100", "sort": "id"},
        {"page[size]": "100", "sort": "id", "page[after]": "c"},
    ]
    assert [page.cursor for page in pages] == [None, STATE]


def test_milliseconds_are_tried_first(vendor):
    there = vendor(surveys(response(1)), source=ZENDESK)
    pages = there.read(stream=SURVEYS, cursor=STATE)
    start = int(there.queries[0][FILTER])
    assert start == 1768521600000
    assert (len(there.requests), pages[-1].cursor) == (1, STATE)


def test_an_empty_window_means_the_unit_is_seconds(vendor):
    there = vendor(surveys(), surveys(response(1), response(2, "2026-02-16T00:00:00Z")), source=ZENDESK)
    pages = there.read(stream=SURVEYS, cursor=STATE)
    assert [query[FILTER] for query in there.queries] == ["1768521600000", "1768521600"]
    assert pages[-1].cursor == {"since": "2026-02-16T00:00:00+00:00"}


def test_nothing_in_either_unit_keeps_the_cursor(vendor):
    pages = vendor(surveys(), source=ZENDESK).read(stream=SURVEYS, cursor=STATE)
    assert [page.cursor for page in pages] == [STATE, STATE]


def test_an_account_without_answers_has_no_cursor_yet(vendor):
    pages = vendor(surveys(), source=ZENDESK).read(stream=SURVEYS)
    assert [page.cursor for page in pages] == [None]


@pytest.mark.parametrize("status", [403, 404])
def test_an_account_without_the_feature(vendor, status):
    body = {"error": {"title": "Forbidden", "message": "You do not have access to this page."}}
    assert vendor(httpx.Response(status, json=body), source=ZENDESK).read(stream=SURVEYS) == []


def test_the_reader_insists_on_the_cursor_it_understands(vendor):
    with pytest.raises(TypeError, match="must say"):
        vendor({}, source=ZENDESK).read(stream=replace(SURVEYS, cursor=Everything()))


@pytest.mark.parametrize(
    ("body", "scopes"),
    [
        ({}, ()),
        ({"error": "Forbidden", "description": "Missing the following required scopes: read"}, ("read",)),
        ({"description": "Missing required scopes: users:read, tickets:read"}, ("users:read", "tickets:read")),
        ({"description": None}, ()),
    ],
)  # fmt: skip
def test_missing_scopes(body, scopes):
    assert missing_scopes(body) == scopes


def test_single_users_are_read_with_their_identities(vendor):
    person = {"id": 7, "role": "end-user", "email": "a@example.com", "name": "A", "created_at": "2026-01-01T00:00:00Z"}
    identities = [{"user_id": 7, "type": "email", "value": "b@example.com"}]
    body = {"users": [{**person, "updated_at": "2026-01-01T00:00:00Z"}], "identities": identities}
    end = {"users": [], "after_cursor": "c", "end_of_stream": True}
    there = vendor(body, end, source=ZENDESK)
    page = there.read(stream=ZENDESK.stream("users"), cursor={"cursor": "c"}, retry_ids=["7"])[0]
    assert there.queries[0] == {"ids": "7", "include": "identities"}
    assert [row["other_emails"] for row in page.rows[Person]] == [["b@example.com"]]
