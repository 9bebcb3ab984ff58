"""GraphQL on the invented vendor: errors in a 200, prices, connections, and the version that answered."""

from dataclasses import replace

import httpx
import pytest

from connectors import IncompleteError, RejectedError, RetriableError
from connectors.bucket import Bucket
from connectors.cursors import Everything
from connectors.graphql import CostMeter, ask, next_page, refusal, required_scopes
from connectors.limits import Points
from connectors.spec import ApiVersion, Budget, Probe, Window
from models import Account

PATH = "/graphql"
QUERY = "query($first:Int!,$after:String){companies(first:$first,after:$after){nodes{id}}}"


async def read_companies(reading):
    async for body in reading.bodies(ask(PATH, QUERY, first=8), next_page("data.companies")):
        yield reading.page(reading.records_of(body), cursor=None)


@pytest.fixture
def graphql(vary, vendor):
    stream = {"path": PATH, "rows_at": "data.companies.nodes", "paging": None, "read": read_companies}
    source = replace(
        vary(**stream, cursor=Everything()),
        refusal=refusal,
        missing_scopes=required_scopes,
        meter=CostMeter,
        budget=Budget((Window(100, 1),), Bucket(1000, 50, dearest=500)),
        version=ApiVersion("X-Version", "2026-07"),
        probes=(Probe(ask(PATH, "{shop{id}}"), "companies.read"),),
    )
    return lambda *script: vendor(*script, source=source)


def cost(requested=10, available=1000, maximum=1000, rate=50):
    status = {"maximumAvailable": maximum, "currentlyAvailable": available, "restoreRate": rate}
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}}


def listing(*companies, after=None, **extensions):
    info = {"hasNextPage": after is not None, "endCursor": after}
    return {"data": {"companies": {"nodes": list(companies), "pageInfo": info}}, "extensions": cost(**extensions)}


def failing(code, **more):
    return {
        "errors": [{"message": "Anna Schmidt", "extensions": {"code": code, **more}}],
        "extensions": cost(*((752, 652) if code == "THROTTLED" else ())),
    }


def variables(there):
    import orjson

    return [orjson.loads(request.content)["variables"] for request in there.requests]


def names(pages):
    return [row["source_id"] for page in pages for row in page.rows[Account]]


def test_a_connection_goes_on_with_its_end_cursor(graphql, company):
    there = graphql(listing(company(1), after="c1"), listing(company(2)))

    assert names(there.read()) == ["1", "2"]
    assert variables(there) == [{"first": 8}, {"first": 8, "after": "c1"}]


def test_more_without_a_cursor_is_an_error(graphql, company):
    with pytest.raises(IncompleteError, match="gives no endCursor"):
        graphql(listing(company(1), after="")).read()


def test_an_absent_connection_is_no_empty_page(graphql):
    with pytest.raises(IncompleteError, match="no list"):
        graphql({"data": {"companies": {}}}).read()


def test_a_throttled_query_waits_until_its_price_is_there(graphql, company):
    there = graphql(failing("THROTTLED"), listing(company(1)))

    assert names(there.read()) == ["1"]
    assert there.waits == [2.0]  # (752 - 652) / 50 points a second, and not once more before the repetition


def test_a_query_waits_before_it_is_refused(graphql, company):
    there = graphql(listing(company(1), after="c1", requested=500, available=100), listing(company(2), requested=500))

    assert names(there.read()) == ["1", "2"]
    assert there.waits == [pytest.approx(8, abs=0.2)]


def test_a_price_above_what_the_bucket_can_ever_hold_is_no_endless_wait(graphql, company):
    there = graphql(listing(company(1), after="c1", requested=5000, available=900), listing(company(2)))

    there.read()
    assert there.waits == [pytest.approx(2, abs=0.2)]


def test_an_internal_error_is_repeated(graphql, company):
    there = graphql(failing("INTERNAL_SERVER_ERROR"), listing(company(1)))

    assert names(there.read()) == ["1"]
    assert len(there.waits) == 1


def test_a_query_that_is_too_dear_asks_for_half(graphql, company):
    there = graphql(
        failing("MAX_COST_EXCEEDED"), failing("MAX_COST_EXCEEDED"), listing(company(1), after="c"), listing()
    )

    assert names(there.read()) == ["1"]
    assert [asked["first"] for asked in variables(there)] == [8, 4, 2, 2]


def test_a_single_record_that_is_too_dear_is_an_error(graphql):
    with pytest.raises(RejectedError, match="answered with the error MAX_COST_EXCEEDED"):
        graphql(failing("MAX_COST_EXCEEDED")).read()


def test_a_denied_field_names_the_permission(graphql):
    denied = failing("ACCESS_DENIED", requiredAccess="`read_companies` access scope. Also: `read_people` access scope.")
    with pytest.raises(RejectedError, match="lacks the permission read_companies, read_people") as caught:
        graphql(denied).read()
    assert caught.value.status == 403


@pytest.mark.parametrize(
    "errors", ["[API] Invalid token of Anna", [{"message": "Anna"}], ["Anna"], [{"extensions": 1}]]
)
def test_errors_of_any_shape_stop_the_stream_and_are_not_quoted(graphql, errors):
    with pytest.raises(RejectedError, match="without a code") as caught:
        graphql({"errors": errors, "data": {"companies": {"nodes": []}}}).read()
    assert "Anna" not in str(caught.value)


def test_data_beside_an_error_is_not_taken(graphql, company):
    half = {**listing(company(1)), **failing("INTERNAL_SERVER_ERROR")}
    with pytest.raises(RetriableError):
        graphql(half).read()


def test_another_version_than_the_pinned_one_is_noticed(graphql):
    there = graphql(httpx.Response(200, json={"data": {"shop": {"id": 1}}}, headers={"X-Version": "2027-07"}))

    result = there.check()
    assert result.ok
    assert result.warnings == ("acme answers with version 2027-07 of its API instead of 2026-07: update.",)
    assert result.warnings[0] in result.sentence


def test_an_error_of_another_version_says_so(graphql):
    there = graphql(httpx.Response(200, json=failing("undefinedField"), headers={"X-Version": "2027-07"}))
    with pytest.raises(RejectedError, match="version 2027-07 answered instead of 2026-07"):
        there.read()


def test_a_meter_knows_prices_by_text_and_only_what_an_answer_says_in_full():
    meter, request = CostMeter(), ask(PATH, QUERY)
    assert meter.price(request) is None
    assert meter.read(request, {"extensions": cost(requested=300, available=100)}) == Points(300, 100, 1000, 50)
    assert (meter.price(request), meter.price(ask(PATH, "{other}"))) == (300, None)
    assert meter.read(request, {"extensions": {"cost": {"requestedQueryCost": "dear"}}}) is None
    assert meter.read(request, {"extensions": cost(requested=9, rate=0)}) is None
    assert meter.price(request) == 300


def test_a_refused_query_costs_nothing():
    assert CostMeter().read(ask(PATH, QUERY), failing("THROTTLED")) == Points(0, 652, 1000, 50)
