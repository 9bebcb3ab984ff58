"""The traps of HubSpot's API that a connector must survive."""

import httpx
import pytest

from sandbox import World, running
from sandbox.hubspot_objects import LINK_PAGE
from sandbox.hubspot_records import survivor_of

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture(scope="module")
def world():
    return World(seed=6, customers=400)


@pytest.fixture(scope="module")
def stand_ins(world):
    with running(world) as state:
        yield state


@pytest.fixture(scope="module")
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


def search_filter(name, operator, value):
    entry = {"propertyName": name, "operator": operator}
    if operator == "BETWEEN":
        return entry | {"value": value[0], "highValue": value[1]}
    return entry | ({"values": value} if isinstance(value, list) else {"value": value})


@pytest.mark.parametrize(
    ("filters", "keep"),
    [
        ([("lifecyclestage", "EQ", "customer")], lambda c: c.props["lifecyclestage"] == "customer"),
        ([("email", "NOT_HAS_PROPERTY", None)], lambda c: "email" not in c.props),
        ([("email", "CONTAINS_TOKEN", "*webmail.example")], lambda c: "webmail.example" in c.props.get("email", "")),
        ([("country", "IN", ["Spain", "France"])], lambda c: c.props["country"] in {"Spain", "France"}),
        ([("country", "NOT_IN", ["Germany"])], lambda c: c.props["country"] != "Germany"),
        ([("hs_object_id", "BETWEEN", ["72810000100", "72810000300"])], lambda c: 100 <= int(c.id) % 10**6 <= 300),
        ([("createdate", "GTE", "2020-01-01T00:00:00Z")], lambda _: True),
        ([("hs_email_optout", "EQ", "true")], lambda c: c.props.get("hs_email_optout") == "true"),
        ([("hs_object_id", "GT", "72810000300")], lambda c: int(c.id) > 72_810_000_300),
        (
            [("hs_object_id", "GT", "72810000300"), ("lifecyclestage", "NEQ", "customer")],
            lambda c: int(c.id) > 72_810_000_300 and c.props["lifecyclestage"] != "customer",
        ),
    ],
)
def test_search_filters(crm, world, filters, keep):
    group = [search_filter(*entry) for entry in filters]
    body = {
        "filterGroups": [{"filters": group}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "DESCENDING"}],
    }
    answer = crm.post(f"{CONTACTS}/search", json={**body, "limit": 200}).json()
    expected = [c.id for c in reversed(world.live["contacts"].records) if keep(c)]
    assert expected
    assert answer["total"] == len(expected)
    assert [c["id"] for c in answer["results"]] == expected[:200]


@pytest.mark.parametrize(
    "body",
    [
        {"filters": [{"propertyName": "email", "operator": "LIKE", "value": "x"}]},
        {"filters": [{"propertyName": "createdate", "operator": "GT", "value": "yesterday"}]},
        {"filterGroups": [{"filters": []}] * 6},
        {"sorts": ["createdate", "email"]},
    ],
    ids=["operator", "time", "groups", "sorts"],
)
def test_search_refuses_what_it_cannot_do(crm, body):
    answer = crm.post(f"{CONTACTS}/search", json=body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_search_for_words(crm, world):
    answer = crm.post(f"{CONTACTS}/search", json={"query": "webmail.example", "limit": 200}).json()
    found = [c.id for c in world.live["contacts"].records if "webmail.example" in " ".join(c.props.values())]
    assert [c["id"] for c in answer["results"]] == found[:200]


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


def test_associations_of_a_company_are_paged(crm, world):
    links = world.links_to["contacts", "companies"]
    company = max(links, key=lambda i: len(links[i]))
    path, found, after = f"/crm/v4/objects/companies/{company}/associations/contacts", [], "0"
    while after:
        page = crm.get(path, params={"limit": 10, "after": after}).json()
        found += [str(entry["toObjectId"]) for entry in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after")
    assert len(found) > 10
    assert found == links[company]


def test_associations_beside_the_objects(crm, world):
    results = crm.get(CONTACTS, params={"limit": 100, "associations": "companies"}).json()["results"]
    told = {c["id"]: c["associations"]["companies"]["results"][0]["id"] for c in results if "associations" in c}
    assert told
    assert told == {i: world.hubspot.contacts[i].linked_id for i in told}


def test_associations_beside_an_object_say_when_there_are_more(crm, world, monkeypatch):
    company = world.live["companies"].records[0].id
    many = [str(number) for number in range(LINK_PAGE + 1)]
    monkeypatch.setitem(world.links_to["contacts", "companies"], company, many)
    answer = crm.get(f"/crm/v3/objects/companies/{company}", params={"associations": "contacts"}).json()
    shown = answer["associations"]["contacts"]
    assert list(dict.fromkeys(link["id"] for link in shown["results"])) == many[:-1]
    assert shown["paging"]["next"]["after"] == str(LINK_PAGE)


def test_account_owners_pipelines_properties_and_subscription_types(crm):
    def results(path):
        return crm.get(path).json()["results"]

    assert crm.get("/account-info/v3/details").json()["portalId"] == 62515
    assert [o["id"] for o in results("/crm/v3/owners")] == ["51001", "51002"]
    assert [s["label"] for s in results("/crm/v3/pipelines/tickets")[0]["stages"]][-1] == "Closed"
    assert "hs_email_optout_311004" in [p["name"] for p in results("/crm/v3/properties/contacts")]
    new = [d["id"] for d in results("/communication-preferences/v4/definitions")]
    old = crm.get("/communication-preferences/v3/definitions").json()["subscriptionDefinitions"]
    assert new == [d["id"] for d in old] == ["311001", "311002", "311003", "311004"]


def test_opt_out_of_everything(crm, world):
    contact = next(c for c in world.live["contacts"].records if c.props.get("hs_email_optout") == "true")
    path = f"/communication-preferences/v4/statuses/{contact.props['email']}"
    wide = crm.get(f"{path}/unsubscribe-all?channel=EMAIL").json()["results"][0]
    assert (wide["status"], wide["wideStatusType"]) == ("UNSUBSCRIBED", "PORTAL_WIDE")
    assert {s["status"] for s in crm.get(f"{path}?channel=EMAIL").json()["results"]} == {"UNSUBSCRIBED"}
    assert crm.get(path).status_code == 400


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


DEALS = "/crm/v3/objects/deals"


def test_deals_are_won_lost_and_open_in_two_pipelines(crm):
    pipelines = {
        p["id"]: {s["id"]: s for s in p["stages"]} for p in crm.get("/crm/v3/pipelines/deals").json()["results"]
    }
    names = "pipeline,dealstage,hs_is_closed,hs_is_closed_won,closedate"
    deals = crm.get(DEALS, params={"limit": 100, "properties": names}).json()["results"]
    states = set()
    for deal in (d["properties"] for d in deals):
        metadata = pipelines[deal["pipeline"]][deal["dealstage"]]["metadata"]
        assert metadata["isClosed"] == deal["hs_is_closed"]
        assert (metadata["isClosed"], metadata["probability"] == "1.0") != ("false", True)
        states.add((deal["pipeline"], deal["hs_is_closed"], deal["hs_is_closed_won"]))
    assert states >= {(p, closed, won) for p in pipelines for closed, won in (("true", "true"), ("true", "false"))}
    assert any(state[1] == "false" for state in states)


def test_the_properties_of_deals_come_only_when_named(crm):
    always = {"createdate", "hs_lastmodifieddate", "hs_object_id"}
    plain = crm.get(DEALS, params={"limit": 1}).json()["results"][0]["properties"]
    assert set(plain) == always | {"dealname", "amount", "closedate", "pipeline", "dealstage"}


def test_deals_are_linked_to_living_people_from_both_ends(crm, world):
    deal = next(d for d in world.live["deals"].records if len(d.contact_ids) > 1 and linked_people(world, d))
    inputs = {"inputs": [{"id": deal.id}]}
    results = crm.post("/crm/v4/associations/deals/contacts/batch/read", json=inputs).json()["results"]
    people = [str(to["toObjectId"]) for to in results[0]["to"]]
    assert people == linked_people(world, deal)
    for contact in people:
        back = crm.get(f"/crm/v4/objects/contacts/{contact}/associations/deals").json()["results"]
        assert int(deal.id) in [to["toObjectId"] for to in back]


def linked_people(world, deal):
    survivors = (survivor_of(world.hubspot.contacts, i) for i in deal.contact_ids)
    return list(dict.fromkeys(c.id for c in survivors if c.archived is None))


def test_days_move_deals_on_and_archive_some():
    world = World(seed=8, customers=300)
    before = {d.id: (d.props["dealstage"], d.archived) for d in world.hubspot.deals.values()}
    world.advance(2)
    after = {d.id: (d.props["dealstage"], d.archived) for d in world.hubspot.deals.values()}
    assert after.keys() > before.keys()
    assert any(before[i][0] != after[i][0] for i in before)
    assert any(before[i][1] is None and after[i][1] for i in before)
