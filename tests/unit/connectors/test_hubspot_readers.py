"""HubSpot's odd streams, one odd answer at a time."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import orjson
import pytest

from connectors import IncompleteError, Patience, RejectedError, RetriableError, SettingsError, source
from connectors.hubspot.account import missing_scopes
from connectors.hubspot.readers import _entry_id
from models import ConsentEvent, Deal, Person, SurveyResponse

HUBSPOT = source("hubspot")
CREATED, MODIFIED = "2025-01-02T03:04:05.006Z", "2026-01-02T03:04:05Z"
DEFINITIONS = {"results": [{"id": "31", "name": "Letter"}, {"id": 32, "name": "Polls"}]}
PROPERTIES = {"results": [{"name": "email"}, {"name": "hs_email_optout"}, {"name": "hs_email_optout_31"}]}


class Portal:
    """A HubSpot account: a handler per path, everything else answered with an empty page."""

    def __init__(self, **handlers):
        self.calls = []
        self.handlers = {
            "/crm/v3/properties/contacts": lambda _: PROPERTIES,
            "/communication-preferences/v4/definitions": lambda _: DEFINITIONS,
            **{path.replace("__", "/"): handler for path, handler in handlers.items()},
        }

    def on(self, path, handler):
        self.handlers[path] = handler
        return self

    def handle(self, request):
        self.calls.append(request)
        handler = self.handlers.get(request.url.path, lambda _: {"results": [], "timeline": []})
        answer = handler(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def bodies(self, path):
        return [orjson.loads(call.content) for call in self.calls if call.url.path == path]

    def queries(self, path):
        return [dict(call.url.params) for call in self.calls if call.url.path == path]


@pytest.fixture
def read(vendor):
    def run(portal, name, *, clock=None, **arguments):
        there = vendor({}, source=HUBSPOT)
        there.handle = portal.handle
        changes = {"clock": lambda: clock} if clock else {}
        return there.read(stream=HUBSPOT.stream(name), patience=Patience(attempts=1), **changes, **arguments)

    return run


def contact(number, **props):
    times = {"createdate": CREATED, "lastmodifieddate": MODIFIED}
    return {"id": str(number), "properties": {**times, **props}, "createdAt": CREATED, "updatedAt": MODIFIED}


def test_a_first_load_lists_the_living_then_the_archived(read):
    def listing(request):
        if request.url.params.get("archived"):
            return {"results": [{**contact(9), "archived": True, "archivedAt": MODIFIED}]}
        if "after" not in request.url.params:
            return {"results": [contact(1)], "paging": {"next": {"after": "2", "link": "https://evil.example/"}}}
        return {"results": [contact(2)]}

    portal = Portal().on("/crm/v3/objects/contacts", listing)
    pages = read(portal, "contacts")
    started = "2026-03-01T12:00:00+00:00"
    assert [page.cursor for page in pages] == [
        {"phase": "live", "after": "2", "started": started},
        {"phase": "archived", "started": started},
        {"since": started},
    ]
    assert [(row["source_id"], row["deleted"]) for page in pages for row in page.rows[Person]] == [
        ("1", False),
        ("2", False),
        ("9", True),
    ]
    assert portal.queries("/crm/v3/objects/contacts")[0]["properties"].endswith("hs_legal_basis,hs_email_optout_31")


def test_a_first_load_resumes_among_the_archived(read):
    portal = Portal()
    pages = read(portal, "contacts", cursor={"phase": "archived", "after": "5", "started": "2026-02-01T00:00:00+00:00"})
    assert [page.cursor for page in pages] == [{"since": "2026-02-01T00:00:00+00:00"}]
    (query,) = portal.queries("/crm/v3/objects/contacts")
    assert (query["archived"], query["after"]) == ("true", "5")


def test_changes_are_searched_an_hour_over_and_by_id(read):
    found = [
        {"total": 3, "results": [contact(4), contact(8)], "paging": {"next": {"after": "2"}}},
        {"total": 1, "results": [contact(12)]},
    ]
    portal = Portal().on("/crm/v3/objects/contacts/search", lambda _: found.pop(0))
    pages = read(portal, "contacts", cursor={"since": "2026-01-01T01:00:00+00:00"})
    assert [page.cursor for page in pages] == [None, {"since": "2026-03-01T12:00:00+00:00"}, None]
    filters = [body["filterGroups"][0]["filters"] for body in portal.bodies("/crm/v3/objects/contacts/search")]
    modified = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": "1767225600000"}
    assert filters == [
        [modified, {"propertyName": "hs_object_id", "operator": "GT", "value": "0"}],
        [modified, {"propertyName": "hs_object_id", "operator": "GT", "value": "8"}],
    ]


def test_too_many_opt_out_properties_are_an_error_and_not_a_loss(read):
    many = {"results": [{"name": f"hs_email_optout_{number}"} for number in range(900)]}
    portal = Portal().on("/crm/v3/properties/contacts", lambda _: many)
    with pytest.raises(SettingsError, match="flags would be lost"):
        read(portal, "contacts")


@pytest.mark.parametrize("purposes", [{"99": "research"}, {"31": "fun"}])
def test_a_mapped_subscription_or_purpose_that_does_not_exist_is_refused(read, purposes):
    with pytest.raises(SettingsError, match=f"has {next(iter(purposes))}, which is no subscription type"):
        read(Portal(), "contacts", options={"subscription_purposes": purposes})


def test_check_lists_the_subscription_types(vendor):
    there = vendor({}, source=HUBSPOT)
    there.handle = Portal().handle
    assert there.check().details == ("Subscription type 31: Letter", "Subscription type 32: Polls")


def test_check_tells_of_a_wrong_option(vendor):
    there = vendor({}, source=HUBSPOT)
    there.handle = Portal().handle
    result = there.check(options={"subscription_purposes": {"31": "fun"}})
    assert (result.ok, "names no purpose" in result.sentence) == (False, True)


def answer(number):
    props = {"hs_createdate": CREATED, "hs_lastmodifieddate": MODIFIED, "hs_survey_type": "NPS", "hs_value": "9"}
    return {"id": str(number), "properties": props, "createdAt": CREATED, "updatedAt": MODIFIED}


LINKS = "/crm/v4/associations/feedback_submissions/contacts/batch/read"
FEEDBACK = {"cursor": {"since": "2026-01-01T01:00:00+00:00"}}


def linked(request):
    ids = [item["id"] for item in orjson.loads(request.content)["inputs"]]
    if "666" in ids:
        return httpx.Response(400, json={"category": "VALIDATION_ERROR"})
    return {"results": [{"from": {"id": i}, "to": [{"toObjectId": int(i) + 100}]} for i in ids if i != "3"]}


def people(pages):
    return [(row["source_id"], row["person_id"]) for page in pages for row in page.rows[SurveyResponse]]


def test_changed_answers_get_their_person_by_batch(read):
    portal = Portal().on(LINKS, linked)
    portal.on("/crm/v3/objects/feedback_submissions/search", lambda _: {"results": [answer(1), answer(3)]})
    assert people(read(portal, "feedback_submissions", **FEEDBACK)) == [("1", "101"), ("3", None)]


def with_a_bad_id(*, known, links=linked):
    """Four changed answers, of which one cannot be in a batch of associations, and those that can be had by id."""
    results = [answer(number) for number in (1, 2, 666, 4)]
    portal = Portal().on(LINKS, links)
    portal.on("/crm/v3/objects/feedback_submissions/search", lambda _: {"results": results})
    there = {"results": [answer(number) for number in known]}
    return portal.on("/crm/v3/objects/feedback_submissions/batch/read", lambda _: there)


def test_an_answer_that_is_gone_does_not_cost_the_others_their_person(read):
    portal = with_a_bad_id(known=(1, 2, 4))
    pages = read(portal, "feedback_submissions", **FEEDBACK)
    assert people(pages) == [("1", "101"), ("2", "102"), ("666", None), ("4", "104")]
    assert len(portal.bodies(LINKS)) == 2


def test_an_answer_that_is_there_is_not_stored_without_its_person(read):
    portal = with_a_bad_id(known=(1, 2, 666, 4))
    with pytest.raises(RejectedError, match="status 400"):
        read(portal, "feedback_submissions", **FEEDBACK)
    assert len(portal.bodies(LINKS)) == 1


def test_associations_of_nothing_that_is_left_are_none(read):
    pages = read(with_a_bad_id(known=()), "feedback_submissions", **FEEDBACK)
    assert people(pages) == [("1", None), ("2", None), ("666", None), ("4", None)]


def in_pages(links, *, size=2):
    """A batch of associations that gives ``size`` of the ``links`` of each id at a time."""

    def handle(request):
        results = []
        for item in orjson.loads(request.content)["inputs"]:
            start = int(item.get("after", 0))
            some = links.get(item["id"], [])[start : start + size]
            more = {"paging": {"next": {"after": str(start + size)}}} if start + size < len(links[item["id"]]) else {}
            results.append({"from": {"id": item["id"]}, "to": [{"toObjectId": i} for i in some], **more})
        return {"results": results}

    return handle


PEOPLE_OF_DEALS = "/crm/v4/associations/deals/contacts/batch/read"


def test_what_more_there_is_of_several_deals_is_asked_for_in_one_batch(read):
    links = {"1": [*range(11, 16)], "2": [21], "3": [31, 32, 33]}
    portal = deals(found=[deal(number, "won") for number in (1, 2, 3)]).on(PEOPLE_OF_DEALS, in_pages(links))
    rows = [row for page in read(portal, "deals", **FEEDBACK) for row in page.rows[Deal]]
    assert {row["source_id"]: row["person_ids"] for row in rows} == {i: [*map(str, ids)] for i, ids in links.items()}
    assert [[*map(tuple, map(dict.values, body["inputs"]))] for body in portal.bodies(PEOPLE_OF_DEALS)] == [
        [("1",), ("2",), ("3",)],
        [("1", "2"), ("3", "2")],
        [("1", "4")],
    ]


def repeats_itself(request):
    ids = [item["id"] for item in orjson.loads(request.content)["inputs"]]
    more = {"paging": {"next": {"after": "500"}}}
    return {"results": [{"from": {"id": i}, "to": [{"toObjectId": 7}], **more} for i in ids]}


def names_no_place(_):
    return {"results": [{"from": {"id": "1"}, "to": [], "paging": {"next": {"link": "x"}}}]}


@pytest.mark.parametrize(
    ("handler", "said"), [(repeats_itself, "asks for a page it has had"), (names_no_place, 'gives no "after"')]
)
def test_associations_that_cannot_be_read_to_their_end_stop_the_stream(read, handler, said):
    with pytest.raises(IncompleteError, match=f"hubspot/deals: .*{said}"):
        read(deals(found=[deal(1, "won")]).on(PEOPLE_OF_DEALS, handler), "deals", **FEEDBACK)


def test_a_refusal_of_what_follows_is_not_the_end_of_the_associations(read):
    pages = in_pages({"1": [11, 12, 13], "2": [21]})

    def handle(request):
        return httpx.Response(400) if b"after" in request.content else pages(request)

    with pytest.raises(RejectedError):
        read(deals(found=[deal(1, "won"), deal(2, "won")]).on(PEOPLE_OF_DEALS, handle), "deals", **FEEDBACK)


def shown(number, *people, more=True):
    """A deal as the listing shows it, with the first of its people."""
    paging = {"paging": {"next": {"after": "2"}}} if more else {}
    people = [{"id": str(person), "type": "deal_to_contact"} for person in people]
    return {**deal(number, "won"), "associations": {"contacts": {"results": people, **paging}}}


def test_associations_that_the_listing_cuts_are_read_by_batch(read):
    portal = deals(found=[]).on(PEOPLE_OF_DEALS, in_pages({"1": [11, 12, 13]}))
    portal.on("/crm/v3/objects/deals", lambda request: {"results": [] if "archived" in request.url.params else listed})
    listed = [shown(1, 11, 12), shown(2, 21, more=False), {**deal(3, "won"), "associations": [7]}]
    page = read(portal, "deals")[0]
    assert [(row["source_id"], row["person_ids"]) for row in page.rows[Deal]] == [
        ("1", ["11", "12", "13"]),
        ("2", ["21"]),
    ]
    assert [rejected.record_id for rejected in page.rejected] == ["3"]
    assert {item["id"] for body in portal.bodies(PEOPLE_OF_DEALS) for item in body["inputs"]} == {"1"}


def test_associations_that_the_listing_cuts_and_no_batch_gives_stop_the_stream(read):
    portal = deals(found=[]).on("/crm/v3/objects/deals", lambda _: {"results": [shown(1, 11, 12)]})
    with pytest.raises(IncompleteError, match="more associations than it shows"):
        read(portal, "deals")


def refused(answers, *, known):
    """A portal with changed answers whose people it refuses; it still has the answers called ``known``."""

    def named(request):
        ids = [int(item["id"]) for item in orjson.loads(request.content)["inputs"]]
        return {"results": [answer(number) for number in ids if number in known]}

    portal = Portal().on(LINKS, lambda _: httpx.Response(400, json={"category": "VALIDATION_ERROR"}))
    portal.on("/crm/v3/objects/feedback_submissions/search", lambda _: {"results": [answer(i) for i in answers]})
    return portal.on("/crm/v3/objects/feedback_submissions/batch/read", named)


@pytest.mark.parametrize("answers", [[1], [1, 2, 3], range(1, 151)], ids=len)
def test_when_every_link_is_refused_nobody_loses_their_person(read, answers):
    with pytest.raises(RejectedError, match=r"status 400 \(VALIDATION_ERROR\)"):
        read(refused(answers, known={max(answers)}), "feedback_submissions", **FEEDBACK)


def test_answers_that_are_gone_but_still_found_do_not_stop_the_stream(read):
    pages = read(refused([1, 2], known={}), "feedback_submissions", **FEEDBACK)
    assert people(pages) == [("1", None), ("2", None)]


def test_a_quarantined_answer_is_read_again_with_its_person(read):
    portal = Portal().on(LINKS, linked)
    portal.on("/crm/v3/objects/feedback_submissions/batch/read", lambda _: {"results": [answer(1)]})
    pages = read(portal, "feedback_submissions", **FEEDBACK, retry_ids=["1", "2"])
    assert (people(pages), pages[0].recovered) == ([("1", "101")], ["1", "2"])


BATCH = "/crm/v3/objects/feedback_submissions/batch/read"
UNKNOWN = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["2"]}}


def in_part(*errors, **more):
    """A batch of two whose second is not given."""
    return httpx.Response(207, json={"status": "COMPLETE", "results": [answer(1)], "errors": errors, **more})


def test_an_answer_the_batch_does_not_know_needs_no_further_try(read):
    portal = Portal().on(LINKS, linked).on(BATCH, lambda _: in_part(UNKNOWN))
    assert read(portal, "feedback_submissions", **FEEDBACK, retry_ids=["1", "2"])[0].recovered == ["1", "2"]


@pytest.mark.parametrize(
    ("partial", "said"),
    [
        (in_part({"category": "INTERNAL_ERROR", "message": "a@example.com"}), "INTERNAL_ERROR"),
        (in_part(UNKNOWN, {"category": "RATE_LIMITS"}), "RATE_LIMITS"),
        (in_part({"category": "a@example.com"}), "without a code"),
        (in_part("a@example.com"), "without a code"),
        (in_part(status="PROCESSING"), "without a code"),
    ],
)
def test_what_a_batch_lacks_for_another_reason_is_not_gone(read, partial, said):
    portal = Portal().on(LINKS, linked).on(BATCH, lambda _: partial)
    with pytest.raises(RetriableError, match=f"batch/read: answered with the error {said}: ") as failure:
        read(portal, "feedback_submissions", **FEEDBACK, retry_ids=["1", "2"])
    assert "a@example.com" not in str(failure.value)


def test_links_that_are_lacking_for_another_reason_are_not_none(read):
    portal = Portal().on(LINKS, lambda _: in_part({"category": "INTERNAL_ERROR"}))
    portal.on("/crm/v3/objects/feedback_submissions/search", lambda _: {"results": [answer(1)]})
    with pytest.raises(RetriableError):
        read(portal, "feedback_submissions", **FEEDBACK)


def test_a_bad_id_a_batch_names_does_not_cost_the_others_their_person(read):
    def some(request):
        there = linked(request) if b"666" not in request.content else {"errors": [{"category": "VALIDATION_ERROR"}]}
        return httpx.Response(207, json={"status": "COMPLETE", "results": [], **there})

    pages = read(with_a_bad_id(known=(1, 2, 4), links=some), "feedback_submissions", **FEEDBACK)
    assert people(pages) == [("1", "101"), ("2", "102"), ("666", None), ("4", "104")]


def test_a_refused_batch_stops_the_stream(read):
    portal = Portal().on(LINKS, lambda _: httpx.Response(403))
    portal.on("/crm/v3/objects/feedback_submissions/search", lambda _: {"results": [answer(1)]})
    with pytest.raises(RejectedError):
        read(portal, "feedback_submissions", **FEEDBACK)


def entry(at, recipient, **more):
    change = {"change": "UNSUBSCRIBED", "changeType": "SUBSCRIPTION_STATUS", "subscriptionId": 31}
    return {"timestamp": at, "portalId": 1, "recipient": recipient, "changes": [change], **more}


TIMELINE = "/email/public/v1/subscriptions/timeline"
JUNE = datetime(2026, 1, 1, tzinfo=UTC)


def test_entries_of_one_millisecond_are_told_apart_across_pages(read):
    pages = [
        {"hasMore": True, "offset": "x", "timeline": [entry(5, "c@example.com"), entry(5, "b@example.com")]},
        {"hasMore": False, "timeline": [entry(5, "a@example.com"), entry(4, "d@example.com", normalizedEmailId=88)]},
    ]
    portal = Portal().on(TIMELINE, lambda _: pages.pop(0))
    result = read(portal, "subscription_timeline", since=JUNE)
    rows = [(row["source_id"], row["address"]) for page in result for row in page.rows[ConsentEvent]]
    assert rows == [
        ("timeline/5/n1/0", "c@example.com"),
        ("timeline/5/n2/0", "b@example.com"),
        ("timeline/5/n3/0", "a@example.com"),
        ("timeline/4/88/0", "d@example.com"),
    ]
    now = "2026-03-01T12:00:00+00:00"
    whole = [[1767225600000, 1774958400000]]  # a window counts when its last page is there
    assert [page.cursor for page in result] == [{"left": whole, "until": now}, {"since": now}]


SEPTEMBER = datetime(2026, 9, 1, tzinfo=UTC)


def test_windows_touch_and_do_not_overlap(read):
    portal = Portal().on(TIMELINE, lambda _: {"hasMore": False, "timeline": []})
    pages = read(portal, "subscription_timeline", clock=SEPTEMBER, since=JUNE)
    bounds = [(int(q["startTimestamp"]), int(q["endTimestamp"])) for q in portal.queries(TIMELINE)]
    assert bounds == [(1767225600000, 1782777599999), (1782777600000, 1790812799999)]
    assert [page.cursor for page in pages] == [
        {"left": [[1782777600000, 1790812800000]], "until": "2026-09-01T00:00:00+00:00"},
        {"since": "2026-09-01T00:00:00+00:00"},
    ]


def test_a_first_reading_of_the_timeline_goes_on_with_the_windows_that_are_left(read):
    portal = Portal().on(TIMELINE, lambda _: {"hasMore": False, "timeline": []})
    left = {"left": [[1000, 2000]], "until": "2026-08-31T00:00:00+00:00"}
    pages = read(portal, "subscription_timeline", clock=SEPTEMBER, cursor=left)
    bounds = [(int(q["startTimestamp"]), int(q["endTimestamp"])) for q in portal.queries(TIMELINE)]
    assert bounds == [
        (1000, 1999),
        (1788130800000, 1790812799999),
    ]  # and what came since, an hour over, and is dated ahead
    assert pages[-1].cursor == {"since": "2026-09-01T00:00:00+00:00"}


def test_an_entry_without_a_time_stops_the_stream(read):
    portal = Portal().on(TIMELINE, lambda _: {"timeline": [{"recipient": "a@example.com"}]})
    with pytest.raises(IncompleteError, match="an entry has no timestamp") as caught:
        read(portal, "subscription_timeline", since=JUNE)
    assert "a@example.com" not in str(caught.value)


def refusal(*scopes):
    return {"category": "MISSING_SCOPES", "errors": [{"context": {"requiredGranularScopes": scopes}}]}


@pytest.mark.parametrize(
    ("body", "scopes"),
    [
        ({}, ()),
        ({"category": "MISSING_SCOPES"}, ("unnamed",)),
        (refusal("tickets", "a b", 7), ("tickets",)),
        ({"category": "MISSING_SCOPES", "errors": [{"message": "x"}]}, ("unnamed",)),
    ],
)  # fmt: skip
def test_missing_scopes(body, scopes):
    assert missing_scopes(body) == scopes


@pytest.mark.parametrize("name", ["contacts", "subscription_timeline"])
def test_a_reader_insists_on_the_cursor_it_understands(vendor, name):
    from connectors.cursors import Everything

    stream = replace(HUBSPOT.stream(name), cursor=Everything())
    there = vendor({"results": []}, source=HUBSPOT)
    with pytest.raises(TypeError, match="must say"):
        there.read(stream=stream)


def test_lookups_are_loaded_once_per_connection(vendor):
    portal = Portal()
    there = vendor({}, source=HUBSPOT)
    there.handle = portal.handle

    async def twice():
        async with there.connection() as connection:
            for _ in range(2):
                async for _ in connection.read(HUBSPOT.stream("contacts"), cursor=None):
                    pass

    asyncio.run(twice())
    assert len(portal.queries("/crm/v3/properties/contacts")) == 1


def test_two_entries_of_one_address_in_one_millisecond_have_ids_of_their_own():
    twins = Counter()
    entries = [{"timestamp": 5, "normalizedEmailId": 88}, {"timestamp": 5}, {"timestamp": 5, "normalizedEmailId": 88}]
    assert [_entry_id(entry, twins) for entry in entries] == ["timeline/5/88", "timeline/5/n2", "timeline/5/88/n2"]


PIPELINES = {
    "results": [
        {
            "id": "default",
            "label": "Sales",
            "stages": [
                {"id": "new", "label": "New", "metadata": {"isClosed": "false", "probability": "0.2"}},
                {"id": "won", "label": "Won", "metadata": {"isClosed": "true", "probability": "1.0"}},
                {"id": "odd", "label": "Odd"},
            ],
        }
    ]
}


def deals(*, found):
    portal = Portal().on("/crm/v3/pipelines/deals", lambda _: PIPELINES)
    portal.on("/account-info/v3/details", lambda _: {"companyCurrency": "CHF"})
    return portal.on("/crm/v3/objects/deals/search", lambda _: {"results": found})


def deal(number, stage):
    props = {"createdate": CREATED, "hs_lastmodifieddate": MODIFIED, "pipeline": "default", "dealstage": stage}
    return {"id": str(number), "properties": {**props, "amount": "5"}, "createdAt": CREATED, "updatedAt": MODIFIED}


def test_changed_deals_get_their_people_and_company_by_batch(read):
    def companies(request):
        ids = [item["id"] for item in orjson.loads(request.content)["inputs"]]
        others = [
            {"toObjectId": 70, "associationTypes": [{"typeId": 341, "label": None}]},
            {"toObjectId": 71, "associationTypes": [{"typeId": 5, "label": "Primary"}, {"typeId": 341, "label": None}]},
        ]
        return {"results": [{"from": {"id": i}, "to": others} for i in ids]}

    portal = deals(found=[deal(1, "won"), deal(3, "odd")])
    portal.on("/crm/v4/associations/deals/contacts/batch/read", linked)
    portal.on("/crm/v4/associations/deals/companies/batch/read", companies)
    rows = [row for page in read(portal, "deals", **FEEDBACK) for row in page.rows[Deal]]
    assert [(row["person_ids"], row["account_id"]) for row in rows] == [(["101"], "71"), (None, "71")]
    assert [(row["stage"], row["is_won"], row["currency"]) for row in rows] == [
        ("Won", True, "CHF"),
        ("Odd", False, "CHF"),
    ]


def test_an_amount_that_makes_no_sense_sets_one_deal_aside_and_keeps_the_others(read):
    odd = deal(2, "new")
    odd["properties"]["amount"] = "twelve"
    pages = read(deals(found=[deal(1, "new"), odd]), "deals", **FEEDBACK)
    assert [row["source_id"] for row in pages[0].rows[Deal]] == ["1"]
    assert [(item.record_id, item.error_class) for item in pages[0].rejected] == [("2", "ValueError")]
