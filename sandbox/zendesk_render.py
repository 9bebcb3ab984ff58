"""Zendesk's JSON, one function per resource; built on demand, because a finished record is far larger than its facts."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.names import LOCALES
from sandbox.records import Audit, Identity, Organization, Rating, Ticket, User
from sandbox.times import iso_seconds

if TYPE_CHECKING:
    from sandbox.world import World

Json = dict[str, object]
_ROLE_TYPES = {"end-user": None, "agent": 0, "admin": 4}
_PRIORITIES = ("low", "normal", "normal", "high", "urgent", None)
_TYPES = ("question", "incident", "problem", None)
_CUSTOM_STATUS = {"new": 1001, "open": 1002, "pending": 1003, "hold": 1004, "solved": 1005, "closed": 1005, "deleted": 1005}
SURVEY_ID = "01HSURVEY0000000000000CSAT"


def via(channel: str) -> Json:
    """How something came in; rules and merges say so in ``source.rel``."""
    if channel == "rule":
        return {"channel": "rule", "source": {"from": {"id": 360001, "title": "Notify or close", "deleted": False}, "to": {}, "rel": "trigger"}}
    if channel == "merge":
        return {"channel": "web", "source": {"from": {}, "to": {}, "rel": "merge"}}
    return {"channel": channel, "source": {"from": {}, "to": {}, "rel": None}}


def _ticket_via(world: "World", ticket: Ticket) -> Json:
    if ticket.channel != "email":
        return via(ticket.channel)
    user = world.zendesk.users[ticket.requester_id]
    source = {"from": {"address": user.email, "name": user.name}, "to": {"address": "support@support.example", "name": "Support"}}
    return {"channel": "email", "source": {**source, "rel": None}}


def ticket_json(world: "World", origin: str, ticket: Ticket) -> Json:
    """A ticket; ``fields`` repeats ``custom_fields`` as the vendor does."""
    number, status = ticket.id, ticket.status
    custom = [{"id": 360_101, "value": ticket.number}]
    rating = ticket.rating
    first = ticket.audits[0].body
    return {
        "url": f"{origin}/api/v2/tickets/{number}.json",
        "id": number,
        "external_id": None,
        "via": _ticket_via(world, ticket),
        "created_at": iso_seconds(ticket.created),
        "updated_at": iso_seconds(ticket.updated),
        "generated_timestamp": ticket.generated,
        "type": _TYPES[number % 4],
        "subject": ticket.subject,
        "raw_subject": ticket.subject,
        "description": first,
        "priority": _PRIORITIES[number % 6],
        "status": status,
        "custom_status_id": _CUSTOM_STATUS[status],
        "recipient": "support@support.example" if ticket.channel == "email" else None,
        "requester_id": ticket.requester_id,
        "submitter_id": ticket.requester_id,
        "assignee_id": ticket.assignee_id if status != "new" else None,
        "organization_id": ticket.organization_id,
        "group_id": 360_201,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "forum_topic_id": None,
        "problem_id": None,
        "has_incidents": False,
        "is_public": True,
        "due_at": None,
        "tags": ["vip"] if number % 10 == 0 else [],
        "custom_fields": custom,
        "fields": custom,
        "satisfaction_rating": {"id": rating.id, "score": rating.score, "comment": rating.comment} if rating and world.csat == "legacy" else None,
        "sharing_agreement_ids": [],
        "followup_ids": [],
        "ticket_form_id": 360_301,
        "brand_id": 360_401,
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": ticket.channel == "native_messaging",
    }


def user_json(origin: str, user: User) -> Json:
    """A user; personal values are null once it has been deleted for good."""
    at = iso_seconds(user.updated)
    language = LOCALES[user.person.locale].language if user.person else "en"
    return {
        "id": user.id,
        "url": f"{origin}/api/v2/users/{user.id}.json",
        "name": user.name,
        "email": user.email,
        "created_at": iso_seconds(user.created),
        "updated_at": at,
        "time_zone": "Berlin",
        "iana_time_zone": "Europe/Berlin",
        "phone": user.phone,
        "shared_phone_number": None,
        "photo": None,
        "locale_id": 1,
        "locale": language,
        "organization_id": user.organization_id,
        "role": user.role,
        "verified": user.active,
        "external_id": user.external_id,
        "tags": [],
        "alias": None,
        "active": user.active,
        "shared": False,
        "shared_agent": False,
        "last_login_at": at if user.role != "end-user" else None,
        "two_factor_auth_enabled": None,
        "signature": None,
        "details": None,
        "notes": user.notes,
        "role_type": _ROLE_TYPES[user.role],
        "custom_role_id": None,
        "moderator": user.role != "end-user",
        "ticket_restriction": "requested" if user.role == "end-user" else None,
        "only_private_comments": False,
        "restricted_agent": user.role == "end-user",
        "suspended": False,
        "default_group_id": None,
        "report_csv": False,
        "chat_only": False,
        "user_fields": {},
    }


def identity_json(origin: str, user: User, identity: Identity) -> Json:
    """One address or number of a user."""
    at = iso_seconds(identity.created)
    return {
        "id": identity.id,
        "url": f"{origin}/api/v2/users/{user.id}/identities/{identity.id}.json",
        "user_id": user.id,
        "type": identity.type,
        "value": identity.value,
        "primary": identity.primary,
        "verified": True,
        "verification_method": "low",
        "deliverable_state": "deliverable",
        "undeliverable_count": 0,
        "created_at": at,
        "updated_at": at,
        "verified_at": at,
    }


def organization_json(origin: str, organization: Organization) -> Json:
    """An organization."""
    return {
        "id": organization.id,
        "url": f"{origin}/api/v2/organizations/{organization.id}.json",
        "name": organization.name,
        "domain_names": [organization.domain],
        "external_id": None,
        "details": None,
        "notes": None,
        "tags": [],
        "organization_fields": {},
        "group_id": None,
        "shared_tickets": False,
        "shared_comments": False,
        "created_at": iso_seconds(organization.created),
        "updated_at": iso_seconds(organization.updated),
    }


def comment_json(audit: Audit) -> Json:
    """The comment an audit carries, as ``/tickets/{id}/comments`` shows it."""
    body = audit.body or ""
    return {
        "id": audit.id + 1,
        "type": "Comment",
        "author_id": audit.author_id,
        "body": body,
        "html_body": f'<div class="zd-comment" dir="auto"><p>{body}</p></div>',
        "plain_body": body,
        "public": audit.public,
        "attachments": [],
        "audit_id": audit.id,
        "via": via(audit.channel),
        "created_at": iso_seconds(audit.at),
        "metadata": {"system": _system(audit), "custom": {}},
    }


def _system(audit: Audit) -> Json:
    if audit.ip is None:
        return {}
    return {"client": "Mozilla/5.0", "ip_address": audit.ip, "location": "Berlin, BE, Germany", "latitude": 52.5, "longitude": 13.4}


def event_json(world: "World", audit: Audit, *, with_comments: bool) -> Json:
    """A ticket event: the parent with its child events; bodies only when comment events are asked for."""
    children: list[Json] = []
    if audit.body is not None:
        if with_comments:
            children.append({**comment_json(audit), "event_type": "Comment", "via_reference_id": None})
        else:
            children.append({"id": audit.id + 1, "event_type": "Comment", "comment_present": True, "comment_public": audit.public})
    ticket = world.zendesk.tickets[audit.ticket_id]
    how = via(audit.channel)
    if audit is ticket.audits[0]:
        children.append(
            {
                "id": audit.id + 3,
                "event_type": "Create",
                "via": how,
                "via_reference_id": None,
                "subject": ticket.subject,
                "status": "new",
                "requester_id": audit.author_id,
                "priority": _PRIORITIES[ticket.id % 6],
                "tags": [],
            }
        )
    if audit.after:
        change = {"id": audit.id + 2, "event_type": "Change", "via": how, "via_reference_id": None}
        children.append({**change, "status": audit.after, "previous_value": audit.before})
    return {
        "id": audit.id,
        "ticket_id": audit.ticket_id,
        "timestamp": audit.at,
        "created_at": iso_seconds(audit.at),
        "updater_id": audit.author_id,
        "via": how,
        "system": _system(audit),
        "metadata": {},
        "event_type": "Audit",
        "child_events": children,
    }


def _minutes(start: int, end: int | None) -> Json:
    value = None if end is None else (end - start) // 60
    return {"calendar": value, "business": value}


def metric_json(world: "World", origin: str, ticket: Ticket) -> Json:
    """The aggregate metrics of a ticket, worked out from its audits."""
    bots, staff = world.zendesk.bots, world.zendesk.agents
    replies = [a.at for a in ticket.audits if a.public and a.body is not None and a.author_id in staff]
    solved = [a.at for a in ticket.audits if a.after == "solved"]
    comments = [a.at for a in ticket.audits if a.body is not None and a.author_id not in bots]
    start, ticket_id = ticket.created, ticket.id
    solved_at, replied_at = (solved[-1] if solved else None), (replies[0] if replies else None)
    text: Callable[[int | None], str | None] = lambda at: None if at is None else iso_seconds(at)  # noqa: E731
    return {
        "url": f"{origin}/api/v2/ticket_metrics/{ticket_id + 40_000}.json",
        "id": ticket_id + 40_000,
        "ticket_id": ticket_id,
        "created_at": iso_seconds(start),
        "updated_at": iso_seconds(ticket.updated),
        "group_stations": 1,
        "assignee_stations": 1,
        "reopens": sum(1 for a in ticket.audits if a.before == "solved" and a.after == "open"),
        "replies": len(replies),
        "assignee_updated_at": text(replies[-1] if replies else None),
        "requester_updated_at": iso_seconds(start),
        "status_updated_at": iso_seconds(ticket.updated),
        "initially_assigned_at": text(replied_at),
        "assigned_at": text(replied_at),
        "solved_at": text(solved_at),
        "latest_comment_added_at": text(comments[-1] if comments else None),
        "reply_time_in_minutes": _minutes(start, replied_at),
        "first_resolution_time_in_minutes": _minutes(start, solved[0] if solved else None),
        "full_resolution_time_in_minutes": _minutes(start, solved_at),
        "agent_wait_time_in_minutes": _minutes(0, 0),
        "requester_wait_time_in_minutes": _minutes(start, solved_at),
        "on_hold_time_in_minutes": _minutes(0, 0),
    }


def rating_json(origin: str, rating: Rating) -> Json:
    """A legacy satisfaction rating."""
    return {
        "url": f"{origin}/api/v2/satisfaction_ratings/{rating.id}.json",
        "id": rating.id,
        "assignee_id": rating.assignee_id,
        "group_id": 360_201,
        "requester_id": rating.requester_id,
        "ticket_id": rating.ticket_id,
        "score": rating.score,
        "comment": rating.comment,
        "reason": "No reason provided" if rating.score == "bad" else None,
        "reason_id": 0 if rating.score == "bad" else None,
        "created_at": iso_seconds(rating.created),
        "updated_at": iso_seconds(rating.updated),
    }


def survey_json(rating: Rating) -> Json:
    """An answer to the new CSAT survey."""
    at = iso_seconds(rating.updated)
    category = "good" if rating.stars > 3 else "neutral" if rating.stars == 3 else "bad"
    times = {"created_at": at, "updated_at": at}
    zrn = f"zen:ticket:{rating.ticket_id}"
    answers: list[Json] = [{"type": "rating_scale", "rating": rating.stars, "rating_category": category, "question": {"id": "q1"}, **times}]
    if rating.comment:
        answers.append({"type": "open_ended", "value": rating.comment, "question": {"id": "q2"}, **times})
    else:
        answers.append({"type": "skipped", "question": {"id": "q2"}, **times})
    return {
        "id": f"01HRESPONSE{rating.id}",
        "responder_id": rating.requester_id,
        "expires_at": iso_seconds(rating.created + 28 * 86_400),
        "survey": {"id": SURVEY_ID, "version": 1, "state": "active"},
        "subject_zrns": [zrn],
        "subjects": [{"id": str(rating.ticket_id), "type": "ticket", "zrn": zrn}],
        "answers": answers,
    }
