"""Records that are gone from one moment to the next: no listing, no export and no search shows that they ever were."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.world import World


def vanish(world: "World", kind: str, ids: Iterable[str]) -> None:
    """Delete records for good and without a word.

    Args:
        world: Where they are.
        kind: HubSpot's contacts, companies, deals or feedback_submissions; Zendesk's users, tickets or organizations.
        ids: Their ids.
    """
    with world.lock:
        table = _table(world, kind)
        for number in ids:
            del table[number if kind in world.objects else int(number)]
        if kind == "tickets":
            _without_history(world)
        world.changed()


def _without_history(world: "World") -> None:
    """With a ticket goes what was said and answered in it."""
    desk = world.zendesk
    desk.audits = [audit for audit in desk.audits if audit.ticket_id in desk.tickets]
    desk.ratings = [rating for rating in desk.ratings if rating.ticket_id in desk.tickets]
    for requester, tickets in desk.tickets_of.items():
        desk.tickets_of[requester] = [ticket for ticket in tickets if ticket.id in desk.tickets]


def _table(world: "World", kind: str) -> dict[Any, Any]:
    desk: dict[str, dict[Any, Any]] = {
        "users": world.zendesk.users,
        "tickets": world.zendesk.tickets,
        "organizations": world.zendesk.organizations,
    }
    return world.objects[kind] if kind in world.objects else desk[kind]
