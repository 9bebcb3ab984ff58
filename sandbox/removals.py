"""Records that leave: merged, archived, deleted, deleted for good; each at least once whenever this runs."""

from random import Random
from typing import TYPE_CHECKING

from sandbox import hubspot_records as crm
from sandbox import tickets
from sandbox import zendesk_records as desk

if TYPE_CHECKING:
    from sandbox.records import CrmObject, User
    from sandbox.world import World

DAY = 86_400
MERGEABLE = {"new", "open", "pending", "solved"}
Span = tuple[int, int]


def merges_and_removals(world: "World", rng: Random, start: int, end: int) -> None:
    """As many merges, archivals and deletions as happen between ``start`` and ``end`` (epoch s)."""
    days = max(1, (end - start) // DAY // 6)  # Most of a long history happened before its last month.

    def times(per_mille_a_day: float) -> range:
        return range(max(1, int(world.customers * per_mille_a_day * days / 1000)))

    _merge_contacts(world, rng, (start, end), times(0.3))
    _merge_users(world, rng, (start, end), times(0.2))
    _archive_contacts(world, rng, (start, end), times(0.2))
    _delete_users(world, rng, (start, end), times(0.15))
    _merge_tickets(world, rng, (start, end), times(0.3))
    _delete_tickets(world, rng, (start, end), times(0.3))


def _within(rng: Random, span: Span, earliest: int) -> int:
    """A second in ``span``, not before ``earliest``."""
    start = max(span[0], earliest)
    return start + int(rng.random() * max(1, span[1] - start))


def _merge_contacts(world: "World", rng: Random, span: Span, times: range) -> None:
    contacts = world.hubspot.contacts
    doubles = [p for p in world.people if sum(contacts[i].archived is None for i in p.contact_ids) > 1]
    for person in rng.sample(doubles, min(len(doubles), len(times))):
        survivor, loser = [contacts[i] for i in person.contact_ids if contacts[i].archived is None][:2]
        at = _within(rng, span, max(survivor.updated, loser.updated) // 1000 + 1) * 1000
        crm.merge_contacts(survivor, loser, at)


def _merge_users(world: "World", rng: Random, span: Span, times: range) -> None:
    users = world.zendesk.users
    doubles = [p for p in world.people if sum(users[i].active for i in p.user_ids) > 1]
    for person in rng.sample(doubles, min(len(doubles), len(times))):
        winner, loser = [users[i] for i in person.user_ids if users[i].active][:2]
        desk.merge_users(world.zendesk, winner, loser, _within(rng, span, max(winner.updated, loser.updated)))


def _archive_contacts(world: "World", rng: Random, span: Span, times: range) -> None:
    live: list[CrmObject] = [c for c in world.hubspot.contacts.values() if c.archived is None]
    for contact in rng.sample(live, min(len(times), len(live) // 10)):
        contact.archived = contact.updated = _within(rng, span, contact.updated // 1000 + 1) * 1000


def _delete_users(world: "World", rng: Random, span: Span, times: range) -> None:
    present: list[User] = [u for u in world.zendesk.users.values() if u.person and u.active]
    for number, user in enumerate(rng.sample(present, min(len(times) + 1, len(present) // 10)), world.version):
        permanently = number % 2 == 0
        if permanently:
            world.retired += [
                ("name", user.name),
                *(("email" if i.type == "email" else "phone", i.value) for i in user.identities),
            ]
        desk.delete_user(user, _within(rng, span, user.updated), permanently=permanently)


def _merge_tickets(world: "World", rng: Random, span: Span, times: range) -> None:
    mine = world.zendesk.tickets_of
    open_ones = [t for t in world.zendesk.tickets.values() if t.status in MERGEABLE and len(mine[t.requester_id]) > 1]
    for source in rng.sample(open_ones, min(len(open_ones), len(times))):
        target = next(t for t in mine[source.requester_id] if t is not source)
        tickets.merge_tickets(world.zendesk, source, target, _within(rng, span, source.generated))


def _delete_tickets(world: "World", rng: Random, span: Span, times: range) -> None:
    present = [t for t in world.zendesk.tickets.values() if t.status != "deleted"]
    for ticket in rng.sample(present, min(len(present), len(times))):
        tickets.delete_ticket(ticket, _within(rng, span, ticket.generated))
