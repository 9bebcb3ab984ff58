"""Records that leave: merged, archived, deleted, deleted for good; each at least once whenever this runs."""

from random import Random
from typing import TYPE_CHECKING

from sandbox import hubspot_records as crm
from sandbox import tickets
from sandbox import zendesk_records as desk
from sandbox.spelling import pick

if TYPE_CHECKING:
    from sandbox.records import CrmObject, User
    from sandbox.world import World


def merges_and_removals(world: "World", rng: Random, end: int, *, days: int) -> None:
    """As many merges, archivals and deletions as ``days`` bring, none later than ``end`` (epoch s)."""

    def times(per_mille_a_day: float) -> range:
        return range(max(1, int(world.customers * per_mille_a_day * days / 1000)))

    _merge_contacts(world, rng, end, times(0.3))
    _merge_users(world, rng, end, times(0.2))
    _archive_contacts(world, rng, end, times(0.2))
    _delete_users(world, rng, end, times(0.15))
    _merge_tickets(world, rng, end, times(0.3))
    _delete_tickets(world, rng, end, times(0.3))


def _later(rng: Random, start: int, end: int) -> int:
    return start + int(rng.random() * max(1, end - start))


def _merge_contacts(world: "World", rng: Random, end: int, times: range) -> None:
    contacts = world.hubspot.contacts
    doubles = [p for p in world.people if sum(contacts[i].archived is None for i in p.contact_ids) > 1]
    for person in rng.sample(doubles, min(len(doubles), len(times))):
        survivor, loser = [contacts[i] for i in person.contact_ids if contacts[i].archived is None][:2]
        at = _later(rng, max(survivor.updated, loser.updated), end * 1000)
        crm.merge_contacts(survivor, loser, at)


def _merge_users(world: "World", rng: Random, end: int, times: range) -> None:
    users = world.zendesk.users
    doubles = [p for p in world.people if sum(users[i].active for i in p.user_ids) > 1]
    for person in rng.sample(doubles, min(len(doubles), len(times))):
        winner, loser = [users[i] for i in person.user_ids if users[i].active][:2]
        desk.merge_users(world.zendesk, winner, loser, _later(rng, max(winner.updated, loser.updated), end))


def _archive_contacts(world: "World", rng: Random, end: int, times: range) -> None:
    live: list[CrmObject] = [c for c in world.hubspot.contacts.values() if c.archived is None]
    for contact in rng.sample(live, len(times)):
        contact.archived = contact.updated = _later(rng, contact.updated, end * 1000)


def _delete_users(world: "World", rng: Random, end: int, times: range) -> None:
    present: list[User] = [u for u in world.zendesk.users.values() if u.person and u.active]
    for number, user in enumerate(rng.sample(present, max(2, len(times)))):
        permanently = number % 2 == 0
        if permanently:
            world.retired += [
                ("name", user.name),
                *(("email" if i.type == "email" else "phone", i.value) for i in user.identities),
            ]
        desk.delete_user(user, _later(rng, user.updated, end), permanently=permanently)


def _merge_tickets(world: "World", rng: Random, end: int, times: range) -> None:
    several = [group for group in world.zendesk.tickets_of.values() if len(group) > 1]
    for _ in times:
        source, target = rng.sample(pick(rng, several), 2)
        if source.status != "deleted" and target.status != "deleted":
            tickets.merge_tickets(world.zendesk, source, target, _later(rng, source.generated, end))


def _delete_tickets(world: "World", rng: Random, end: int, times: range) -> None:
    numbers = list(world.zendesk.tickets)
    for _ in times:
        ticket = world.zendesk.tickets[pick(rng, numbers)]
        if ticket.status != "deleted":
            tickets.delete_ticket(ticket, _later(rng, ticket.generated, end))
