"""The whole way on the sandbox: nothing in clear, nothing lost, nothing twice."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from installations import ENVIRONMENT, FOUR_SYSTEMS, Home, contents, make_home, with_shop_and_reviews

from cdp_pipelines import database
from cdp_pipelines.errors import LeaseError, SyncFailedError
from cdp_pipelines.installation import clock
from cdp_pipelines.jobs import environment, run_job
from cdp_pipelines.leaks import find_leaks
from cdp_pipelines.refresh import refresh_metrics, refresh_profiles
from sandbox.server import Running, running
from sandbox.switches import Fault
from sandbox.world import World

SYNC = [sys.executable, "-m", "cdp_pipelines.cli", "--config"]


def everything(home: Home) -> None:
    home.sync("hubspot")
    home.sync("zendesk")


def in_process(home: Home, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*SYNC, str(home.config), *arguments],
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_nothing_is_in_clear_after_a_whole_run(home: Home, vendors: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, token in FOUR_SYSTEMS.items():
        monkeypatch.setenv(name, token)
    home = with_shop_and_reviews(home, vendors.urls)
    report = run_job("everything", home.settings)
    vendors.world.advance(days=1)
    run_job("everything", home.settings)

    with home.opened() as opened:
        found = find_leaks(opened, values=vendors.world.personal_values())
        sample = find_leaks(opened)
    assert report.failed_checks == []
    assert found.findings == ()
    assert found.skipped == ()
    assert found.values > 500
    assert sample.ok


def test_a_run_records_the_streams_it_read_to_their_end(home: Home) -> None:
    home.sync("zendesk", streams=["organizations", "users"])
    home.sync("zendesk", streams=["organizations"], since=clock() - timedelta(days=9))
    with home.opened() as opened:
        latest, first = database.list_runs(opened.stores.control, process="sync/zendesk")
    assert (first.counts["read_to_end"], latest.counts["read_to_end"]) == (["organizations", "users"], [])


@pytest.mark.parametrize("name", ["hubspot", "zendesk"])
def test_a_backfill_leaves_every_cursor_where_it_is(home: Home, name: str) -> None:
    home.sync(name, since=clock() - timedelta(days=200))
    assert all(cursor is None for cursor in contents(home)["cursors"].values())

    home.sync(name)
    before = contents(home)["cursors"]
    home.sync(name, since=clock() - timedelta(days=200))
    assert contents(home)["cursors"] == before


def test_an_incremental_sync_ends_like_a_full_one(home: Home, vendors: Running, tmp_path: Path) -> None:
    everything(home)
    for _ in range(3):
        vendors.world.advance(days=1)
        everything(home)

    fresh = make_home(tmp_path / "fresh", vendors.urls)
    everything(fresh)

    incremental, full = live(contents(home)), live(contents(fresh))
    assert full.keys() <= incremental.keys()
    # The decisions of a person who was archived meanwhile stay in the history; a first read never sees them.
    only_before = {key[0] for key in incremental.keys() - full.keys()}
    assert only_before <= {"consent_event"}
    differing = {key for key, row in full.items() if incremental[key] != row}
    # A source forgets whose answer it was when the person is archived; what we read before that is kept.
    forgotten = {key for key in differing if full[key] == {**incremental[key], "person_id": None}}
    assert differing == forgotten


def live(found: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The rows that are not tombstones, by table and key."""
    return {
        (table, *key): row for table, rows in found["rows"].items() for key, row in rows.items() if not row["deleted"]
    }


def test_a_sync_without_changes_writes_nothing(home: Home) -> None:
    everything(home)
    again = [home.sync("hubspot"), home.sync("zendesk")]

    assert {s.stream: s.written for report in again for s in report.streams if s.written} == {}


def test_a_second_sync_of_the_same_account_says_who_holds_the_lease(home: Home) -> None:
    with home.opened() as opened, database.lease(opened.stores.control, "sync/hubspot/default"):
        with pytest.raises(LeaseError, match=str(os.getpid())):
            home.sync("hubspot")
        other = in_process(home, "sync", "hubspot")
        _, said = other.communicate(timeout=60)
    assert other.returncode == 30
    assert str(os.getpid()) in said


def test_two_processes_syncing_two_sources_change_nothing_in_the_result(
    home: Home, vendors: Running, tmp_path: Path
) -> None:
    one_by_one = make_home(tmp_path / "one-by-one", vendors.urls)
    everything(one_by_one)

    together = [in_process(home, "sync", "hubspot"), in_process(home, "sync", "zendesk")]
    ends = [process.communicate(timeout=120) for process in together]

    assert [process.returncode for process in together] == [0, 0], ends
    assert contents(home) == contents(one_by_one)


def test_metrics_can_be_reproduced_and_a_repeat_publishes_the_same(home: Home) -> None:
    everything(home)
    with home.opened() as opened:
        now = clock()
        refresh_profiles(opened, now=now)
        refresh_metrics(opened, now=now)
        first = database.metric_history(opened.stores.mart, "csat", grain="month")
        links = opened.lake.snapshot(["identity_link"]).versions
        again = refresh_profiles(opened, now=now)
        refresh_metrics(opened, now=now)
        second = database.metric_history(opened.stores.mart, "csat", grain="month")
        assert opened.lake.snapshot(["identity_link"]).versions == links
    assert first == second
    assert (again.identity.merges, again.identity.splits, again.identity.links_written) == (0, 0, 0)


def test_the_copies_beside_the_mart_hold_what_the_mart_holds(home: Home) -> None:
    import pyarrow.parquet as pq
    from sqlalchemy import text

    everything(home)
    with home.opened() as opened:
        refresh_profiles(opened, now=clock())
        refresh_metrics(opened, now=clock())
        with opened.stores.mart.connect() as mart:
            count = mart.execute(text("select count(*) from metric_value")).scalar()
    assert pq.read_table(home.settings.data / "metric_value.parquet").num_rows == count
    assert (home.settings.data / "metric_latest.csv").stat().st_size > 0


def test_the_syncing_process_imports_nothing_heavy(home: Home) -> None:
    code = (
        "import sys; sys.argv = ['cdp', '--config', sys.argv[1], 'sync', 'hubspot']; import atexit; "
        "atexit.register(lambda: print('loaded', *sys.modules)); from cdp_pipelines.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home.config)], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = done.stdout.split("loaded", 1)[1].split()
    assert {"pandas", "splink", "dagster", "scipy", "duckdb", "sqlglot", "httpx._main"}.isdisjoint(loaded)
    assert "pyarrow" in loaded


def test_a_job_finds_its_configuration_and_its_folder(home: Home) -> None:
    found = environment(home.settings)

    assert found["CDP_CONFIG"] == str(home.config.resolve())
    assert Path(found["DAGSTER_HOME"], "dagster.yaml").exists()


FAULTS = ["429", "429_retry_after", "500", "cut_before_body", "cut_in_body", "truncated_json", "expired_token"]
ENDS_THE_RUN = {"expired_token"}
"""What asking again cannot mend ends the run, and the next one goes on; everything else is mended on the way."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The rows of a business that was read without a fault."""
    with running(World(seed=6, customers=30)) as vendors:
        home = make_home(tmp_path_factory.mktemp("undisturbed") / "home", vendors.urls)
        everything(home)
    rows: dict[str, Any] = contents(home)["rows"]
    return rows


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_in_the_middle_loses_nothing(kind: Any, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    with running(World(seed=6, customers=30)) as vendors:
        vendors.switches.faults = [
            Fault(vendor="hubspot", path="/crm/v3/objects/contacts", kind=kind, after=1, times=1),
            Fault(vendor="zendesk", path="/api/v2/incremental/ticket_events", kind=kind, after=0, times=1),
        ]
        home = make_home(tmp_path / "home", vendors.urls)
        for name in ("hubspot", "zendesk"):
            if kind in ENDS_THE_RUN:
                with pytest.raises(SyncFailedError):
                    home.sync(name)
            home.sync(name)
        struck = [fault.seen > fault.after for fault in vendors.switches.faults]
    assert struck == [True, True]
    assert contents(home)["rows"] == undisturbed


def test_what_was_synced_after_the_snapshot_makes_no_zero(home: Home) -> None:
    with home.opened() as opened:
        refresh_profiles(opened, now=clock())
    home.sync("zendesk")
    with home.opened() as opened:
        refresh_metrics(opened, now=clock())
        with opened.stores.mart.connect() as mart:
            rows = mart.exec_driver_sql(
                "select value, status_reason from metric_value where metric_id = 'support_ticket_volume'"
            ).all()
    assert set(rows) == {(None, "missing_input")}
