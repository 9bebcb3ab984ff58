"""``cdp sources remove``: what goes, what stays, that nothing readable is left, and that a crash is taken up."""

import io
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import forks
import pyarrow.parquet as pq
import pytest
from installations import ENVIRONMENT, Home, contents, make_home
from sqlalchemy import text

from cdp_pipelines import database
from cdp_pipelines.cli.main import execute
from cdp_pipelines.config import load_settings
from cdp_pipelines.defs.event_log import instance_of
from cdp_pipelines.installation import clock
from cdp_pipelines.refresh import refresh_metrics, refresh_profiles
from models import Person
from privacy.errors import UnknownSubjectError
from sandbox.server import running
from sandbox.world import World

POINTS = ("purge_access", "purge_lake:3", "purge_control")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two systems read, profiles and metrics worked out, a credential stored, runs recorded by Dagster."""
    with running(World(seed=5, customers=30)) as vendors:
        home = make_home(tmp_path_factory.mktemp("filled") / "home", vendors.urls)
        for name in ("hubspot", "zendesk"):
            home.sync(name)
    with home.opened() as opened:
        database.set_credential(opened.stores, opened.ring, "hubspot", ENVIRONMENT["CDP_HUBSPOT_TOKEN"])
        database.quarantine_put(opened.stores.control, "hubspot", "contacts", [("4711", "invalid:x")])
        refresh_profiles(opened, now=clock())
        refresh_metrics(opened, now=clock())
        opened.lake.compact("person")
    with instance_of(home.settings) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(["hubspot", "contacts"]))
        instance.report_runless_asset_event(dg.AssetMaterialization(["zendesk", "users"]))
        instance.create_run_for_job(sync_hubspot_job)
    return home


@dg.job
def sync_hubspot_job() -> None:
    """A job of the name that the source's own has."""


@pytest.fixture
def home(filled: Home, tmp_path: Path) -> Home:
    """A copy of it."""
    shutil.copytree(filled.settings.home, tmp_path / "home")
    (tmp_path / "home-keys").mkdir()
    return reloaded(Home(load_settings(tmp_path / "home" / "cdp.toml", {})))


def reloaded(home: Home) -> Home:
    return Home(load_settings(home.config, {}))


def cdp(home: Home, *arguments: str) -> int:
    return execute(["--config", str(home.config), *arguments])


def of(rows: dict[str, Any], name: str) -> dict[str, Any]:
    """What ``contents`` says of one source."""
    return {table: {key: row for key, row in found.items() if key[0] == name} for table, found in rows["rows"].items()}


def left_of(home: Home, name: str) -> list[str]:
    """Places that still say something of a source: every Parquet file on the disk and every row of every store."""
    places = [
        str(path)
        for path in Path(home.settings.lake).rglob("*.parquet")
        if "_delta_log" not in path.parts and name in pq.read_table(path, partitioning=None)["source"].to_pylist()
    ]
    for store in ("control", "vault", "profile", "limits"):
        with closing(sqlite3.connect(home.settings.data / f"{store}.db")) as connection:
            tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
            for table in tables:
                rows = connection.execute(f"select * from {table}")  # noqa: S608
                if any(name in [str(value).split("/")[0] for value in row] for row in rows):
                    places.append(f"{store}.{table}")
    return places


def subject_ids(home: Home, name: str) -> list[bytes]:
    with home.opened() as opened, opened.stores.vault.connect() as vault:
        query = "select distinct subject_id from subject_alias where source = :name"
        return [bytes(row[0]) for row in vault.execute(text(query), {"name": name})]


def test_a_purge_leaves_nothing_readable_and_the_rest_as_it_was(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(home)
    subjects = subject_ids(home, "hubspot")
    shutil.copytree(home.settings.lake, tmp_path / "backup")
    with home.opened() as opened:
        stolen = opened.lake.current("person", include_deleted=True)
        stolen = stolen.filter([source == "hubspot" for source in stolen["source"].to_pylist()])
        assert opened.revealer.reveal(Person, stolen, ["email"])[0]["email"] is not None

    assert cdp(home, "sources", "remove", "hubspot", "--purge", "--yes") == 0

    said = capsys.readouterr().out
    assert "lake: person" in said
    assert "Nothing of hubspot is left" in said
    assert left_of(home, "hubspot") == ["control.audit_entry"] or left_of(home, "hubspot") == []
    stores = b"".join(path.read_bytes() for path in home.settings.data.glob("*.db*"))
    assert subjects
    assert [subject for subject in subjects if subject in stores] == []
    with home.opened() as opened, pytest.raises(UnknownSubjectError):
        opened.revealer.reveal(Person, stolen, ["email"])
    after = contents(home)
    assert of(after, "zendesk") == of(before, "zendesk")
    assert after["cursors"]["zendesk", "tickets"] == before["cursors"]["zendesk", "tickets"]


@pytest.fixture(scope="module")
def purged(filled: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy of which HubSpot was purged."""
    folder = tmp_path_factory.mktemp("purged") / "home"
    shutil.copytree(filled.settings.home, folder)
    home = Home(load_settings(folder / "cdp.toml", {}))
    assert cdp(home, "sources", "remove", "hubspot", "--purge", "--yes") == 0
    return reloaded(home)


def test_the_source_is_no_longer_read(purged: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert cdp(purged, "sync", "hubspot") == 10
    assert "is not configured" in capsys.readouterr().err
    with instance_of(purged.settings) as instance:
        assert instance.get_runs() == []
        assert [key.path for key in instance.all_asset_keys()] == [["zendesk", "users"]]


def test_after_a_purge_profiles_and_metrics_are_worked_out_anew(purged: Home) -> None:
    with purged.opened() as opened:
        refresh_profiles(opened, now=clock())
        refresh_metrics(opened, now=clock())
        with opened.stores.profile.connect() as profile:
            sources = set(profile.execute(text("select distinct source from identity_link")).scalars())
            customers = profile.execute(text("select count(*) from customer_360")).scalar()
    assert sources == {"zendesk"}
    assert customers
    assert cdp(purged, "audit", "verify") == 0


def test_without_purge_only_access_and_schedule_go(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(home)

    assert cdp(home, "sources", "remove", "hubspot", "--yes") == 0

    assert "what it brought is kept" in capsys.readouterr().out
    assert contents(home) == before
    with home.opened() as opened:
        assert database.get_credential(opened.stores, opened.ring, "hubspot") is None
    assert set(reloaded(home).settings.sources) == {"zendesk"}
    assert cdp(home, "sources", "remove", "hubspot", "--purge", "--yes") == 0
    assert left_of(home, "hubspot") in ([], ["control.audit_entry"])


def test_who_does_not_agree_loses_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(home)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    assert cdp(home, "sources", "remove", "hubspot", "--purge") == 130

    assert contents(home) == before
    assert "hubspot" in reloaded(home).settings.sources


def test_a_running_sync_is_not_cut_off(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with home.opened() as opened, database.lease(opened.stores.control, "sync/hubspot/default"):
        assert cdp(home, "sources", "remove", "hubspot", "--purge", "--yes") == 30
    assert "has been working on it since" in capsys.readouterr().err
    assert "hubspot" in reloaded(home).settings.sources


@pytest.mark.parametrize("held", ["sync/hubspot/62515", "sweep/hubspot/62515", "credential/hubspot"])
def test_nor_is_one_of_an_account_the_settings_no_longer_name(
    home: Home, capsys: pytest.CaptureFixture[str], held: str
) -> None:
    with home.opened() as opened, database.lease(opened.stores.control, held):
        assert cdp(home, "sources", "remove", "hubspot", "--purge", "--yes") == 30
    assert "has been working on it since" in capsys.readouterr().err
    assert "hubspot" in reloaded(home).settings.sources


def test_a_reader_that_keeps_deleted_rows_in_the_file_is_waited_for(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["sources", "remove", "hubspot", "--purge", "--yes"]
    with closing(sqlite3.connect(home.settings.data / "control.db", isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from quarantine").fetchone()
        assert cdp(home, *arguments) == 50
    assert "run the same command again" in capsys.readouterr().err

    assert cdp(home, *arguments) == 0

    assert not [path for path in home.settings.data.glob("control.db*") if b"4711" in path.read_bytes()]


def test_settings_that_cannot_be_written_hold_up_no_purge(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.config.with_name("cdp.toml.new").mkdir()  # as if the folder were somebody else's, also for root

    assert cdp(home, "sources", "remove", "hubspot", "--purge", "--yes") == 0

    assert "Take [sources.hubspot] out of" in capsys.readouterr().out
    assert left_of(home, "hubspot") in ([], ["control.audit_entry"])


def test_settings_behind_a_link_stay_behind_it(home: Home, tmp_path: Path) -> None:
    real = home.config.rename(tmp_path / "settings.toml")
    home.config.symlink_to(real)

    assert cdp(home, "sources", "remove", "hubspot", "--yes") == 0

    assert home.config.is_symlink()
    assert "# [sources.hubspot]" in real.read_text()


def test_an_unknown_source_is_named(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert cdp(home, "sources", "remove", "hubspott", "--purge") == 10
    assert "hubspot" in capsys.readouterr().err


def test_what_the_environment_connects_is_left_to_a_person(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDP_SOURCES__HUBSPOT__ACCOUNT", "62515")
    monkeypatch.setenv("CDP_HUBSPOT_TOKEN", "x")

    assert cdp(home, "sources", "remove", "hubspot", "--yes") == 0

    said = capsys.readouterr().out
    assert "Unset the variables CDP_SOURCES__HUBSPOT__" in said
    assert "Unset CDP_HUBSPOT_TOKEN" in said


@pytest.mark.parametrize("point", POINTS)
def test_a_purge_killed_on_the_way_is_ended_by_the_next(home: Home, point: str) -> None:
    arguments = ["sources", "remove", "hubspot", "--purge", "--yes"]
    assert forks.cdp(["--config", str(home.config), *arguments], {"CDP_KILL_AT": point}) == -signal.SIGKILL
    if point == "purge_lake:3":  # what is left can be worked with, however much that is
        with reloaded(home).opened() as opened:
            refresh_profiles(opened, now=clock())

    assert cdp(home, *arguments) == 0

    assert left_of(home, "hubspot") in ([], ["control.audit_entry"])
