"""Readers of Shopify's streams: a bulk operation first, then what has changed; and what a page could not hold."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.cursors import ChangedSince
from connectors.errors import RetriableError
from connectors.graphql import at, next_page
from connectors.reading import Page, Reading, Sweep
from connectors.shopify.maps import GUEST
from connectors.shopify.operations import all_ids, load, milestone
from connectors.shopify.queries import (
    LINES,
    REFUND,
    REFUND_LINES,
    RETURN_LINES,
    RETURNED,
    RETURNS,
    Listing,
    Nested,
    nodes,
    refunds,
    since,
)
from connectors.side_by_side import together
from connectors.spec import ByIds, Context, Json, Request
from models import Order, Person

_LONGEST_LISTING = 24_000
"""Shopify lists at most 25,000 records of one search."""
_REFUNDS_LISTED, _REFUNDS_AT_ONCE, _MOST_REFUNDS = 5, 5, 250
_ORDERS_AT_ONCE = 8
_OPEN_RETURNS = "return_status:return_requested OR return_status:in_progress"

_BETWEEN_SWEEPS = timedelta(days=1)
_MOST_GONE = 0.2

Reader = Callable[[Reading], AsyncGenerator[Page]]
Sweeps = Callable[[frozenset[str]], tuple[Sweep, ...]]


def reader(listing: Listing, *, sweeps: Sweeps | None = None, needs: str | None = None) -> Reader:
    """Reads what ``listing`` lists: all of it on the first load, later what has changed.

    Args:
        listing: What to read.
        sweeps: Makes, once a day and from the numbers of everything there is, what tells which records are gone.
        needs: Permission without which not everything there is would be seen.
    """

    async def read(reading: Reading) -> AsyncGenerator[Page]:
        start = _cursor(reading).start(reading.state, reading.since)
        if start is None:
            async for page in load(reading, listing):
                yield page
            return
        swept = (reading.state or {}).get("swept")
        last: Json = {}
        seen: set[str] = set()
        async for page in _changed(reading, listing, start, seen):
            kept = _keeping(page, {"swept": swept} if swept else {})
            last = kept.cursor or last
            yield kept
        if sweeps and _is_due(reading, swept, needs):
            yield milestone(reading, last)
            yield await _swept(reading.rereading(), listing, sweeps, last, seen)

    return read


def _is_due(reading: Reading, swept: str | None, needs: str | None) -> bool:
    if reading.since is not None or (needs and needs not in reading.context.lookups["scopes"]):
        return False
    return swept is None or reading.client.vendor_now() - datetime.fromisoformat(swept) >= _BETWEEN_SWEEPS


async def _swept(reading: Reading, listing: Listing, sweeps: Sweeps, last: Json, seen: set[str]) -> Page:
    """A page that says what is left of what was ever read; ``seen`` are ids that this run itself has read."""
    now = reading.client.vendor_now().isoformat()
    try:
        ids = await all_ids(reading, listing)
    except RetriableError as error:
        notice = f"What was deleted was not looked for, the next run tries again. {error}"
        return replace(reading.page([], cursor=last), notices=(notice,))
    numbers = frozenset(id_.rpartition("/")[2] for id_ in ids | seen)
    return replace(reading.page([], cursor={**last, "swept": now}), sweeps=sweeps(numbers))


def customer_sweeps(numbers: frozenset[str]) -> tuple[Sweep, ...]:
    """Customers that were deleted or merged away. Their ids begin with a digit, which tells them from guests."""
    by_digit = {digit: frozenset(n for n in numbers if n.startswith(digit)) for digit in "123456789"}
    return tuple(Sweep(Person, digit, present, most=_MOST_GONE) for digit, present in by_digit.items())


def order_sweeps(numbers: frozenset[str]) -> tuple[Sweep, ...]:
    """Orders that were deleted, and the guests known by them alone."""
    guests = frozenset(f"{GUEST}{number}" for number in numbers)
    return (Sweep(Person, GUEST, guests, most=_MOST_GONE), Sweep(Order, "", numbers, most=_MOST_GONE))


def _keeping(page: Page, more: Json) -> Page:
    """The page, with ``more`` in its cursor if it has one that is a place among changes."""
    return replace(page, cursor={**page.cursor, **more}) if page.cursor and "since" in page.cursor else page


async def read_returns(reading: Reading) -> AsyncGenerator[Page]:
    """Returns of changed orders, and of orders whose return is or was open.

    Nothing promises that a return that moves on changes its order, and a return has no time of change. The cursor
    therefore keeps which orders had one open.
    """
    was_open: set[str] = set((reading.state or {}).get("open", ()))
    last: Json = {}
    async for page in reader(RETURNED)(reading):
        last = page.cursor or last
        yield _keeping(page, {"open": sorted(was_open)})
    again, is_open = reading.rereading(), set[str]()
    async for records in _found(again, RETURNED, _OPEN_RETURNS):
        is_open |= {record["id"] for record in records}
        yield await _page(again, records, None)
    left = sorted(was_open - is_open)
    for start in range(0, len(left), RETURNED.first):
        yield await _page(again, await _nodes(again, RETURNED.nodes(left[start : start + RETURNED.first])), None)
    yield reading.page([], cursor={**last, "open": sorted(is_open)})


async def _changed(reading: Reading, listing: Listing, start: datetime, seen: set[str]) -> AsyncGenerator[Page]:
    """What has changed since ``start``. Sorted by the time of change, each page is a place to go on from."""
    by_change = listing.sorted_as == _cursor(reading).name
    started: datetime | None = None
    async for records in _since(reading, listing, start):
        if records is None:
            yield milestone(reading, {})
            raise RetriableError(
                f"shopify/{reading.stream.name}: more than {_LONGEST_LISTING} records changed in one and the same "
                "second, which no listing shows to its end. The next run reads everything by a bulk operation: cdp "
                "sync shopify",
                stream=reading.stream.name,
            )
        started = started or reading.client.vendor_now()
        seen.update(record["id"] for record in records)
        reached = {"since": records[-1][listing.sorted_by]} if by_change and records else None
        yield await _page(reading, records, reached)
    yield reading.page([], cursor={"since": (started or reading.client.vendor_now()).isoformat()})


async def _since(reading: Reading, listing: Listing, start: datetime) -> AsyncGenerator[list[Json] | None]:
    """Pages of everything not before ``start``; where a listing gets too long, another one begins where it stopped.

    None instead of a page: another one would begin where the long one began.
    """
    filters = {_cursor(reading).name: start}
    floor: datetime | None = start
    while floor is not None:
        count, reached = 0, None
        async for records in _found(reading, listing, since(filters)):
            yield records
            count += len(records)
            reached = records[-1][listing.sorted_by] if records else reached
            if count >= _LONGEST_LISTING:
                break
        floor = datetime.fromisoformat(reached) if reached and count >= _LONGEST_LISTING else None
        if floor is not None and filters.get(listing.sorted_as) == floor:
            yield None
            return
        filters |= {listing.sorted_as: floor} if floor else {}


async def _found(reading: Reading, listing: Listing, search: str) -> AsyncGenerator[list[Json]]:
    paging = next_page(f"data.{listing.root}")
    async for body in reading.bodies(listing.page(search), paging, rows_at=listing.rows_at):
        yield reading.records_of(body, listing.rows_at)


async def _page(reading: Reading, records: list[Json], cursor: Json | None) -> Page:
    if reading.stream.enrich and records:
        await reading.stream.enrich(reading, records)
    return reading.page(records, cursor=cursor)


def by_ids(listing: Listing) -> ByIds:
    """Single records by search, so that they come in the shape of a listing."""

    def request(ids: Sequence[str], _context: Context) -> Request:
        numbers = (id_.rpartition("/")[2] for id_ in ids)
        return listing.page(" OR ".join(f"id:{number}" for number in numbers))

    return request


async def add_lines(reading: Reading, records: list[Json]) -> None:
    """The positions of orders that have more of them than a page holds."""
    await together(_rest(reading, "Order", record, LINES) for record in records)


async def add_refunds(reading: Reading, records: list[Json]) -> None:
    """The refunds of orders, whose positions may be asked for in no list and in no bulk operation."""
    for record in [record for record in records if len(record["refunds"]) >= _REFUNDS_LISTED]:
        (whole,) = await _nodes(reading, nodes("Order", refunds(_MOST_REFUNDS), [record["id"]])) or [record]
        # Null sets the order's refunds aside by reference: an array that is cut off again would lose some unseen.
        record["refunds"] = whole["refunds"] if len(whole["refunds"]) < _MOST_REFUNDS else None
    selection = f"{REFUND} {REFUND_LINES.selection}"
    listed = [record for record in records if record["refunds"]]
    ids = [refund["id"] for record in listed for refund in record["refunds"]]
    found = await _by_id(reading, "Refund", selection, ids, _REFUNDS_AT_ONCE)
    await together(_rest(reading, "Refund", refund, REFUND_LINES) for refund in found.values())
    for record in listed:
        record["refunds"] = [found[refund["id"]] for refund in record["refunds"] if refund["id"] in found]


async def add_returns(reading: Reading, records: list[Json]) -> None:
    """The returns of those orders that have any."""
    having = [record["id"] for record in records if (record.get("returns") or {}).get("nodes")]
    found = await _by_id(reading, "Order", f"id {RETURNS.selection}", having, _ORDERS_AT_ONCE)
    await together(_rest(reading, "Order", order, RETURNS) for order in found.values())
    returned = [one for order in found.values() for one in order["returns"]["nodes"]]
    await together(_rest(reading, "Return", one, RETURN_LINES) for one in returned)
    for record in records:
        record["returns"] = found[record["id"]]["returns"] if record["id"] in found else {"nodes": []}


async def _rest(reading: Reading, kind: str, parent: Json, nested: Nested) -> None:
    """Put the further pages of a nested connection behind its first."""
    connection = parent.setdefault(nested.name, {"nodes": []})
    info = connection.get("pageInfo") or {}
    if not info.get("hasNextPage"):
        return
    where = f"data.node.{nested.name}"
    request = nested.rest_of(kind, parent["id"], info["endCursor"])
    async for body in reading.bodies(request, next_page(where), rows_at=f"{where}.nodes"):
        connection["nodes"] += at(body, f"{where}.nodes")


async def _by_id(reading: Reading, kind: str, selection: str, ids: Sequence[str], at_once: int) -> dict[str, Json]:
    parts = [list(ids[start : start + at_once]) for start in range(0, len(ids), at_once)]
    found = await together(_nodes(reading, nodes(kind, selection, part)) for part in parts)
    return {record["id"]: record for records in found for record in records}


async def _nodes(reading: Reading, request: Request) -> list[Json]:
    """Those of the records that still exist."""
    return [record for record in reading.records_of(await reading.send(request) or {}, "data.nodes") if record]


def _cursor(reading: Reading) -> ChangedSince:
    cursor = reading.stream.cursor
    if not isinstance(cursor, ChangedSince):
        raise TypeError(f"Stream {reading.stream.name} must say how far it looks back.")
    return cursor
