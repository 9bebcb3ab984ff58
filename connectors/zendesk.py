"""Zendesk Support: people who write in, their tickets and words, and how satisfied they were.

Lands:      organizations, users, deleted_users, tickets, ticket_events, satisfaction_ratings, survey_responses
Left out:   custom fields, tags and user fields (may hold anything) unless configured, attachments, photos, signatures,
            side conversations, metric events and SLAs (no metric reads them yet), the location Zendesk derives from IPs
Increments: users and tickets by the vendor's export cursor; organizations and events by export time; both CSAT kinds
            by their time, thirty days over, because an answer may come long after the question; users deleted for
            good in full, because the export may show them late or not at all
Limits:     ten export calls a minute; exports hold back the last minute
Source:     https://developer.zendesk.com/api-reference, Support API v2, read 2026-05
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.auth import bearer_or_basic_token
from connectors.paging import export_cursor, export_time, list_cursor
from connectors.reading import Page, Reading
from connectors.spec import (
    Budget,
    ByIds,
    ChangedSince,
    Context,
    Everything,
    ExportCursor,
    ExportTime,
    Join,
    Json,
    Mapped,
    Probe,
    Request,
    Row,
    Source,
    Stream,
    Window,
)
from models import Account, Message, Person, SurveyInvitation, SurveyResponse, Ticket, TicketEvent

_DELETED_FOR_GOOD = "Permanently Deleted User"
_NOBODY = -1
"""Author of what the system writes."""
_CHANNELS = {
    "email": "email", "mail": "email",
    "web": "web", "web_form": "web", "web_widget": "web", "web form": "web",
    "chat": "chat", "native_messaging": "chat", "messaging": "chat",
    "voice": "phone", "phone": "phone", "sms": "sms",
    "twitter": "social", "facebook": "social", "instagram_dm": "social", "whatsapp": "social", "any_channel": "social",
    "mobile": "app", "mobile_sdk": "app", "help_center": "portal", "answer_bot_for_web_widget": "chatbot",
}  # fmt: skip
_RATINGS = {"good": 1.0, "bad": 0.0}
_DONE = frozenset({"solved", "closed"})
_SCOPES = re.compile(r"required scopes?:\s*([a-z_:, ]{2,200})")


# Maps


def map_user(record: Json, context: Context) -> Mapped:
    """A user: customer, staff or, if configured, bot. Deleted ones stay as a tombstone."""
    user_id = str(record["id"])
    identities = record.get("identities") or ()
    email, phone, name = record.get("email") or None, record.get("phone") or None, record.get("name")
    external_id, system = record.get("external_id") or None, context.options.get("external_id_is")
    person = {
        "source_id": user_id,
        "version_at": record["updated_at"],
        "deleted": record.get("active") is False,
        "kind": _kind(user_id, record["role"], context),
        "account_id": _id(record.get("organization_id")),
        "created_at": record["created_at"],
        "full_name": None if name == _DELETED_FOR_GOOD else name,
        "email": email,
        "other_emails": [i["value"] for i in identities if i["type"] == "email" and i["value"] != email] or None,
        "phone": phone,
        "other_phones": [i["value"] for i in identities if i["type"] == "phone_number" and i["value"] != phone] or None,
        "locale": record.get("locale"),
        "notes": record.get("notes") or None,
        "cross_source": system if external_id else None,
        "cross_id": external_id if system else None,
    }
    return [(Person, person)]


def map_deleted_user(record: Json, context: Context) -> Mapped:
    """A user deleted for good: a tombstone without values. Others are left to the export, which shows more of them."""
    if record.get("name") != _DELETED_FOR_GOOD:
        return []
    return map_user({**record, "active": False}, context)


def map_organization(record: Json, _context: Context) -> Mapped:
    """An organization."""
    domains = record.get("domain_names") or (None,)
    account = {
        "source_id": str(record["id"]),
        "version_at": record["updated_at"],
        "name": record.get("name") or None,
        "domain": domains[0],
        "created_at": record["created_at"],
    }
    return [(Account, account)]


def map_ticket(record: Json, _context: Context) -> Mapped:
    """A ticket's present state. Its version is the time the export goes by, because others stand still."""
    metrics, status = record.get("metric_set") or {}, record["status"]
    ticket = {
        "source_id": str(record["id"]),
        "version_at": record["generated_timestamp"],
        "deleted": status == "deleted",
        "requester_id": _id(record["requester_id"]),
        "submitter_id": _id(record["submitter_id"]),
        "assignee_id": _id(record["assignee_id"]),
        "account_id": _id(record["organization_id"]),
        "group_id": _id(record["group_id"]),
        "created_at": record["created_at"],
        "status": status,
        "channel": _channel(record["via"]),
        "priority": record["priority"],
        "solved_at": metrics.get("solved_at") if status in _DONE else None,
        "reopen_count": metrics.get("reopens"),
        # The only trace a merge leaves on the ticket itself; into which one is not said.
        "merged_into": "unknown" if "closed_by_merge" in record["tags"] else None,
        "title": record["subject"],
    }
    return [(Ticket, ticket)]


def map_ticket_event(record: Json, context: Context) -> Mapped:
    """An audit of a ticket: its comment, if it has one, and the changes of its state."""
    rows: Mapped = []
    for child in record["child_events"]:
        kind = child.get("event_type")
        if kind == "Comment":
            rows.append((Message, _message(record, child, context)))
        elif kind == "Create":
            rows.append((TicketEvent, _event(record, child["id"], "created", to=child.get("status"))))
        elif kind == "Change" and "status" in child:
            was, now = child.get("previous_value"), child["status"]
            rows.append((TicketEvent, _event(record, child["id"], "status", was=was, to=now)))
            if now == "closed" and "merge" in (_rel(child.get("via")), _rel(record.get("via"))):
                rows.append((TicketEvent, _event(record, f"{child['id']}/merged", "merged", was=was, to=now)))
    return rows


def map_rating(record: Json, _context: Context) -> Mapped:
    """A legacy rating: the offer, and the answer once there is one."""
    score = record["score"]
    if score == "unoffered":
        return []
    rating_id, answer = f"rating/{record['id']}", score.split("_")[0]
    about = {"source_id": rating_id, "version_at": record["updated_at"], **_whom(record["requester_id"], record["ticket_id"])}
    invitation = {
        **about,
        "instrument": "CSAT",
        "delivered_at": record["created_at"],
        "request_channel": "email",
        "trigger": "ticket_solved",
    }
    if answer == "offered":
        return [(SurveyInvitation, invitation)]
    if answer not in _RATINGS:
        raise ValueError("unknown score")
    response = {
        **about,
        "invitation_id": rating_id,
        "answered_at": record["updated_at"],
        "instrument": "CSAT",
        "item_id": "rating",
        "scale_min": 0.0,
        "scale_max": 1.0,
        "score": _RATINGS[answer],
        "category": answer,
        "channel": "email",
        "comment": record.get("comment") or None,
    }
    return [(SurveyResponse, response), (SurveyInvitation, invitation)]


def map_survey(record: Json, _context: Context) -> Mapped:
    """An answered survey: one row per rated question, the first one with the words. The scale's end is not told."""
    tickets = [zrn.rpartition(":")[2] for zrn in record.get("subject_zrns") or () if zrn.startswith("zen:ticket:")]
    words = [answer["value"] for answer in record["answers"] if answer["type"] == "open_ended" and answer.get("value")]
    rated = [answer for answer in record["answers"] if answer["type"] == "rating_scale"]
    return [
        (
            SurveyResponse,
            {
                "source_id": f"survey/{record['id']}" + (f"/{number}" if number else ""),
                "version_at": answer["updated_at"],
                **_whom(record["responder_id"], tickets[0] if tickets else None),
                "answered_at": answer["created_at"],
                "instrument": "CSAT",
                "item_id": str((answer.get("question") or {}).get("id") or number),
                "scale_min": 1.0,
                "score": float(answer["rating"]),
                "category": answer.get("rating_category"),
                "comment": "\n".join(words) or None if number == 0 else None,
            },
        )
        for number, answer in enumerate(rated)
    ]


def _message(record: Json, comment: Json, context: Context) -> Row:
    via = comment.get("via") or record.get("via")
    system = (comment.get("metadata") or {}).get("system") or {}
    return {
        "source_id": str(comment["id"]),
        "version_at": comment.get("created_at") or record["timestamp"],
        "ticket_id": str(record["ticket_id"]),
        "author_id": None if comment["author_id"] == _NOBODY else str(comment["author_id"]),
        "at": comment.get("created_at") or record["timestamp"],
        "actor": _actor(comment["author_id"], via, context),
        "is_public": comment["public"],
        "channel": _channel(via),
        "body": comment.get("body") or None,
        "ip_address": system.get("ip_address"),
    }


def _event(record: Json, event_id: int | str, kind: str, *, was: str | None = None, to: str | None = None) -> Row:
    return {
        "source_id": str(event_id),
        "version_at": record["timestamp"],
        "ticket_id": str(record["ticket_id"]),
        "at": record["timestamp"],
        "kind": kind,
        "status_from": was,
        "status_to": to,
    }


def _whom(person_id: int | None, ticket_id: int | str | None) -> Row:
    return {"person_id": _id(person_id), "ticket_id": _id(ticket_id)}


def _id(value: int | str | None) -> str | None:
    return None if value is None else str(value)


def _kind(user_id: str, role: str, context: Context) -> str:
    if _is_bot(user_id, context):
        return "bot"
    return "customer" if role == "end-user" else "staff"


def _actor(author_id: int, via: Any, context: Context) -> str | None:  # noqa: ANN401 - an object, a text or nothing
    """Who wrote, where the comment itself says so; otherwise the author's own record tells."""
    if author_id == _NOBODY or (isinstance(via, dict) and via.get("channel") == "rule"):
        return "system"
    return "bot" if _is_bot(str(author_id), context) else None


def _is_bot(user_id: str, context: Context) -> bool:
    """The configuration may hold ids as numbers or as texts."""
    return user_id in map(str, context.options.get("bot_user_ids", ()))


def _channel(via: Any) -> str:  # noqa: ANN401 - an object on tickets and comments, a text on some events
    name = via.get("channel") if isinstance(via, dict) else via
    return _CHANNELS.get(name.lower(), "other") if isinstance(name, str) else "other"


def _rel(via: Any) -> str | None:  # noqa: ANN401 - as above
    return (via.get("source") or {}).get("rel") if isinstance(via, dict) else None


# Readers of streams that do not fit the general one


async def read_surveys(reading: Reading) -> AsyncIterator[Page]:
    """Survey responses since a time whose unit is not documented well.

    A filter in milliseconds that is meant as seconds lies far in the future and finds nothing. The window always holds
    at least one answer we have seen, so an empty page means the unit is seconds; asked in those, the worst is that
    everything comes again.
    """
    cursor = reading.stream.cursor
    if not isinstance(cursor, ChangedSince):
        raise TypeError(f"Stream {reading.stream.name} must say how far it looks back.")
    newest = (reading.state or {}).get("since")
    start = cursor.start(reading.state, reading.since)
    factors = (1000, 1) if start else (0,)
    for factor in factors:
        found = 0
        params = {cursor.name: str(int(start.timestamp()) * factor)} if start else {}
        async for body in reading.bodies(Request(reading.stream.path, {**reading.stream.params, **params}), list_cursor):
            records = reading.records_of(body)
            found += len(records)
            newest = max(filter(None, (newest, _newest(records))), default=None)
            more = (body.get("meta") or {}).get("has_more")
            yield reading.page(records, cursor={"since": newest} if newest and not more else None)
        if found:
            return


def _newest(records: Sequence[Json]) -> str | None:
    """Time of the newest answer, in one form so that texts compare like times."""
    times = [
        datetime.fromisoformat(answer["created_at"]).astimezone(UTC).isoformat()
        for record in records
        for answer in record.get("answers") or ()
        if answer.get("created_at")
    ]
    return max(times, default=None)


def _show_many(resource: str) -> ByIds:
    def request(ids: Sequence[str], _context: Context) -> Request:
        return Request(f"/api/v2/{resource}/show_many", {"ids": ",".join(ids)})

    return request


def missing_scopes(body: Json) -> tuple[str, ...]:
    """Scopes a refusal names."""
    found = _SCOPES.search(str(body.get("description") or ""))
    return tuple(word for word in re.split(r"[, ]+", found[1]) if word) if found else ()


# The table

_USER_FIELDS = frozenset(
    "id url name email created_at updated_at time_zone iana_time_zone phone shared_phone_number photo locale_id locale "
    "organization_id role verified external_id tags alias active shared shared_agent last_login_at two_factor_auth_enabled "
    "signature details notes role_type custom_role_id moderator ticket_restriction only_private_comments restricted_agent "
    "suspended default_group_id report_csv chat_only user_fields identities".split()
)
_TICKET_FIELDS = frozenset(
    "url id external_id via created_at updated_at generated_timestamp type subject raw_subject description priority status "
    "custom_status_id recipient requester_id submitter_id assignee_id organization_id group_id collaborator_ids follower_ids "
    "email_cc_ids forum_topic_id problem_id has_incidents is_public due_at tags custom_fields fields satisfaction_rating "
    "sharing_agreement_ids followup_ids ticket_form_id brand_id allow_channelback allow_attachments from_messaging_channel "
    "metric_set".split()
)
_ORGANIZATION_FIELDS = frozenset(
    "id url name domain_names external_id details notes tags organization_fields group_id shared_tickets shared_comments "
    "created_at updated_at".split()
)
_EVENT_FIELDS = frozenset(
    "id ticket_id timestamp created_at updater_id via system metadata event_type child_events merged_ticket_ids".split()
)
_RATING_FIELDS = frozenset(
    "id url ticket_id requester_id assignee_id group_id score comment reason reason_id reason_code created_at updated_at".split()
)
_SURVEY_FIELDS = frozenset("id responder_id expires_at survey subject_zrns subjects answers".split())
_ANSWERS_LATE = timedelta(days=30)
_PAGE: Mapping[str, str] = {"per_page": "1000"}

ZENDESK = Source(
    name="zendesk",
    base_url="https://{account}.zendesk.com",
    auth=bearer_or_basic_token,
    budget=Budget(
        # The smallest plan that has the exports; ten a minute is the same for all.
        windows=(Window(200, 60), Window(10, 60, within="/incremental/")),
        concurrent=4,
        remaining_header="X-Rate-Limit-Remaining",
        reset_header="ratelimit-reset",
    ),
    token_help="Make or repair the token in Zendesk's Admin Center under Apps and integrations, APIs; its owner must be an admin.",
    missing_scopes=missing_scopes,
    options=frozenset({"bot_user_ids", "external_id_is"}),
    probes=(
        Probe(Request("/api/v2/users/me"), "users:read"),
        Probe(Request("/api/v2/users", {"page[size]": "1"}), "users:read"),
        Probe(Request("/api/v2/organizations", {"page[size]": "1"}), "organizations:read"),
        Probe(Request("/api/v2/tickets", {"page[size]": "1"}), "tickets:read"),
        Probe(Request("/api/v2/satisfaction_ratings", {"page[size]": "1"}), "read", absent_on=(403, 404)),
    ),
    streams=(
        Stream(
            name="organizations",
            entities=(Account,),
            path="/api/v2/incremental/organizations",
            rows_at="organizations",
            map=map_organization,
            fields=_ORGANIZATION_FIELDS,
            cursor=ExportTime(),
            paging=export_time,
            params=_PAGE,
            by_ids=_show_many("organizations"),
        ),
        Stream(
            name="users",
            entities=(Person,),
            path="/api/v2/incremental/users/cursor",
            rows_at="users",
            map=map_user,
            fields=_USER_FIELDS,
            cursor=ExportCursor(),
            paging=export_cursor,
            params={**_PAGE, "include": "identities"},
            joins=(Join("identities", on="user_id"),),
            by_ids=_show_many("users"),
        ),
        Stream(
            name="deleted_users",
            entities=(Person,),
            path="/api/v2/deleted_users",
            rows_at="deleted_users",
            map=map_deleted_user,
            fields=_USER_FIELDS,
            cursor=Everything(),
            paging=list_cursor,
            params={"page[size]": "100"},
            after=("users",),
        ),
        Stream(
            name="tickets",
            entities=(Ticket,),
            path="/api/v2/incremental/tickets/cursor",
            rows_at="tickets",
            map=map_ticket,
            fields=_TICKET_FIELDS,
            cursor=ExportCursor(),
            paging=export_cursor,
            params={**_PAGE, "include": "metric_sets"},
            after=("users",),
            by_ids=_show_many("tickets"),
        ),
        Stream(
            name="ticket_events",
            entities=(Message, TicketEvent),
            path="/api/v2/incremental/ticket_events",
            rows_at="ticket_events",
            map=map_ticket_event,
            fields=_EVENT_FIELDS,
            cursor=ExportTime(),
            paging=export_time,
            params={**_PAGE, "include": "comment_events"},
            after=("tickets",),
        ),
        Stream(
            name="satisfaction_ratings",
            entities=(SurveyResponse, SurveyInvitation),
            path="/api/v2/satisfaction_ratings",
            rows_at="satisfaction_ratings",
            map=map_rating,
            fields=_RATING_FIELDS,
            cursor=ChangedSince("start_time", overlap=_ANSWERS_LATE),
            paging=list_cursor,
            params={"page[size]": "100"},
            after=("tickets",),
            absent_on=(403, 404),
        ),
        Stream(
            name="survey_responses",
            entities=(SurveyResponse,),
            path="/api/v2/guide/survey_responses",
            rows_at="survey_responses",
            map=map_survey,
            fields=_SURVEY_FIELDS,
            cursor=ChangedSince("filter[created_at_start]", overlap=_ANSWERS_LATE),
            params={"page[size]": "100", "sort": "id"},
            read=read_surveys,
            after=("tickets",),
            absent_on=(403, 404),
        ),
    ),
)
