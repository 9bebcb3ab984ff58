"""Zendesk's incremental exports: by cursor for tickets and users, by time for those and the rest."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sandbox import zendesk_render as render
from sandbox.indexes import Ordered
from sandbox.records import Ticket, User
from sandbox.web import Request, Response, Router, reply
from sandbox.zendesk_errors import bad_request, too_recent

if TYPE_CHECKING:
    from sandbox.world import World

router = Router()

PAGE, SAMPLE, HELD_BACK_SECONDS = 1000, 50, 60
Json = dict[str, object]
RenderPage = Callable[["World", Request, Sequence[Any]], Json]


def _tickets(world: "World", request: Request, records: Sequence[Ticket]) -> Json:
    origin, asked = request.origin, request.several("include")
    rows = [render.ticket_json(world, origin, ticket) for ticket in records]
    page: Json = {"tickets": rows}
    if "metric_sets" in asked:
        for row, ticket in zip(rows, records, strict=True):
            row["metric_set"] = None if ticket.status == "deleted" else render.metric_json(world, origin, ticket)
    if "users" in asked:
        ids = dict.fromkeys(i for t in records for i in (t.requester_id, t.assignee_id))
        page["users"] = [render.user_json(origin, world.zendesk.users[i]) for i in ids]
    return page


def _users(_world: "World", request: Request, records: Sequence[User]) -> Json:
    page: Json = {"users": [render.user_json(request.origin, user) for user in records]}
    if "identities" in request.several("include"):
        page["identities"] = [render.identity_json(request.origin, u, i) for u in records for i in u.identities]
    return page


def _organizations(_world: "World", request: Request, records: Sequence[Any]) -> Json:
    return {"organizations": [render.organization_json(request.origin, o) for o in records]}


def _events(world: "World", request: Request, records: Sequence[Any]) -> Json:
    with_comments = "comment_events" in request.several("include")
    return {"ticket_events": [render.event_json(world, audit, with_comments=with_comments) for audit in records]}


def _size(request: Request) -> int:
    return max(1, min(PAGE, request.integer("per_page", PAGE)))


def _start(world: "World", request: Request) -> int | Response:
    """The start time asked for, or the vendor's refusal."""
    text = request.one("start_time")
    if text is None or not text.isdigit():
        return bad_request("start_time must be an integer", "InvalidValue")
    latest = world.clock - HELD_BACK_SECONDS
    return too_recent(int(text), latest) if int(text) > latest else int(text)


def encode_cursor(key: tuple[int, int]) -> str:
    """Opaque to clients: the time and id of the last record they have."""
    return base64.b64encode(f"{key[0]}.0||{key[1]}|".encode()).decode()


def decode_cursor(text: str) -> tuple[int, int] | None:
    """The key in a cursor, or None when it is not one of ours."""
    try:
        time, _, rest = base64.b64decode(text).decode().partition(".0||")
        return int(time), int(rest.removesuffix("|"))
    except (binascii.Error, ValueError):
        return None


def _by_cursor(
    world: "World", request: Request, ordered: Ordered[Any], page_of: RenderPage, *, keep: Callable[[Any], bool]
) -> Response:
    cursor = request.one("cursor")
    if cursor:
        key = decode_cursor(cursor)
        if key is None:
            return bad_request("cursor is not valid", "InvalidValue")
        first = ordered.after_key(key)
    else:
        start = _start(world, request)
        if isinstance(start, Response):
            return start
        key, first = (start, 0), ordered.from_key((start, 0))
    stop = min(first + _size(request), ordered.from_key((world.clock - HELD_BACK_SECONDS, 0)))
    records = ordered.records[first:stop]
    after = encode_cursor(ordered.keys[stop - 1] if records else key)
    end = stop >= ordered.from_key((world.clock - HELD_BACK_SECONDS, 0))
    query = {name: values for name, values in request.query.items() if name not in {"cursor", "start_time"}}
    url = f"{request.origin}{request.path}?{urlencode({'cursor': [after], **query}, doseq=True)}"
    body = page_of(world, request, [r for r in records if keep(r)])
    return reply(
        {
            **body,
            "after_cursor": after,
            "after_url": url,
            "before_cursor": None,
            "before_url": None,
            "end_of_stream": end,
        }
    )


def _everything(_record: object) -> bool:
    return True


def _not_deleted(ticket: Ticket) -> bool:
    return ticket.status != "deleted"


def _keep(request: Request) -> Callable[[Any], bool]:
    return _not_deleted if request.flag("exclude_deleted") else _everything


@router.on("GET", "/api/v2/incremental/tickets/cursor")
def tickets_by_cursor(world: "World", request: Request) -> Response:
    """Tickets by generated_timestamp, deleted ones included unless excluded."""
    return _by_cursor(world, request, world.tickets, _tickets, keep=_keep(request))


@router.on("GET", "/api/v2/incremental/users/cursor")
def users_by_cursor(world: "World", request: Request) -> Response:
    """Users by updated_at, deleted ones with ``active`` false."""
    return _by_cursor(world, request, world.users, _users, keep=_everything)


def _by_time(world: "World", request: Request, ordered: Ordered[Any], page_of: RenderPage, size: int) -> Response:
    """Everything from ``start_time`` on; a page ends where the second changes, and the next starts with its end."""
    start = _start(world, request)
    if isinstance(start, Response):
        return start
    last = ordered.from_key((world.clock - HELD_BACK_SECONDS, 0))
    first = ordered.from_key((start, 0))
    stop = min(first + size, last)
    if first < stop < last:
        # Never end inside the second the page starts with: the next page would be this one again.
        if ordered.keys[stop - 1][0] == start:
            stop = min(ordered.from_key((start + 1, 0)) + 1, last)
        stop = min(ordered.from_key((ordered.keys[stop - 1][0] + 1, 0)), last)
    records = ordered.records[first:stop]
    end_time = ordered.keys[stop - 1][0] if records else None
    query = {**request.query, "start_time": [str(end_time)]}
    body: Json = {
        **page_of(world, request, records),
        "count": len(records),
        "end_time": end_time,
        "next_page": f"{request.origin}{request.path}?{urlencode(query, doseq=True)}" if records else None,
        "end_of_stream": stop >= last,
    }
    return reply(body)


_TIMED: dict[str, tuple[Callable[["World"], Ordered[Any]], RenderPage]] = {
    "tickets": (lambda world: world.tickets, _tickets),
    "users": (lambda world: world.users, _users),
    "organizations": (lambda world: world.organizations, _organizations),
    "ticket_events": (lambda world: world.audits, _events),
}


def _timed(name: str, size: int | None) -> Callable[["World", Request], Response]:
    index, page_of = _TIMED[name]

    def handler(world: "World", request: Request) -> Response:
        return _by_time(world, request, index(world), page_of, size or _size(request))

    return handler


for resource in _TIMED:
    router.on("GET", f"/api/v2/incremental/{resource}")(_timed(resource, None))
    router.on("GET", f"/api/v2/incremental/{resource}/sample")(_timed(resource, SAMPLE))
