"""Zendesk's JSON, one function per resource, built on demand: a finished record is far larger than its facts.

The large ones start from a copy of what is the same in all: that is several times faster than a literal of 40 keys.
"""

from typing import TYPE_CHECKING

from sandbox.names import LOCALES
from sandbox.records import Audit, Identity, Organization, Ticket, User
from sandbox.times import iso_seconds

if TYPE_CHECKING:
    from sandbox.world import World

Json = dict[str, object]
_ROLE_TYPES = {"end-user": None, "agent": 0, "admin": 4}
_PRIORITIES = ("low", "normal", "normal", "high", "urgent", None)
_TYPES = ("question", "incident", "problem", None)
_CUSTOM_STATUS = {
    "new": 1001,
    "open": 1002,
    "pending": 1003,
    "hold": 1004,
    "solved": 1005,
    "closed": 1005,
    "deleted": 1005,
}


def _via(channel: str) -> Json:
    if channel == "rule":
        by = {"id": 360001, "title": "Notify or close", "deleted": False}
        return {"channel": "rule", "source": {"from": by, "to": {}, "rel": "trigger"}}
    if channel == "merge":
        return {"channel": "web", "source": {"from": {}, "to": {}, "rel": "merge"}}
    return {"channel": channel, "source": {"from": {}, "to": {}, "rel": None}}


VIA = {channel: _via(channel) for channel in ("email", "web", "native_messaging", "api", "rule", "merge")}
"""How something came in; rules and merges say so in ``source.rel``."""


def _ticket_via(world: "World", ticket: Ticket) -> Json:
    if ticket.channel != "email":
        return VIA[ticket.channel]
    # As it was when the mail came in: what happens to the user later does not change it.
    person = world.zendesk.users[ticket.requester_id].person
    source = {
        "from": {"address": person.email, "name": person.name} if person else {},
        "to": {"address": "support@support.example", "name": "Support"},
    }
    return {"channel": "email", "source": {**source, "rel": None}}


_TICKET: Json = {
    "url": None,
    "id": None,
    "external_id": None,
    "via": None,
    "created_at": None,
    "updated_at": None,
    "generated_timestamp": None,
    "type": None,
    "subject": None,
    "raw_subject": None,
    "description": None,
    "priority": None,
    "status": None,
    "custom_status_id": None,
    "recipient": None,
    "requester_id": None,
    "submitter_id": None,
    "assignee_id": None,
    "organization_id": None,
    "group_id": 360_201,
    "collaborator_ids": [],
    "follower_ids": [],
    "email_cc_ids": [],
    "forum_topic_id": None,
    "problem_id": None,
    "has_incidents": False,
    "is_public": True,
    "due_at": None,
    "tags": None,
    "custom_fields": None,
    "fields": None,
    "satisfaction_rating": None,
    "sharing_agreement_ids": [],
    "followup_ids": [],
    "ticket_form_id": 360_301,
    "brand_id": 360_401,
    "allow_channelback": False,
    "allow_attachments": True,
    "from_messaging_channel": None,
}


def ticket_json(world: "World", origin: str, ticket: Ticket) -> Json:
    """A ticket; ``fields`` repeats ``custom_fields`` as the vendor does."""
    number, status = ticket.id, ticket.status
    custom = [{"id": 360_101, "value": ticket.number}]
    rating = ticket.rating
    first = ticket.audits[0].body
    row = _TICKET.copy()
    row["url"] = f"{origin}/api/v2/tickets/{number}.json"
    row["id"] = number
    row["via"] = _ticket_via(world, ticket)
    row["created_at"] = iso_seconds(ticket.created)
    row["updated_at"] = iso_seconds(ticket.updated)
    row["generated_timestamp"] = ticket.generated
    row["type"] = _TYPES[number % 4]
    row["subject"] = ticket.subject
    row["raw_subject"] = ticket.subject
    row["description"] = first
    row["priority"] = _PRIORITIES[number % 6]
    row["status"] = status
    row["custom_status_id"] = _CUSTOM_STATUS[status]
    row["recipient"] = "support@support.example" if ticket.channel == "email" else None
    row["requester_id"] = ticket.requester_id
    row["submitter_id"] = ticket.assignee_id if ticket.opened_by_agent else ticket.requester_id
    row["assignee_id"] = ticket.assignee_id if status != "new" else None
    row["organization_id"] = ticket.organization_id
    row["tags"] = ["vip"] if number % 10 == 0 else []
    row["custom_fields"] = custom
    row["fields"] = custom
    if rating and world.csat == "legacy":
        row["satisfaction_rating"] = {"id": rating.id, "score": rating.score, "comment": rating.comment}
    row["from_messaging_channel"] = ticket.channel == "native_messaging"
    return row


_USER: Json = {
    "id": None,
    "url": None,
    "name": None,
    "email": None,
    "created_at": None,
    "updated_at": None,
    "time_zone": "Berlin",
    "iana_time_zone": "Europe/Berlin",
    "phone": None,
    "shared_phone_number": None,
    "photo": None,
    "locale_id": 1,
    "locale": None,
    "organization_id": None,
    "role": None,
    "verified": None,
    "external_id": None,
    "tags": [],
    "alias": None,
    "active": None,
    "shared": False,
    "shared_agent": False,
    "last_login_at": None,
    "two_factor_auth_enabled": None,
    "signature": None,
    "details": None,
    "notes": None,
    "role_type": None,
    "custom_role_id": None,
    "moderator": None,
    "ticket_restriction": None,
    "only_private_comments": False,
    "restricted_agent": None,
    "suspended": False,
    "default_group_id": None,
    "report_csv": False,
    "chat_only": False,
    "user_fields": {},
}


def user_json(origin: str, user: User) -> Json:
    """A user; personal values are null once it has been deleted for good."""
    at = iso_seconds(user.updated)
    language = LOCALES[user.person.locale].language if user.person else "en"
    row = _USER.copy()
    row["id"] = user.id
    row["url"] = f"{origin}/api/v2/users/{user.id}.json"
    row["name"] = user.name
    row["email"] = user.email
    row["created_at"] = iso_seconds(user.created)
    row["updated_at"] = at
    row["phone"] = user.phone
    row["locale"] = language
    row["organization_id"] = user.organization_id
    row["role"] = user.role
    row["verified"] = user.active
    row["external_id"] = user.external_id
    row["active"] = user.active
    row["last_login_at"] = at if user.role != "end-user" else None
    row["notes"] = user.notes
    row["role_type"] = _ROLE_TYPES[user.role]
    row["moderator"] = user.role != "end-user"
    row["ticket_restriction"] = "requested" if user.role == "end-user" else None
    row["restricted_agent"] = user.role == "end-user"
    return row


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
        "via": VIA[audit.channel],
        "created_at": iso_seconds(audit.at),
        "metadata": {"system": _system(audit), "custom": {}},
    }


def _system(audit: Audit) -> Json:
    if audit.ip is None:
        return {}
    return {
        "client": "Mozilla/5.0",
        "ip_address": audit.ip,
        "location": "Berlin, BE, Germany",
        "latitude": 52.5,
        "longitude": 13.4,
    }


def event_json(world: "World", audit: Audit, *, with_comments: bool) -> Json:
    """A ticket event: the parent with its child events; bodies only when comment events are asked for."""
    children: list[Json] = []
    if audit.body is not None:
        if with_comments:
            children.append({**comment_json(audit), "event_type": "Comment", "via_reference_id": None})
        else:
            children.append(
                {"id": audit.id + 1, "event_type": "Comment", "comment_present": True, "comment_public": audit.public}
            )
    ticket = world.zendesk.tickets[audit.ticket_id]
    how = VIA[audit.channel]
    if audit is ticket.audits[0]:
        children.append(
            {
                "id": audit.id + 3,
                "event_type": "Create",
                "via": how,
                "via_reference_id": None,
                "subject": ticket.subject,
                "status": "new",
                "requester_id": ticket.requester_id if ticket.opened_by_agent else audit.author_id,
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


_METRIC: Json = {
    "url": None,
    "id": None,
    "ticket_id": None,
    "created_at": None,
    "updated_at": None,
    "group_stations": 1,
    "assignee_stations": 1,
    "reopens": None,
    "replies": None,
    "assignee_updated_at": None,
    "requester_updated_at": None,
    "status_updated_at": None,
    "initially_assigned_at": None,
    "assigned_at": None,
    "solved_at": None,
    "latest_comment_added_at": None,
    "reply_time_in_minutes": None,
    "first_resolution_time_in_minutes": None,
    "full_resolution_time_in_minutes": None,
    "agent_wait_time_in_minutes": None,
    "requester_wait_time_in_minutes": None,
    "on_hold_time_in_minutes": None,
}


def metric_json(world: "World", origin: str, ticket: Ticket) -> Json:
    """The aggregate metrics of a ticket, worked out from its audits."""
    staff, start, ticket_id = world.zendesk.agents, ticket.created, ticket.id
    replies, solved, reopens, commented = [], [], 0, start
    for audit in ticket.audits:
        if audit.body is not None:
            commented = audit.at
            if audit.public and audit.author_id in staff:
                replies.append(audit.at)
        if audit.after == "solved":
            solved.append(audit.at)
        elif audit.before == "solved" and audit.after == "open":
            reopens += 1
    replied_at, solved_at = (replies[0] if replies else None), (solved[-1] if solved else None)
    created, updated = iso_seconds(start), iso_seconds(ticket.updated)
    assigned = iso_seconds(replied_at) if replied_at else None
    row = _METRIC.copy()
    row["url"] = f"{origin}/api/v2/ticket_metrics/{ticket_id + 40_000}.json"
    row["id"] = ticket_id + 40_000
    row["ticket_id"] = ticket_id
    row["created_at"] = row["requester_updated_at"] = created
    row["updated_at"] = row["status_updated_at"] = updated
    row["reopens"] = reopens
    row["replies"] = len(replies)
    row["assignee_updated_at"] = iso_seconds(replies[-1]) if replies else None
    row["initially_assigned_at"] = row["assigned_at"] = assigned
    row["solved_at"] = iso_seconds(solved_at) if solved_at else None
    row["latest_comment_added_at"] = iso_seconds(commented)
    row["reply_time_in_minutes"] = _minutes(start, replied_at)
    row["first_resolution_time_in_minutes"] = _minutes(start, solved[0] if solved else None)
    row["full_resolution_time_in_minutes"] = row["requester_wait_time_in_minutes"] = _minutes(start, solved_at)
    row["agent_wait_time_in_minutes"] = row["on_hold_time_in_minutes"] = _minutes(0, 0)
    return row
