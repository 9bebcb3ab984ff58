# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""What one day does to the world, besides merges and removals."""

from random import Random
from typing import TYPE_CHECKING

from sandbox import growth, spelling, text, tickets
from sandbox import hubspot_records as crm
from sandbox import zendesk_records as desk
from sandbox.consents import SUBSCRIPTIONS, portal_withdrawal, subscription_change
from sandbox.people import new_person
from sandbox.removals import merges_and_removals
from sandbox.spelling import pick

if TYPE_CHECKING:
    from sandbox.records import CrmObject, Ticket
    from sandbox.world import World

DAY = 86_400


def one_day(world: "World", rng: Random, start: int, end: int) -> None:
    """Everything that happens between ``start`` and ``end`` (epoch s), the day after the last one."""
    _work_on_tickets(world, rng, start, end)
    _edit_contacts(world, rng, start, end)
    _edit_users(world, rng, start, end)
    _decide(world, rng, start, end)
    for _ in range(max(2, world.customers // 200)):
        person = new_person(rng, len(world.people), world.businesses)
        growth.register(world, rng, person, _moment(rng, start, end), end)
    growth.write_tickets(world, rng, max(5, world.customers // 90), start, end)
    merges_and_removals(world, rng, start, end)


def _moment(rng: Random, start: int, end: int) -> int:
    return start + int(rng.random() * (end - start))


def _some(rng: Random, count: int, share: float, least: int) -> int:
    return min(count, max(least, int(count * share * (0.5 + rng.random()))))


def _work_on_tickets(world: "World", rng: Random, start: int, end: int) -> None:
    data = world.zendesk
    waiting = [t for t in data.tickets.values() if t.status in {"new", "open", "pending"}]
    solved = [t for t in data.tickets.values() if t.status == "solved"]
    for ticket in rng.sample(waiting, _some(rng, len(waiting), 0.3, 3)):
        _solve(world, rng, ticket, start, end)
    reopened = rng.sample(solved, _some(rng, len(solved), 0.05, 1))
    for ticket in reopened:
        lang = desk.language(data.users[ticket.requester_id].person)
        tickets.say(data, rng, ticket, _moment(rng, start, end), "customer", text.FOLLOW_UPS[lang], status="open")
    for ticket in solved:
        if ticket.status == "solved":
            _settle(world, rng, ticket, start, end)


def _solve(world: "World", rng: Random, ticket: "Ticket", start: int, end: int) -> None:
    at = _moment(rng, start, end)
    tickets.say(world.zendesk, rng, ticket, at, "agent", text.REPLIES, status="solved")
    if ticket.rating is None:
        tickets.offer_rating(world.zendesk, rng, ticket, at, end, csat=world.csat)


def _settle(world: "World", rng: Random, ticket: "Ticket", start: int, end: int) -> None:
    """Close what has been solved for four days; let some of the others answer the offered rating."""
    rating = ticket.rating
    if ticket.updated < start - 4 * DAY:
        tickets.say(world.zendesk, rng, ticket, _moment(rng, start, end), "rule", (), status="closed")
    elif rating and rating.score == "offered" and rng.random() < 0.3:
        tickets.answer_rating(world.zendesk, rng, ticket, rating, _moment(rng, start, end))


def _live_contacts(world: "World") -> "list[CrmObject]":
    return [c for c in world.hubspot.contacts.values() if c.archived is None and c.person]


def _edit_contacts(world: "World", rng: Random, start: int, end: int) -> None:
    """Changed addresses, corrected numbers, and new answers to surveys."""
    contacts = _live_contacts(world)
    for contact in rng.sample(contacts, _some(rng, len(contacts), 0.003, 2)):
        person, old = contact.person, contact.props.get("email")
        if person and old:
            world.retired.append(("email", old))
            contact.props["email"] = desk.changed_email(rng, person)
            contact.updated = _moment(rng, start, end) * 1000
    for contact in rng.sample(contacts, _some(rng, len(contacts), 0.003, 2)):
        if contact.person:
            contact.props["mobilephone"] = spelling.phone(rng, contact.person.phone, contact.person.locale)
            contact.updated = _moment(rng, start, end) * 1000
    for contact in rng.sample(contacts, _some(rng, len(contacts), 0.003, 2)):
        crm.add_feedback(world.hubspot, rng, contact, _moment(rng, start, end) * 1000 + 7)


def _edit_users(world: "World", rng: Random, start: int, end: int) -> None:
    """Changed primary addresses; the old one stays as an identity."""
    users = [u for u in world.zendesk.users.values() if u.person and u.active]
    for user in rng.sample(users, _some(rng, len(users), 0.002, 1)):
        if user.person:
            user.email, user.updated = desk.changed_email(rng, user.person), _moment(rng, start, end)
            for identity in user.identities:
                identity.primary = False
            desk.add_identity(world.zendesk, user, "email", user.email, primary=True)


def _decide(world: "World", rng: Random, start: int, end: int) -> None:
    """Grants and withdrawals, one portal-wide, at least three of each kind."""
    contacts = [c for c in _live_contacts(world) if "email" in c.props]
    for number, contact in enumerate(rng.sample(contacts, _some(rng, len(contacts), 0.01, 7))):
        email, at = contact.props["email"], _moment(rng, start, end) * 1000
        change = subscription_change(rng, email, at, pick(rng, SUBSCRIPTIONS)[0], subscribed=number % 2 == 0)
        crm.record_consent(world.hubspot, contact, portal_withdrawal(rng, email, at) if number == 1 else change)
