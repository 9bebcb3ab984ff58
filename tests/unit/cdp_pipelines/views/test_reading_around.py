"""Attempts to read past a session: by the statement, and once past that fence, by the engine itself."""

import duckdb
import pyarrow as pa
import pytest
from small_worlds import SmallWorld, at

from cdp_pipelines.engine import StatementError


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = SmallWorld(tmp_path_factory.mktemp("world"))
    world.person("secret-person", linked=False)
    world.add("ticket", "1", requester_id="secret-person", created_at=at("2026-03-02"), status="open")
    return world


@pytest.fixture(scope="module")
def session(world):
    """One for all attempts: none of them may change it."""
    with world.session() as opened:
        yield opened


FILES = (
    "select * from '{folder}/ticket.parquet'",
    'select * from "{folder}/ticket.parquet"',
    "select * from read_parquet('{folder}/ticket.parquet')",
    "select * from parquet_scan('{folder}/*.parquet')",
    "select * from parquet_metadata('{folder}/ticket.parquet')",
    "select * from glob('{folder}/*')",
    "select * from read_csv('/etc/passwd')",
    "select * from read_json('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select content from read_blob('/etc/passwd')",
    "select (select max(content) from read_text('/etc/passwd')) as x from clock",
    "with t as (select * from '{folder}/ticket.parquet') select * from t",
    "select * from sniff_csv('/etc/passwd')",
    "attach '{folder}/other.db'",
    "copy clock to '{folder}/out.csv'",
    "copy clock from '/etc/passwd'",
    "export database '{folder}/out'",
    "import database '{folder}'",
    "install httpfs",
    "load httpfs",
    "select * from duckdb_secrets()",
    "select getenv('HOME')",
)
SETTINGS = (
    "set enable_external_access = true",
    "set threads = 2",
    "set temp_directory = '{folder}'",
    "reset lock_configuration",
    "pragma memory_limit = '2GB'",
    "set python_enable_replacements = true",
)
REVEALING = (
    "select * from duckdb_settings()",
    "select current_setting('temp_directory')",
    "select * from information_schema.tables",
    "select * from duckdb_tables()",
    "select * from sqlite_master",
    "select * from pg_catalog.pg_tables",
    "select * from python_variable",
    "select * from query('select 1')",
    "select * from query_table('clock')",
    "select * from main.clock",
    "pragma database_list",
    "call pragma_version()",
    "attach ':memory:' as other",
    "create table mine as select 1",
    "create view mine as select 1",
    "insert into clock select * from clock",
    "delete from excluded",
    "drop table excluded",
    "update clock set time_zone = 'x'",
    "select 1; select 2",
    "select * from clock; drop table clock",
    "select * from raw_ticket",
    "select * from staged_ticket",
    "select * from party",
    "select * from permitted_profile",
    "select * from read_parquet",
    "describe clock",
    "show tables",
    "explain select * from clock",
    "prepare p as select 1",
    "not a statement",
    "",
)


@pytest.mark.parametrize("statement", [*FILES, *SETTINGS, *REVEALING])
def test_a_session_refuses(world, session, statement):
    python_variable = pa.table({"x": [1]})
    with pytest.raises(StatementError):
        session.query(statement.format(folder=world.folder))
    assert python_variable.num_rows == 1


@pytest.mark.parametrize("statement", ["select * from '{folder}/ticket.parquet'", "select * from read_text('/x')"])
def test_deriving_a_table_is_no_way_round(world, session, statement):
    with pytest.raises(StatementError):
        session.derive("mine", statement.format(folder=world.folder))


@pytest.mark.parametrize("statement", [*FILES, *SETTINGS])
def test_the_engine_below_refuses_too(world, session, statement):
    with pytest.raises(duckdb.Error):
        session._connection.execute(statement.format(folder=world.folder)).fetchall()


def test_the_engine_below_knows_no_other_table(session):
    python_variable = pa.table({"x": [1]})
    with pytest.raises(duckdb.Error):
        session._connection.execute("select * from python_variable")
    catalogue = session._connection.execute("select table_name from information_schema.tables").fetchall()
    assert {name for (name,) in catalogue} == session.tables
    assert python_variable.num_rows == 1


def test_nothing_of_the_person_left_out_is_in_the_session(session):
    for table in sorted(session.tables):
        rows = session.query(f'select * from "{table}"').to_pylist()  # noqa: S608
        assert "secret-person" not in str(rows)
