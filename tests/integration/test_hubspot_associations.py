"""Who a deal is about, when HubSpot refuses the associations that tell it, or gives them in pages."""

import pytest
from installations import Home

from cdp_pipelines.errors import SyncFailedError
from sandbox import Fault, Running
from sandbox.hubspot_objects import LINK_PAGE
from sandbox.records import CrmObject

PEOPLE = "/crm/v4/associations/deals/contacts/batch/read"


def some_deal(vendors: Running) -> CrmObject:
    """A deal with people and a company."""
    return next(deal for deal in vendors.world.live["deals"].records if deal.contact_ids and deal.linked_id)


def change(vendors: Running, deal: CrmObject) -> None:
    deal.updated, deal.props["amount"] = vendors.world.clock * 1000, "12.50"
    vendors.world.changed()


def told(home: Home, deal: CrmObject) -> tuple[str, list[str]]:
    """The amount and the people of a deal, as they are stored."""
    with home.opened() as opened:
        rows = opened.lake.current("deal").to_pylist()
    return next((row["amount_micros"], row["person_ids"]) for row in rows if row["source_id"] == deal.id)


def test_a_refusal_of_all_associations_takes_nobody_from_a_deal(vendors: Running, home: Home) -> None:
    home.sync("hubspot", streams=["deals"])
    deal = some_deal(vendors)
    before = told(home, deal)
    change(vendors, deal)
    vendors.switches.faults = [Fault("hubspot", PEOPLE, "expired_cursor", times=None)]
    with pytest.raises(SyncFailedError) as caught:
        home.sync("hubspot", streams=["deals"])
    assert "status 400" in str(caught.value.report.failed[0].error)
    assert told(home, deal) == before

    vendors.switches.faults = []
    home.sync("hubspot", streams=["deals"])
    assert told(home, deal) == (12_500_000, before[1])


def with_many_people(vendors: Running) -> tuple[CrmObject, list[str]]:
    """A deal with more people than two pages hold."""
    deal, contacts = some_deal(vendors), vendors.world.hubspot.contacts
    people = [str(99_000_000_000 + number) for number in range(2 * LINK_PAGE + 1)]
    contacts |= {i: CrmObject(i, {}, deal.created, deal.created) for i in people}
    deal.contact_ids = tuple(people)
    vendors.world.changed()
    return deal, people


def test_a_deal_has_all_its_people_however_many(vendors: Running, home: Home) -> None:
    deal, people = with_many_people(vendors)
    home.sync("hubspot", streams=["deals"])
    assert told(home, deal)[1] == people

    change(vendors, deal)
    home.sync("hubspot", streams=["deals"])
    assert told(home, deal) == (12_500_000, people)
