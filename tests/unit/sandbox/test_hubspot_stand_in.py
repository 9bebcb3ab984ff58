"""The traps of HubSpot's API that a connector must survive."""

import httpx
import pytest

from sandbox import World, running

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture(scope="module")
def world():
    return World(seed=6, customers=400)


@pytest.fixture(scope="module")
def stand_ins(world):
    with running(world) as state:
        yield state


@pytest.fixture
def crm(stand_ins):
    with httpx.Client(
        base_url=stand_ins.urls["hubspot"], headers={"authorization": "Bearer pat-na1-sandbox"}
    ) as client:
        yield client


def test_properties_come_only_when_named(crm):
    always = {"createdate", "lastmodifieddate", "hs_object_id"}
    plain = crm.get(CONTACTS, params={"limit": 1}).json()["results"][0]["properties"]
    named = crm.get(CONTACTS, params={"limit": 1, "properties": "phone,no_such_thing"}).json()["results"][0][
        "properties"
    ]
    assert set(plain) == always | {"firstname", "lastname", "email"}
    assert set(named) == always | {"phone"}


def test_next_link_points_to_this_server_and_can_be_followed(crm, world):
    found, url = [], f"{CONTACTS}?limit=100&properties=email"
    while url:
        page = crm.get(url).json()
        found += [c["id"] for c in page["results"]]
        url = page.get("paging", {}).get("next", {}).get("link")
    assert found == [c.id for c in world.live["contacts"].records]


@pytest.mark.parametrize("query", ["limit=101", "limit=51&propertiesWithHistory=email"])
def test_too_large_pages_are_refused(crm, query):
    answer = crm.get(f"{CONTACTS}?{query}")
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_history_can_be_asked_for(crm):
    results = crm.get(f"{CONTACTS}?limit=50&propertiesWithHistory=lastname").json()["results"]
    assert [r["propertiesWithHistory"]["lastname"][0]["value"] for r in results if r["propertiesWithHistory"]]


def test_search_ends_at_ten_thousand(crm):
    answer = crm.post(f"{CONTACTS}/search", json={"limit": 200, "after": "9900"})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("filters", "keep"),
    [
        ([("lifecyclestage", "EQ", "customer")], lambda c: c.props["lifecyclestage"] == "customer"),
        ([("email", "NOT_HAS_PROPERTY", None)], lambda c: "email" not in c.props),
        ([("email", "CONTAINS_TOKEN", "*webmail.example")], lambda c: "webmail.example" in c.props.get("email", "")),
        ([("hs_email_optout", "EQ", "true")], lambda c: c.props.get("hs_email_optout") == "true"),
        ([("hs_object_id", "GT", "72810000300")], lambda c: int(c.id) > 72_810_000_300),
        (
            [("hs_object_id", "GT", "72810000300"), ("lifecyclestage", "NEQ", "customer")],
            lambda c: int(c.id) > 72_810_000_300 and c.props["lifecyclestage"] != "customer",
        ),
    ],
)
def test_search_filters(crm, world, filters, keep):
    group = [{"propertyName": n, "operator": o, "value": v} for n, o, v in filters]
    body = {
        "filterGroups": [{"filters": group}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "DESCENDING"}],
    }
    answer = crm.post(f"{CONTACTS}/search", json={**body, "limit": 200}).json()
    expected = [c.id for c in reversed(world.live["contacts"].records) if keep(c)]
    assert expected
    assert answer["total"] == len(expected)
    assert [c["id"] for c in answer["results"]] == expected[:200]


def test_batch_read_names_what_is_missing(crm, world):
    present = world.live["contacts"].records[0].id
    gone = world.archived["contacts"].records[0].id
    answer = crm.post(f"{CONTACTS}/batch/read", json={"inputs": [{"id": present}, {"id": gone}]})
    assert answer.status_code == 207
    body = answer.json()
    assert ([r["id"] for r in body["results"]], body["errors"][0]["context"]) == ([present], {"ids": [gone]})


def test_archived_contact_is_404_unless_asked_for(crm, world):
    archived = next(c for c in world.archived["contacts"].records if not c.merged_into)
    assert crm.get(f"{CONTACTS}/{archived.id}").json()["category"] == "OBJECT_NOT_FOUND"
    assert crm.get(f"{CONTACTS}/{archived.id}?archived=true").json()["archivedAt"]


def test_contact_can_be_found_by_address(crm, world):
    contact = next(c for c in world.live["contacts"].records if "email" in c.props)
    answer = crm.get(f"{CONTACTS}/{contact.props['email'].upper()}", params={"idProperty": "email"})
    assert answer.json()["id"] == contact.id


def test_associations_repeat_with_labels_and_leave_out_the_lonely(crm, world):
    live = [c for c in world.live["contacts"].records if world.objects["companies"].get(c.linked_id or "x")]
    lonely = next(c for c in world.live["contacts"].records if c.linked_id is None)
    companies = world.hubspot.companies
    linked = next(c for c in live if companies[c.linked_id].archived is None)
    inputs = {"inputs": [{"id": lonely.id}, {"id": linked.id}]}
    results = crm.post("/crm/v4/associations/contacts/companies/batch/read", json=inputs).json()["results"]
    assert [r["from"]["id"] for r in results] == [linked.id]
    assert results[0]["to"][0]["toObjectId"] == int(linked.linked_id)
    assert [kind["typeId"] for kind in results[0]["to"][0]["associationTypes"]] == [1, 279]


def test_timeline_is_newest_first_complete_and_fails_at_zero(crm, world):
    path, found, offset = "/email/public/v1/subscriptions/timeline", [], {}
    assert crm.get(path, params={"startTimestamp": 0}).status_code == 500
    while True:
        page = crm.get(path, params={"startTimestamp": 1000, "limit": 100, **offset}).json()
        found += [(e["timestamp"], e["recipient"], e["changes"][0]["change"]) for e in page["timeline"]]
        if not page["hasMore"]:
            break
        offset = {"offset": page["offset"]}
    assert found == [(c.at, c.email, c.change) for c in reversed(world.timeline.records)]


def test_timeline_bounds_are_inclusive(crm, world):
    change = world.timeline.records[5]
    bounds = {"startTimestamp": change.at, "endTimestamp": change.at}
    page = crm.get("/email/public/v1/subscriptions/timeline", params=bounds).json()
    assert change.email in [entry["recipient"] for entry in page["timeline"]]


def test_status_of_an_address_in_both_versions(crm, world):
    contact = next(c for c in world.live["contacts"].records if c.props.get("hs_email_optout_311001") == "true")
    email = contact.props["email"]
    new = crm.get(f"/communication-preferences/v4/statuses/{email}?channel=EMAIL").json()["results"]
    old = crm.get(f"/communication-preferences/v3/status/email/{email}").json()["subscriptionStatuses"]
    assert new[0]["status"] == "UNSUBSCRIBED"
    assert {s["status"] for s in new} <= {"SUBSCRIBED", "UNSUBSCRIBED", "NOT_SPECIFIED"}
    assert old[0]["status"] == "NOT_SUBSCRIBED"


def test_unknown_type_and_path(crm):
    assert crm.get("/crm/v3/objects/unicorns").status_code == 400
    assert crm.get("/no/such/path").json()["status"] == "error"
