from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import combinations

import orjson
import phonenumbers
import pytest

from sandbox import World
from sandbox import zendesk_render as render

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world():
    return World(seed=3, customers=1500, now=NOW)


def contents(world):
    """Everything the vendors' tables hold, as text."""
    return repr((world.hubspot, world.zendesk, world.reviews)), orjson.dumps(world.truth())


def test_same_arguments_same_world_also_after_advancing():
    first, second = World(seed=5, customers=120, now=NOW), World(seed=5, customers=120, now=NOW)
    assert contents(first) == contents(second)
    first.advance(3)
    for _ in range(3):
        second.advance()
    assert contents(first) == contents(second)
    assert contents(first) != contents(World(seed=6, customers=120, now=NOW))


@pytest.mark.parametrize("customers", [1, 2, 5, 20])
def test_the_smallest_worlds_live_too(customers):
    world = World(seed=1, customers=customers, now=NOW)
    before = contents(world)
    world.advance(30)
    assert contents(world) != before
    assert world.now == datetime(2026, 7, 1, tzinfo=UTC)


def test_has_what_the_connectors_must_cope_with(world):
    contacts, users, tickets = world.hubspot.contacts, world.zendesk.users, world.zendesk.tickets
    statuses = Counter(t.status for t in tickets.values())
    assert {"new", "open", "pending", "solved", "closed", "deleted"} <= set(statuses)
    assert any(a.channel == "merge" for a in world.zendesk.audits)
    assert any(a.before == "solved" and a.after == "open" for a in world.zendesk.audits)
    assert any(not a.public for a in world.zendesk.audits)
    assert {r.score for r in world.zendesk.ratings} == {"offered", "good", "bad"}
    assert any(c.merged_into for c in contacts.values())
    assert any(c.archived and not c.merged_into for c in contacts.values())
    assert any(u.permanently_deleted for u in users.values())
    assert any(not u.active and not u.permanently_deleted for u in users.values())
    assert any(u.external_id in contacts for u in users.values())
    assert {c.change for c in world.hubspot.timeline} == {"SUBSCRIBED", "UNSUBSCRIBED"}
    assert {f.props["hs_survey_type"] for f in world.hubspot.feedback.values()} == {"NPS", "CSAT", "CES"}


def test_live_contacts_have_different_addresses(world):
    addresses = [c.props["email"] for c in world.live["contacts"].records if "email" in c.props]
    assert len(addresses) == len(set(addresses))


def test_opt_out_properties_follow_the_timeline(world):
    told_by_timeline = defaultdict(dict)
    for change in world.timeline.records:
        told_by_timeline[change.email][change.subscription_id] = change.change == "UNSUBSCRIBED"
    for contact in world.live["contacts"].records:
        email = contact.props.get("email", "")
        if email and not is_role_address(email):
            assert opt_outs(contact) == told_by_timeline[email]


def is_role_address(value):
    return value.partition("@")[0] in {"info", "office", "kontakt"}


def opt_outs(contact):
    """Opt-out by subscription id, None for all."""
    prefix = "hs_email_optout"
    found = {
        name.removeprefix(prefix): value == "true" for name, value in contact.props.items() if name.startswith(prefix)
    }
    return {int(suffix[1:]) if suffix else None: out for suffix, out in found.items()}


def test_nothing_happens_in_the_last_minutes(world):
    latest = [
        world.tickets.keys[-1][0],
        world.users.keys[-1][0],
        world.audits.keys[-1][0],
        world.timeline.keys[-1] // 1000,
    ]
    assert max(latest) <= world.clock - 300


def test_phone_numbers_are_numbers(world):
    for person in world.people[:300]:
        assert phonenumbers.is_valid_number(phonenumbers.parse(person.phone)), person.phone
    for contact in list(world.hubspot.contacts.values())[:300]:
        if "phone" in contact.props:
            number = phonenumbers.parse(contact.props["phone"], "DE")
            written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            assert written == contact.props["hs_calculated_phone_number"]


def e164(text):
    return phonenumbers.format_number(phonenumbers.parse(text, "DE"), phonenumbers.PhoneNumberFormat.E164)


def joining_keys(world):
    """For each live record the normalised keys a deterministic matcher has."""
    keys = {}
    for contact in world.live["contacts"].records:
        props = contact.props
        emails = [props.get("email", ""), *props.get("hs_additional_emails", "").split(";")]
        phones = [e164(props[name]) for name in ("phone", "mobilephone") if name in props]
        keys["hubspot", contact.id] = {e.lower() for e in emails if e} | set(phones) | {f"id {contact.id}"}
    for user in world.zendesk.users.values():
        if user.active and user.role == "end-user":
            values = [i.value.lower() if i.type == "email" else e164(i.value) for i in user.identities]
            values += [e164(user.phone)] if user.phone else []
            keys["zendesk", str(user.id)] = set(values) | {f"id {user.external_id}"}
    return keys


def joined_pairs(keys, most):
    holders = defaultdict(set)
    for record, values in keys.items():
        for value in values:
            holders[value].add(record)
    groups = {record: {record} for record in keys}
    for value, records in holders.items():
        if is_role_address(value) or len(records) > most or value == "id None":
            continue
        union = set().union(*(groups[r] for r in records))
        for record in union:
            groups[record] = union
    return {pair for group in groups.values() for pair in combinations(sorted(group), 2)}


def test_deterministic_keys_find_nine_of_ten_pairs_and_no_false_one(world):
    keys = joining_keys(world)
    owners = {tuple(record): entry["person"] for entry in world.truth()["people"] for record in entry["records"]}
    by_person = defaultdict(list)
    for record in keys:
        by_person[owners[record]].append(record)
    true = {pair for records in by_person.values() for pair in combinations(sorted(records), 2)}
    found = joined_pairs(keys, most=5)
    assert len(true & found) / len(true) >= 0.9
    assert len(true & found) / len(found) >= 0.995


def test_shared_keys_would_join_strangers(world):
    """Without the guards, office numbers and role addresses put many people together."""
    owners = {tuple(record): entry["person"] for entry in world.truth()["people"] for record in entry["records"]}
    holders = defaultdict(set)
    for record, values in joining_keys(world).items():
        for value in values:
            holders[value].add(owners[record])
    shared = {value for value, people in holders.items() if len(people) > 1 and value != "id None"}
    assert {value for value in shared if "@" in value}
    assert max(len(holders[value]) for value in shared) > 5


def test_truth_names_every_end_user_contact_and_shop_account_once(world):
    records = [tuple(r) for entry in world.truth()["people"] for r in entry["records"]]
    users = [u for u in world.zendesk.users.values() if u.role == "end-user"]
    assert len(records) == len(set(records)) == len(world.hubspot.contacts) + len(users) + len(world.shop.customers)


def test_personal_values_cover_what_is_served(world):
    values = set(world.personal_values())
    assert {kind for kind, _ in values} == {"email", "phone", "name", "address", "text", "ip"}
    assert {("text", a.body) for a in world.zendesk.audits if a.body} <= values
    emails = {c.props["email"] for c in world.hubspot.contacts.values() if "email" in c.props}
    assert {("email", e) for e in emails} <= values


def test_advancing_brings_every_kind_of_change():
    world = World(seed=8, customers=400, now=NOW)
    start, contacts, users, tickets = (
        world.clock,
        *(len(t) for t in (world.hubspot.contacts, world.zendesk.users, world.zendesk.tickets)),
    )
    world.advance(2)
    later = [a for a in world.zendesk.audits if a.at > start - 300]
    assert len(world.hubspot.contacts) > contacts
    assert len(world.zendesk.users) > users
    assert len(world.zendesk.tickets) > tickets
    assert {"solved", "open", "closed"} <= {a.after for a in later}
    assert any(a.channel == "merge" for a in later)
    assert {c.change for c in world.hubspot.timeline if c.at > start * 1000} == {"SUBSCRIBED", "UNSUBSCRIBED"}
    assert any(r.updated > start and r.score != "offered" for r in world.zendesk.ratings)
    assert any(c.archived and c.archived > start * 1000 for c in world.hubspot.contacts.values())
    assert any(t.status == "deleted" and t.updated > start - 300 for t in world.zendesk.tickets.values())
    assert any(not u.active and u.updated > start - 300 for u in world.zendesk.users.values())


def served(world):
    """What incremental reads see of each record, with the time they go by (epoch s)."""
    tickets = {
        ("ticket", t.id): (t.generated, render.ticket_json(world, "", t)) for t in world.zendesk.tickets.values()
    }
    users = {
        ("user", u.id): (u.updated, render.user_json("", u), repr(u.identities)) for u in world.zendesk.users.values()
    }
    contacts = {
        ("contact", c.id): (c.updated // 1000, dict(c.props), c.archived) for c in world.hubspot.contacts.values()
    }
    audits = {("audit", a.id): (a.at, repr(a)) for a in world.zendesk.audits}
    return tickets | users | contacts | audits


def test_whatever_changes_is_found_by_an_incremental_read():
    """Every record that differs after a day carries a time after the last one that could be read before."""
    world = World(seed=9, customers=300, now=NOW)
    before, last_readable = served(world), world.clock - 300
    world.advance()
    after = served(world)
    assert set(before) <= set(after)
    changed = {key for key, record in after.items() if before.get(key) != record}
    assert {kind for kind, _ in changed} == {"ticket", "user", "contact", "audit"}
    assert [key for key in changed if after[key][0] < last_readable] == []
    assert [key for key in changed if after[key][0] > world.clock - 60] == []


def test_deals_and_reviews_come_from_generators_of_their_own(monkeypatch):
    """The rest of the world is the same with and without them."""
    with_them = World(seed=5, customers=120, now=NOW)
    with_them.advance(2)
    for module in ("deals", "reviews"):
        for name in ("populate", "one_day"):
            monkeypatch.setattr(f"sandbox.{module}.{name}", lambda *_: None)
    without = World(seed=5, customers=120, now=NOW)
    without.advance(2)
    with_them.hubspot.deals, with_them.hubspot.last_deal_id = {}, without.hubspot.last_deal_id
    assert repr((with_them.hubspot, with_them.zendesk)) == repr((without.hubspot, without.zendesk))
