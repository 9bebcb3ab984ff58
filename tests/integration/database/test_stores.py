"""Opening, upgrading and what goes wrong with it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import make_url

from cdp_pipelines.config import load_settings
from cdp_pipelines.database import commit_cursor, forget_limits, load_cursor, open_stores, upgrade_stores, writing
from cdp_pipelines.database.stores import schema_name, store_engine
from cdp_pipelines.database.upgrade import _LOCK, migrations_of
from cdp_pipelines.database.versions import HEADS
from cdp_pipelines.errors import ConfigError, StoreError, StoreLockedError, StoreMissingError, StoreVersionError
from models import STORES

_LATER_CONTROL = ("match_answer", "match_pair", "stream_field")
SQLITE_ONLY = pytest.mark.parametrize("database", ["sqlite"])
POSTGRESQL_ONLY = pytest.mark.parametrize("database", ["postgresql"])


@pytest.mark.parametrize("name", STORES)
def test_migrations_make_exactly_the_tables_of_the_models(stores, name):
    with getattr(stores, name).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), STORES[name]) == []


@pytest.mark.parametrize("name", STORES)
def test_the_program_expects_the_newest_migration(name):
    assert ScriptDirectory.from_config(migrations_of(name)).get_current_head() == HEADS[name]


def test_upgrading_twice_keeps_what_is_there(settings, stores):
    commit_cursor(stores.control, "hubspot", "contacts", {"after": 7}, run_id="r1")
    upgrade_stores(settings)
    assert load_cursor(stores.control, "hubspot", "contacts") == {"after": 7}


@pytest.mark.parametrize("name", [name for name, head in HEADS.items() if head != "0001"])
def test_a_store_of_the_first_version_is_upgraded(settings, stores, name):
    """Made by its own migrations: back to the first by dropping what came later, then forward again."""
    engine = getattr(stores, name)
    with engine.begin() as connection:
        first = {"control": _LATER_CONTROL, "mart": ("metric_component", "index_sensitivity")}[name]
        for table in first:
            connection.execute(text(f"drop table {table}"))
        connection.execute(text("update alembic_version set version_num = '0001'"))
    upgrade_stores(settings)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), STORES[name]) == []


@POSTGRESQL_ONLY
@pytest.mark.parametrize(
    ("before", "begun"),
    [
        pytest.param("drop schema cdp_mart cascade", "create schema cdp_mart", id="schema"),
        pytest.param("select 1", "grant usage on schema cdp_mart to bi_reader", id="grant"),
    ],
)
def test_an_upgrade_waits_for_another_one(settings, stores, before, begun):
    with stores.mart.begin() as connection:
        connection.execute(text(before))
    with stores.mart.begin() as other, ThreadPoolExecutor() as threads:
        other.execute(text(f"select pg_advisory_xact_lock({_LOCK})"))
        other.execute(text(begun))
        upgrade = threads.submit(upgrade_stores, settings)
        with stores.control.connect() as watching:
            while not watching.execute(text("select 1 from pg_locks where not granted")).scalar():
                assert not upgrade.done()
        other.commit()
        upgrade.result()


@POSTGRESQL_ONLY
def test_schemas_made_by_an_administrator_are_enough(bare_settings):
    role = f"tenant_{uuid4().hex}"
    engine = store_engine(bare_settings, "control")
    with engine.begin() as administrator:
        administrator.execute(text(f"create role {role} login"))
        for name in (*HEADS, "limits"):
            administrator.execute(text(f"create schema {schema_name(name)} authorization {role}"))
    engine.dispose()
    address = make_url(bare_settings.database_url).set(username=role).render_as_string(hide_password=False)
    with open_stores(bare_settings.model_copy(update={"database_url": address}), upgrade=True) as stores:
        forget_limits(stores.limits, "hubspot")


@pytest.mark.parametrize("name", ["what?", "50%", "a#b", "Müller & Söhne"])
def test_the_stores_of_a_folder_of_any_name_lie_in_it(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (tmp_path / "cdp.toml").write_text(f'data = "{folder}"\n')
    with open_stores(load_settings(tmp_path / "cdp.toml", {}), upgrade=True):
        assert {f"{store}.db" for store in STORES} <= {file.name for file in folder.iterdir()}


def test_a_missing_store_names_the_command_that_creates_it(bare_settings):
    with pytest.raises(StoreMissingError, match=r"Create .* with: cdp init"):
        open_stores(bare_settings)


def test_opening_with_upgrade_creates_the_stores(bare_settings):
    with open_stores(bare_settings, upgrade=True) as stores:
        assert load_cursor(stores.control, "hubspot", "contacts") is None


@pytest.mark.parametrize(
    ("found", "message"),
    [
        pytest.param("0000", "has version 0000, this program needs .* cdp init --upgrade", id="older"),
        pytest.param("9999", "has version 9999, this program knows .* install that one", id="newer"),
    ],
)
def test_a_store_of_another_version_is_one_sentence(settings, stores, found, message):
    with stores.profile.begin() as connection:
        connection.execute(text("update alembic_version set version_num = :found"), {"found": found})
    with pytest.raises(StoreVersionError, match=message):
        open_stores(settings)


def test_a_newer_store_is_not_upgraded(settings, stores):
    with stores.mart.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(StoreVersionError, match="newer version of the program"):
        upgrade_stores(settings)


def test_a_failing_statement_quotes_no_value(stores):
    statement = text("insert into sync_state (source, stream, run_id) values (:a, :b, :c)")
    with pytest.raises(StoreError) as caught, stores.control.begin() as connection:
        connection.execute(statement, {"a": "jane@example.org", "b": "x", "c": "y"})
    assert "jane@example.org" not in str(caught.value)
    assert str(caught.value).startswith("Using the control store: the database refused the statement")


@SQLITE_ONLY
def test_files_are_private_except_the_mart(settings, stores):
    commit_cursor(stores.control, "hubspot", "contacts", {}, run_id="r1")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in settings.data.iterdir()}
    assert {name: mode for name, mode in modes.items() if not name.startswith("mart")} == {
        name: 0o600 for name in modes if not name.startswith("mart")
    }
    assert modes["mart.db"] & 0o444 == 0o444


@SQLITE_ONLY
@pytest.mark.parametrize("name", STORES)
def test_sqlite_writes_ahead_and_wipes_what_is_deleted(stores, name):
    with getattr(stores, name).connect() as connection:
        pragmas = {p: connection.exec_driver_sql(f"pragma {p}").scalar() for p in ("journal_mode", "secure_delete")}
    assert pragmas == {"journal_mode": "wal", "secure_delete": 1}


@SQLITE_ONLY
def test_a_locked_store_is_one_sentence(settings, stores, monkeypatch):
    monkeypatch.setattr("cdp_pipelines.database.stores.LOCK_SECONDS", 0.1)
    impatient = store_engine(settings, "control")
    with writing(stores.control), pytest.raises(StoreLockedError, match="another process keeps it locked"):
        commit_cursor(impatient, "hubspot", "contacts", {}, run_id="r1")
    impatient.dispose()


@POSTGRESQL_ONLY
def test_a_lock_on_postgresql_is_one_sentence(settings, stores, monkeypatch):
    monkeypatch.setattr("cdp_pipelines.database.stores.LOCK_SECONDS", 0.1)
    impatient = store_engine(settings, "control")
    with stores.control.begin() as connection:
        connection.execute(text("lock table sync_state in exclusive mode"))
        with pytest.raises(StoreLockedError, match="another process keeps it locked"):
            commit_cursor(impatient, "hubspot", "contacts", {}, run_id="r1")
    impatient.dispose()


@SQLITE_ONLY
def test_a_file_that_is_no_database_is_one_sentence(settings):
    (settings.data / "profile.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="Using the profile store: the file is damaged or no database"):
        open_stores(settings)


@SQLITE_ONLY
def test_a_full_disk_loses_nothing(stores):
    commit_cursor(stores.control, "hubspot", "contacts", {"after": 1}, run_id="r1")
    with stores.control.connect() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar()
        connection.exec_driver_sql(f"pragma max_page_count = {pages}")
        with pytest.raises(StoreError, match="the disk is full"):
            connection.exec_driver_sql(
                "insert into sync_state values ('hubspot', 'tickets', ?, 'r2', '2026-01-01 00:00:00.000000')",
                ("x" * 10_000_000,),
            )
    assert load_cursor(stores.control, "hubspot", "contacts") == {"after": 1}


@SQLITE_ONLY
def test_a_folder_that_cannot_be_made_is_one_sentence(bare_settings):
    bare_settings.data.write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot be made"):
        upgrade_stores(bare_settings)


@SQLITE_ONLY
def test_a_read_only_store_is_one_sentence(stores):
    commit_cursor(stores.control, "hubspot", "contacts", {"after": 1}, run_id="r1")
    with stores.control.connect() as connection:
        connection.exec_driver_sql("pragma query_only = on")
        with pytest.raises(StoreError, match="it cannot be written"):
            connection.exec_driver_sql("delete from sync_state")
        connection.invalidate()  # the pragma must not reach the next user of this connection
    assert load_cursor(stores.control, "hubspot", "contacts") == {"after": 1}


@POSTGRESQL_ONLY
def test_readers_see_their_schema_and_no_other(stores):
    for role, schema in (("bi_reader", "cdp_mart"), ("profile_reader", "cdp_profile")):
        with stores.control.connect() as connection:
            rights = connection.execute(
                text(
                    "select nspname from pg_namespace where nspname like 'cdp%' "
                    "and has_schema_privilege(:r, oid, 'usage') order by 1"
                ),
                {"r": role},
            ).scalars()
            assert list(rights) == [schema]


@POSTGRESQL_ONLY
def test_an_unreachable_server_is_one_sentence(bare_settings):
    elsewhere = bare_settings.model_copy(update={"database_url": "postgresql://nobody:secret@127.0.0.1:1/none"})
    with pytest.raises(StoreError, match="the database cannot be reached") as caught:
        upgrade_stores(elsewhere)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://user:secret@host/db", "not an address"])
def test_an_address_of_another_kind_is_a_settings_error(tmp_path, url):
    (tmp_path / "cdp.toml").write_text("")
    settings = load_settings(tmp_path / "cdp.toml", {**os.environ, "CDP_DATABASE_URL": url})
    with pytest.raises(ConfigError, match="database_url") as caught:
        upgrade_stores(settings)
    assert "secret" not in str(caught.value)
