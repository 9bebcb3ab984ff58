"""The one loop: its guards, and what becomes of records that are not as declared."""

from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from connectors import IncompleteError, Patience, Rejected, RejectedError, RetriableError
from connectors import reading as loop
from connectors.paging import one_page
from connectors.shapes import fields
from connectors.spec import Join, Request
from models import Account

LONG_AGO = datetime(2025, 3, 1, tzinfo=UTC)


def page(*records, **more):
    return {"companies": list(records), "after_cursor": "end", "end_of_stream": True, **more}


def test_pages_follow_each_other_and_carry_their_cursors(vendor, company):
    there = vendor(page(company(1), after_cursor="a", end_of_stream=False), page(company(2), after_cursor="b"))
    pages = there.read()
    assert [row["source_id"] for p in pages for row in p.rows[Account]] == ["1", "2"]
    assert [p.cursor for p in pages] == [{"cursor": "a"}, {"cursor": "b"}]
    assert there.queries == [{"start_time": "1"}, {"cursor": "a"}]


def purposes(there):
    return [attempt.purpose for attempt in there.attempts]


def test_a_declared_reread_is_counted_apart_from_the_first_reading_of_the_same(vendor, vary, company):
    there = vendor(page(company(1)), source=vary(rereads="all of it, because nothing tells what has changed"))
    there.read()
    there.read(cursor={"cursor": "a"})
    there.read(cursor={"cursor": "a"}, since=LONG_AGO)
    assert purposes(there) == ["read", "reread", "read"]


def test_a_stream_that_declares_no_reread_makes_none(vendor, company):
    there = vendor(page(company(1)))

    async def read(reading):
        yield reading.rereading()

    there.read(cursor={"cursor": "a"})
    with pytest.raises(TypeError, match="companies does not declare what it reads again"):
        there.read(stream=replace(there.source.streams[0], paging=None, read=read))
    assert purposes(there) == ["read"]


def test_what_all_streams_need_to_know_is_counted_to_none(vendor, vary, company):
    async def names(fetch, _options):
        return await fetch(Request("/names"))

    looking_up = replace(vary(lookups=()), lookups={"names": names})
    looking_up = replace(looking_up, streams=(replace(looking_up.streams[0], lookups=("names",)),))
    there = vendor({}, page(company(1)), source=looking_up)
    there.read()
    assert purposes(there) == ["setup", "read"]


def test_an_empty_page_is_not_the_end(vendor, company):
    there = vendor(page(after_cursor="a", end_of_stream=False), page(company(1)))
    assert [p.records for p in there.read()] == [0, 1]


def test_the_same_request_twice_is_an_error(vendor):
    there = vendor(page(after_cursor="a", end_of_stream=False))
    with pytest.raises(IncompleteError, match="asks for a page it has had"):
        there.read()
    assert len(there.requests) == 2


def test_more_pages_than_an_account_can_have_are_an_error(vendor, monkeypatch):
    monkeypatch.setattr(loop, "PAGE_CAP", 2)
    there = vendor(*(page(after_cursor=str(number), end_of_stream=False) for number in range(4)))
    with pytest.raises(IncompleteError, match="has more than 2 pages"):
        there.read()


@pytest.mark.parametrize("body", [{"error": "x", "request": 1}, {"companies": None, "error": "x"}, {"companies": {}}])
def test_an_absent_list_is_not_an_empty_page(vendor, body):
    with pytest.raises(IncompleteError) as caught:
        vendor(body).read()
    assert str(caught.value) == (
        f'acme/companies: page 1 has no list "companies" (keys: {", ".join(sorted(body))}). An absent list is not an '
        "empty page, so the cursor stays. Compare docs/connectors/acme.md with the vendor's changelog, then run: "
        "cdp sync acme"
    )


@pytest.mark.parametrize("record", [{"name": "Foo"}, "a@example.com", None])
def test_a_record_without_a_name_of_its_own_stops_the_stream(vendor, record):
    with pytest.raises(IncompleteError, match="cannot even be set aside") as caught:
        vendor(page(record)).read()
    assert "a@example.com" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "error_class"),
    [
        ({"name": [7]}, "invalid:name:string_type"),
        ({"name": {}, "updated_at": "soon"}, "invalid:name:string_type,version_at:datetime_from_date_parsing"),
        ({"updated_at": None}, "invalid:version_at:datetime_type"),
        ({"updated_at": "2026-01-01T00:00:00"}, "invalid:version_at:timezone_aware"),
    ],
)
def test_a_record_that_is_not_as_declared_is_set_aside_by_reference(vendor, company, changes, error_class):
    result = vendor(page(company(1), company(2, **changes), company(3))).read()[0]
    assert result.rejected == [Rejected("2", error_class)]
    assert [row["source_id"] for row in result.rows[Account]] == ["1", "3"]
    assert (result.records, result.cursor) == (3, {"cursor": "end"})


def test_a_missing_field_is_named_and_a_nested_one_is_not(vendor, vary, company):
    record = company(1)
    del record["name"]
    assert vendor(page(record)).read()[0].rejected == [Rejected("1", "missing:name")]

    def by_value(record, _context):
        return {}[record["name"]]

    source = vary(map=by_value)
    assert vendor(page(company(1)), source=source).read()[0].rejected == [Rejected("1", "missing:a nested field")]


@pytest.mark.parametrize("error", [TypeError, ValueError, AttributeError, IndexError, OverflowError])
def test_what_a_map_stumbles_over_is_named_by_its_kind(vendor, vary, company, error):
    def stumble(record, _context):
        raise error(record["name"])

    result = vendor(page(company(1)), source=vary(map=stumble)).read()[0]
    assert result.rejected == [Rejected("1", error.__name__)]


def test_a_mistake_of_ours_is_not_a_bad_record(vendor, vary, company):
    def broken(_record, _context):
        raise RecursionError

    with pytest.raises(RecursionError):
        vendor(page(company(1)), source=vary(map=broken)).read()


def test_undeclared_fields_are_counted_by_name(vendor, company):
    result = vendor(page(company(1, hat="red"), company(2, hat="blue", shoe=1))).read()[0]
    assert result.seen.odd == {("hat", "string"): 2, ("shoe", "integer"): 1}
    assert result.seen.present == {"id": 2, "name": 2, "updated_at": 2}


def test_a_field_of_another_type_is_read_all_the_same_and_counted(vendor, company):
    retyped = company("2", name=7, updated_at=1767323045)
    result = vendor(page(company(1), retyped)).read()[0]
    assert result.rejected == []
    assert [(row["source_id"], row["name"]) for row in result.rows[Account]] == [("1", "Foo"), ("2", "7")]
    assert len({row["version_at"] for row in result.rows[Account]}) == 1
    assert result.seen.odd == {("id", "string"): 1, ("name", "integer"): 1, ("updated_at", "integer"): 1}


def test_an_empty_list_in_place_of_a_text_sets_its_record_aside_and_is_not_read_as_nothing(vendor, vary, company):
    def map_loosely(record, context):
        return map_company({**record, "name": record["name"] or None}, context)

    map_company = vary().streams[0].map
    there = vendor(page(company(1), company(2, name=[]), company(3, name="")), source=vary(map=map_loosely))
    result = there.read()[0]
    assert [row["source_id"] for row in result.rows[Account]] == ["1", "3"]
    assert result.rejected == [Rejected("2", "invalid:name:string_type")]


def test_a_field_that_cannot_be_read_sets_its_record_aside_and_is_counted_too(vendor, company):
    result = vendor(page(company(1), company(2, name=["Foo"]))).read()[0]
    assert result.rejected == [Rejected("2", "invalid:name:string_type")]
    assert result.seen.odd == {("name", "array"): 1}


def test_side_loaded_items_join_their_records(vendor, vary, company):
    def with_offices(record, _context):
        offices = ",".join(office["city"] for office in record.get("offices", ()))
        return [(Account, {"source_id": str(record["id"]), "version_at": record["updated_at"], "name": offices})]

    source = vary(
        map=with_offices, joins=(Join("offices", on="company_id"),), fields=fields(whole="id", list="offices")
    )
    offices = [{"company_id": 2, "city": "Ulm"}, {"company_id": 2, "city": "Bonn"}, {"company_id": 9, "city": "Lom"}]
    result = vendor(page(company(1), company(2), offices=offices), source=source).read()[0]
    assert [row["name"] for row in result.rows[Account]] == ["", "Ulm,Bonn"]
    assert vendor(page(company(1)), source=source).read()[0].rows[Account][0]["name"] == ""
    result = vendor(page(company("2"), offices=offices), source=source).read()[0]
    assert result.rows[Account][0]["name"] == "Ulm,Bonn"


def test_an_absent_feature_gives_no_page(vendor, vary):
    assert vendor(httpx.Response(404), source=vary(absent_on=(404,))).read() == []


def test_a_missing_permission_is_never_an_absent_feature(vendor, vary):
    there = vendor(httpx.Response(403, json={"missing": ["companies.read"]}), source=vary(absent_on=(403,)))
    with pytest.raises(Exception, match="lacks the permission"):
        there.read()


def test_a_gateway_that_gives_up_is_asked_for_less(vendor, vary, company):
    source = vary(params={"per_page": "200"})
    slow = httpx.Response(504)
    more = page(company(1), after_cursor="a", end_of_stream=False)
    there = vendor(slow, slow, more, page(company(2)), source=source)
    there.read(patience=Patience(attempts=1))
    assert [query["per_page"] for query in there.queries] == ["200", "100", "50", "50"]


def test_pages_are_not_halved_for_ever(vendor, vary):
    there = vendor(httpx.Response(504), source=vary(params={"per_page": "100"}))
    with pytest.raises(RetriableError):
        there.read(patience=Patience(attempts=1))
    assert [query["per_page"] for query in there.queries] == ["100", "50"]


@pytest.mark.parametrize("status", [400, 410, 422])
def test_a_place_the_vendor_no_longer_knows_means_from_the_beginning(vendor, company, status):
    there = vendor(httpx.Response(status), page(company(1), company(2)))
    (result,) = there.read(cursor={"cursor": "ended"})
    assert there.queries == [{"cursor": "ended"}, {"start_time": "1"}]
    assert [row["source_id"] for row in result.rows[Account]] == ["1", "2"]
    (notice,) = result.notices
    assert notice == (
        "acme/companies: the vendor no longer knew the place to go on from, so the listing was read again from its "
        "beginning."
    )


def test_a_place_that_ends_while_it_is_read_means_from_where_this_run_began(vendor, company):
    more = page(company(1), after_cursor="a", end_of_stream=False)
    there = vendor(more, httpx.Response(400), more, page(company(2)))
    pages = there.read(cursor={"cursor": "c"})
    assert there.queries == [{"cursor": name} for name in ("c", "a", "c", "a")]
    assert [len(p.notices) for p in pages] == [0, 1, 0]


def test_places_that_end_all_the_time_are_an_error(vendor, company):
    more = page(company(1), after_cursor="a", end_of_stream=False)
    ended = httpx.Response(400)
    there = vendor(more, ended, more, ended, more, ended)
    with pytest.raises(RejectedError):
        there.read()
    assert len(there.requests) == 6


def test_a_beginning_that_is_refused_too_is_an_error(vendor):
    there = vendor(httpx.Response(400))
    with pytest.raises(RejectedError):
        there.read(cursor={"cursor": "ended"})
    assert there.queries == [{"cursor": "ended"}, {"start_time": "1"}]


def by_ids(ids, _context):
    return Request("/companies/many", {"ids": ",".join(ids)})


def test_quarantined_records_are_read_again_first(vendor, vary, company):
    there = vendor(page(company(7), company(8, name=[])), page(), source=vary(by_ids=by_ids))
    again, _ = there.read(retry_ids=["8", "7", "9"])
    assert there.queries[0] == {"ids": "7,8,9"}
    assert (again.recovered, again.cursor) == (["7", "9"], None)
    assert again.rejected == [Rejected("8", "invalid:name:string_type")]


def test_many_quarantined_records_are_asked_for_in_portions(vendor, vary):
    there = vendor(page(), source=vary(by_ids=by_ids))
    there.read(retry_ids=[str(number) for number in range(150)])
    assert [len(query["ids"].split(",")) for query in there.queries[:2]] == [100, 50]


def test_a_quarantined_record_that_comes_by_itself_has_recovered(vendor, company):
    assert vendor(page(company(7), company(8))).read(retry_ids=["7", "1"])[0].recovered == ["7"]


def test_a_stream_without_single_reads_waits_for_its_records_to_come_by(vendor):
    there = vendor(page())
    there.read(retry_ids=["7"])
    assert there.queries == [{"start_time": "1"}]


def test_a_stream_without_paging_needs_a_reader(vary):
    with pytest.raises(ValueError, match="either a paging style or a reader"):
        vary(paging=None)
    assert vary(paging=one_page).streams[0].paging is one_page


def test_the_general_reader_refuses_a_stream_that_says_nothing_of_pages(vendor, vary):
    source = vary(paging=None, read=loop.read_stream)
    with pytest.raises(TypeError, match="has a reader of its own"):
        vendor(page(), source=source).read()
