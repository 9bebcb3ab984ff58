"""The replay behaves as the stand-in it stands in for, at any size."""

from functools import partial

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.extract.beside import PROPERTIES
from benchmarks.replay import FIRST_ID, ID_STEP, PATH, ManyContacts, id_bounds, id_of, number_from
from sandbox.hubspot import TOKEN
from sandbox.server import running
from sandbox.world import World

CONTACTS = 2_500


@pytest.fixture(scope="module")
def crm():
    kind = partial(ManyContacts, contacts=CONTACTS, calls_in_ten_seconds=None)
    with (
        running(World(seed=7, customers=60), kinds=(kind,)) as state,
        httpx.Client(base_url=state.urls["hubspot"], headers={"authorization": f"Bearer {TOKEN}"}) as client,
    ):
        yield client


def listed(crm, **params):
    return crm.get(PATH, params={"limit": 100, "properties": PROPERTIES, **params}).json()


def test_a_listing_shows_every_contact_once_and_no_two_share_an_address(crm):
    records, after = [], "0"
    while after:
        body = listed(crm, after=after)
        records += body["results"]
        after = body.get("paging", {}).get("next", {}).get("after")
    ids = [int(record["id"]) for record in records]
    assert ids == [id_of(number) for number in range(CONTACTS)]
    emails = [email for record in records if (email := record["properties"]["email"])]
    assert len(set(emails)) == len(emails) > CONTACTS / 2
    assert all(record["properties"]["hs_object_id"] == record["id"] for record in records)


def test_records_have_the_shape_of_the_stand_ins_own(crm):
    plain = crm.get("/crm/v3/objects/contact", params={"limit": 1, "properties": PROPERTIES}).json()["results"][0]
    replayed = listed(crm)["results"][0]
    assert (replayed.keys(), replayed["properties"].keys()) == (plain.keys(), plain["properties"].keys())


@pytest.mark.parametrize("after", [0, FIRST_ID, FIRST_ID + 1, id_of(1234) - 1, id_of(CONTACTS - 1), id_of(CONTACTS)])
def test_a_listing_goes_on_from_any_id(crm, after):
    found = listed(crm, after=after)["results"]
    assert (int(found[0]["id"]) if found else id_of(CONTACTS)) == id_of(number_from(after))


def test_a_search_finds_the_highest_id_and_counts_a_range(crm):
    down = [{"propertyName": "hs_object_id", "direction": "DESCENDING"}]
    highest = crm.post(f"{PATH}/search", json={"sorts": down, "limit": 1}).json()
    assert (highest["total"], highest["results"][0]["id"]) == (CONTACTS, str(id_of(CONTACTS - 1)))
    above = [{"propertyName": "hs_object_id", "operator": "GT", "value": str(id_of(99))}]
    some = crm.post(f"{PATH}/search", json={"filterGroups": [{"filters": above}], "limit": 1}).json()
    assert (some["total"], some["results"][0]["id"]) == (CONTACTS - 100, str(id_of(100)))


def test_what_is_not_replayed_is_refused(crm):
    changed = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": "0"}
    assert crm.post(f"{PATH}/search", json={"filterGroups": [{"filters": [changed]}]}).status_code == 400
    assert id_bounds([changed]) is None


def test_nothing_is_archived(crm):
    assert listed(crm, archived="true") == {"results": []}


@given(st.integers(0, 10**6))
def test_ids_and_numbers_are_each_others_inverse(number):
    assert number_from(id_of(number)) == number == number_from(id_of(number) - ID_STEP + 1)
