"""What a session holds: rows of persons who permit its purpose, facts alone, and how many were left out."""

from collections import Counter
from datetime import date

import pyarrow as pa
import pytest
from small_worlds import NOW, SmallWorld, at, feeds_read_until

from cdp_pipelines.engine import StatementError
from cdp_pipelines.metrics import METRICS
from cdp_pipelines.metrics.feeds import feeding
from cdp_pipelines.views.tables import SESSION_TABLES, in_order
from models import ENTITIES
from models.derive import arrow_schema, fact_fields
from privacy.errors import UnknownPurposeError


@pytest.fixture
def world(tmp_path):
    return SmallWorld(tmp_path)


def ticket(world, number, person, **values):
    world.add("ticket", number, requester_id=person, created_at=at("2026-03-02"), status="open", **values)


def tickets(session):
    return sorted(session.query("select ticket_id, profile_id from ticket").to_pylist(), key=str)


def test_only_tickets_of_people_who_permit_the_purpose_are_there(world):
    world.person("yes")
    world.person("no")
    ticket(world, "1", "yes")
    ticket(world, "2", "no")
    world.refused.add(("p-no", "analytics"))
    with world.session("analytics") as session:
        assert tickets(session) == [{"ticket_id": "1", "profile_id": "p-yes"}]
    with world.session("service_delivery") as session:
        assert len(tickets(session)) == 2


def test_two_purposes_joined_need_both(world):
    for name, purpose in (("a", "analytics"), ("b", "profiling"), ("c", None)):
        world.person(name)
        ticket(world, name, name)
        world.refused.add((f"p-{name}", purpose))
    with world.session("analytics+profiling") as session:
        assert tickets(session) == [{"ticket_id": "c", "profile_id": "p-c"}]


@pytest.mark.parametrize("purpose", ["curiosity", "analytics+curiosity", "", "Analytics"])
def test_an_unknown_purpose_opens_nothing(world, purpose):
    with pytest.raises(UnknownPurposeError), world.session(purpose):
        pass
    assert not world.reads


def test_somebody_without_a_profile_or_a_decision_is_excluded(world):
    world.person("unlinked", linked=False, created_at=at("2026-01-01"))
    ticket(world, "1", "unlinked", channel="email")
    ticket(world, "2", "never seen", channel="email")
    world.add("message", "m", ticket_id="3", at=at("2026-03-02"))
    with world.session() as session:
        assert tickets(session) == []
        excluded = session.query('select "table", day, channel, source, n from excluded').to_pylist()
    assert sorted(excluded, key=str) == [
        {"table": "message", "day": date(2026, 3, 2), "channel": "other", "source": "zendesk", "n": 1},
        {"table": "person", "day": date(2026, 1, 1), "channel": None, "source": "zendesk", "n": 1},
        {"table": "ticket", "day": date(2026, 3, 2), "channel": "email", "source": "zendesk", "n": 2},
    ]


def test_a_profile_without_a_permission_is_excluded(world, monkeypatch):
    world.person("a")
    ticket(world, "1", "a")
    nothing = world.permissions.slice(0, 0)
    monkeypatch.setattr(SmallWorld, "permissions", nothing)
    with world.session() as session:
        assert tickets(session) == []


@pytest.mark.parametrize(("unknown_permitted", "kept"), [(True, 1), (False, 0)])
def test_rows_about_nobody_follow_the_policy_for_the_unknown(world, unknown_permitted, kept):
    ticket(world, "1", None)
    with world.session(unknown_permitted=unknown_permitted) as session:
        assert len(tickets(session)) == kept
        assert session.query("select sum(n) as n from excluded")["n"][0].as_py() == (None if kept else 1)


@pytest.mark.parametrize("values", [{"kind": "staff"}, {"kind": "bot"}, {"is_test": True}])
def test_staff_bots_and_test_records_are_never_measured(world, values):
    world.person("x", **values)
    ticket(world, "1", "x")
    with world.session() as session:
        assert tickets(session) == []
        assert session.query("select n from excluded").num_rows == 0
        assert session.query("select profile_id from person").num_rows == 0


def test_who_wrote_a_message_is_said_by_it_or_by_its_author(world):
    world.person("customer")
    world.person("staff", kind="staff", linked=False)
    world.person("bot", kind="bot", linked=False)
    ticket(world, "1", "customer")
    authors = [("customer", None), ("staff", None), ("bot", None), ("staff", "system"), (None, None)]
    for number, (author, actor) in enumerate(authors):
        world.add("message", str(number), ticket_id="1", author_id=author, actor=actor, at=at("2026-03-02"))
    with world.session() as session:
        rows = session.query("select message_id, actor, profile_id from message").to_pylist()
    assert {row["message_id"]: row["actor"] for row in rows} == {
        "0": "customer",
        "1": "agent",
        "2": "bot",
        "3": "system",
        "4": None,
    }
    assert {row["profile_id"] for row in rows} == {"p-customer"}


def test_a_survey_that_names_no_person_is_about_the_one_of_its_ticket(world):
    world.person("a")
    world.person("b")
    world.refused.add(("p-b", "service_delivery"))
    ticket(world, "1", "a")
    ticket(world, "2", "b")
    for number in ("1", "2"):
        world.add("survey_response", number, ticket_id=number, instrument="CSAT", answered_at=at("2026-03-02"))
    with world.session() as session:
        rows = session.query("select response_id, profile_id from survey_response").to_pylist()
    assert rows == [{"response_id": "1", "profile_id": "p-a"}]


def test_records_deleted_in_the_source_still_say_whose_facts_they_were(world):
    world.person("gone", deleted=True)
    ticket(world, "1", "gone")
    with world.session() as session:
        assert tickets(session) == [{"ticket_id": "1", "profile_id": "p-gone"}]
        assert session.query("select profile_id from person").num_rows == 0


def test_a_session_holds_no_protected_column_and_no_id_of_a_person(world):
    world.person("the-person")
    ticket(world, "1", "the-person")
    protected = {
        name
        for entity in ENTITIES
        for name in set(arrow_schema(entity).names) - {plan.name for plan in fact_fields(entity)}
    }
    with world.session() as session:
        tables = {name: session.query(f'select * from "{name}"') for name in session.tables}  # noqa: S608
    columns = {column for table in tables.values() for column in table.column_names}
    assert not columns & (protected | {"requester_id", "submitter_id", "assignee_id", "author_id", "person_id"})
    assert not any("the-person" in row.values() for table in tables.values() for row in table.to_pylist())
    assert not any(pa.types.is_binary(kind) for table in tables.values() for kind in table.schema.types)


def test_days_of_what_is_left_out_are_local(world):
    world.person("a", linked=False)
    world.add("ticket", "1", requester_id="a", created_at=at("2026-03-02T23:30"), status="open")
    with world.session(time_zone="Europe/Berlin", tables=["ticket"]) as session:
        assert session.query("select day from excluded").to_pylist() == [{"day": date(2026, 3, 3)}]


def test_only_tables_asked_for_are_read(world):
    with world.session(tables=["survey_response"]) as session:
        assert session.tables == {"clock", "currency_rate", "excluded", "survey_response", "ticket"}
    assert set(world.reads) == {"person", "identity_link", "ticket", "survey_response"}


def test_refreshing_all_metrics_reads_each_table_once_per_purpose(world):
    world.people(1)
    world.published(METRICS)
    fed = [metric for metric in METRICS if feeding(metric, feeds_read_until(NOW), SESSION_TABLES)]
    wanted = Counter()
    for purpose in {metric.purpose for metric in fed}:
        named = frozenset[str]().union(*(metric.tables for metric in fed if metric.purpose == purpose))
        wanted.update({"person", "identity_link"} | {table.name for table in in_order(named)})
    del wanted["consent_event"]
    assert dict(world.reads) == dict(wanted)


def test_the_clock_is_the_moment_asked_for(world):
    with world.session(time_zone="Asia/Tokyo", tables=[]) as session:
        assert session.query("select as_of, time_zone from clock").to_pylist() == [
            {"as_of": NOW, "time_zone": "Asia/Tokyo"}
        ]


def test_what_is_no_longer_needed_is_dropped_and_what_every_session_has_stays(world):
    world.person("a")
    ticket(world, "1", "a")
    with world.session() as session:
        session.derive("mine", "select ticket_id from ticket")
        session.keep_only({"mine", "never made"})
        assert session.query("select ticket_id from mine").to_pylist() == [{"ticket_id": "1"}]
        assert session.tables == {"mine", "excluded", "clock", "currency_rate"}
        with pytest.raises(StatementError):
            session.query("select * from ticket")
        session.derive("ticket", "select ticket_id from mine")
        assert len(session.query("select * from ticket")) == 1
