"""Clients that we did not write, their code untouched, list everything the world holds, page by page."""

import json
from urllib.parse import urlsplit

import hubspot
import pytest
import shopify
from hubspot.crm.contacts import BatchReadInputSimplePublicObjectId, Filter, FilterGroup, PublicObjectSearchRequest
from zenpy import Zenpy

from sandbox import World, running
from sandbox.hubspot_records import survivor_of

CUSTOMERS = 450


@pytest.fixture(scope="module")
def world():
    return World(seed=11, customers=CUSTOMERS)


@pytest.fixture(scope="module")
def stand_ins(world):
    with running(world) as state:
        yield state


@pytest.fixture
def crm(stand_ins):
    client = hubspot.HubSpot(access_token="pat-na1-sandbox", host=stand_ins.urls["hubspot"])
    return client.crm


@pytest.fixture
def desk(stand_ins, monkeypatch):
    monkeypatch.setenv("ZENPY_FORCE_SCHEME", "http")
    monkeypatch.setenv("ZENPY_FORCE_NETLOC", urlsplit(stand_ins.urls["zendesk"]).netloc)
    client = Zenpy(subdomain="sandbox", email="agent@example.com", token="sandbox-token")
    yield client
    client.users.session.close()


@pytest.fixture
def shop(stand_ins, monkeypatch):
    """The client makes its address from the shop's name and a domain: together they are the loopback address."""
    for name, value in {"protocol": "http", "myshopify_domain": "0.0.1"}.items():
        monkeypatch.setattr(shopify.Session, name, value)
    monkeypatch.setattr(shopify.Session, "port", urlsplit(stand_ins.urls["shopify"]).port)
    session = shopify.Session("127", "2026-10", "shpat_sandbox")
    shopify.ShopifyResource.activate_session(session)
    yield shopify
    shopify.ShopifyResource.clear_session()


def live(table):
    return {record.id for record in table.values() if record.archived is None}


def archived(table):
    return {record.id for record in table.values() if record.archived is not None}


def ids(records):
    """Ids as a set, after making sure that none came twice."""
    found = [record.id for record in records]
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize("kind", ["contacts", "companies", "deals"])
def test_hubspot_lists_live_and_archived(crm, world, kind):
    records = getattr(world.hubspot, kind)
    api = getattr(crm, kind)
    assert ids(api.get_all()) == live(records)
    assert ids(api.get_all(archived=True)) == archived(records)


def test_hubspot_lists_feedback_with_its_contacts(crm, world):
    found = crm.objects.get_all("feedback_submissions", properties=["hs_value"], associations=["contacts"])
    told = {
        f.id: (f.properties["hs_value"], f.associations and f.associations["contacts"].results[0].id) for f in found
    }
    assert told == {f.id: (f.props["hs_value"], owner(world, f)) for f in world.hubspot.feedback.values()}


def owner(world, submission):
    """The contact, or the survivor of its merge; None when it was archived."""
    contact = survivor_of(world.hubspot.contacts, submission.linked_id)
    return contact.id if contact.archived is None else None


def test_hubspot_lists_deals_with_their_people_and_company(crm, world):
    found = crm.deals.get_all(properties=["amount"], associations=["contacts", "companies"])
    told = {d.id: (d.properties["amount"], sorted(others(d, "contacts")), others(d, "companies")) for d in found}
    expected = {}
    for deal in world.live["deals"].records:
        survivors = (survivor_of(world.hubspot.contacts, i) for i in deal.contact_ids)
        people = sorted({contact.id for contact in survivors if contact.archived is None})
        company = world.hubspot.companies.get(deal.linked_id or "")
        companies = {company.id} if company and company.archived is None else set()
        expected[deal.id] = (deal.props.get("amount"), people, companies)
    assert told == expected


def others(record, kind):
    found = (record.associations or {}).get(kind)
    return {link.id for link in found.results} if found else set()


def test_hubspot_pipelines_tell_which_stages_end_a_deal(crm, world):
    pipelines = crm.pipelines.pipelines_api.get_all("deals").results
    ends = {s.id: s.metadata["probability"] for p in pipelines for s in p.stages if s.metadata["isClosed"] == "true"}
    for deal in world.hubspot.deals.values():
        assert (deal.props["dealstage"] in ends) == (deal.props["hs_is_closed"] == "true")
        assert (ends.get(deal.props["dealstage"]) == "1.0") == (deal.props["hs_is_closed_won"] == "true")


def test_hubspot_contact_values_arrive_as_they_are(crm, world):
    names = ["email", "phone", "hs_email_optout", "hs_legal_basis", "lastname"]
    found = {c.id: {name: c.properties[name] for name in names} for c in crm.contacts.get_all(properties=names)}
    contacts = world.live["contacts"].records
    assert found == {c.id: {name: c.props.get(name) for name in names} for c in contacts}


def test_hubspot_search_pages_by_offset(crm, world):
    newest = sorted(c.updated for c in world.live["contacts"].records)[150]
    recent = Filter(property_name="lastmodifieddate", operator="GTE", value=str(newest))
    found, after = [], "0"
    while after is not None:
        request = PublicObjectSearchRequest(
            filter_groups=[FilterGroup(filters=[recent])], sorts=["hs_object_id"], properties=[], limit=100, after=after
        )
        page = crm.contacts.search_api.do_search(public_object_search_request=request)
        found += page.results
        after = page.paging.next.after if page.paging else None
    assert [c.id for c in found] == [c.id for c in world.live["contacts"].records if c.updated >= newest]


def test_hubspot_merged_id_answers_with_the_survivor_and_is_missing_in_batches(crm, world):
    loser = next(c for c in world.hubspot.contacts.values() if c.merged_into)
    assert crm.contacts.basic_api.get_by_id(loser.id).id == loser.merged_into
    inputs = [{"id": loser.id}, {"id": loser.merged_into}]
    request = BatchReadInputSimplePublicObjectId(inputs=inputs, properties=["hs_merged_object_ids"])
    answer = crm.contacts.batch_api.read(batch_read_input_simple_public_object_id=request)
    assert [r.properties["hs_merged_object_ids"] for r in answer.results] == [loser.id]
    assert answer.errors[0].context == {"ids": [loser.id]}


def test_zendesk_user_export_by_cursor_holds_everyone(desk, world):
    exported = desk.users.incremental(start_time=0, paginate_by_time=False, per_page=100)
    assert {u.id: u.active for u in exported} == {u.id: u.active for u in world.zendesk.users.values()}


def test_zendesk_ticket_export_by_cursor_holds_deleted_ones(desk, world):
    exported = desk.tickets.incremental(start_time=0, paginate_by_time=False, per_page=100)
    assert {t.id: t.status for t in exported} == {t.id: t.status for t in world.zendesk.tickets.values()}


def test_zendesk_time_based_exports_repeat_but_miss_nothing(desk, world):
    """Each page repeats the last second of the one before: sets are equal, lists need not be."""
    tickets = list(desk.tickets.incremental(start_time=0, paginate_by_time=True, per_page=100))
    assert {t.id for t in tickets} == set(world.zendesk.tickets)
    assert len(tickets) > len(world.zendesk.tickets)
    assert {o.id for o in desk.organizations.incremental(start_time=0)} == set(world.zendesk.organizations)


def test_zendesk_lists(desk, world):
    closed_before = world.clock - 120 * 86_400
    tickets = world.zendesk.tickets.values()
    shown = {t.id for t in tickets if t.status != "deleted" and (t.status != "closed" or t.updated >= closed_before)}
    assert ids(desk.tickets()) == shown
    assert ids(desk.users()) == {u.id for u in world.zendesk.users.values() if u.active}
    assert ids(desk.organizations()) == set(world.zendesk.organizations)
    assert ids(desk.satisfaction_ratings()) == {r.id for r in world.zendesk.ratings}
    members = [u.id for u in world.zendesk.users.values() if u.active and u.organization_id]
    assert sorted(m.user_id for m in desk.organization_memberships()) == members


def test_zendesk_comments_in_the_list_and_in_the_event_export_are_the_same(desk, world):
    tickets = [t for t in world.zendesk.tickets.values() if t.status != "deleted"][:40]
    listed = {c.id: c.body for t in tickets for c in desk.tickets.comments(t.id)}
    assert listed == {a.id + 1: a.body for t in tickets for a in t.audits if a.body is not None}
    numbers = {t.id for t in tickets}
    events = desk.tickets.events(start_time=0, include=["comment_events"], per_page=1000)
    children = [child for e in events if e.ticket_id in numbers for child in e.child_events]
    assert {c["id"]: c["body"] for c in children if c["event_type"] == "Comment"} == listed


def test_zendesk_deleted_tickets_and_users(desk, world):
    recently = world.clock - 30 * 86_400
    deleted = {t.id for t in world.zendesk.tickets.values() if t.status == "deleted" and t.updated > recently}
    assert ids(desk.tickets.deleted()) == deleted
    assert ids(desk.users.deleted()) == {u.id for u in world.zendesk.users.values() if not u.active}


def test_zendesk_search(desk, world):
    assert ids(desk.search(type="organization")) == set(world.zendesk.organizations)
    agents = {u.id for u in world.zendesk.users.values() if u.role == "agent"}
    assert ids(desk.search(type="user", role="agent")) == agents


def test_zendesk_identities(desk, world):
    users = [u for u in world.zendesk.users.values() if len(u.identities) > 1][:20]
    for user in users:
        assert [i.value for i in desk.users.identities(id=user.id)] == [i.value for i in user.identities]


def all_pages(first):
    return [record for page in shopify.PaginatedIterator(first) for record in page]


def test_shopify_rest_lists_customers(shop, world):
    found = all_pages(shop.Customer.find(limit=100))
    told = {c.id: (c.email, c.phone, c.email_marketing_consent and c.email_marketing_consent.state) for c in found}
    customers = [c for c in world.shop.customers.values() if c.present]
    assert len(found) > 200
    assert told == {c.id: (c.email, c.phone, c.email_consent.state.lower() if c.email else None) for c in customers}
    assert shop.Customer.count() == len(found) == len(ids(found))


def test_shopify_rest_lists_orders_with_lines_and_refunds(shop, world):
    found = all_pages(shop.Order.find(status="any", limit=250))
    told = {o.id: ([line.id for line in o.line_items], [r.id for r in o.refunds], o.total_price) for o in found}
    assert told == {
        o.id: ([line.id for line in o.lines], [r.id for r in o.refunds], f"{o.total / 100:.2f}")
        for o in world.shop.orders.values()
    }
    assert len(ids(found)) == shop.Order.count(status="any")


def test_shopify_rest_knows_the_shop_and_one_record(shop, world):
    assert shop.Shop.current().myshopify_domain == "sandbox-shop.myshopify.com"
    order = next(o for o in world.shop.orders.values() if o.customer_id)
    assert shop.Order.find(order.id).customer.id == order.customer_id


@pytest.mark.parametrize("root", ["customers", "orders", "abandonedCheckouts"])
def test_shopify_graphql_lists_everything(shop, world, root):
    query = (
        f"query($after: String) {{ {root}(first: 100, after: $after) "
        "{ nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }"
    )
    found, after = [], None
    while True:
        page = json.loads(shop.GraphQL().execute(query, {"after": after}))["data"][root]
        found += [int(node["id"].rpartition("/")[2]) for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    held = {
        "customers": {c.id for c in world.shop.customers.values() if c.present},
        "orders": set(world.shop.orders),
        "abandonedCheckouts": set(world.shop.checkouts),
    }
    assert len(found) == len(set(found))
    assert set(found) == held[root]


def test_shopify_reads_its_permissions(shop):
    scopes = {scope.handle for scope in shop.AccessScope.find()}
    assert {"read_customers", "read_orders", "read_all_orders", "read_returns"} <= scopes
