"""Zendesk's JSON to canonical rows."""

from typing import Any

from connectors.spec import Context, Json, Mapped, Row
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
    """A ticket's present state. Its version is the time the export goes by, because others stand still.

    Only the export gives that time; a single ticket that is read again has none.
    """
    metrics, status = record.get("metric_set") or {}, record["status"]
    ticket = {
        "source_id": str(record["id"]),
        "version_at": record.get("generated_timestamp") or record["updated_at"],
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
    about = {
        "source_id": rating_id,
        "version_at": record["updated_at"],
        **_whom(record["requester_id"], record["ticket_id"]),
    }
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
