"""Opening the stores: one SQLAlchemy engine each, with the rules every connection follows.

SQLite: write-ahead log, so that readers and the writer never wait for each other; ``secure_delete``, so that what
is deleted is gone from the file; files readable by their owner alone, except the mart. PostgreSQL: one schema per
store, found through the search path, so that no statement names one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from cdp_pipelines.config import Settings
from cdp_pipelines.database.failures import translate
from cdp_pipelines.database.versions import HEADS
from cdp_pipelines.errors import ConfigError, StoreMissingError, StoreVersionError

LOCK_SECONDS = 10
"""How long a statement waits for another process's transaction before it gives up."""

_LOCK_SECONDS_OF_LIMITS = 0.02
"""The same for the counts of calls, which are asked for between calls, while other streams go on."""

_ENGINES = (*HEADS, "limits")

_SYNCHRONOUS = {"control": "full", "vault": "full", "limits": "off"}
"""Commits of control and vault must survive a power cut: the lake is written on the strength of them. Counts of calls
need not survive anything."""


@dataclass(frozen=True, slots=True)
class Stores:
    """One engine per store. Use as a context manager, which closes their connections.

    ``limits`` is no store like the others: what it holds is worthless a day later (``database.limits``).
    """

    control: Engine
    vault: Engine
    profile: Engine
    mart: Engine
    limits: Engine

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in _ENGINES:
            getattr(self, name).dispose()


def open_stores(settings: Settings, *, upgrade: bool = False) -> Stores:
    """Open all stores and check that they are of this version.

    Raises:
        StoreMissingError: A store was never created.
        StoreVersionError: A store is older or newer than this version of the program.
        StoreError: A store is locked or cannot be reached.
    """
    if upgrade:
        from cdp_pipelines.database.upgrade import upgrade_stores

        upgrade_stores(settings)
    stores = Stores(**{name: store_engine(settings, name) for name in _ENGINES})
    try:
        for name in HEADS:
            _check_version(settings, name, getattr(stores, name))
    except BaseException:
        stores.__exit__()
        raise
    return stores


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads and then writes, committed at the end.

    On SQLite it takes the write lock at once: a transaction that starts as a reader cannot always become a writer.
    """
    with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        yield connection


def store_file(settings: Settings, name: str) -> Path:
    """The SQLite file of a store."""
    return settings.data / f"{name}.db"


def schema_name(name: str) -> str:
    """The PostgreSQL schema of a store."""
    return f"cdp_{name}"


def create_schema(connection: Connection, name: str) -> None:
    """Create a store's PostgreSQL schema if there is none; "if not exists" would ask for the right to do so anyway."""
    if not connection.execute(text("select to_regnamespace(:name)"), {"name": schema_name(name)}).scalar():
        connection.execute(text(f"create schema {schema_name(name)}"))


def store_engine(settings: Settings, name: str) -> Engine:
    """An engine for one store; connects to nothing yet."""
    engine = _sqlite(settings, name) if settings.database_url is None else _postgresql(settings, name)
    event.listen(engine, "handle_error", lambda context: translate(name, context))
    return engine


def _sqlite(settings: Settings, name: str) -> Engine:
    engine = create_engine(
        URL.create(
            "sqlite", database=str(store_file(settings, name))
        ),  # a path may hold what an address reads otherwise
        hide_parameters=True,
        connect_args={"timeout": _LOCK_SECONDS_OF_LIMITS if name == "limits" else LOCK_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
        connection.isolation_level = None  # transactions begin where we say, also for DDL and reads
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma secure_delete = on")
        connection.execute(f"pragma synchronous = {_SYNCHRONOUS.get(name, 'normal')}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"begin {connection.get_execution_options().get('sqlite_begin', 'deferred')}")

    return engine


def _postgresql(settings: Settings, name: str) -> Engine:
    try:
        url = make_url(settings.database_url or "")
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise ConfigError(
            settings.path, ["database_url is no database address; write for example postgresql://user@host/database."]
        ) from None
    if url.get_backend_name() != "postgresql":
        raise ConfigError(
            settings.path, ["database_url must begin with postgresql://; leave it out to use SQLite files."]
        )
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_size=2,
        pool_pre_ping=True,
        connect_args={
            "options": f"-csearch_path={schema_name(name)} -ctimezone=UTC -clock_timeout={LOCK_SECONDS}s",
            "connect_timeout": LOCK_SECONDS,
        },
    )


def create_file(settings: Settings, name: str) -> None:
    """Create a store's SQLite file, so that it is private before SQLite writes into it."""
    mode = 0o644 if name == "mart" else 0o600
    os.close(os.open(store_file(settings, name), os.O_CREAT | os.O_RDWR, mode))


def version(connection: Connection) -> str | None:
    """The schema version of the store behind ``connection``, None when it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("select version_num from alembic_version")).scalar()
    return found


def _check_version(settings: Settings, name: str, engine: Engine) -> None:
    place = store_file(settings, name) if settings.database_url is None else f"schema {schema_name(name)}"
    if isinstance(place, Path) and not place.exists():
        raise StoreMissingError(f"Opening the {name} store: {place} does not exist. Create the stores with: cdp init")
    with engine.connect() as connection:
        found = version(connection)
    if found is None:
        raise StoreMissingError(f"Opening the {name} store: {place} holds no tables. Create them with: cdp init")
    if found < HEADS[name]:
        raise StoreVersionError(
            f"Opening the {name} store: {place} has version {found}, this program needs {HEADS[name]}. "
            "Stop all syncs and bring it up to date with: cdp init --upgrade"
        )
    if found > HEADS[name]:
        raise StoreVersionError(
            f"Opening the {name} store: {place} has version {found}, this program knows {HEADS[name]}. "
            "It was upgraded by a newer version of the program; install that one."
        )
