"""First loads by bulk operation: Shopify writes everything into a file while we wait, and keeps it for a week.

The operation's id is committed before anything else, and the line reached after every page. So whoever is killed, or
gives up waiting, goes on with the same operation; one that failed, expired or left a short file is given up, and the
next run starts another. Where Shopify does not know it any more, or an earlier version of this program asked for other
fields, another one is started at once. What had been read by then stays and is not written twice.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from connectors.bulk import BulkFile
from connectors.errors import ConnectorError, RejectedError, RetriableError, SpoiltError
from connectors.graphql import ask, at
from connectors.reading import Page, Reading
from connectors.shopify.queries import BULK_CURRENT, BULK_START, BULK_STATE, PATH, Listing
from connectors.spec import Json

_LONGEST_WAIT = 3600.0
"""Seconds a run waits for an operation before it leaves it to the next run."""
_LONGEST_WAIT_FOR_IDS = 600.0
_LONGEST_PAUSE = 30.0
_PARENTS = 200
_BUSY = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})
_UNFINISHED = frozenset({"CREATED", "RUNNING", "CANCELING"})
_KNOWN = _UNFINISHED | {"COMPLETED", "CANCELED", "FAILED", "EXPIRED"}
_UNKNOWN: Json = {"status": "EXPIRED", "query": None}
_ERRORS = frozenset({"ACCESS_DENIED", "INTERNAL_SERVER_ERROR", "TIMEOUT"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a load stands: the operation, when it began, and the lines of its file that are stored."""

    operation: str
    started: str
    lines: int = 0

    def cursor(self, lines: int = 0) -> Json:
        return {"operation": self.operation, "started": self.started, "lines": lines}


async def load(reading: Reading, listing: Listing) -> AsyncGenerator[Page]:
    """Everything there is, in pages; the last cursor says when the operation began.

    Raises:
        RetriableError: The operation does not come to an end, or came to a bad one; the next run goes on.
        RejectedError: Shopify refuses to run it.
    """
    state = reading.state or {}
    operation = await _ended(reading, state["operation"], _LONGEST_WAIT) if "operation" in state else _UNKNOWN
    if operation.get("query", listing.bulk_query) == listing.bulk_query:
        place = _Place(state["operation"], state["started"], state.get("lines", 0))
    else:
        place = await _start(reading, listing.bulk_query, grouped=listing.nested is not None)
        yield milestone(reading, place.cursor())
        operation = await _ended(reading, place.operation, _LONGEST_WAIT)
    if operation.get("status") != "COMPLETED":
        yield milestone(reading, {})
        raise _bad_end(reading, operation)
    try:
        async for page in _pages(reading, listing, place, operation):
            yield page
    except SpoiltError as error:
        yield milestone(reading, {})
        raise SpoiltError(
            f"{error} The next run starts another bulk operation, and what was read already is not written twice: "
            f"cdp sync {reading.client.source.name}",
            stream=reading.stream.name,
        ) from None
    yield reading.page([], cursor={"since": place.started, "swept": place.started})


async def all_ids(reading: Reading, listing: Listing) -> frozenset[str]:
    """The ids of everything there is.

    Raises:
        RetriableError: The operation does not come to an end in time, or came to a bad one.
    """
    place = await _start(reading, listing.ids_query, grouped=False, adopts=False)
    operation = await _ended(reading, place.operation, _LONGEST_WAIT_FOR_IDS)
    if operation.get("status") != "COMPLETED":
        raise _bad_end(reading, operation)
    if _count(operation) is None:
        raise SpoiltError(
            f"{_name(reading)}: Shopify does not say how many ids there are, so a cut would go unnoticed."
        )
    found: set[str] = set()
    async with aclosing(_parents(reading, operation, {})) as parents:
        async for record, _ in parents:
            found.add(record["id"])
    return frozenset(found)


async def _parents(
    reading: Reading, operation: Json, children: Mapping[str, str], after: int = 0
) -> AsyncGenerator[tuple[Json, int]]:
    count, label = _count(operation), f"{_name(reading)}: bulk result"
    if not operation.get("url"):
        if count:
            raise SpoiltError(f"{label}: Shopify has thrown the file of {count} lines away, as it does after a week.")
        return  # an operation that found nothing writes no file
    file = BulkFile(operation["url"], label, count, children)
    async with aclosing(file.parents(reading.client, after=after)) as parents:
        async for parent in parents:
            yield parent


async def _pages(reading: Reading, listing: Listing, place: _Place, operation: Json) -> AsyncGenerator[Page]:
    waiting: list[Json] = []
    number = place.lines
    async with aclosing(_parents(reading, operation, listing.children, place.lines)) as parents:
        async for record, number in parents:
            waiting.append(record)
            if len(waiting) == _PARENTS:
                yield await _page(reading, waiting, place.cursor(number))
                waiting = []
    if waiting:
        yield await _page(reading, waiting, place.cursor(number))


async def _page(reading: Reading, records: list[Json], cursor: Json) -> Page:
    if reading.stream.enrich:
        await reading.stream.enrich(reading, records)
    return reading.page(records, cursor=cursor)


async def _start(reading: Reading, query: str, *, grouped: bool, adopts: bool = True) -> _Place:
    """A new operation; where too many are under way, the one that an earlier run began with the same query."""
    request = ask(PATH, BULK_START, query=query, grouped=grouped)
    for pause in _pauses(_LONGEST_WAIT if adopts else _LONGEST_WAIT_FOR_IDS):
        answer = at(await reading.send(request), "data.bulkOperationRunQuery") or {}
        operation, errors = answer.get("bulkOperation"), answer.get("userErrors") or []
        if operation and not errors:
            return _Place(operation["id"], operation["createdAt"])
        codes = [error.get("code") for error in errors if isinstance(error, dict)]
        if not _BUSY.intersection(codes):
            raise RejectedError(
                f"{_name(reading)}: Shopify does not run the bulk operation. Compare docs/connectors/shopify.md with "
                "its changelog.",
                stream=reading.stream.name,
            )
        current = at(await reading.send(ask(PATH, BULK_CURRENT)), "data.currentBulkOperation") or {}
        if adopts and current.get("query") == query and current.get("status") in _UNFINISHED:
            return _Place(current["id"], current["createdAt"])
        await reading.client.rest(pause)
    raise RetriableError(
        f"{_name(reading)}: too many bulk operations of this app are running, and after minutes of waiting none has "
        "ended. Run again when they are done.",
        stream=reading.stream.name,
    )


async def _ended(reading: Reading, operation_id: str, longest: float) -> Json:
    """The operation as soon as it is under way no more."""
    status = "CREATED"
    for pause in _pauses(longest):
        operation: Json | None = at(await reading.send(ask(PATH, BULK_STATE, id=operation_id)), "data.node")
        if operation is None or operation.get("status") not in _UNFINISHED:
            return operation or _UNKNOWN
        status = operation["status"]
        await reading.client.rest(pause)
    raise RetriableError(
        f"{_name(reading)}: the bulk operation is {status} after {longest / 60:.0f} minutes of waiting, so this "
        "run stops. Shopify goes on with it, and the next run goes on with its result: cdp sync "
        f"{reading.client.source.name}",
        stream=reading.stream.name,
    )


def _pauses(longest: float) -> list[float]:
    """Seconds between two looks, longer and longer, together as long as a run may wait."""
    pauses = [1.0]
    while sum(pauses) < longest:
        pauses.append(min(_LONGEST_PAUSE, pauses[-1] * 2))
    return pauses


def _bad_end(reading: Reading, operation: Json) -> ConnectorError:
    status, code = operation.get("status"), operation.get("errorCode")
    shown = status if status in _KNOWN else "in an unknown state"
    because = f" ({code})" if code in _ERRORS else ""
    sentence = f"{_name(reading)}: the bulk operation is {shown}{because}, so it has no result."
    if code == "ACCESS_DENIED":
        return RejectedError(
            f"{sentence} The token lacks a permission; cdp sources check {reading.client.source.name} names it.",
            stream=reading.stream.name,
        )
    return RetriableError(
        f"{sentence} The next run starts another one: cdp sync {reading.client.source.name}",
        stream=reading.stream.name,
    )


def milestone(reading: Reading, cursor: Json) -> Page:
    """An empty page whose cursor is to be committed at once; an empty one means a first load."""
    return replace(reading.page([], cursor=cursor), is_milestone=True)


def _count(operation: Json) -> int | None:
    count = operation.get("objectCount")
    return int(count) if isinstance(count, str) and count.isdigit() else None


def _name(reading: Reading) -> str:
    return f"{reading.client.source.name}/{reading.stream.name}"
