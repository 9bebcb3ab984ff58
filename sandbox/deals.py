# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""Sales in the CRM: deals of people and companies in two pipelines, won, lost and open, and how they move on.

Everything here comes from random generators of its own, so that the rest of the world is the same with and without it.
"""

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from sandbox.records import CrmObject
from sandbox.spelling import pick
from sandbox.times import iso_millis

if TYPE_CHECKING:
    from sandbox.world import World

DAY_MILLIS = 86_400_000
_CURRENCIES = (("EUR", 1.0), ("EUR", 1.0), ("EUR", 1.0), ("EUR", 1.0), ("CHF", 1.05), ("GBP", 1.17))
_REASONS = ("Too expensive for {name}", "{name} chose another supplier", "No answer from {name}")


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a pipeline. A closed stage is won when its probability is 1."""

    id: str
    label: str
    probability: float
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The way a deal goes; the last two stages are won and lost. ``win`` is how often it ends well."""

    id: str
    label: str
    win: float
    stages: tuple[Stage, ...]

    def stage(self, stage_id: str) -> Stage:
        """The stage with this id."""
        return next(stage for stage in self.stages if stage.id == stage_id)


PIPELINES = (
    Pipeline(
        "default",
        "Sales Pipeline",
        0.45,
        (
            Stage("appointmentscheduled", "Appointment Scheduled", 0.2),
            Stage("qualifiedtobuy", "Qualified To Buy", 0.4),
            Stage("presentationscheduled", "Presentation Scheduled", 0.6),
            Stage("contractsent", "Contract Sent", 0.9),
            Stage("closedwon", "Closed Won", 1.0, closed=True),
            Stage("closedlost", "Closed Lost", 0.0, closed=True),
        ),
    ),
    Pipeline(
        "14860231",
        "Renewals",
        0.8,
        (
            Stage("48392011", "Offer due", 0.5),
            Stage("48392012", "Offer sent", 0.7),
            Stage("48392013", "Renewed", 1.0, closed=True),
            Stage("48392014", "Ended", 0.0, closed=True),
        ),
    ),
)


def populate(world: "World", start: int, end: int) -> None:
    """The deals made between ``start`` and ``end`` (epoch s), and how far they have come by then."""
    rng = Random(f"{world.seed}/deals")
    for _ in range(max(12, world.customers // 7)):
        deal = _open(rng, world, start * 1000 + int(rng.random() * (end - start) * 1000))
        while deal.props["hs_is_closed"] == "false":
            at = deal.updated + int(rng.expovariate(1 / 9) * DAY_MILLIS) + 1
            if at >= end * 1000:
                break
            _move(rng, world, deal, at)
    for deal in rng.sample(sorted(world.hubspot.deals.values(), key=lambda d: int(d.id)), 2):
        _archive(deal, min(deal.updated + 3 * DAY_MILLIS, end * 1000))


def one_day(world: "World", start: int, end: int) -> None:
    """What happens to deals between ``start`` and ``end`` (epoch s): moved on, closed, changed, new, archived."""
    rng = Random(f"{world.seed}/deals {world.version}")
    live = [deal for deal in world.hubspot.deals.values() if deal.archived is None]
    still_open = [deal for deal in live if deal.props["hs_is_closed"] == "false"]
    for deal in rng.sample(still_open, min(len(still_open), max(3, len(still_open) // 8))):
        _move(rng, world, deal, _moment(rng, start, end))
    for deal in rng.sample(live, min(len(live), 2)):
        _price(rng, deal)
        deal.updated = max(deal.updated, _moment(rng, start, end))
    for _ in range(max(2, world.customers // 1000)):
        _open(rng, world, _moment(rng, start, end))
    if len(live) > 5:
        _archive(pick(rng, live), end * 1000)


def _moment(rng: Random, start: int, end: int) -> int:
    return start * 1000 + int(rng.random() * (end - start) * 1000)


def _open(rng: Random, world: "World", at: int) -> CrmObject:
    """A new deal at ``at`` (epoch ms) with a contact, sometimes two, sometimes a company alone."""
    data = world.hubspot
    contact = _somebody(rng, world, at)
    data.last_deal_id += 1 + int(rng.random() * 3)
    pipeline = PIPELINES[0] if rng.random() < 0.7 else PIPELINES[1]
    company = contact.linked_id if contact else pick(rng, world.businesses).company_id
    subject = data.companies[company].props["name"] if company else contact.props["lastname"] if contact else ""
    deal = CrmObject(
        str(data.last_deal_id),
        {
            "dealname": f"{pick(rng, ('Angebot', 'Offer', 'Rahmenvertrag'))} {data.last_deal_id % 100_000} {subject}",
            "pipeline": pipeline.id,
            "dealtype": "newbusiness" if pipeline is PIPELINES[0] else "existingbusiness",
            "hubspot_owner_id": "51001" if rng.random() < 0.5 else "51002",
        },
        at,
        at,
        linked_id=company,
        contact_ids=_people(rng, world, contact, at),
    )
    if rng.random() < 0.92:
        _price(rng, deal)
    _stand(deal, pipeline.stages[0], at + 30 * DAY_MILLIS)
    data.deals[deal.id] = deal
    return deal


def _somebody(rng: Random, world: "World", at: int) -> CrmObject | None:
    """A contact who was there by then; one deal in ten has none."""
    contacts = world.hubspot.contacts
    for _ in range(0 if rng.random() < 0.1 else 6):
        person = pick(rng, world.people)
        if known := [contacts[i] for i in person.contact_ids if contacts[i].created <= at]:
            return known[0]
    return None


def _people(rng: Random, world: "World", contact: CrmObject | None, at: int) -> tuple[str, ...]:
    if contact is None:
        return ()
    second = _somebody(rng, world, at) if rng.random() < 0.15 else None
    return (contact.id, second.id) if second and second.id != contact.id else (contact.id,)


def _price(rng: Random, deal: CrmObject) -> None:
    """An amount in one of three currencies; the CRM also shows it in the account's own."""
    amount = int(rng.lognormvariate(8, 1) * 100) / 100
    code, rate = pick(rng, _CURRENCIES)
    deal.props |= {
        "amount": f"{amount:.2f}".removesuffix(".00"),
        "deal_currency_code": code,
        "amount_in_home_currency": f"{amount * rate:.2f}",
    }


def _move(rng: Random, world: "World", deal: CrmObject, at: int) -> None:
    """One stage on, or to the end: won or lost."""
    pipeline = next(p for p in PIPELINES if p.id == deal.props["pipeline"])
    steps = [stage for stage in pipeline.stages if not stage.closed]
    place = steps.index(pipeline.stage(deal.props["dealstage"]))
    won, lost = pipeline.stages[-2:]
    if place + 1 < len(steps) and rng.random() < 0.7:
        _stand(deal, steps[place + 1], at + 20 * DAY_MILLIS)
    elif rng.random() < pipeline.win:
        _stand(deal, won, at)
    else:
        _stand(deal, lost, at)
        if deal.contact_ids and rng.random() < 0.6:
            name = world.hubspot.contacts[deal.contact_ids[0]].props["lastname"]
            deal.props["closed_lost_reason"] = f"{pick(rng, _REASONS).format(name=name)} (deal {deal.id})"
    deal.updated = max(deal.updated, at)


def _stand(deal: CrmObject, stage: Stage, close_at: int) -> None:
    """The properties that follow from a stage; ``closedate`` (epoch ms) is a hope while the deal is open."""
    deal.props |= {
        "dealstage": stage.id,
        "closedate": iso_millis(close_at),
        "hs_is_closed": str(stage.closed).lower(),
        "hs_is_closed_won": str(stage.closed and stage.probability == 1).lower(),
        "hs_deal_stage_probability": str(stage.probability),
    }


def _archive(deal: CrmObject, at: int) -> None:
    deal.archived = deal.updated = max(deal.updated, at)
