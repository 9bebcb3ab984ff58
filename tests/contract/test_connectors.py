"""What every registered source promises, shown against the stand-ins over real HTTP.

A new connector gets all of this by being in the registry; it needs a line in ``CREDENTIALS``.
"""

import asyncio
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest

from connectors import (
    SOURCES,
    Connection,
    ConnectorError,
    Patience,
    RejectedError,
    RetriableError,
    Wiring,
)
from connectors import source as source_named
from connectors.graphql import at
from connectors.limiter import LocalLedger
from connectors.shapes import Seen
from models import ConsentEvent, Deal, Order, Person, SurveyResponse, Ticket, TicketEvent
from models.derive import validator
from sandbox import Fault, World, running

CREDENTIALS = {
    "hubspot": "pat-na1-sandbox",
    "zendesk": "agent@example.com/token:sandbox-token",
    "google_reviews": "ya29.sandbox",
    "shopify": "shpat_sandbox",
}
WITHOUT_SCOPES = {
    "hubspot": "pat-na1-noscope",
    "zendesk": "sandbox-noscope",
    "google_reviews": "ya29.noscope",
    "shopify": "shpat_sandbox_noscope",
}
ABSENT_WITH_LEGACY_CSAT = {("zendesk", "survey_responses")}
STREAMS = [
    pytest.param(source, stream, id=f"{source.name}/{stream.name}")
    for source in SOURCES
    for stream in source.streams
    if (source.name, stream.name) not in ABSENT_WITH_LEGACY_CSAT
]
every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
every_stream = pytest.mark.parametrize(("source", "stream"), STREAMS)
CANARY = "value of a field nobody declared"


@dataclass
class Result:
    """All pages of one read."""

    rows: dict = field(default_factory=dict)
    cursors: list = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    rejected: list = field(default_factory=list)
    sweeps: list = field(default_factory=list)
    records: int = 0
    pages: int = 0

    def add(self, page):
        for entity, rows in page.rows.items():
            self.rows.setdefault(entity, []).extend(rows)
        self.cursors.append(page.cursor)
        self.seen.add(page.seen)
        self.rejected += page.rejected
        self.sweeps += page.sweeps
        self.records += page.records
        self.pages += 1

    @property
    def cursor(self):
        return next((cursor for cursor in reversed(self.cursors) if cursor is not None), None)

    @property
    def distinct(self):
        return {entity: {orjson.dumps(row, default=str) for row in rows} for entity, rows in self.rows.items()}


class Reader:
    """Reads a stand-in without ever waiting; what it would have waited is in ``waits``."""

    def __init__(self, stand_ins):
        self.stand_ins = stand_ins
        self.waits, self.now = [], 1000.0

    async def _sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds

    def connection(self, source, *, token=None, base_url=None, transport=None, patience=None):
        ledger = LocalLedger(lambda: self.now)
        wiring = Wiring(ledger=ledger, sleep=self._sleep, transport=transport, patience=patience or Patience())
        return Connection(
            source,
            token=token or CREDENTIALS[source.name],
            account=None,
            base_url=base_url or self.stand_ins.urls[source.name],
            rate_scale=10_000,
            options={},
            clock=lambda: datetime.now(UTC),
            wiring=wiring,
        )

    def read(self, source, stream, *, cursor=None, since=None, pages=None, **connection):
        async def run():
            result = Result()
            async with (
                self.connection(source, **connection) as opened,
                aclosing(opened.read(stream, cursor=cursor, since=since)) as read,
            ):
                async for page in read:
                    result.add(page)
                    if result.pages == pages:
                        break
            return result

        return asyncio.run(run())

    def check(self, source, **connection):
        async def run():
            async with self.connection(source, **connection) as opened:
                return await opened.check()

        return asyncio.run(run())


@pytest.fixture(scope="module")
def stand_ins():
    with running(World(seed=11, customers=150)) as state:
        yield state


@pytest.fixture
def reader(stand_ins):
    yield Reader(stand_ins)
    stand_ins.switches.faults = []


def newest(rows):
    """The current row of each key, as the lake works it out: the newest version, the later one on a tie."""
    current = {}
    for row in rows:
        if row["source_id"] not in current or row["version_at"] >= current[row["source_id"]]["version_at"]:
            current[row["source_id"]] = row
    return current


def listed(current, entity, sweeps):
    """What a sweep leaves of the current rows."""
    for sweep in sweeps:
        gone = {i for i in current if entity is sweep.entity and i.startswith(sweep.prefix) and i not in sweep.present}
        current = {i: row for i, row in current.items() if i not in gone}
    return current


def of_standing_orders(current, sweeps):
    """Rows without those of orders that a sweep has found deleted."""
    orders = [sweep.present for sweep in sweeps if sweep.entity is Order]
    return {i: row for i, row in current.items() if all(row.get("order_id") in {None, *present} for present in orders)}


@every_stream
def test_keys_are_present_and_one_version_has_one_content(reader, source, stream):
    result = reader.read(source, stream)
    assert result.records
    assert not result.rejected
    assert not result.seen.odd
    for rows in result.rows.values():
        assert all(row["source_id"] and row["source"] == source.name for row in rows)
        versions = {}
        for row in rows:
            assert versions.setdefault((row["source_id"], row["version_at"]), row) == row


@every_stream
def test_every_row_is_valid_as_it_stands(reader, source, stream):
    for entity, rows in reader.read(source, stream).rows.items():
        assert [validator(entity)(row) for row in rows] == rows


@every_stream
def test_children_come_before_parents(reader, source, stream):
    assert tuple(reader.read(source, stream).rows) == stream.entities


class Surprising(httpx.AsyncBaseTransport):
    """Adds a field nobody declared to every record that passes."""

    def __init__(self, stream):
        self._stream, self._inner, self.records = stream, httpx.AsyncHTTPTransport(), 0

    async def handle_async_request(self, request):
        response = await self._inner.handle_async_request(request)
        headers = {"Date": response.headers["Date"]}
        body, is_file = await response.aread(), "jsonl" in response.headers["Content-Type"]
        lines = [orjson.loads(line) for line in (body.splitlines() if is_file else [body])]
        if is_file:
            self._surprise(line for line in lines if "__parentId" not in line)
        elif request.url.path.startswith(self._stream.path):
            self._surprise(at(lines[0], self._stream.rows_at) or ())
        content = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        return httpx.Response(response.status_code, headers=headers, content=content)

    def _surprise(self, records):
        for record in records:
            record["surprise"] = CANARY
            self.records += 1

    async def aclose(self):
        await self._inner.aclose()


@every_stream
def test_undeclared_fields_are_counted_and_stay_outside(reader, source, stream):
    transport = Surprising(stream)
    result = reader.read(source, stream, transport=transport)
    assert result.seen.odd == {("surprise", "string"): result.records}
    assert result.records <= transport.records  # some are looked at and not taken, like the one with the highest id
    assert CANARY not in str(result.rows)


@every_stream
def test_a_second_run_from_the_saved_cursor_brings_nothing_new(reader, source, stream):
    first = reader.read(source, stream)
    second = reader.read(source, stream, cursor=first.cursor)
    assert {entity: rows - first.distinct[entity] for entity, rows in second.distinct.items()} == {
        entity: set() for entity in second.distinct
    }


@every_stream
def test_a_cursor_is_json_and_repeats_itself(reader, source, stream):
    cursor = reader.read(source, stream).cursor
    if cursor is not None:
        assert orjson.loads(orjson.dumps(cursor)) == cursor


@every_stream
def test_a_first_load_that_was_killed_goes_on_from_any_page(reader, source, stream):
    whole = reader.read(source, stream)
    for pages in range(1, min(whole.pages, 4)):
        part = reader.read(source, stream, pages=pages)
        rest = reader.read(source, stream, cursor=part.cursor)
        assert {e: part.distinct[e] | rest.distinct.get(e, set()) for e in part.distinct} == whole.distinct


@every_stream
def test_a_backfill_reads_again_what_the_cursor_has_passed(reader, stand_ins, source, stream):
    first = reader.read(source, stream)
    again = reader.read(source, stream, cursor=first.cursor, since=stand_ins.world.now - timedelta(days=200))
    if first.cursor is not None:
        assert again.records


@every_stream
@pytest.mark.parametrize("kind", ["truncated_json", "cut_in_body", "cut_before_body"])
def test_an_answer_that_ends_early_is_an_error(reader, stand_ins, source, stream, kind):
    stand_ins.switches.faults = [Fault(source.name, stream.path, kind, times=None)]
    with pytest.raises(RetriableError):
        reader.read(source, stream, patience=Patience(attempts=2))


@every_stream
def test_a_limit_is_waited_for_exactly_as_long_as_the_vendor_says(reader, stand_ins, source, stream):
    undisturbed, usual = reader.read(source, stream), Counter(reader.waits)
    reader.waits.clear()
    stand_ins.switches.faults = [Fault(source.name, stream.path, "429_retry_after", times=2, retry_after=7)]
    assert reader.read(source, stream).distinct == undisturbed.distinct
    assert Counter(reader.waits) - usual == {7: 2}


@every_stream
def test_a_fault_in_the_middle_changes_nothing(reader, stand_ins, source, stream):
    undisturbed = reader.read(source, stream)
    stand_ins.switches.faults = [Fault(source.name, stream.path, "500", times=2, after=1)]
    assert reader.read(source, stream).distinct == undisturbed.distinct


@every_stream
def test_a_redirect_to_another_host_is_refused(reader, stand_ins, source, stream):
    stand_ins.switches.faults = [Fault(source.name, stream.path, "redirect")]
    with pytest.raises(RejectedError, match="redirected to another host"):
        reader.read(source, stream)


@every_stream
def test_an_expired_token_stops_the_stream_and_says_where_to_repair_it(reader, stand_ins, source, stream):
    stand_ins.switches.faults = [Fault(source.name, stream.path, "expired_token")]
    with pytest.raises(RejectedError, match="expired") as caught:
        reader.read(source, stream)
    assert source.credential_help in str(caught.value)


@every_stream
def test_no_message_holds_a_value(reader, stand_ins, source, stream):
    stand_ins.switches.faults = [Fault(source.name, stream.path, "500", times=None)]
    with pytest.raises(ConnectorError) as caught:
        reader.read(source, stream, patience=Patience(attempts=1))
    values = {value for _, value in stand_ins.world.personal_values() if len(value) > 3}
    assert not [value for value in values if value in str(caught.value)]


@every_source
def test_check_is_content_with_a_good_token(reader, source):
    result = reader.check(source)
    assert (result.ok, result.sentence) == (
        True,
        f"{source.name}: the token may read everything the streams need.",
    )


@every_source
def test_check_says_that_a_token_is_wrong(reader, source):
    result = reader.check(source, token="wrong")
    assert not result.ok
    assert "the token is wrong, expired or withdrawn" in result.sentence
    assert source.credential_help in result.sentence


@every_source
def test_check_names_missing_permissions(reader, source):
    result = reader.check(source, token=WITHOUT_SCOPES[source.name])
    assert not result.ok
    assert result.scopes
    assert all(scope in result.sentence for scope in result.scopes)


@every_source
def test_check_says_that_a_host_cannot_be_reached(reader, source):
    result = reader.check(source, base_url="http://127.0.0.1:9")
    assert not result.ok
    assert "ConnectError while talking to 127.0.0.1" in result.sentence


def test_a_first_load_and_a_later_run_equal_one_load_made_later():
    """But for three things: a flag that was taken back leaves its earlier withdrawal standing, a vendor may forget
    whom an answer came from, or whom a deal is with, once that person is archived, and what belongs to an order that
    was deleted stays, where no session sees it without the order."""
    world = World(seed=6, customers=120)
    streams = [(source, stream) for source in SOURCES for stream in source.streams]
    with running(world) as state:
        reader = Reader(state)
        first = [reader.read(*stream) for stream in streams]
        world.advance(2)
        later = [reader.read(*stream, cursor=load.cursor) for stream, load in zip(streams, first, strict=True)]
        whole = [reader.read(*stream) for stream in streams]
    sweeps = [sweep for changes in later for sweep in changes.sweeps]
    for load, changes, full in zip(first, later, whole, strict=True):
        for entity in full.rows.keys() - {ConsentEvent}:
            found = of_standing_orders(
                listed(newest(load.rows.get(entity, []) + changes.rows.get(entity, [])), entity, changes.sweeps), sweeps
            )
            expected = newest(full.rows[entity])
            if entity in {SurveyResponse, Deal}:
                forgotten = dict.fromkeys(("person_id", "person_ids"))
                found, expected = ({i: {**r, **forgotten} for i, r in rows.items()} for rows in (found, expected))
            assert found == expected


def test_deletions_and_merges_are_seen_after_the_world_has_moved():
    """The incremental run alone brings every person who left, as the truth of the world has it."""
    world = World(seed=5, customers=150)
    with running(world) as state:
        reader = Reader(state)
        cursors, rows = {}, {}
        for _ in range(2):
            for source in SOURCES:
                for stream in source.streams:
                    key = (source.name, stream.name)
                    result = reader.read(source, stream, cursor=cursors.get(key))
                    cursors[key] = result.cursor or cursors.get(key)
                    for entity, found in result.rows.items():
                        rows.setdefault((source.name, entity), []).extend(found)
            world.advance()
        world_before = world.now - timedelta(days=1)
    contacts = newest(rows["hubspot", Person])
    moment = world_before.timestamp() * 1000
    gone = {c.id for c in world.hubspot.contacts.values() if c.archived is not None and c.archived <= moment}
    assert {i for i, row in contacts.items() if row["deleted"]} == gone
    merged = {c.id: c.merged_into for c in world.hubspot.contacts.values() if c.merged_into and c.archived <= moment}
    assert {i: row["merged_into"] for i, row in contacts.items() if row["merged_into"]} == merged
    users = newest(rows["zendesk", Person])
    inactive = {str(u.id) for u in world.zendesk.users.values() if not u.active and u.updated * 1000 <= moment}
    assert {i for i, row in users.items() if row["deleted"]} == inactive
    tickets = newest(rows["zendesk", Ticket])
    deleted = {
        str(t.id) for t in world.zendesk.tickets.values() if t.status == "deleted" and t.updated * 1000 <= moment
    }
    assert {i for i, row in tickets.items() if row["deleted"]} == deleted
    closed_by_merge = {str(a.ticket_id) for a in world.zendesk.audits if a.channel == "merge" and a.at * 1000 <= moment}
    assert {row["ticket_id"] for row in rows["zendesk", TicketEvent] if row["kind"] == "merged"} == closed_by_merge


def test_consent_decisions_of_the_timeline_all_arrive_with_their_dates(reader, stand_ins):
    source = source_named("hubspot")
    rows = reader.read(source, source.stream("subscription_timeline")).rows[ConsentEvent]
    expected = Counter(
        (c.email, str(c.subscription_id or "all"), {"SUBSCRIBED": "granted"}.get(c.change, "withdrawn"), c.at)
        for c in stand_ins.world.hubspot.timeline
    )
    assert expected == Counter(
        (row["address"], row["scope"], row["state"], round(row["at"].timestamp() * 1000)) for row in rows
    )


def test_either_csat_feature_is_read_and_the_other_is_reported_absent():
    source = source_named("zendesk")
    with running(World(seed=3, customers=60, csat="new")) as state:
        surveys = Reader(state).read(source, source.stream("survey_responses"))
        again = Reader(state).read(source, source.stream("survey_responses"), cursor=surveys.cursor)
    assert len(surveys.rows[SurveyResponse]) == len(state.world.zendesk.ratings)
    assert 0 < again.records <= surveys.records
    assert again.distinct[SurveyResponse] <= surveys.distinct[SurveyResponse]


def test_an_absent_feature_is_no_error_and_no_secret(reader):
    async def run():
        source = source_named("zendesk")
        async with reader.connection(source) as connection:
            pages = [page async for page in connection.read(source.stream("survey_responses"), cursor=None)]
            return pages, connection.stats.absent

    assert asyncio.run(run()) == ([], {"survey_responses"})


def test_quarantined_records_are_asked_for_again(reader, stand_ins):
    async def run(source, stream, ids):
        async with reader.connection(source) as connection:
            return await anext(aiter(connection.read(stream, cursor=None, retry_ids=ids)))

    contact = next(c for c in stand_ins.world.hubspot.contacts.values() if c.archived is None)
    page = asyncio.run(run(source_named("hubspot"), source_named("hubspot").stream("contacts"), [contact.id, "999"]))
    assert (sorted(page.recovered), [row["source_id"] for row in page.rows[Person]][-1:]) == (
        sorted([contact.id, "999"]),
        [contact.id],
    )
    ticket = next(t for t in stand_ins.world.zendesk.tickets.values() if t.status != "deleted")
    page = asyncio.run(run(source_named("zendesk"), source_named("zendesk").stream("tickets"), [str(ticket.id)]))
    assert (page.recovered, [row["source_id"] for row in page.rows[Ticket]]) == ([str(ticket.id)], [str(ticket.id)])
