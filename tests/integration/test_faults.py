"""What becomes of each fault, over real HTTP: repaired, noticed, set aside by reference, or not to be seen.

Whatever became of it, one more read without the fault brings all that an undisturbed one brings: that is the law here,
and the tables only say which of the four ways led there. docs/faults.md shows the first table to operators.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from installations import TOKENS

from connectors import Bounds, Connection, ConnectorError, Page, Patience, Wiring
from connectors import source as source_named
from connectors.limiter import LocalLedger
from sandbox import Fault, Running, World, running
from sandbox.switches import FAULTS

REPAIRED, NOTICED, SET_ASIDE, UNSEEN = "repaired", "noticed", "set aside", "unseen"
MEGABYTE = 1 << 20
NOW = datetime(2026, 5, 20, tzinfo=UTC)
"""Its last 180 days hold a change to summer time."""
PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


@dataclass(frozen=True)
class Row:
    """One kind: what becomes of it when it passes, what when it stays, and what is said then."""

    kind: str
    once: str
    for_good: str
    said: str = ""
    more: dict[str, Any] = field(default_factory=dict)


ROWS = (
    Row("expired_token", NOTICED, NOTICED, "the token is wrong, expired or withdrawn"),
    Row("forbidden", NOTICED, NOTICED, "lacks the permission"),
    Row("not_found", REPAIRED, NOTICED, "status 404"),
    Row("conflict", NOTICED, NOTICED, "status 409"),
    Row("too_large", REPAIRED, NOTICED, "status 413"),
    Row("expired_cursor", REPAIRED, NOTICED, "status 400"),
    Row("429", REPAIRED, NOTICED, "status 429"),
    Row("429_retry_after", REPAIRED, NOTICED, "The vendor asks to wait 7 s", {"retry_after": 7}),
    Row("429_retry_date", REPAIRED, NOTICED, "The vendor asks to wait 7 s", {"retry_after": 7}),
    Row("500", REPAIRED, NOTICED, "status 500"),
    Row("502_html", REPAIRED, NOTICED, "status 502"),
    Row("503", REPAIRED, NOTICED, "status 503"),
    Row("503_retry_after", REPAIRED, NOTICED, "The vendor asks to wait 7 s", {"retry_after": 7}),
    Row("login_page", REPAIRED, NOTICED, "bytes of text/html with status 200 that are not one JSON object"),
    Row("empty_200", REPAIRED, NOTICED, "0 bytes with status 200 that are not one JSON object"),
    Row("redirect", NOTICED, NOTICED, "redirected to another host, which must not see the token"),
    Row("slow_first_byte", REPAIRED, NOTICED, "ReadTimeout while talking to", {"seconds": 30}),
    Row("slow_drip", REPAIRED, NOTICED, "the answer had not ended after", {"seconds": 0.2}),
    Row("cut_before_body", REPAIRED, NOTICED, "RemoteProtocolError while talking to"),
    Row("cut_in_body", REPAIRED, NOTICED, "RemoteProtocolError while talking to"),
    Row("truncated_json", REPAIRED, NOTICED, "that are not one JSON object, so the answer was cut short"),
    Row("invalid_utf8", REPAIRED, NOTICED, "that are not UTF-8"),
    Row("wrong_content_type", REPAIRED, REPAIRED),
    Row("huge_body", REPAIRED, NOTICED, "the answer is longer than 1 MB", {"megabytes": 2}),
    Row("gzip_bomb", REPAIRED, NOTICED, "the answer is longer than 1 MB", {"megabytes": 64}),
    Row("clock_skew", REPAIRED, REPAIRED, more={"seconds": 30 * 86_400}),
    # Ranges of ids are read side by side: an answer to another question looks like a gap in the ids.
    Row("repeated_page", UNSEEN, UNSEEN),
    Row("duplicated_records", REPAIRED, REPAIRED),
    Row("skipped_page", UNSEEN, UNSEEN),
    Row("out_of_order", REPAIRED, REPAIRED),
    Row("late_update", UNSEEN, UNSEEN),
    Row("silent_delete", UNSEEN, UNSEEN),
    Row("local_times", REPAIRED, REPAIRED),
    Row("naive_times", SET_ASIDE, SET_ASIDE),
    Row("numbers_as_strings", REPAIRED, REPAIRED),
    Row("nulls", SET_ASIDE, SET_ASIDE, more={"name": "properties"}),
    Row("retyped", SET_ASIDE, SET_ASIDE, more={"name": "properties"}),
)
"""As it is for HubSpot's contacts, read for the first time."""


@dataclass
class Read:
    """Everything that one read brought, and how it ended."""

    rows: set[bytes] = field(default_factory=set)
    rejected: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    records: int = 0
    cursor: dict[str, Any] | None = None
    error: str | None = None

    def ids(self, entity: str) -> list[str]:
        """Source ids of the rows of one entity."""
        return sorted({row["source_id"] for name, row in map(orjson.loads, self.rows) if name == entity})

    def add(self, page: Page) -> None:
        self.rows |= {
            orjson.dumps([entity.__entity__, row], default=_in_utc, option=orjson.OPT_PASSTHROUGH_DATETIME)
            for entity, rows in page.rows.items()
            for row in rows
        }
        self.rejected += [item.record_id for item in page.rejected]
        self.notices += page.notices
        self.records += page.records
        self.cursor = page.cursor if page.cursor is not None else self.cursor


@dataclass(frozen=True)
class Place:
    """A stream and from where it is read.

    ``path`` and ``body`` are what its calls have in common, ``after`` how many of them pass before the fault.
    """

    source: str
    stream: str
    path: str
    body: str = ""
    is_later: bool = False
    page_size: int = 12
    after: int = 1

    def faults(self, row: Row, *, times: int | None, ids: Sequence[str] = ()) -> list[Fault]:
        return [
            Fault(self.source, self.path, row.kind, times=times, after=self.after, body=self.body, ids=ids, **row.more)
        ]

    def cursor(self, world: World) -> dict[str, Any] | None:
        long_ago = (world.now - timedelta(days=170)).isoformat()
        return {"since": long_ago, "swept": long_ago} if self.is_later else None

    def read(
        self,
        vendors: Running,
        cursor: dict[str, Any] | None,
        *,
        retry_ids: Sequence[str] = (),
        since: datetime | None = None,
        bounds: Bounds | None = None,
    ) -> Read:
        """Read without ever waiting."""
        source = source_named(self.source)
        stream = source.stream(self.stream)
        found = Read(cursor=cursor)
        vendors.switches.page_size = self.page_size

        async def run() -> None:
            clock, patience = Clock(), Patience(attempts=4)
            wiring = Wiring(ledger=LocalLedger(clock), patience=patience, bounds=bounds or Bounds(), sleep=clock.sleep)
            async with Connection(
                source,
                token=TOKENS[self.source],
                account=None,
                base_url=vendors.urls[self.source],
                rate_scale=10_000,
                options={},
                clock=lambda: vendors.world.now,
                wiring=wiring,
            ) as connection:
                try:
                    async for page in connection.read(stream, cursor=cursor, since=since, retry_ids=retry_ids):
                        found.add(page)
                except ConnectorError as error:
                    found.error = str(error)

        asyncio.run(run())
        return found


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


class Clock:
    """Passes when somebody waits, and then at once."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


# The first page, the search for the highest id, and the trial whether a listing can go on there.
CONTACTS = Place("hubspot", "contacts", "/crm/v3/objects/contacts", after=3)
CHANGED_CONTACTS = Place("hubspot", "contacts", "/crm/v3/objects/contacts/search", is_later=True)
TIMELINE = Place("hubspot", "subscription_timeline", "/email/public/v1/subscriptions/timeline")
TICKETS = Place("zendesk", "tickets", "/api/v2/incremental/tickets/cursor")
EVENTS = Place("zendesk", "ticket_events", "/api/v2/incremental/ticket_events", page_size=200)
RATINGS = Place("zendesk", "satisfaction_ratings", "/api/v2/satisfaction_ratings")
ORDERS = Place("shopify", "orders", "/admin/api", body="orders(first", is_later=True)
REVIEWS = Place("google_reviews", "reviews", "/v4/accounts", page_size=2)
# Locations are read side by side, and only a second page has a place to go on from.
ONE_LOCATION = Place("google_reviews", "reviews", "/v4/accounts/104421/locations/7741200000000000115/", page_size=2)

BOUNDS = {
    "slow_first_byte": Bounds(silence_seconds=0.5),
    "slow_drip": Bounds(answer_seconds=1.0),
    "huge_body": Bounds(page_bytes=MEGABYTE),
    "gzip_bomb": Bounds(page_bytes=MEGABYTE),
}

ELSEWHERE = (
    (CHANGED_CONTACTS, Row("expired_cursor", REPAIRED, NOTICED, "status 400")),
    (CHANGED_CONTACTS, Row("too_large", REPAIRED, NOTICED, "status 413")),
    (CHANGED_CONTACTS, Row("out_of_order", NOTICED, NOTICED, "not in the order of their ids")),
    (CHANGED_CONTACTS, Row("duplicated_records", REPAIRED, REPAIRED)),
    (CHANGED_CONTACTS, Row("repeated_page", NOTICED, NOTICED, "asks for a page it has had")),
    (TICKETS, Row("expired_cursor", REPAIRED, NOTICED, "status 400")),
    (TICKETS, Row("too_large", REPAIRED, NOTICED, "status 413")),
    (TICKETS, Row("503_retry_after", REPAIRED, NOTICED, "asks to wait 7 s", {"retry_after": 7})),
    (TICKETS, Row("repeated_page", NOTICED, NOTICED, "asks for a page it has had")),
    (TICKETS, Row("duplicated_records", REPAIRED, REPAIRED)),
    (TICKETS, Row("out_of_order", REPAIRED, REPAIRED)),
    (TICKETS, Row("local_times", REPAIRED, REPAIRED)),
    (TICKETS, Row("naive_times", SET_ASIDE, SET_ASIDE)),
    (TICKETS, Row("numbers_as_strings", REPAIRED, REPAIRED)),
    (TICKETS, Row("nulls", SET_ASIDE, SET_ASIDE, more={"name": "created_at"})),
    (TICKETS, Row("retyped", SET_ASIDE, SET_ASIDE, more={"name": "created_at"})),
    (EVENTS, Row("repeated_page", NOTICED, NOTICED, "asks for a page it has had")),
    (EVENTS, Row("out_of_order", REPAIRED, REPAIRED)),
    (RATINGS, Row("expired_cursor", REPAIRED, NOTICED, "status 400")),
    (RATINGS, Row("repeated_page", NOTICED, NOTICED, "asks for a page it has had")),
    (ORDERS, Row("throttled", REPAIRED, NOTICED, "answered with the error THROTTLED")),
    (ORDERS, Row("internal_error", REPAIRED, NOTICED, "answered with the error INTERNAL_SERVER_ERROR")),
    (ORDERS, Row("expired_cursor", REPAIRED, NOTICED, "status 400")),
    (ORDERS, Row("too_large", REPAIRED, NOTICED, "status 413")),
    (ORDERS, Row("repeated_page", NOTICED, NOTICED, "asks for a page it has had")),
    (ORDERS, Row("duplicated_records", REPAIRED, REPAIRED)),
    (ORDERS, Row("out_of_order", REPAIRED, REPAIRED)),
    (ORDERS, Row("local_times", REPAIRED, REPAIRED)),
    (ORDERS, Row("naive_times", SET_ASIDE, SET_ASIDE)),
    (ORDERS, Row("nulls", SET_ASIDE, SET_ASIDE, more={"name": "processedAt"})),
    (ONE_LOCATION, Row("expired_cursor", REPAIRED, NOTICED, "status 400")),
    (REVIEWS, Row("too_large", REPAIRED, NOTICED, "status 413")),
    (REVIEWS, Row("duplicated_records", REPAIRED, REPAIRED)),
    (REVIEWS, Row("out_of_order", REPAIRED, REPAIRED)),
    (REVIEWS, Row("naive_times", SET_ASIDE, SET_ASIDE)),
    (REVIEWS, Row("retyped", SET_ASIDE, SET_ASIDE, more={"name": "createTime"})),
)
"""Where a stream is read in another way, the same may end otherwise."""


@pytest.fixture(scope="module")
def vendors() -> Iterator[Running]:
    with running(World(seed=7, customers=60, now=NOW)) as state:
        yield state


@pytest.fixture(autouse=True)
def all_off(vendors: Running) -> Iterator[None]:
    yield
    vendors.switches.faults = []


@pytest.fixture(scope="module")
def undisturbed() -> dict[Place, Read]:
    """What an undisturbed read of a place brings, once it has been asked for."""
    return {}


def whole(vendors: Running, undisturbed: dict[Place, Read], place: Place) -> Read:
    if place not in undisturbed:
        undisturbed[place] = place.read(vendors, place.cursor(vendors.world))
        assert undisturbed[place].error is None
    return undisturbed[place]


def cases() -> Iterator[Any]:
    for place, row in [*((CONTACTS, row) for row in ROWS if row.once != UNSEEN), *ELSEWHERE]:
        for times, outcome in ((1, row.once), (None, row.for_good)):
            where = f"{place.source}/{place.stream}{' later' if place.is_later else ''}"
            name = f"{where}-{row.kind}-{'once' if times else 'for good'}"
            yield pytest.param(place, row, times, outcome, id=name)


@pytest.mark.parametrize(("place", "row", "times", "outcome"), list(cases()))
def test_what_becomes_of_it(
    vendors: Running, undisturbed: dict[Place, Read], place: Place, row: Row, times: int | None, outcome: str
) -> None:
    expected = whole(vendors, undisturbed, place)
    vendors.switches.faults = place.faults(row, times=times)

    read = place.read(vendors, place.cursor(vendors.world), bounds=BOUNDS.get(row.kind))

    assert vendors.switches.faults[0].seen > place.after, "the fault never struck"
    assert (read.error is not None, bool(read.rejected)) == (outcome == NOTICED, outcome == SET_ASIDE), read.error
    assert row.said in (read.error or row.said)
    assert read.rows == expected.rows if outcome == REPAIRED else read.rows < expected.rows
    vendors.switches.faults = []
    again = place.read(
        vendors, read.cursor if outcome == NOTICED else place.cursor(vendors.world), retry_ids=read.rejected
    )
    assert (again.error, again.rejected) == (None, [])
    assert read.rows | again.rows == expected.rows


def test_a_clock_that_is_ahead_moves_no_cursor_past_what_is_still_to_change(vendors: Running) -> None:
    vendors.switches.faults = [Fault("hubspot", "/", "clock_skew", times=None, seconds=30 * 86_400)]
    cursor = CONTACTS.read(vendors, None).cursor or {}
    assert datetime.fromisoformat(cursor["since"]) <= NOW


@pytest.mark.parametrize(("place", "entity"), [(CONTACTS, "person"), (TICKETS, "ticket"), (ORDERS, "order")])
@pytest.mark.parametrize("kind", ["skipped_page", "late_update"])
def test_what_one_read_cannot_see_a_backfill_brings(
    vendors: Running, undisturbed: dict[Place, Read], place: Place, entity: str, kind: str
) -> None:
    """No vendor says how many records a page should have had; reading again from a date finds what was not there."""
    expected = whole(vendors, undisturbed, place)
    ids = expected.ids(entity)[-3:]
    vendors.switches.faults = [Fault(place.source, place.path, kind, times=None, body=place.body, ids=ids)]
    read = place.read(vendors, place.cursor(vendors.world))
    assert (read.error, read.rejected, read.rows < expected.rows) == (None, [], True)

    vendors.switches.faults = []
    again = place.read(vendors, read.cursor, since=NOW - timedelta(days=200))

    assert read.rows | again.rows >= expected.rows


def test_what_shows_up_late_is_in_the_overlap_of_the_next_read(vendors: Running) -> None:
    """HubSpot's search shows changes seconds to minutes late, so the next one looks back an hour."""
    state = {"since": (NOW - timedelta(minutes=5)).isoformat()}
    place = CHANGED_CONTACTS
    expected = place.read(vendors, state)
    (late, *_) = expected.ids("person")
    vendors.switches.faults = [Fault("hubspot", CONTACTS.path, "late_update", times=None, ids=[late])]
    read = place.read(vendors, state)
    assert late not in read.ids("person")

    vendors.switches.faults = []

    assert place.read(vendors, read.cursor).rows >= expected.rows - read.rows != set()


def test_the_page_for_operators_says_the_same() -> None:
    lines = PAGE.read_text().splitlines()
    table = [f"| `{row.kind}` | {FAULTS[row.kind]} | {row.once} | {row.for_good} |" for row in ROWS]
    assert [line for line in table if line not in lines] == []
    assert {row.kind for row in ROWS} | {"throttled", "internal_error", "cut_at_line"} == FAULTS.keys()
