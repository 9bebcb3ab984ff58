"""A record that cannot be mapped is set aside, met again, and lost in no case without saying so."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from installations import Home, make_home

from cdp_pipelines import database
from cdp_pipelines.errors import SyncFailedError
from cdp_pipelines.intake import Intake
from connectors.reading import Page
from sandbox.server import Running
from sandbox.switches import Fault
from sandbox.vanishing import vanish

STREAM = "subscription_timeline"


def waiting(home: Home, stream: str = STREAM) -> dict[str, int]:
    """How often each record that waits was met."""
    with home.opened() as opened:
        _, rows = database.quarantine_list(opened.stores.control, stream=stream)
    return {row["record_id"]: row["attempts"] for row in rows}


def cursor(home: Home) -> object:
    with home.opened() as opened:
        return database.load_cursor(opened.stores.control, "hubspot", STREAM)


def decisions(home: Home) -> int:
    with home.opened() as opened:
        return opened.lake.current("consent_event").num_rows


def sync(home: Home) -> None:
    home.sync("hubspot", streams=[STREAM])


def test_a_record_nobody_can_ask_for_is_met_again_and_recovered_once_it_is_repaired(
    home: Home, vendors: Running, tmp_path: Path
) -> None:
    undisturbed = make_home(tmp_path / "undisturbed", vendors.urls)
    sync(undisturbed)
    timeline = vendors.world.timeline.records
    whole = timeline[0]
    timeline[0] = replace(whole, change="HALF_SUBSCRIBED")

    sync(home)
    assert len(waiting(home)) == 1
    assert cursor(home) is None

    timeline[0] = whole
    sync(home)
    assert waiting(home) == {}
    assert cursor(home) is not None
    assert decisions(home) == decisions(undisturbed)


def test_a_record_that_stays_broken_holds_the_cursor_for_three_syncs_only(home: Home, vendors: Running) -> None:
    timeline = vendors.world.timeline.records
    timeline[0] = replace(timeline[0], change="HALF_SUBSCRIBED")

    moved = []
    for _ in range(3):
        sync(home)
        moved.append(cursor(home) is not None)

    assert moved == [False, False, True]
    assert len(waiting(home)) == 1


@pytest.fixture(params=["pages written together", "pages written one by one"])
def batches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pages written one by one":
        take = Intake.take

        async def at_once(intake: Intake, stream: str, page: Page, read_at: datetime) -> None:
            await take(intake, stream, replace(page, is_milestone=True), read_at)

        monkeypatch.setattr(Intake, "take", at_once)


@pytest.mark.usefixtures("batches")
def test_a_record_that_is_gone_when_asked_for_and_broken_in_the_listing_waits_on(home: Home, vendors: Running) -> None:
    """HubSpot reads no archived object by id, and lists it all the same."""
    survey = next(one for one in vendors.world.objects["feedback_submissions"].values() if one.archived is None)
    score, survey.props["hs_value"], survey.archived = survey.props["hs_value"], "soon", survey.updated
    vendors.world.changed()
    for tries in (1, 2, 3):
        report = home.sync("hubspot", streams=["feedback_submissions"]).streams[0]
        assert waiting(home, "feedback_submissions") == {survey.id: tries}
        assert (report.quarantined, report.newly_quarantined, report.recovered) == (1, int(tries == 1), 0)

    survey.props["hs_value"] = score
    vendors.world.changed()
    report = home.sync("hubspot", streams=["feedback_submissions"]).streams[0]
    assert (waiting(home, "feedback_submissions"), report.recovered) == ({}, 1)


def test_a_ticket_that_reading_many_leaves_out_waits_on_while_it_exists(home: Home, vendors: Running) -> None:
    """Nobody says that ``show_many`` shows archived tickets; as long as one is there by itself, it is not gone."""
    number = next(str(t.id) for t in vendors.world.zendesk.tickets.values() if t.status == "closed")
    vendors.switches.faults = [
        Fault("zendesk", "/api/v2/incremental/tickets", "nulls", times=None, name="created_at", ids=[number]),
        Fault("zendesk", "/api/v2/tickets/show_many", "silent_delete", times=None, ids=[number]),
    ]
    for _ in range(2):
        report = home.sync("zendesk", streams=["tickets"]).streams[0]
        assert (waiting(home, "tickets"), report.recovered) == ({number: 1}, 0)

    vanish(vendors.world, "tickets", [number])
    report = home.sync("zendesk", streams=["tickets"]).streams[0]
    assert (waiting(home, "tickets"), report.recovered) == ({}, 1)


def test_a_host_that_is_not_there_is_said_once_and_the_other_streams_are_not_tried(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", {"hubspot": "http://127.0.0.1:9", "zendesk": "http://127.0.0.1:9"})

    with pytest.raises(SyncFailedError, match="none is complete") as failure:
        home.sync("hubspot")

    said = [stream.error for stream in failure.value.report.failed]
    assert "127.0.0.1" in said[0]
    assert said[1:] == ["not tried further, for the same reason."] * (len(said) - 1)
