# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""HubSpot's side of the world: contacts, companies, deals, feedback submissions and the subscription timeline."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from sandbox import spelling
from sandbox.consents import SUBSCRIPTIONS, consent_history
from sandbox.names import LOCALES, ROLE_MAILBOXES
from sandbox.people import OFFICE_PHONE_MEMBERS
from sandbox.records import Business, ConsentChange, CrmObject, Person
from sandbox.spelling import pick
from sandbox.text import SURVEY_COMMENTS

_STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "opportunity",
    "customer",
    "customer",
    "customer",
    "evangelist",
)
_SOURCES = ("ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "DIRECT_TRAFFIC", "OFFLINE")
_SCALES = {"NPS": (0, 10), "CSAT": (1, 5), "CES": (1, 7)}


@dataclass
class HubSpotData:
    """Everything one HubSpot account holds, live and archived, by id."""

    contacts: dict[str, CrmObject] = field(default_factory=dict)
    companies: dict[str, CrmObject] = field(default_factory=dict)
    feedback: dict[str, CrmObject] = field(default_factory=dict)
    deals: dict[str, CrmObject] = field(default_factory=dict)
    timeline: list[ConsentChange] = field(default_factory=list)
    last_contact_id: int = 72_810_000_000
    last_feedback_id: int = 39_400_000_000
    last_deal_id: int = 18_240_000_000


def add_company(data: HubSpotData, business: Business, at: int) -> None:
    """Record ``business`` as created at ``at`` (epoch ms)."""
    props = {
        "name": business.name,
        "domain": business.domain,
        "website": f"https://www.{business.domain}",
        "phone": business.office_phone,
        "city": "Berlin",
        "country": "Germany",
        "lifecyclestage": "customer",
        "hubspot_owner_id": "51001",
    }
    data.companies[business.company_id] = CrmObject(business.company_id, props, at, at)


def add_contact(
    data: HubSpotData, rng: Random, person: Person, business: Business | None, at: int, noise: float
) -> CrmObject:
    """Write ``person`` down as a new contact at ``at`` (epoch ms), with the errors people make."""
    data.last_contact_id += 1 + int(rng.random() * 3)
    contact_id = str(data.last_contact_id)
    props = _contact_props(rng, person, business, noise)
    contact = CrmObject(contact_id, props, at, at, linked_id=business.company_id if business else None, person=person)
    data.contacts[contact_id] = contact
    person.contact_ids.append(contact_id)
    return contact


def _contact_props(rng: Random, person: Person, business: Business | None, noise: float) -> dict[str, str]:
    random, locale = rng.random, LOCALES[person.locale]
    props = {
        "firstname": spelling.typo(rng, person.first) if random() < noise * 0.4 else person.first,
        "lastname": spelling.plain(person.last) if random() < 0.1 else person.last,
        "country": locale.country,
        "hs_language": locale.language,
        "lifecyclestage": pick(rng, _STAGES),
        "hs_analytics_source": pick(rng, _SOURCES),
        "hubspot_owner_id": "51001" if random() < 0.5 else "51002",
    }
    if random() > noise * 0.2:
        props["email"] = spelling.typo(rng, person.email) if random() < noise * 0.15 else person.email
        if person.second_email and random() < 0.5:
            props["hs_additional_emails"] = person.second_email
    if random() < 0.8:
        number = business.office_phone if business and person.uses_office_phone else person.phone
        props["phone"] = spelling.phone(rng, number, 0 if number != person.phone else person.locale)
        props["hs_calculated_phone_number"] = number
    if random() < 0.7:
        props |= {"address": person.street, "zip": person.zip, "city": person.city}
    if business:
        props |= {"company": business.name, "associatedcompanyid": business.company_id}
    if random() < 0.1:
        props["message"] = f"Kontaktwunsch von {person.name}, {person.phone}"
    return props


def add_duplicate(data: HubSpotData, rng: Random, person: Person, at: int) -> CrmObject:
    """A second contact for someone already there: other address (HubSpot keeps e-mail unique), same number."""
    duplicate = add_contact(data, rng, person, None, at, 0.0)
    duplicate.props["email"] = f"{person.last[0].lower()}{duplicate.id}@freepost.example".replace(" ", "")
    duplicate.props.pop("hs_additional_emails", None)
    duplicate.props |= {
        "phone": spelling.phone(rng, person.phone, person.locale),
        "hs_calculated_phone_number": person.phone,
    }
    duplicate.props["firstname"] = person.first[0] + "."
    return duplicate


def share_role_address(data: HubSpotData, rng: Random, business: Business) -> None:
    """Give one member the business's role mailbox as only address and another one as second address."""
    if len(business.members) < OFFICE_PHONE_MEMBERS:
        return
    role = f"{pick(rng, ROLE_MAILBOXES)}@{business.domain}"
    present = [p for p in business.members if p.contact_ids and p.user_ids][:2]
    for person, key in zip(present, ("email", "hs_additional_emails"), strict=False):
        data.contacts[person.contact_ids[0]].props[key] = role


def add_consents(data: HubSpotData, rng: Random, contact: CrmObject, start: int, end: int) -> None:
    """Decide for a contact about the subscriptions between ``start`` and ``end`` (epoch ms)."""
    email = contact.props.get("email")
    if email:
        for change in consent_history(rng, email, start, end):
            record_consent(data, contact, change)


def record_consent(data: HubSpotData, contact: CrmObject, change: ConsentChange) -> None:
    """Append to the timeline and move the contact's opt-out properties with it."""
    data.timeline.append(change)
    value = "true" if change.change == "UNSUBSCRIBED" else "false"
    suffix = f"_{change.subscription_id}" if change.subscription_id else ""
    contact.props["hs_email_optout" + suffix] = value
    if change.legal_basis:
        contact.props["hs_legal_basis"] = change.legal_basis
    contact.updated = max(contact.updated, change.at)


def add_feedback(data: HubSpotData, rng: Random, contact: CrmObject, at: int) -> None:
    """One answer to an NPS, CSAT or CES survey by ``contact`` at ``at`` (epoch ms)."""
    kind = pick(rng, ("NPS", "NPS", "CSAT", "CES"))
    low, high = _SCALES[kind]
    score = max(low, high - int((high - low + 1) * rng.random() ** 2.2))
    data.last_feedback_id += 1
    feedback_id = str(data.last_feedback_id)
    props = {
        "hs_survey_id": {"NPS": "901", "CSAT": "902", "CES": "903"}[kind],
        "hs_survey_name": f"{kind} survey",
        "hs_survey_type": kind,
        "hs_survey_channel": "EMAIL" if rng.random() < 0.7 else "WEB",
        "hs_submission_name": f"{kind} submission {feedback_id}",
        "hs_value": str(score),
        "hs_submission_timestamp": str(at),
        "hs_response_group": _group(kind, score, high),
    }
    if contact.person and rng.random() < 0.4:
        text = pick(rng, SURVEY_COMMENTS)
        props["hs_content"] = text.format(name=contact.person.name, email=contact.person.email, n=f"F-{feedback_id}")
    data.feedback[feedback_id] = CrmObject(feedback_id, props, at, at, linked_id=contact.id)


def _group(kind: str, score: int, high: int) -> str:
    if kind == "NPS":
        return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"
    return "positive" if score >= high - 1 else "neutral" if score > high / 2 else "negative"


def merge_contacts(survivor: CrmObject, loser: CrmObject, at: int) -> None:
    """Merge ``loser`` into ``survivor``: the loser is archived, the survivor lists its id and takes its address."""
    loser.archived, loser.updated, loser.merged_into = at, at, survivor.id
    props = survivor.props
    for key, value in (
        ("hs_merged_object_ids", loser.id),
        ("hs_calculated_merged_vids", f"{loser.id}:{at}"),
        ("hs_additional_emails", loser.props.get("email")),
    ):
        if value:
            props[key] = f"{props[key]};{value}" if key in props else value
    props["hs_all_contact_vids"] = f"{props.get('hs_all_contact_vids', survivor.id)};{loser.id}"
    survivor.updated = at


LINKS: dict[tuple[str, str], Callable[[CrmObject], Iterable[str]]] = {
    ("contacts", "companies"): lambda obj: (obj.linked_id,) if obj.linked_id else (),
    ("feedback_submissions", "contacts"): lambda obj: (obj.linked_id,) if obj.linked_id else (),
    ("deals", "contacts"): lambda obj: obj.contact_ids,
    ("deals", "companies"): lambda obj: (obj.linked_id,) if obj.linked_id else (),
}
"""Which objects name which others, and the ids they name; the vendor shows each association from both ends."""


def survivor_of(table: dict[str, CrmObject], obj_id: str | None) -> CrmObject | None:
    """The object with this id, or the one it was merged into in the end."""
    obj = table.get(obj_id or "")
    while obj and obj.merged_into:
        obj = table.get(obj.merged_into)
    return obj


def definitions() -> list[dict[str, object]]:
    """The account's subscription types as communication-preferences v4 lists them."""
    return [
        {
            "id": str(number),
            "name": name,
            "description": text,
            "purpose": purpose,
            "communicationMethod": "Email",
            "isActive": True,
            "isDefault": False,
            "isInternal": False,
            "businessUnitId": 0,
            "createdAt": "2024-01-15T09:00:00.000Z",
            "updatedAt": "2024-01-15T09:00:00.000Z",
        }
        for number, name, purpose, text in SUBSCRIPTIONS
    ]
