"""The control store: cursors, runs, leases, quarantine, ledger, register, audit."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text

from cdp_pipelines.database import (
    IdRegister,
    append_ledger,
    commit_cursor,
    end_whole,
    finish_run,
    first_start,
    forget_whole,
    is_read_whole,
    keep_in_newest,
    last_counts,
    lease,
    list_runs,
    load_cursor,
    profile_exists,
    quarantine_clear,
    quarantine_count,
    quarantine_counts,
    quarantine_list,
    quarantine_pending,
    quarantine_put,
    read_ledger,
    read_to_end,
    record_audit,
    resolve_profile,
    start_run,
    verify_audit,
    whole_place,
)
from cdp_pipelines.errors import LeaseError, StoreError
from models import ConsentEvent
from models.derive import arrow_schema
from privacy.errors import AuditBrokenError, UnprotectableError
from privacy.keys import KeyRing, RootKey

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DECISION: dict[str, Any] = {
    "source": "hubspot",
    "event_id": "e1",
    "state": "granted",
    "at": NOON,
    "person_source_id": "1",
    "address_token": b"\x00token",
    "purpose": "marketing",
    "channel": "email",
    "scope": "all",
    "inferred": False,
    "lawful_basis": "consent",
    "evidence": None,
    "policy_version": None,
}


def from_lake(*decisions: dict[str, Any], deleted: bool = False) -> pa.Table:
    """The decisions as protected rows of the lake's ``consent_event``."""
    renamed = {"event_id": "source_id", "person_source_id": "person_id"}
    rows = [{renamed.get(name, name): value for name, value in row.items()} | {"deleted": deleted} for row in decisions]
    columns = arrow_schema(ConsentEvent)
    return pa.Table.from_pylist(rows, schema=pa.schema([columns.field(name) for name in LAKE_COLUMNS]))


LAKE_COLUMNS = (
    *("source", "source_id", "state", "at", "person_id", "address_token", "purpose", "channel", "scope"),
    *("inferred", "lawful_basis", "evidence", "policy_version", "deleted"),
)


@pytest.fixture
def control(stores):
    return stores.control


@pytest.fixture
def ring():
    return KeyRing.create(RootKey(os.urandom(32)))[0]


def statuses(control, process="sync/hubspot"):
    return [run.status for run in list_runs(control, process=process)]


# Cursors


def test_the_last_committed_cursor_is_loaded(control):
    commit_cursor(control, "hubspot", "contacts", {"after": 1}, run_id="r1")
    commit_cursor(control, "hubspot", "contacts", {"after": 2, "ids": ["a"]}, run_id="r2")
    assert load_cursor(control, "hubspot", "contacts") == {"after": 2, "ids": ["a"]}
    assert load_cursor(control, "hubspot", "companies") is None


def test_the_cursor_of_a_stream_moves_when_it_has_been_read_whole(control):
    commit_cursor(control, "hubspot", "contacts", {"since": "old"}, run_id="r1")
    commit_cursor(control, "hubspot", whole_place("contacts"), {"since": "new"}, run_id="r2")
    assert load_cursor(control, "hubspot", "contacts") == {"since": "old"}
    for _ in range(2):  # a run that is repeated ends it once more
        end_whole(control, "hubspot", "contacts", "r2")
        assert load_cursor(control, "hubspot", "contacts") == {"since": "new"}
    end_whole(control, "hubspot", "deleted", "r2")
    assert load_cursor(control, "hubspot", "deleted") is None, "it never has one"

    forget_whole(control, "hubspot", ["contacts", "deals", "deleted"])
    assert is_read_whole(control, "hubspot", "contacts"), "deals is not done"
    forget_whole(control, "hubspot", ["contacts", "deleted"])
    assert not is_read_whole(control, "hubspot", "contacts")
    assert load_cursor(control, "hubspot", "contacts") == {"since": "new"}


# Runs


def test_a_run_is_listed_as_it_ended(control):
    run_id = start_run(control, "sync/hubspot", source="hubspot")
    finish_run(control, run_id, "success", counts={"records": 3})
    (run,) = list_runs(control)
    assert (run.run_id, run.root_run_id, run.retry_of, run.retry_kind) == (run_id, run_id, None, "none")
    assert (run.status, run.source, run.counts, run.error_class) == ("success", "hubspot", {"records": 3}, None)
    assert run.started_at.tzinfo is not None
    assert run.stopped_at >= run.started_at


def test_repeats_are_linked_to_the_first_run(control):
    first = start_run(control, "sync/hubspot")
    finish_run(control, first, "error", counts={}, error_class="RetriableError")
    second = start_run(control, "sync/hubspot")
    finish_run(control, second, "error", counts={})
    third = start_run(control, "sync/hubspot", retry_kind="manual")
    finish_run(control, third, "success", counts={})
    fourth = start_run(control, "sync/hubspot")
    chain = {run.run_id: (run.retry_of, run.root_run_id, run.retry_kind) for run in list_runs(control)}
    assert chain == {
        first: (None, first, "none"),
        second: (first, first, "auto"),
        third: (second, first, "manual"),
        fourth: (None, fourth, "none"),
    }


def test_a_run_nobody_works_on_any_more_is_marked_crashed(control):
    start_run(control, "sync/hubspot")
    start_run(control, "sync/zendesk")
    start_run(control, "sync/hubspot")
    assert statuses(control) == ["running", "crashed"]
    assert statuses(control, "sync/zendesk") == ["running"]


def test_a_run_whose_holder_still_has_a_lease_is_left_alone(control):
    start_run(control, "sync/hubspot")
    with control.begin() as connection:
        connection.execute(text("update sync_run set holder = 'other'"))
    with lease(control, "sync/hubspot/2", "other"):
        start_run(control, "sync/hubspot")
    assert statuses(control) == ["running", "running"]


def test_the_counts_of_the_last_success_are_found(control):
    finish_run(control, start_run(control, "identity"), "success", counts={"snapshot": {"person": 3}})
    finish_run(control, start_run(control, "identity"), "error", counts={})
    assert last_counts(control, "identity") == {"snapshot": {"person": 3}}
    with pytest.raises(StoreError, match="it has never finished"):
        last_counts(control, "metrics")


def test_a_large_count_is_kept_in_the_newest_success_alone(control):
    for number in range(3):
        finish_run(control, start_run(control, "identity"), "success", counts={"records": number, "snapshot": "s" * 99})
    finish_run(control, start_run(control, "identity"), "error", counts={})
    finish_run(control, start_run(control, "other"), "success", counts={"snapshot": "o"})
    for _ in range(2):
        keep_in_newest(control, "identity", "snapshot")
    counts = [run.counts for run in list_runs(control, process="identity")]
    assert counts == [{}, {"records": 2, "snapshot": "s" * 99}, {"records": 1}, {"records": 0}]
    assert last_counts(control, "other") == {"snapshot": "o"}


def test_runs_that_ended_long_ago_need_not_be_listed(control):
    old, young, going = (start_run(control, name) for name in ("a", "b", "c"))
    finish_run(control, old, "success", counts={})
    between = datetime.now(UTC)
    finish_run(control, young, "success", counts={})
    assert [run.run_id for run in list_runs(control, changed_since=between)] == [going, young]


def test_the_first_start_is_that_of_any_process(control):
    assert first_start(control) is None
    started = [start_run(control, name) for name in ("sync/hubspot", "identity")]
    assert first_start(control) == next(run.started_at for run in list_runs(control) if run.run_id == started[0])


def test_a_stream_was_read_when_the_latest_sync_that_finished_it_began(control):
    for streams in (["users", "tickets"], ["users"], None):
        counts = {} if streams is None else {"read_to_end": streams}
        finish_run(control, start_run(control, "sync/zendesk"), "success", counts=counts)
    finish_run(control, start_run(control, "sync/hubspot"), "success", counts={"read_to_end": ["contacts"]})
    _, second, first = list_runs(control, process="sync/zendesk")
    read = read_to_end(control, "zendesk", ["users", "tickets", "never"])
    assert read == {"users": second.started_at, "tickets": first.started_at}


def test_no_more_runs_are_looked_at_than_it_takes(control):
    finish_run(control, start_run(control, "sync/zendesk"), "success", counts={"read_to_end": ["gone"]})
    finish_run(control, start_run(control, "sync/zendesk"), "success", counts={"read_to_end": ["users"]})
    assert read_to_end(control, "zendesk", ["users"]).keys() == {"users"}


# Leases


def test_a_second_taker_is_told_who_holds_it(control):
    with lease(control, "sync/hubspot/1"), pytest.raises(LeaseError, match=f"process {os.getpid()} on .* since 20"):
        lease(control, "sync/hubspot/1").__enter__()


def test_a_lease_is_free_again_afterwards(control):
    for _ in range(2):
        with lease(control, "sync/hubspot/1"), lease(control, "sync/zendesk/1"):
            pass


def test_a_lease_is_renewed_while_it_is_held(control):
    def expires():
        with control.connect() as connection:
            return connection.execute(text("select expires_at from lease")).scalar_one()

    with lease(control, "sync/hubspot/1", ttl_seconds=3) as held:
        first, until = expires(), time.monotonic() + 60
        while expires() == first and time.monotonic() < until:
            time.sleep(0.05)
        assert expires() > first
        held.check()
        with pytest.raises(LeaseError):
            lease(control, "sync/hubspot/1").__enter__()


def test_a_holder_that_lost_its_lease_learns_of_it(control):
    with lease(control, "sync/hubspot/1", ttl_seconds=0.3) as held:
        with control.begin() as connection:
            connection.execute(text("delete from lease"))
        time.sleep(0.5)
        with pytest.raises(LeaseError, match="its lease lapsed"):
            held.check()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("expires_at = acquired_at", id="lapsed"),
        pytest.param("pid = 99999999", id="its process is gone"),
    ],
)
def test_a_dead_holder_is_not_waited_for(control, change):
    with lease(control, "sync/hubspot/1", "dead"):
        with control.begin() as connection:
            connection.execute(text(f"update lease set {change}"))  # noqa: S608 - from the list above
        with lease(control, "sync/hubspot/1", "alive"):
            pass


def test_only_one_of_many_takers_gets_the_lease(control):
    taken, refused, everybody, others = [], [], threading.Barrier(4), threading.Semaphore(0)

    def take() -> None:
        everybody.wait()
        try:
            with lease(control, "sync/hubspot/1"):
                taken.append(1)
                for _ in range(3):  # held until each of the others has asked
                    others.acquire(timeout=60)
        except LeaseError:
            refused.append(1)
            others.release()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(refused)) == (1, 3)


# Quarantine


def test_a_record_is_set_aside_once_and_counted_each_time(control):
    quarantine_put(control, "hubspot", "contacts", [("1", "MappingError"), ("2", "MappingError")])
    quarantine_put(control, "hubspot", "contacts", [("2", "ValidationError")])
    quarantine_put(control, "hubspot", "contacts", [])
    assert quarantine_pending(control, "hubspot", "contacts") == ["1", "2"]
    assert quarantine_counts(control) == {
        ("hubspot", "contacts", "MappingError"): 1,
        ("hubspot", "contacts", "ValidationError"): 1,
    }
    with control.connect() as connection:
        attempts = connection.execute(text("select record_id, attempts from quarantine order by 1")).all()
    assert [tuple(row) for row in attempts] == [("1", 1), ("2", 2)]


def test_recovered_records_are_let_go(control):
    ids = [str(number) for number in range(1200)]
    quarantine_put(control, "hubspot", "contacts", [(record_id, "MappingError") for record_id in ids])
    quarantine_clear(control, "hubspot", "companies", ids)
    quarantine_clear(control, "hubspot", "contacts", ids[1:])
    assert quarantine_pending(control, "hubspot", "contacts") == ["0"]


def test_records_set_aside_are_listed_oldest_first_and_counted(control):
    quarantine_put(control, "zendesk", "tickets", [("9", "missing:status")])
    quarantine_put(control, "hubspot", "contacts", [("1", "ValueError"), ("2", "ValueError")])
    count, rows = quarantine_list(control, limit=2)
    assert (count, [(row["stream"], row["record_id"]) for row in rows]) == (3, [("tickets", "9"), ("contacts", "1")])
    assert rows[0]["first_seen"].tzinfo is not None
    assert [row["record_id"] for row in quarantine_list(control, source="hubspot", stream="contacts")[1]] == ["1", "2"]
    assert quarantine_list(control, source="hubspot", stream="deals") == (0, [])
    assert [quarantine_count(control, "hubspot"), quarantine_count(control, "hubspot", "deals")] == [2, 0]


# Ledger


def test_a_decision_is_kept_once_however_often_it_is_reported(control):
    later = DECISION | {"state": "withdrawn", "at": NOON + timedelta(hours=1), "address_token": None}
    assert append_ledger(control, from_lake(DECISION), run_id="r1") == 1
    assert append_ledger(control, from_lake(DECISION, later), run_id="r2") == 1
    assert append_ledger(control, from_lake(), run_id="r3") == 0
    rows = read_ledger(control).drop_columns(["recorded_at"]).to_pylist()
    assert rows == [DECISION | {"run_id": "r1"}, later | {"run_id": "r2"}]


def test_an_inferred_decision_is_dated_by_its_first_sight(control):
    hours = iter(range(9))

    def seen(**values):
        moment = NOON + timedelta(hours=next(hours))
        return append_ledger(control, from_lake(DECISION | {"inferred": True, "at": moment} | values), run_id="r1")

    assert [seen(state=state) for state in ("withdrawn", "withdrawn", "granted", "withdrawn")] == [1, 0, 1, 1]
    assert [seen(state="withdrawn", **other) for other in ({"source": "crm"}, {"event_id": "e2"})] == [1, 1]
    assert seen(state="withdrawn", inferred=False) == 1
    assert [row["at"].hour for row in read_ledger(control).to_pylist()] == [12, 14, 15, 16, 17, 18]


def test_ten_thousand_decisions_seen_again_add_nothing(control):
    first = [DECISION | {"inferred": True, "event_id": f"e{number}"} for number in range(10_000)]
    again = [row | {"at": NOON + timedelta(hours=1)} for row in first]
    assert append_ledger(control, from_lake(*first), run_id="r1") == 10_000
    assert append_ledger(control, from_lake(*again), run_id="r2") == 0


def test_decisions_met_by_two_writers_at_once_are_kept_once(control):
    decisions = [DECISION | {"event_id": f"e{number}"} for number in range(2_000)]
    with ThreadPoolExecutor() as threads:
        orders = [from_lake(*decisions), from_lake(*reversed(decisions))]
        added = list(threads.map(lambda order: append_ledger(control, order, run_id="r1"), orders))
    assert sum(added) == read_ledger(control).num_rows == 2_000


def test_an_empty_ledger_reads_as_an_empty_table(control):
    assert read_ledger(control).num_rows == 0


def test_a_tombstone_is_no_decision(control):
    assert append_ledger(control, from_lake(DECISION, deleted=True), run_id="r1") == 0


@pytest.mark.parametrize("table", ["consent_ledger", "audit_entry"])
@pytest.mark.parametrize("act", ["update {} set at = at", "delete from {}"])
def test_ledger_and_audit_refuse_changes_from_anybody(control, ring, table, act):
    append_ledger(control, from_lake(DECISION), run_id="r1")
    record_audit(control, ring, actor="os:0", action="test")
    with pytest.raises(StoreError), control.begin() as connection:
        connection.execute(text(act.format(table)))
    assert read_ledger(control).num_rows == 1
    assert verify_audit(control, ring).entries == 1


# Register


def test_ids_are_registered_in_order_and_stay(control):
    register = IdRegister(control)
    ids = register.new_ids(3) + register.new_ids(2)
    assert register.rows()["profile_id"].to_pylist() == ids
    assert len(set(ids)) == 5


def test_redirects_are_followed_and_retired_ids_lead_nowhere(stores, control):
    register = IdRegister(control)
    first, second, third = register.new_ids(3)
    register.redirect(third, second)
    register.redirect_all({second: first})
    assert [register.resolve(i) for i in (first, second, third, "never given out")] == [first, first, first, None]
    assert register.rows().select(["redirect_to"]).to_pydict() == {"redirect_to": [None, first, second]}
    register.retire(first)
    assert register.resolve(third) is None
    assert not profile_exists(stores, third)
    with pytest.raises(StoreError, match="never given out, or its profile was erased"):
        resolve_profile(control, third)


# Audit


def test_the_audit_log_verifies(control, ring):
    record_audit(control, ring, actor="os:0", action="credential_set", detail={"source": "hubspot"}, at=NOON)
    record_audit(control, ring, actor="os:0", action="profile_revealed", reason="she asked me to", at=NOON)
    report = verify_audit(control, ring)
    assert (report.entries, report.first_at, report.last_at) == (2, NOON, NOON)


def test_an_empty_audit_log_verifies(control, ring):
    assert verify_audit(control, ring).entries == 0


def test_a_changed_entry_is_found(control, ring):
    for _ in range(3):
        record_audit(control, ring, actor="os:0", action="test")
    with control.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("drop trigger audit_entry_no_update"))
        else:
            connection.execute(text("alter table audit_entry disable trigger all"))
        connection.execute(text("update audit_entry set actor = 'os:1' where seq = 2"))
    with pytest.raises(AuditBrokenError) as caught:
        verify_audit(control, ring)
    assert caught.value.seq == 2


def test_the_audit_log_takes_no_values(control, ring):
    with pytest.raises(UnprotectableError):
        record_audit(control, ring, actor="os:0", action="test", detail={"who": "jane@example.org"})
    assert verify_audit(control, ring).entries == 0


def test_entries_written_at_once_form_one_chain(control, ring):
    threads = [
        threading.Thread(target=record_audit, args=(control, ring), kwargs={"actor": f"os:{n}", "action": "test"})
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify_audit(control, ring).entries == 6
