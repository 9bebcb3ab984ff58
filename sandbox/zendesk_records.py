# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""Zendesk's side of the world: users with identities, organizations, staff and bots."""

from dataclasses import dataclass, field
from random import Random

from sandbox import spelling
from sandbox.names import AGENT_NAMES, LOCALES, ROLE_MAILBOXES
from sandbox.people import OFFICE_PHONE_MEMBERS, mailbox
from sandbox.records import Audit, Business, Identity, Organization, Person, Rating, Ticket, User
from sandbox.spelling import pick

DELETED_NAME = "Permanently Deleted User"
BOT_NAMES = ("Support Assistant Bot", "Integration User (API)")


@dataclass
class ZendeskData:
    """Everything one Zendesk account holds, by id. ``tickets_of`` goes by requester; ``bots``, ``agents`` are ids."""

    users: dict[int, User] = field(default_factory=dict)
    organizations: dict[int, Organization] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    tickets_of: dict[int, list[Ticket]] = field(default_factory=dict)
    audits: list[Audit] = field(default_factory=list)
    ratings: list[Rating] = field(default_factory=list)
    agents: list[int] = field(default_factory=list)
    bots: list[int] = field(default_factory=list)
    last_user_id: int = 11_490_000_000_000
    last_identity_id: int = 12_630_000_000_000
    last_ticket_id: int = 1_000
    last_audit_id: int = 18_470_000_000_000
    last_rating_id: int = 15_110_000_000_000


def add_organization(data: ZendeskData, business: Business, at: int) -> None:
    """Record ``business`` as created at ``at`` (epoch s)."""
    number = business.organization_id
    data.organizations[number] = Organization(number, business.name, business.domain, at, at)


def add_staff(data: ZendeskData, at: int) -> None:
    """The agents, one admin and the bots of the account."""
    for number, name in enumerate(AGENT_NAMES):
        email = f"{mailbox(name.split()[0])}@support.example"
        role = "admin" if number == 0 else "agent"
        data.agents.append(_add_user(data, User(0, name, email, None, role, at, at)).id)
    for name in BOT_NAMES:
        email = f"{mailbox(name)}@support.example"
        data.bots.append(_add_user(data, User(0, name, email, None, "agent", at, at)).id)


def _add_user(data: ZendeskData, user: User) -> User:
    data.last_user_id += 20
    user.id = data.last_user_id
    if user.email:
        add_identity(data, user, "email", user.email, primary=True)
    if user.phone:
        add_identity(data, user, "phone_number", user.phone, primary=not user.email)
    data.users[user.id] = user
    return user


def add_identity(data: ZendeskData, user: User, kind: str, value: str, *, primary: bool = False) -> None:
    """One more address or number of ``user``."""
    data.last_identity_id += 20
    user.identities.append(Identity(data.last_identity_id, kind, value, primary, user.updated))


def add_end_user(
    data: ZendeskData, rng: Random, person: Person, business: Business | None, at: int, noise: float
) -> User:
    """Write ``person`` down as an end user at ``at`` (epoch s), differently from how HubSpot has them."""
    random = rng.random
    email, phone = _user_email(rng, person, noise), None
    if random() < 0.65 or email is None:
        number = business.office_phone if business and person.uses_office_phone and email else person.phone
        # Zendesk asks for E.164; old imports hold the rest.
        phone = (
            number if random() < 0.7 else spelling.phone(rng, number, 0 if number != person.phone else person.locale)
        )
    xref = person.contact_ids[0] if person.contact_ids and random() < 0.3 else None
    notes = f"{person.name}, {person.address}" if random() < 0.05 else None
    organization = business.organization_id if business else None
    user = User(
        0,
        spelling.name(rng, person, noise),
        email,
        phone,
        "end-user",
        at,
        at,
        xref,
        organization,
        notes=notes,
        person=person,
    )
    _add_user(data, user)
    if email == person.second_email and email:
        add_identity(data, user, "email", person.email)
    elif person.second_email and random() < 0.5:
        add_identity(data, user, "email", person.second_email)
    person.user_ids.append(user.id)
    return user


def _user_email(rng: Random, person: Person, noise: float) -> str | None:
    chance = rng.random()
    if chance < noise * 0.2:
        return None
    if chance < noise * 0.5:
        return changed_email(rng, person)
    if chance > 0.85 and person.second_email:
        return person.second_email
    if 0.82 < chance < 0.85:
        return person.email.replace("@", "+support@")
    return spelling.email(rng, person.email)


def changed_email(rng: Random, person: Person) -> str:
    """An address nobody else has and the other system does not know."""
    return f"{mailbox(person.first)}.{person.key}.{int(rng.random() * 1000)}@webmail.example"


def add_second_user(data: ZendeskData, rng: Random, person: Person, at: int) -> User:
    """A duplicate made by someone who wrote from another address, or called."""
    user = User(0, spelling.name(rng, person, 0.2), changed_email(rng, person), None, "end-user", at, at, person=person)
    if rng.random() < 0.75:
        user.phone = person.phone
    _add_user(data, user)
    person.user_ids.append(user.id)
    return user


def share_role_address(data: ZendeskData, rng: Random, business: Business) -> None:
    """Let the last present member write from the role mailbox: in HubSpot it belongs to somebody else."""
    present = [p for p in business.members if p.user_ids]
    if len(business.members) < OFFICE_PHONE_MEMBERS or len(present) < 4:
        return
    user = data.users[present[-1].user_ids[0]]
    user.email = f"{pick(rng, ROLE_MAILBOXES)}@{business.domain}"
    add_identity(data, user, "email", user.email)


def merge_users(data: ZendeskData, winner: User, loser: User, at: int) -> None:
    """Merge ``loser`` into ``winner`` at ``at`` (epoch s): identities and tickets move, the loser becomes inactive."""
    loser.active, loser.updated, winner.updated = False, at, at
    for identity in loser.identities:
        identity.primary = False
    winner.identities += loser.identities
    loser.identities = []
    moved = data.tickets_of.pop(loser.id, [])
    data.tickets_of.setdefault(winner.id, []).extend(moved)
    for ticket in moved:
        ticket.requester_id, ticket.generated = winner.id, max(at, ticket.generated)


def delete_user(user: User, at: int, *, permanently: bool) -> None:
    """Delete softly (``active`` false) or permanently (name fixed, personal values gone) at ``at`` (epoch s)."""
    user.active, user.updated = False, at
    if permanently:
        user.permanently_deleted = True
        user.name, user.email, user.phone, user.notes, user.external_id = DELETED_NAME, None, None, None, None
        user.identities = []


def language(person: Person | None) -> str:
    """The language a person writes in; staff write English."""
    return LOCALES[person.locale].language if person else "en"
