"""Records that vanish without a word are found, nothing else is touched, and a sweep may stop anywhere."""

import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from forks import cdp
from installations import ENVIRONMENT, Home, contents

import cdp_pipelines.tombstones
import connectors.sweeping
from cdp_pipelines.errors import SyncFailedError
from cdp_pipelines.installation import clock
from cdp_pipelines.tombstones import tombstones_of
from connectors.errors import SettingsError
from models import Account
from sandbox.server import Running, running
from sandbox.switches import Fault
from sandbox.vanishing import vanish
from sandbox.world import World

TABLES = {
    ("hubspot", "contacts"): "person",
    ("hubspot", "companies"): "account",
    ("hubspot", "deals"): "deal",
    ("hubspot", "feedback_submissions"): "survey_response",
    ("zendesk", "users"): "person",
    ("zendesk", "tickets"): "ticket",
    ("zendesk", "organizations"): "account",
}


@pytest.fixture
def vendors() -> Iterator[Running]:
    with running(World(seed=5, customers=20)) as state:
        yield state


def live(home: Home, table: str) -> set[tuple[str, str]]:
    with home.opened() as opened:
        rows = opened.lake.current(table, columns=["source", "source_id"])
    return set(zip(rows["source"].to_pylist(), rows["source_id"].to_pylist(), strict=True))


def everything_live(home: Home) -> dict[str, set[tuple[str, str]]]:
    return {table: live(home, table) for table in sorted(set(TABLES.values()) | {"message", "consent_event"})}


def numbers(home: Home, name: str, stream: str) -> list[str]:
    found = {id_ for source, id_ in live(home, TABLES[name, stream]) if source == name and id_.isdecimal()}
    return sorted(found, key=int)


def needed(world: World) -> set[str]:
    """Ids of users that tickets name: nobody can delete them."""
    return {str(id_) for t in world.zendesk.tickets.values() for id_ in (t.requester_id, t.assignee_id)}


def by_stream(report: Any) -> dict[str, Any]:
    return {stream.stream: stream for stream in report.streams}


@pytest.mark.parametrize("name", ["hubspot", "zendesk"])
def test_what_vanished_without_a_word_is_found_and_nothing_else(home: Home, vendors: Running, name: str) -> None:
    home.sync(name)
    before = everything_live(home)
    gone: dict[str, set[tuple[str, str]]] = {}
    for (source, stream), table in TABLES.items():
        if source == name:
            ids = [id_ for id_ in numbers(home, name, stream) if id_ not in needed(vendors.world)]
            chosen = {ids[0], ids[len(ids) // 2], ids[-1]}
            vanish(vendors.world, stream, chosen)
            gone.setdefault(table, set()).update((name, id_) for id_ in chosen)

    home.sync(name)
    assert everything_live(home) == before, "a sync sees nothing of it"
    report = home.sweep(name)
    assert everything_live(home) == {table: ids - gone.get(table, set()) for table, ids in before.items()}
    assert sum(s.gone for s in report.streams) == sum(len(ids) for ids in gone.values())
    assert all(s.is_round and s.error is None for s in report.streams)
    assert all(s.compared == s.of for s in report.streams)

    again = home.sweep(name)
    assert (sum(s.gone for s in again.streams), sum(s.reread for s in again.streams)) == (0, 0)


def test_a_sweep_of_what_is_in_order_writes_nothing(home: Home) -> None:
    for name in ("hubspot", "zendesk"):
        home.sync(name)
    before = contents(home)["rows"]
    for name in ("hubspot", "zendesk"):
        report = home.sweep(name)
        assert [(s.gone, s.reread, s.refused) for s in report.streams] == [(0, 0, [])] * len(report.streams)
    assert contents(home)["rows"] == before


def test_records_a_sync_never_saw_are_read(home: Home, vendors: Running) -> None:
    """As if a page had been skipped: contacts that nobody changes again would stay out for ever."""
    contacts = vendors.world.hubspot.contacts
    hidden = {id_: contacts[id_] for id_ in [i for i, c in contacts.items() if c.archived is None][3:6]}
    vanish(vendors.world, "contacts", hidden)
    home.sync("hubspot")
    contacts |= hidden
    vendors.world.changed()
    home.sync("hubspot")
    assert not hidden.keys() & set(numbers(home, "hubspot", "contacts"))

    report = by_stream(home.sweep("hubspot"))
    assert report["contacts"].reread == len(hidden)
    assert hidden.keys() <= set(numbers(home, "hubspot", "contacts"))


def test_a_record_that_is_there_again_counts_again(home: Home, vendors: Running) -> None:
    home.sync("hubspot")
    number = numbers(home, "hubspot", "contacts")[2]
    contact = vendors.world.hubspot.contacts[number]
    vanish(vendors.world, "contacts", [number])
    home.sweep("hubspot", streams=["contacts"])
    vendors.world.hubspot.contacts[number] = contact
    vendors.world.changed()
    home.sweep("hubspot", streams=["contacts"])
    assert number in numbers(home, "hubspot", "contacts")


def test_a_suspicious_share_is_refused_until_somebody_accepts_it(
    home: Home, vendors: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdp_pipelines.tombstones, "FEW", 3)
    home.sync("hubspot")
    all_of_them = numbers(home, "hubspot", "contacts")
    vanish(vendors.world, "contacts", all_of_them[: len(all_of_them) // 2])

    report = by_stream(home.sweep("hubspot"))["contacts"]
    assert (report.gone, report.refused[0].gone) == (0, len(all_of_them) // 2)
    sentence = report.refusal("hubspot")
    assert sentence
    assert sentence.endswith("cdp sweep hubspot --stream contacts --accept")
    assert numbers(home, "hubspot", "contacts") == all_of_them

    accepted = by_stream(home.sweep("hubspot", streams=["contacts"], accept=True))["contacts"]
    assert (accepted.gone, accepted.refused) == (len(all_of_them) // 2, [])
    assert numbers(home, "hubspot", "contacts") == all_of_them[len(all_of_them) // 2 :]


def test_an_empty_answer_from_everything_touches_nothing(home: Home, vendors: Running) -> None:
    """A permission that was taken away may look like an account without records."""
    home.sync("hubspot")
    before = everything_live(home)
    contacts = dict(vendors.world.hubspot.contacts)
    vanish(vendors.world, "contacts", contacts)
    home.sweep("hubspot", streams=["contacts"])
    assert everything_live(home) == before


def test_a_sweep_goes_on_where_its_time_was_over(home: Home, vendors: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors.sweeping, "PART", 1)
    home.sync("zendesk")
    users = numbers(home, "zendesk", "users")
    gone = next(user for user in users[::-1] if user not in needed(vendors.world))
    vanish(vendors.world, "users", [gone])
    started = clock()
    ticks = (started + timedelta(minutes=number) for number in range(10_000))
    monkeypatch.setattr("connectors.zendesk.sweeps._AT_ONCE", 7)

    def later() -> datetime:
        return next(ticks)

    runs = [by_stream(home.sweep("zendesk", streams=["users"], longest=timedelta(), now=later))["users"]]
    while not runs[-1].is_round:
        runs.append(by_stream(home.sweep("zendesk", streams=["users"], longest=timedelta(), now=later))["users"])
    assert len(runs) > 3
    assert sum(run.compared for run in runs) in {len(users), len(users) - 1}
    assert [run.gone for run in runs if run.gone] == [1]
    assert gone not in numbers(home, "zendesk", "users")


def test_a_failure_in_the_middle_loses_no_part_that_was_done(
    home: Home, vendors: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors.sweeping, "PART", 1)
    monkeypatch.setattr("connectors.zendesk.sweeps._AT_ONCE", 10)
    home.sync("zendesk")
    tickets = numbers(home, "zendesk", "tickets")
    vanish(vendors.world, "tickets", [tickets[0], tickets[-1]])
    vendors.switches.faults.append(Fault("zendesk", "/api/v2/tickets/show_many", "expired_token", times=1, after=4))
    with pytest.raises(SyncFailedError, match="tickets"):
        home.sweep("zendesk", streams=["tickets"])
    assert set(tickets) - set(numbers(home, "zendesk", "tickets")) == {tickets[0]}
    report = by_stream(home.sweep("zendesk", streams=["tickets"]))["tickets"]
    assert report.compared < len(tickets)
    assert set(tickets) - set(numbers(home, "zendesk", "tickets")) == {tickets[0], tickets[-1]}


def test_tickets_that_reading_many_leaves_out_are_asked_for_one_by_one(home: Home, vendors: Running) -> None:
    home.sync("zendesk")
    tickets = numbers(home, "zendesk", "tickets")
    vanish(vendors.world, "tickets", tickets[:1])
    hidden = Fault("zendesk", "/api/v2/tickets/show_many", "silent_delete", times=None, ids=tickets[1:3])
    vendors.switches.faults.append(hidden)
    assert by_stream(home.sweep("zendesk", streams=["tickets"]))["tickets"].gone == 1
    assert numbers(home, "zendesk", "tickets") == tickets[1:]


def test_a_round_that_is_not_due_asks_for_nothing(home: Home, vendors: Running) -> None:
    home.sync("hubspot")
    home.sweep("hubspot")
    before = vendors.count("hubspot")
    report = home.sweep("hubspot", only_due=True)
    assert vendors.count("hubspot") == before
    assert {stream.notice for stream in report.streams} == {"the last round ended less than a day ago"}
    tomorrow = clock() + timedelta(days=1)
    assert by_stream(home.sweep("hubspot", only_due=True, now=lambda: tomorrow))["contacts"].is_round


def test_a_stream_that_was_never_read_is_not_swept(home: Home) -> None:
    home.sync("hubspot", streams=["companies"])
    reports = by_stream(home.sweep("hubspot"))
    assert reports["companies"].is_round
    assert reports["contacts"].notice == "not read to its end yet; first run: cdp sync hubspot"


def test_a_stream_that_needs_no_sweep_is_refused_by_name(home: Home) -> None:
    with pytest.raises(SettingsError, match=r"subscription_timeline cannot be swept.*companies, contacts"):
        home.sweep("hubspot", streams=["subscription_timeline"])


def test_killed_in_the_middle_and_started_again_it_ends_like_an_undisturbed_one(home: Home, vendors: Running) -> None:
    home.sync("hubspot")
    gone = {"companies": numbers(home, "hubspot", "companies")[:1], "deals": numbers(home, "hubspot", "deals")[-1:]}
    for kind, ids in gone.items():
        vanish(vendors.world, kind, ids)
    before = everything_live(home)
    command = ["--config", str(home.config), "sweep", "hubspot"]
    for point, code in (("sweep_part", -signal.SIGKILL), ("append_written", -signal.SIGKILL), ("sweep_part:9", 0)):
        assert cdp(command, ENVIRONMENT | {"CDP_KILL_AT": point}) == code
    after = everything_live(home)
    assert before["account"] - after["account"] == {("hubspot", gone["companies"][0])}
    assert before["deal"] - after["deal"] == {("hubspot", gone["deals"][0])}
    assert {table: ids for table, ids in before.items() if table not in {"account", "deal"}} == {
        table: ids for table, ids in after.items() if table not in {"account", "deal"}
    }


def test_what_a_sync_reads_after_the_question_counts_for_more_than_its_answer(home: Home) -> None:
    asked_at = clock()
    home.sync("hubspot", streams=["companies"])
    ids = numbers(home, "hubspot", "companies")
    with home.opened() as opened:
        late = tombstones_of(opened.lake, "hubspot", Account, ids, run_id="r", read_at=asked_at)
        assert opened.lake.append("account", late).rows == 0
        true = tombstones_of(opened.lake, "hubspot", Account, ids[:1], run_id="r", read_at=clock())
        assert opened.lake.append("account", true).tombstones == 1
    assert numbers(home, "hubspot", "companies") == ids[1:]
