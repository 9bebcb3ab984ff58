"""HubSpot's listings read by ranges of ids: nothing is lost, whatever the vendor's tokens mean."""

import httpx
import orjson
import pytest

from connectors import Patience, source
from models import Account

HUBSPOT = source("hubspot")
PATH = "/crm/v3/objects/companies"
DENSE, SPARSE = range(1, 1500), range(50_000_000_000, 50_000_000_000 + 900_000, 600)
IDS = [*DENSE, *SPARSE]
MODIFIED = "2026-01-02T03:04:05Z"


class Portal:
    """Companies listed 100 a page; ``start`` says from where on a page is, given what ``after`` asks for."""

    def __init__(self, start, ids=IDS):
        self.start, self.ids, self.listed, self.searches = start, ids, 0, 0
        self.before_page = lambda _: None

    def handle(self, request):
        if request.url.path.endswith("/search"):
            self.searches += 1
            asked = orjson.loads(request.content)
            assert (asked["limit"], asked["sorts"][0]["direction"]) == (1, "DESCENDING")
            return httpx.Response(200, json={"results": [company(max(self.ids))] if self.ids else []})
        if request.url.params.get("archived"):
            return httpx.Response(200, json={"results": []})
        self.listed += 1
        self.before_page(self)
        after = request.url.params.get("after")
        try:
            rest = self.start(self.ids, after)
        except ValueError:
            return httpx.Response(400, json={"category": "VALIDATION_ERROR"})
        body = {"results": [company(number) for number in rest[:100]]}
        if len(rest) > 100:
            body["paging"] = {"next": {"after": self.token(rest)}}
        return httpx.Response(200, json=body)

    def token(self, rest):
        return {from_offset: str(len(self.ids) - len(rest) + 100), from_opaque: f"x{rest[100]}"}.get(
            self.start, str(rest[99] if self.start is behind else rest[100])
        )


def from_id(ids, after):
    return [number for number in ids if number >= int(after or 0)]


def behind(ids, after):
    return [number for number in ids if number > int(after or 0)]


def from_offset(ids, after):
    return ids[int(after or 0) :]


def from_opaque(ids, after):
    if after is not None and not after.startswith("x"):
        raise ValueError
    return [number for number in ids if number >= int((after or "x0")[1:])]


def unordered(ids, after):
    """From the id on, but a page in the middle shows one that belongs elsewhere."""
    rest = from_id(ids, after)
    return [rest[0], 7, *rest[1:]] if after and 700 < int(after) < 5000 else rest


def one_too_early(ids, after):
    """From the id on, but the first page ends with one from further behind."""
    rest = from_id(ids, after)
    return rest if after else [*rest[:99], ids[1200], *rest[99:]]


def muddled_first(ids, after):
    """From the id on, but the first page and the place it names do not follow the ids."""
    early = [ids[1300], ids[500], ids[700]]
    row = [*ids[:98], *early, *(number for number in ids[98:] if number not in early)]
    if after is None:
        return row
    return row[100:] if int(after) == row[100] else from_id(ids, after)


def company(number):
    properties = {"hs_lastmodifieddate": MODIFIED, "createdate": MODIFIED}
    return {"id": str(number), "properties": properties, "createdAt": MODIFIED, "updatedAt": MODIFIED}


@pytest.fixture
def read(vendor):
    def run(portal, **arguments):
        there = vendor({}, source=HUBSPOT)
        there.handle = portal.handle
        return there.read(stream=HUBSPOT.stream("companies"), patience=Patience(attempts=1), **arguments)

    return run


def found(pages):
    return [int(row["source_id"]) for page in pages for row in page.rows[Account]]


@pytest.mark.parametrize("start", [from_id, behind], ids=lambda start: start.__name__)
def test_ranges_bring_every_object_once_with_hardly_more_calls_than_pages(read, start):
    portal = Portal(start)
    pages = read(portal)
    assert sorted(found(pages)) == IDS
    assert not [page.notices for page in pages if page.notices]
    assert portal.listed < len(IDS) / 100 + 40
    assert pages[-1].cursor == {"since": "2026-03-01T12:00:00+00:00"}


@pytest.mark.parametrize(
    "start", [from_offset, from_opaque, unordered, muddled_first], ids=lambda start: start.__name__
)
def test_where_tokens_are_no_ids_or_ids_do_not_ascend_the_listing_is_read_serially(read, start):
    assert set(found(read(Portal(start)))) == set(IDS)


def test_what_lies_before_an_object_that_is_shown_too_early_is_read(read):
    pages = read(Portal(one_too_early))
    assert set(found(pages)) == set(IDS)
    assert not [page.notices for page in pages if page.notices]


def test_ranges_need_no_ids_without_gaps(read):
    pages = read(Portal(from_id, ids=list(SPARSE)))
    assert pages[0].cursor["left"] == [[SPARSE[99] + 1, SPARSE[-1]], [SPARSE[-1], None]]


def test_an_order_that_breaks_on_the_way_is_said(read):
    notices = [notice for page in read(Portal(unordered)) for notice in page.notices]
    assert len(notices) == 1
    assert "read again one page after the other" in notices[0]


@pytest.mark.parametrize("start", [from_id, unordered, from_offset], ids=lambda start: start.__name__)
@pytest.mark.parametrize("killed_after", [1, 2, 5, 11, 17, 26])
def test_a_first_load_goes_on_from_the_page_it_was_killed_after(read, start, killed_after):
    before = read(Portal(start))[:killed_after]
    cursor = orjson.loads(orjson.dumps(before[-1].cursor))
    assert set(found(before) + found(read(Portal(start), cursor=cursor))) == set(IDS)


def test_a_range_that_is_stored_is_not_read_again(read):
    before = read(Portal(from_id))[:20]
    after = read(Portal(from_id), cursor=before[-1].cursor)
    assert not set(found(before)) & set(found(after))


def test_a_cursor_of_an_earlier_version_is_gone_on_from(read):
    state = {"phase": "live", "after": str(SPARSE[0]), "started": "2026-02-01T00:00:00+00:00"}
    pages = read(Portal(from_id), cursor=state)
    assert found(pages) == list(SPARSE)
    assert pages[-1].cursor == {"since": "2026-02-01T00:00:00+00:00"}


def test_what_is_new_during_the_load_is_found_too(read):
    portal = Portal(from_id)

    def one_comes(there):
        if there.listed == 5:
            there.ids = [*IDS, max(IDS) + 1]

    portal.before_page = one_comes
    assert sorted(found(read(portal))) == [*IDS, max(IDS) + 1]


def test_the_last_object_may_go_during_the_load(read):
    portal = Portal(from_id)

    def one_goes(there):
        if there.listed == 5:
            there.ids = IDS[:-1]

    portal.before_page = one_goes
    pages = read(portal)
    assert sorted(found(pages)) == IDS[:-1]
    assert not [page.notices for page in pages if page.notices]


def test_a_short_listing_costs_no_search(read):
    portal = Portal(from_id, ids=[1, 2, 3])
    assert found(read(portal)) == [1, 2, 3]
    assert (portal.listed, portal.searches) == (1, 0)
