"""Readers of HubSpot's streams: objects by listing and search, consent changes by windows of time."""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connectors.cursors import ChangedSince
from connectors.errors import IncompleteError, RejectedError
from connectors.hubspot.listing import above, has_more, listed, properties
from connectors.paging import after_each, after_last_id, offset_while_more
from connectors.reading import Page, Reading
from connectors.side_by_side import together
from connectors.spans import Piece, Span
from connectors.spec import ByIds, Context, Json, Request

_TIMELINE_START = datetime(2006, 6, 1, tzinfo=UTC)
"""HubSpot's first summer: no entry is older."""
_TIMELINE_WINDOW = timedelta(days=180)
_AHEAD = timedelta(days=30)
_FEW_ENTRIES = 100
"""A tenth of a page: windows grow while there is hardly anything in them."""
_BAD_REQUEST = 400


async def read_objects(reading: Reading) -> AsyncGenerator[Page]:
    """CRM objects: first by listing, later by search; then what is archived, which search never shows."""
    cursor = reading.stream.cursor
    if not isinstance(cursor, ChangedSince):
        raise TypeError(f"Stream {reading.stream.name} must say which property holds its modified time.")
    start = cursor.start(reading.state, reading.since)
    if start is None:
        async for page in _first_load(reading, reading.state or {"phase": "live"}):
            yield page
        return
    started: str | None = None
    async for body in reading.bodies(_search(reading, cursor.name, start), after_last_id):
        started = started or reading.client.vendor_now().isoformat()
        if reading.stream.enrich and body["results"]:
            await reading.stream.enrich(reading, body["results"])
        yield reading.page(body["results"], cursor=None if has_more(body) else {"since": started})
    again = reading.rereading() if reading.goes_on else reading
    async with aclosing(listed(again, archived=True, place={})) as listings:
        async for listing in listings:
            page = again.page(listing.records, cursor=None)
            yield replace(page, notices=(*page.notices, *listing.notices))


async def _first_load(reading: Reading, state: Json) -> AsyncGenerator[Page]:
    """Live objects, then archived ones; each page carries the place to go on from after a kill."""
    started = state.get("started")
    phases = ("archived",) if state["phase"] == "archived" else ("live", "archived")
    for phase in phases:
        place = state if phase == state["phase"] else {}
        async with aclosing(listed(reading, archived=phase == "archived", place=place)) as listings:
            async for listing in listings:
                started = started or reading.client.vendor_now().isoformat()
                if phase == "live":  # archived objects may not be had by batch
                    await _complete_associations(reading, listing.records)
                page = reading.page(listing.records, cursor=_place(phase, listing.place, started))
                yield replace(page, notices=(*page.notices, *listing.notices))


def _place(phase: str, place: Json | None, started: str) -> Json:
    if place is not None:
        return {"phase": phase, **place, "started": started}
    return {"phase": "archived", "started": started} if phase == "live" else {"since": started}


def _search(reading: Reading, modified: str, start: datetime) -> Request:
    since = {"propertyName": modified, "operator": "GTE", "value": str(_millis(start))}
    return above(reading, 0, since, names=properties(reading.stream.name, reading.context))


def by_ids(name: str) -> ByIds:
    """Batch reads of objects called ``name``."""

    def request(ids: Sequence[str], context: Context) -> Request:
        return Request(
            f"/crm/v3/objects/{name}/batch/read",
            json={"inputs": [{"id": i} for i in ids], "properties": properties(name, context)},
        )

    return request


async def attach_associations(reading: Reading, records: list[Json]) -> None:
    """Searches and batches carry no associations, so those the listing brings are asked for by batches of their own."""
    await together(_attach(reading, to, records) for to in _associated(reading))


async def _complete_associations(reading: Reading, records: list[Json]) -> None:
    """A listing may show the first of many associations only, and says so: then all are asked for by batch.

    Raises:
        IncompleteError: The batch gives none.
    """
    cut = {to: [record for record in records if _is_cut(record, to)] for to in _associated(reading)}
    await together(_attach(reading, to, some) for to, some in cut.items() if some)
    if any(_is_cut(record, to) for to, some in cut.items() for record in some):
        raise IncompleteError(
            f"hubspot/{reading.stream.name}: the listing says that a record has more associations than it shows, and a "
            "batch gives none of them. They would be missing, so reading stops and the cursor stays. Compare "
            "docs/connectors/hubspot.md with the vendor's changelog, then run: cdp sync hubspot",
            stream=reading.stream.name,
        )


def _associated(reading: Reading) -> list[str]:
    """The types of objects whose links to the stream's objects are read."""
    names = reading.stream.params.get("associations")
    return names.split(",") if names else []


def _is_cut(record: Json, to: str) -> bool:
    try:
        return has_more(record["associations"][to])
    except (KeyError, TypeError, AttributeError):
        return False  # there are none, or they are not as declared, which the map finds


async def _attach(reading: Reading, to: str, records: Sequence[Json]) -> None:
    links = await _links(reading, to, [str(record["id"]) for record in records])
    for record in records:
        if found := links.get(str(record["id"])):
            record.setdefault("associations", {})[to] = {"results": found}


async def _links(reading: Reading, to: str, ids: Sequence[str]) -> dict[str, list[Json]]:
    """Associated objects by id, all pages of them; an id without any is left out.

    Raises:
        RejectedError: The vendor refuses although it has the objects: they may well have associations.
        IncompleteError: Pages run in a circle.
    """
    results = await _answered(reading, to, ids)
    more = reading.following(_batch(reading, to, ids), {"results": results}, after_each)
    if more is not None:
        async with aclosing(reading.bodies(more, after_each, rows_at="results")) as bodies:
            async for body in bodies:
                results += body["results"]
    links: dict[str, list[Json]] = {}
    for result in results:
        links.setdefault(str(result["from"]["id"]), []).extend(map(_link, result["to"]))
    return links


def _batch(reading: Reading, to: str, ids: Sequence[str]) -> Request:
    path = f"/crm/v4/associations/{reading.stream.name}/{to}/batch/read"
    return Request(path, json={"inputs": [{"id": i} for i in ids]})


async def _answered(reading: Reading, to: str, ids: Sequence[str]) -> list[Json]:
    """What is answered to a batch of ids.

    One id the vendor no longer knows fails some batches as a whole: then those it still has are asked for alone.
    """
    while ids:
        try:
            return reading.records_of(await reading.send(_batch(reading, to, ids)) or {}, "results")
        except RejectedError as error:
            known = await _known(reading, ids) if error.status == _BAD_REQUEST else ids
            if len(known) == len(ids):
                raise
            ids = known
    return []


async def _known(reading: Reading, ids: Sequence[str]) -> list[str]:
    """Those of the ids whose objects the vendor still has; search shows the others for a while."""
    ask, most = by_ids(reading.stream.name), reading.stream.ids_per_request
    found: set[str] = set()
    for start in range(0, len(ids), most):
        body = await reading.send(ask(ids[start : start + most], reading.context))
        found.update(str(record["id"]) for record in reading.records_of(body or {}))
    return [i for i in ids if i in found]


def _link(other: Json) -> Json:
    """An association as the listing writes it, as far as the maps look at it."""
    labels = {kind.get("label") for kind in other.get("associationTypes") or ()}
    return {"id": other["toObjectId"], "type": "primary" if "Primary" in labels else "unlabeled"}


async def read_timeline(reading: Reading) -> AsyncGenerator[Page]:
    """Consent changes in windows of time, side by side; the cursor keeps the windows (``left``) until all are read."""
    cursor = reading.stream.cursor
    if not isinstance(cursor, ChangedSince):
        raise TypeError(f"Stream {reading.stream.name} must say how far it looks back.")
    now = reading.client.vendor_now()
    windows, begun = _windows(reading, cursor, now)

    def read(window: Span) -> AsyncGenerator[Piece[list[Json]]]:
        return _window(reading, window)

    length = int(_TIMELINE_WINDOW.total_seconds() * 1000)
    async with aclosing(reading.in_parts(read, windows, length=length, few=_FEW_ENTRIES)) as parts:
        async for entries, left in parts:
            place = {"left": [list(window) for window in left], "until": begun} if left else {"since": now.isoformat()}
            yield reading.page(entries, cursor=place)


def _windows(reading: Reading, cursor: ChangedSince, now: datetime) -> tuple[list[Span], str]:
    """What is to be read, in milliseconds, and when the reading of it began."""
    state = reading.state or {}
    left: list[Span] = []
    if "left" in state and reading.since is None:
        left = [Span(*window) for window in state["left"]]
        start = datetime.fromisoformat(state["until"]) - cursor.overlap
    else:
        start = cursor.start(reading.state, reading.since) or _TIMELINE_START
    # Clocks differ, so an entry may be dated ahead of what we take for now; the cursor stays at now all the same.
    recent = Span(_millis(start), _millis(now + _AHEAD))
    return [window for window in (*left, recent) if not window.is_empty], now.isoformat()


async def _window(reading: Reading, window: Span) -> AsyncGenerator[Piece[list[Json]]]:
    """The entries of a window, newest first: only when the last page is there, something is done."""
    bounds = {"startTimestamp": str(window.start), "endTimestamp": str((window.end or 0) - 1), "limit": "1000"}
    twins: Counter[tuple[int, object]] = Counter()
    async for body in reading.bodies(Request(reading.stream.path, bounds), offset_while_more, starts=1):
        entries = body["timeline"]
        for entry in entries:
            entry["id"] = _entry_id(entry, twins)
        yield Piece(entries, None if body.get("hasMore") else window, len(entries))


def _entry_id(entry: Json, twins: Counter[tuple[int, object]]) -> str:
    """Entries have no id and an address may not be in one: the time, and the vendor's number of the address.

    Where that is missing, the place among the entries of the same millisecond stands in for it; the second entry of one
    address in a millisecond has its place added. A window begins and
    ends between milliseconds, so the place is the same whenever the entry is read.
    """
    try:
        at = entry["timestamp"]
    except (KeyError, TypeError):
        raise IncompleteError(
            "hubspot/subscription_timeline: an entry has no timestamp, so it cannot be told from others. The cursor "
            "stays. Compare docs/connectors/hubspot.md with the vendor's changelog, then run: cdp sync hubspot",
            stream="subscription_timeline",
        ) from None
    address = entry.get("normalizedEmailId")
    twins[at, None] += 1
    if not address:
        return f"timeline/{at}/n{twins[at, None]}"
    twins[at, address] += 1
    place = twins[at, address]
    return f"timeline/{at}/{address}" + (f"/n{place}" if place > 1 else "")


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
