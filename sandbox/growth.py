# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""How the business comes to be: people appear, are written down in both systems, and start to write tickets."""

from random import Random
from typing import TYPE_CHECKING

from sandbox import hubspot_records as crm
from sandbox import tickets
from sandbox import zendesk_records as desk
from sandbox.people import new_person, share_office_phones
from sandbox.removals import merges_and_removals

if TYPE_CHECKING:
    from sandbox.records import Person
    from sandbox.world import World

DAY = 86_400
TICKETS_PER_CUSTOMER = 2.0


def populate(world: "World", rng: Random, start: int, end: int) -> None:
    """Fill an empty world with the history between ``start`` and ``end`` (epoch s)."""
    for business in world.businesses:
        crm.add_company(world.hubspot, business, (start - 30 * DAY) * 1000 + 5)
        desk.add_organization(world.zendesk, business, start - 20 * DAY)
    desk.add_staff(world.zendesk, start - 60 * DAY)
    people = [new_person(rng, number, world.businesses) for number in range(world.customers)]
    share_office_phones(rng, world.businesses)
    # Four in five were customers before the history starts; their records were made then.
    for person in people:
        early = rng.random() < 0.5
        register(world, rng, person, start if early else start + int(rng.random() * (end - start)), end)
    for business in world.businesses:
        crm.share_role_address(world.hubspot, rng, business)
        desk.share_role_address(world.zendesk, rng, business)
    write_tickets(world, rng, int(world.customers * TICKETS_PER_CUSTOMER), start, end)
    merges_and_removals(world, rng, start, end)
    _close_company(world, (start + end) * 500)


def _close_company(world: "World", at: int) -> None:
    """Archive the last, smallest company at ``at`` (epoch ms); its contacts stay, without the association."""
    company = world.hubspot.companies[world.businesses[-1].company_id]
    company.archived = company.updated = at


def register(world: "World", rng: Random, person: "Person", at: int, end: int) -> None:
    """Write a new person down in one or both systems, sometimes twice, with consents and feedback until ``end``."""
    world.people.append(person)
    business = world.businesses[person.company] if person.company >= 0 else None
    where = rng.random()
    if where < 0.92:
        millis = at * 1000 + int(rng.random() * 1000)
        contact = crm.add_contact(world.hubspot, rng, person, business, millis, world.noise)
        crm.add_consents(world.hubspot, rng, contact, millis, end * 1000)
        if rng.random() < 0.35:
            crm.add_feedback(world.hubspot, rng, contact, _between(rng, at, end) * 1000 + 7)
        if rng.random() < 0.04:
            crm.add_duplicate(world.hubspot, rng, person, _between(rng, at, end) * 1000)
    if where < 0.7 or where >= 0.92:
        user_at = _between(rng, at, min(at + 20 * DAY, end))
        desk.add_end_user(world.zendesk, rng, person, business, user_at, world.noise)
        if rng.random() < 0.03:
            desk.add_second_user(world.zendesk, rng, person, _between(rng, user_at, end))


def _between(rng: Random, start: int, end: int) -> int:
    return start + int(rng.random() * max(1, end - start))


def write_tickets(world: "World", rng: Random, count: int, start: int, end: int) -> None:
    """``count`` tickets by random end users between ``start`` and ``end``, numbered in the order they came in."""
    users = [u for u in world.zendesk.users.values() if u.person and u.active]
    if not users:
        return
    drawn = []
    for _ in range(count):
        user = users[int(rng.random() * len(users))]
        drawn.append((_between(rng, max(start, user.created), end), user.id))
    for at, user_id in sorted(drawn):
        tickets.add_ticket(world.zendesk, rng, world.zendesk.users[user_id], at, end, csat=world.csat)
