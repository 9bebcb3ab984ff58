"""Everything can be read again: nothing is written twice, a stopped one goes on, cursors end where they belong."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from forks import cdp
from installations import FOUR_SYSTEMS, TOKENS, Home, contents, with_shop_and_reviews

from cdp_pipelines import database
from cdp_pipelines.errors import SyncFailedError
from cdp_pipelines.installation import clock
from cdp_pipelines.sync import SyncReport, sync_whole
from sandbox.server import Running, running
from sandbox.switches import Fault
from sandbox.vanishing import vanish
from sandbox.world import World


@pytest.fixture
def vendors() -> Iterator[Running]:
    with running(World(seed=5, customers=20)) as state:
        yield state


@pytest.fixture
def home(home: Home, vendors: Running) -> Home:
    return with_shop_and_reviews(home, vendors.urls)


def read_whole(home: Home, name: str, streams: list[str] | None = None) -> SyncReport:
    with home.opened() as opened:
        source, settings = opened.source(name)
        return sync_whole(source, settings, opened.sinks, token=TOKENS[name], now=clock, streams=streams)


def by_stream(report: SyncReport) -> dict[str, Any]:
    return {stream.stream: stream for stream in report.streams}


def cursor(home: Home, name: str, stream: str) -> Any:
    with home.opened() as opened:
        return database.load_cursor(opened.stores.control, name, stream)


@pytest.mark.parametrize("name", ["hubspot", "zendesk", "shopify", "google_reviews"])
def test_reading_everything_again_writes_nothing_and_leaves_a_cursor_to_go_on_from(home: Home, name: str) -> None:
    home.sync(name)
    before = contents(home)
    report = read_whole(home, name)
    assert sum(stream.records for stream in report.streams) > 0
    assert [(stream.stream, stream.written) for stream in report.streams if stream.written] == []
    after = contents(home)
    assert after["rows"] == before["rows"]
    assert after["cursors"].keys() == before["cursors"].keys()
    assert {key for key, value in after["cursors"].items() if value} == {
        key for key, value in before["cursors"].items() if value
    }
    assert home.sync(name).requests <= 3 * len(report.streams) + 5


def test_it_finds_what_a_cursor_has_passed(home: Home, vendors: Running) -> None:
    """A ticket that an export left out is behind the cursor for ever."""
    ticket = next(t for t in vendors.world.zendesk.tickets.values() if t.status not in {"deleted", "closed"})
    vanish(vendors.world, "tickets", [str(ticket.id)])
    home.sync("zendesk")
    vendors.world.zendesk.tickets[ticket.id] = ticket
    vendors.world.changed()
    assert by_stream(home.sync("zendesk"))["tickets"].written == 0
    assert by_stream(read_whole(home, "zendesk", ["tickets"]))["tickets"].written == 1


def test_a_stopped_one_goes_on_and_keeps_the_old_cursor_until_the_end(home: Home, vendors: Running) -> None:
    home.sync("hubspot")
    old = cursor(home, "hubspot", "contacts")
    fault = Fault("hubspot", "/crm/v3/objects/deals", "expired_token", times=1)
    vendors.switches.faults.append(fault)
    with pytest.raises(SyncFailedError, match="deals"):
        read_whole(home, "hubspot")
    assert cursor(home, "hubspot", "contacts") != old, "it was read to its end"
    assert cursor(home, "hubspot", "deals") is not None

    vendors.switches.faults.clear()
    reports = by_stream(read_whole(home, "hubspot"))
    assert reports["contacts"].records == 0
    assert reports["contacts"].notices == ["read whole already by the run that this one goes on with"]
    assert reports["deals"].records > 0
    assert by_stream(read_whole(home, "hubspot"))["contacts"].records > 0, "that one was over, so this one begins anew"


@pytest.mark.parametrize("point", ["append_before:2", "cursor_after", "cursor_after:3", "whole_ended", "run_recorded"])
def test_killed_anywhere_and_started_again_it_ends_like_an_undisturbed_one(home: Home, point: str) -> None:
    home.sync("zendesk")
    before = contents(home)
    assert full_sync(home, {"CDP_KILL_AT": point}) == -signal.SIGKILL
    assert full_sync(home, {}) == 0
    after = contents(home)
    assert (after["rows"], after["ledger"]) == (before["rows"], before["ledger"])
    assert {key for key, value in after["cursors"].items() if value} == {
        key for key, value in before["cursors"].items() if value
    }
    with home.opened() as opened:
        source, _ = opened.source("zendesk")
        places = [database.whole_place(stream.name) for stream in source.streams]
        kept = [database.load_cursor(opened.stores.control, "zendesk", place) for place in places]
    assert kept == [None] * len(places)


def full_sync(home: Home, environment: dict[str, str]) -> int | None:
    return cdp(["--config", str(home.config), "sync", "zendesk", "--full"], FOUR_SYSTEMS | environment)


def test_full_and_since_exclude_each_other(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    from cdp_pipelines.cli.main import WRONG_USE, execute

    arguments = ["--config", str(home.config), "sync", "hubspot", "--full", "--since", "2026-01-01"]
    assert execute(arguments) == WRONG_USE
    assert "Give one of them" in capsys.readouterr().err
