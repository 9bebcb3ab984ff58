"""What only tests, benchmarks and the demo may know: who is who, and every personal value in clear."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandbox import reviews, shop_truth

if TYPE_CHECKING:
    from sandbox.records import CrmObject, User
    from sandbox.world import World

_CONTACT_KINDS = {
    "email": "email",
    "hs_additional_emails": "email",
    "phone": "phone",
    "mobilephone": "phone",
    "hs_calculated_phone_number": "phone",
    "address": "address",
    "message": "text",
}
_LONG_ENOUGH = 5
"""Shorter last names occur inside ordinary words; a scanner looking for them would see leaks everywhere."""


def export(world: "World") -> dict[str, object]:
    """JSON-able truth.

    ``people``: for each true person ``person`` (our key), ``records`` ([source, source_id] of all their records, live
    or not) and ``inactive`` (those of them that are archived, merged away or deleted). ``staff``: Zendesk users who are
    agents or bots. ``guest_orders``: the person behind each Shopify order without an account, by the order's id.
    ``shared``: addresses and numbers that belong to a business and must join nobody.
    """
    contacts, users = world.hubspot.contacts, world.zendesk.users
    people = []
    for person in (*world.people, *world.shop.people):
        gone = [["hubspot", i] for i in person.contact_ids if contacts[i].archived is not None]
        gone += [["zendesk", str(i)] for i in person.user_ids if not users[i].active]
        records = [["hubspot", i] for i in person.contact_ids] + [["zendesk", str(i)] for i in person.user_ids]
        bought, left = shop_truth.records_of(world, person)
        people.append({"person": person.key, "records": records + bought, "inactive": gone + left})
    return {
        "people": people,
        "staff": [["zendesk", str(i)] for i in (*world.zendesk.agents, *world.zendesk.bots)],
        "guest_orders": shop_truth.guest_orders(world),
        "shared": {
            "phones": [b.office_phone for b in world.businesses],
            "domains": [b.domain for b in world.businesses],
        },
    }


def personal_values(world: "World") -> Iterator[tuple[str, str]]:
    """(kind, value) with kind email, phone, name, address, text or ip; repeats included, former values too."""
    yield from world.retired
    for person in (*world.people, *world.shop.people):
        yield from (("address", person.street), ("phone", person.phone), ("email", person.email))
        yield from _names(person.first, person.last)
    for contact in world.hubspot.contacts.values():
        yield from _of_contact(contact)
    for submission in world.hubspot.feedback.values():
        if "hs_content" in submission.props:
            yield "text", submission.props["hs_content"]
    for user in world.zendesk.users.values():
        yield from _of_user(user)
    yield from _of_tickets(world)
    yield from _of_deals(world)
    yield from reviews.personal_values(world.reviews)
    yield from shop_truth.personal_values(world)


def _names(first: str, last: str) -> Iterator[tuple[str, str]]:
    yield "name", f"{first} {last}"
    if len(last) >= _LONG_ENOUGH:
        yield "name", last


def _of_contact(contact: "CrmObject") -> Iterator[tuple[str, str]]:
    yield from _names(contact.props["firstname"], contact.props["lastname"])
    for name, kind in _CONTACT_KINDS.items():
        if name in contact.props:
            for value in contact.props[name].split(";"):
                yield kind, value


def _of_user(user: "User") -> Iterator[tuple[str, str]]:
    if user.permanently_deleted:
        return
    yield "name", user.name
    if user.notes:
        yield "text", user.notes
    for identity in user.identities:
        yield "email" if identity.type == "email" else "phone", identity.value
    if user.phone:
        yield "phone", user.phone
    if user.email:
        yield "email", user.email


def _of_deals(world: "World") -> Iterator[tuple[str, str]]:
    for deal in world.hubspot.deals.values():
        yield "text", deal.props["dealname"]
        if "closed_lost_reason" in deal.props:
            yield "text", deal.props["closed_lost_reason"]


def _of_tickets(world: "World") -> Iterator[tuple[str, str]]:
    for ticket in world.zendesk.tickets.values():
        yield "text", ticket.subject
    for audit in world.zendesk.audits:
        if audit.body:
            yield "text", audit.body
        if audit.ip:
            yield "ip", audit.ip
    for rating in world.zendesk.ratings:
        if rating.comment:
            yield "text", rating.comment
