"""Creating and upgrading the stores, by the migrations that lie beside this module."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text

from cdp_pipelines.config import Settings
from cdp_pipelines.database.stores import create_file, create_schema, schema_name, store_engine, store_file, version
from cdp_pipelines.database.versions import HEADS
from cdp_pipelines.errors import StoreReadOnlyError, StoreVersionError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 0x6364702D  # any number of our own: who upgrades, upgrades alone

_READERS = {"profile": "profile_reader", "mart": "bi_reader"}
"""Who may read a schema besides its owner."""


def upgrade_stores(settings: Settings) -> None:
    """Create what is missing and bring every store to this version. Repeating it changes nothing.

    Raises:
        StoreVersionError: A store is newer than this version of the program.
        StoreError: A store is locked or cannot be written.
    """
    if settings.database_url is None:
        _make_folder(settings)
    for name in HEADS:
        if settings.database_url is None:
            _make_file(settings, name)
        engine = store_engine(settings, name)
        try:
            _upgrade(engine, name)
        finally:
            engine.dispose()


def _make_folder(settings: Settings) -> None:
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreReadOnlyError(
            f"Creating the stores: the folder {settings.data} cannot be made ({error.strerror}). "
            "Choose another data folder, or give this user the right to write there."
        ) from None


def _make_file(settings: Settings, name: str) -> None:
    try:
        create_file(settings, name)
    except OSError as error:
        raise StoreReadOnlyError(
            f"Creating the {name} store: {store_file(settings, name)} cannot be written ({error.strerror}). "
            "Give this user the right to write there and run again."
        ) from None


def _upgrade(engine: Engine, name: str) -> None:
    if engine.dialect.name == "postgresql":
        _make_schema(engine, name)
    with engine.connect() as connection:
        found = version(connection)
    if found is not None and found > HEADS[name]:
        raise StoreVersionError(
            f"Upgrading the {name} store: it has version {found}, this program knows {HEADS[name]}. "
            "It was upgraded by a newer version of the program; install that one."
        )
    if found != HEADS[name]:
        with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
            _migrate(connection, name)
    if engine.dialect.name == "postgresql" and name in _READERS:
        _grant(engine, name)


def _make_schema(engine: Engine, name: str) -> None:
    with engine.begin() as connection:
        _keep_others_out(connection)
        create_schema(connection, name)


def _keep_others_out(connection: Connection) -> None:
    """Upgrade alone until the transaction ends: schemas and grants made by two at once fail."""
    connection.execute(text(f"select pg_advisory_xact_lock({_LOCK})"))


def _migrate(connection: Connection, name: str) -> None:
    from alembic import command

    if connection.dialect.name == "postgresql":  # SQLite's transaction has the write lock already
        _keep_others_out(connection)
    config = migrations_of(name)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def migrations_of(name: str) -> "Config":
    """Alembic's view of one store's migrations."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / name))
    config.set_main_option("path_separator", "os")
    config.attributes["store"] = name
    return config


def _grant(engine: Engine, name: str) -> None:
    """Let the reader's role read the schema; the role is made where this user may make roles."""
    role, schema = _READERS[name], schema_name(name)
    with engine.begin() as connection:
        _keep_others_out(connection)
        exists = connection.execute(text("select 1 from pg_roles where rolname = :role"), {"role": role}).scalar()
        may_create = connection.execute(
            text("select rolcreaterole or rolsuper from pg_roles where rolname = current_user")
        ).scalar()
        if not exists and not may_create:
            return
        if not exists:
            connection.execute(text(f"create role {role} nologin"))
        connection.execute(text(f"grant usage on schema {schema} to {role}"))
        connection.execute(text(f"grant select on all tables in schema {schema} to {role}"))
        connection.execute(text(f"alter default privileges in schema {schema} grant select on tables to {role}"))
