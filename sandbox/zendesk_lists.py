"""Zendesk's ordinary lists, by cursor (``page[size]``) or by offset (``page``), and single records."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sandbox import zendesk_csat as csat
from sandbox import zendesk_render as render
from sandbox.records import Ticket, User
from sandbox.times import iso_seconds
from sandbox.web import Request, Response, Router, reply
from sandbox.zendesk_errors import bad_request, beyond_search, no_page, not_found

if TYPE_CHECKING:
    from sandbox.world import World

router = Router()

PAGE, DEEPEST, ARCHIVED_AFTER = 100, 10_000, 120 * 86_400
SEARCH_CAP = 1000
Json = dict[str, object]
One = Callable[[Any], Json]


def paged(request: Request, key: str, records: Sequence[Any], one: One) -> Response:
    """A page of ``records``, in the style the query asks for."""
    if "page[size]" in request.query or "page[after]" in request.query:
        return _by_cursor(request, key, records, one)
    return _by_offset(request, key, records, one)


def _by_cursor(request: Request, key: str, records: Sequence[Any], one: One) -> Response:
    size = request.integer("page[size]", PAGE)
    if not 1 <= size <= PAGE:
        return bad_request(f"page[size] must be between 1 and {PAGE}", "InvalidPaginationParameter")
    start = _position(request.one("page[after]"))
    if start is None:
        return bad_request("page[after] is not valid", "InvalidPaginationParameter")
    page, more = records[start : start + size], len(records) > start + size
    meta: Json = {"has_more": more}
    if page:
        meta |= {"after_cursor": _cursor(start + len(page)), "before_cursor": _cursor(start)}
    query = {name: values for name, values in request.query.items() if not name.startswith("page[")}
    query |= {"page[size]": [str(size)], "page[after]": [_cursor(start + len(page))]}
    links = {"next": f"{request.origin}{request.path}?{urlencode(query, doseq=True)}" if more else None, "prev": None}
    return reply({key: [one(record) for record in page], "meta": meta, "links": links})


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"o|{position}".encode()).decode()


def _position(cursor: str | None) -> int | None:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("o|"))
    except (binascii.Error, ValueError):
        return None


def _by_offset(request: Request, key: str, records: Sequence[Any], one: One) -> Response:
    size, number = max(1, min(PAGE, request.integer("per_page", PAGE))), max(1, request.integer("page", 1))
    if number * size > DEEPEST:
        return bad_request(
            "Maximum page is 100: use cursor pagination to go beyond 10,000 records", "InvalidPaginationDepth"
        )
    start = (number - 1) * size
    body = {key: [one(record) for record in records[start : start + size]], "count": len(records)}
    return reply({**body, **_neighbours(request, number, more=len(records) > start + size)})


def _neighbours(request: Request, number: int, *, more: bool) -> Json:
    def url(page: int) -> str:
        return f"{request.origin}{request.path}?{urlencode({**request.query, 'page': [str(page)]}, doseq=True)}"

    return {"next_page": url(number + 1) if more else None, "previous_page": url(number - 1) if number > 1 else None}


def _listed(world: "World") -> list[Ticket]:
    """Tickets that lists show: neither deleted nor archived (closed for 120 days)."""
    oldest = world.clock - ARCHIVED_AFTER
    return [
        t
        for t in world.zendesk.tickets.values()
        if t.status != "deleted" and not (t.status == "closed" and t.updated < oldest)
    ]


@router.on("GET", "/api/v2/tickets")
def tickets(world: "World", request: Request) -> Response:
    """Tickets in id order, or as ``sort`` says."""
    records = world.remember("listed tickets", lambda: _listed(world))
    sort = request.one("sort") or "id"
    if sort.lstrip("-") == "updated_at":
        records = sorted(records, key=lambda t: (t.updated, t.id))
    if sort.startswith("-"):
        records = records[::-1]
    return paged(request, "tickets", records, lambda t: render.ticket_json(world, request.origin, t))


def _counted(world: "World", number: int) -> Response:
    """How many there are, and when that was true."""
    return reply({"count": {"value": number, "refreshed_at": iso_seconds(world.clock)}})


@router.on("GET", "/api/v2/tickets/count")
def count_tickets(world: "World", _request: Request) -> Response:
    """The number of tickets that are listed."""
    return _counted(world, len(world.remember("listed tickets", lambda: _listed(world))))


@router.on("GET", "/api/v2/tickets/show_many")
def show_many(world: "World", request: Request) -> Response:
    """Up to 100 tickets by id, with their metrics if asked for; deleted and unknown ones are left out."""
    ids = request.several("ids")
    if len(ids) > PAGE:
        return bad_request(f"at most {PAGE} ids", "TooManyValues")
    found = [t for i in ids if i.isdigit() and (t := _ticket(world, i))]
    metrics = render.metric_json if "metric_sets" in request.several("include") else None

    def shown(ticket: Ticket) -> dict[str, object]:
        row = render.ticket_json(world, request.origin, ticket)
        return {**row, "metric_set": metrics(world, request.origin, ticket)} if metrics else row

    return paged(request, "tickets", found, shown)


def _ticket(world: "World", number: str) -> Ticket | None:
    ticket = world.zendesk.tickets.get(int(number)) if number.isdigit() else None
    return ticket if ticket and ticket.status != "deleted" else None


@router.on("GET", "/api/v2/tickets/{id}")
def ticket(world: "World", request: Request, number: str) -> Response:
    """One ticket; archived ones too, deleted ones not."""
    found = _ticket(world, number)
    return reply({"ticket": render.ticket_json(world, request.origin, found)}) if found else not_found()


@router.on("GET", "/api/v2/tickets/{id}/comments")
def comments(world: "World", request: Request, number: str) -> Response:
    """Comments, oldest first unless asked otherwise."""
    found = _ticket(world, number)
    if found is None:
        return not_found()
    said = [audit for audit in found.audits if audit.body is not None]
    if request.one("sort") == "-created_at" or request.one("sort_order") == "desc":
        said.reverse()
    return paged(request, "comments", said, render.comment_json)


@router.on("GET", "/api/v2/tickets/{id}/metrics")
def metrics_of_ticket(world: "World", request: Request, number: str) -> Response:
    """The metrics of one ticket."""
    found = _ticket(world, number)
    return reply({"ticket_metric": render.metric_json(world, request.origin, found)}) if found else not_found()


@router.on("GET", "/api/v2/ticket_metrics")
def metrics(world: "World", request: Request) -> Response:
    """Metrics of listed tickets, newest first."""
    records = world.remember("listed tickets", lambda: _listed(world))[::-1]
    return paged(request, "ticket_metrics", records, lambda t: render.metric_json(world, request.origin, t))


@router.on("GET", "/api/v2/users")
def users(world: "World", request: Request) -> Response:
    """Active users in id order, by role if asked."""
    roles = request.several("role") + request.several("role[]")
    active = world.remember("active users", lambda: [u for u in world.zendesk.users.values() if u.active])
    records = [u for u in active if u.role in roles] if roles else active
    return paged(request, "users", records, lambda u: render.user_json(request.origin, u))


@router.on("GET", "/api/v2/users/count")
def count_users(world: "World", _request: Request) -> Response:
    """The number of active users."""
    return _counted(world, sum(user.active for user in world.zendesk.users.values()))


@router.on("GET", "/api/v2/users/me")
def me(world: "World", request: Request) -> Response:
    """The admin the token belongs to."""
    return reply({"user": render.user_json(request.origin, world.zendesk.users[world.zendesk.agents[0]])})


@router.on("GET", "/api/v2/users/show_many")
def show_users(world: "World", request: Request) -> Response:
    """Up to 100 users by id."""
    found = [u for i in request.several("ids") if (u := _user(world, i))]
    return paged(request, "users", found, lambda u: render.user_json(request.origin, u))


def _user(world: "World", number: str) -> User | None:
    return world.zendesk.users.get(int(number)) if number.isdigit() else None


@router.on("GET", "/api/v2/users/{id}")
def user(world: "World", request: Request, number: str) -> Response:
    """One user, deleted ones too."""
    found = _user(world, number)
    return reply({"user": render.user_json(request.origin, found)}) if found else not_found()


@router.on("GET", "/api/v2/users/{id}/identities")
def identities(world: "World", request: Request, number: str) -> Response:
    """The addresses and numbers of one user, by type if asked."""
    found = _user(world, number)
    if found is None:
        return not_found()
    types = request.several("type[]")
    records = [i for i in found.identities if not types or i.type in types]
    return paged(request, "identities", records, lambda i: render.identity_json(request.origin, found, i))


@router.on("GET", "/api/v2/deleted_users")
def deleted_users(world: "World", request: Request) -> Response:
    """Inactive users, those deleted for good included."""
    records = [u for u in world.zendesk.users.values() if not u.active]

    def one(gone: User) -> Json:
        row = render.user_json(request.origin, gone)
        shown = (
            "id",
            "url",
            "name",
            "email",
            "created_at",
            "updated_at",
            "time_zone",
            "phone",
            "locale",
            "organization_id",
            "role",
            "active",
        )
        return {name: row[name] for name in shown}

    return paged(request, "deleted_users", records, one)


@router.on("GET", "/api/v2/deleted_tickets")
def deleted_tickets(world: "World", request: Request) -> Response:
    """Soft-deleted tickets, as long as they can be restored (30 days)."""
    oldest = world.clock - 30 * 86_400
    records = sorted(
        (t for t in world.zendesk.tickets.values() if t.status == "deleted" and t.updated > oldest),
        key=lambda t: t.created,
    )

    def one(gone: Ticket) -> Json:
        actor = {"id": gone.assignee_id, "name": world.zendesk.users[gone.assignee_id].name}
        state = gone.status_before_deletion
        return {
            "id": gone.id,
            "subject": gone.subject,
            "actor": actor,
            "deleted_at": iso_seconds(gone.updated),
            "previous_state": state,
        }

    return paged(request, "deleted_tickets", records, one)


@router.on("GET", "/api/v2/organizations")
def organizations(world: "World", request: Request) -> Response:
    """Organizations in id order."""
    records = list(world.zendesk.organizations.values())
    return paged(request, "organizations", records, lambda o: render.organization_json(request.origin, o))


@router.on("GET", "/api/v2/organizations/count")
def count_organizations(world: "World", _request: Request) -> Response:
    """The number of organizations."""
    return _counted(world, len(world.zendesk.organizations))


@router.on("GET", "/api/v2/organizations/{id}")
def organization(world: "World", request: Request, number: str) -> Response:
    """One organization."""
    found = world.zendesk.organizations.get(int(number)) if number.isdigit() else None
    return reply({"organization": render.organization_json(request.origin, found)}) if found else not_found()


@router.on("GET", "/api/v2/organization_memberships")
def memberships(world: "World", request: Request) -> Response:
    """Who is in which organization."""
    records = world.remember(
        "members", lambda: [u for u in world.zendesk.users.values() if u.active and u.organization_id]
    )

    def one(member: User) -> Json:
        at, number = iso_seconds(member.created), member.id + 7
        url = f"{request.origin}/api/v2/organization_memberships/{number}.json"
        ids = {"id": number, "url": url, "user_id": member.id, "organization_id": member.organization_id}
        return {**ids, "default": True, "created_at": at, "updated_at": at}

    return paged(request, "organization_memberships", records, one)


@router.on("GET", "/api/v2/satisfaction_ratings")
def satisfaction_ratings(world: "World", request: Request) -> Response:
    """Legacy ratings in the order they were offered; the time filters look at the last change."""
    start, end, score = request.integer("start_time", 0), request.integer("end_time", world.clock), request.one("score")
    if world.csat != "legacy":
        return paged(request, "satisfaction_ratings", [], lambda r: csat.rating_json(request.origin, r))
    ordered = world.remember("ratings", lambda: sorted(world.zendesk.ratings, key=lambda r: (r.created, r.id)))
    if "start_time" in request.query or "end_time" in request.query or score:
        ordered = [r for r in ordered if start <= r.updated <= end and score in {None, r.score}]
    return paged(request, "satisfaction_ratings", ordered, lambda r: csat.rating_json(request.origin, r))


@router.on("GET", "/api/v2/guide/survey_responses")
def survey_responses(world: "World", request: Request) -> Response:
    """Answers to the new survey; time filters in seconds or milliseconds."""
    if world.csat != "new":
        return no_page()
    start, end = _seconds(request, "start", 0), _seconds(request, "end", world.clock)
    ordered = world.remember("surveys", lambda: sorted(world.zendesk.ratings, key=lambda r: r.id))
    records = [r for r in ordered if start <= r.updated <= end]
    if wanted := request.several("filter[subject_zrns]"):
        records = [r for r in records if f"zen:ticket:{r.ticket_id}" in wanted]
    if responders := request.several("filter[responder_ids]"):
        records = [r for r in records if str(r.requester_id) in responders]
    if request.one("sort") == "-id":
        records.reverse()
    return _by_cursor(request, "survey_responses", records, csat.survey_json)


def _seconds(request: Request, bound: str, default: int) -> int:
    value = request.integer(f"filter[created_at_{bound}]", default)
    return value // 1000 if value >= 10**12 else value


@router.on("GET", "/api/v2/search")
def search(world: "World", request: Request) -> Response:
    """A small search: ``type:ticket|user|organization`` and words; 1,000 results at most."""
    size, number = max(1, min(PAGE, request.integer("per_page", PAGE))), max(1, request.integer("page", 1))
    if size * number > SEARCH_CAP:
        return beyond_search()
    words = (request.one("query") or "").lower().split()
    kinds = [word.removeprefix("type:") for word in words if word.startswith("type:")] or [
        "ticket",
        "user",
        "organization",
    ]
    rest = [word for word in words if not word.startswith("type:")]
    found = [
        row for kind in kinds for row in _search_one(world, request, kind) if all(_matches(row, word) for word in rest)
    ]
    start = (number - 1) * size
    more = len(found) > start + size
    return reply(
        {
            "results": found[start : start + size],
            "count": len(found),
            "facets": None,
            **_neighbours(request, number, more=more),
        }
    )


def _search_one(world: "World", request: Request, kind: str) -> list[Json]:
    if kind == "ticket":
        rows = [
            render.ticket_json(world, request.origin, t)
            for t in world.zendesk.tickets.values()
            if t.status != "deleted"
        ]
    elif kind == "user":
        rows = [render.user_json(request.origin, u) for u in world.zendesk.users.values() if u.active]
    else:
        rows = [render.organization_json(request.origin, o) for o in world.zendesk.organizations.values()]
    return [{**row, "result_type": kind} for row in rows]


def _matches(row: Json, word: str) -> bool:
    """``field:value`` compares one field, anything else is looked for in the texts."""
    name, colon, value = word.partition(":")
    return str(row.get(name)).lower() == value if colon and name in row else word in _text(row)


def _text(row: Json) -> str:
    return " ".join(
        str(row.get(name) or "") for name in ("id", "subject", "description", "name", "email", "phone")
    ).lower()


@router.on("GET", "/api/v2/ticket_fields")
def ticket_fields(_world: "World", request: Request) -> Response:
    """The one custom field of the account and two system fields."""
    titles = {360_001: ("Subject", "subject"), 360_002: ("Status", "status"), 360_101: ("Reference", "text")}
    at = "2024-01-10T08:00:00Z"

    def one(field: tuple[int, tuple[str, str]]) -> Json:
        number, (title, kind) = field
        url = f"{request.origin}/api/v2/ticket_fields/{number}.json"
        times = {"created_at": at, "updated_at": at}
        return {
            "id": number,
            "url": url,
            "type": kind,
            "title": title,
            "raw_title": title,
            "active": True,
            "required": False,
            **times,
        }

    return paged(request, "ticket_fields", list(titles.items()), one)
