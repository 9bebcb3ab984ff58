"""Dagster's log of events in SQLite files, which stay open while a run writes to them. Named in ``dagster.yaml``.

A run with its checks is some 260 events, of which most are written twice: to the file of the run and to the index of
all runs. Dagster opens and closes a file for each write, which makes an SQLAlchemy engine, compiles every statement
anew and waits for the disk several times. Here files stay open, engines are kept, and the disk is waited for when
SQLite moves its write-ahead log into the file: a quarter of the CPU (a run of 60 checks: 1.2 s instead of 4.4 s on a
busy machine) and less than that of the time. A power cut may take the end of a run's story in the UI; no state of
ours is in it.

Files and tables are Dagster's own, so that either class reads what the other wrote.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._config import UserConfigSchema
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

from cdp_pipelines.config import Settings
from cdp_pipelines.setup import dagster_home

KEPT_OPEN = 8
"""Files kept open: the UI looks at one run after the other."""

_LOCK_SECONDS = 60
"""How long a statement waits for another process; as long as in Dagster's own."""


class EventLog(SqliteEventLogStorage):
    """Dagster's event log with its files kept open; they lie where Dagster has them by default."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Nothing can be set."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: object) -> "EventLog":
        """The log of the installation in ``DAGSTER_HOME``, where Dagster itself would keep it."""
        del config_value
        return cls(str(Path(os.environ["DAGSTER_HOME"], "history", "runs")), inst_data)

    def has_table(self, table_name: str) -> bool:
        """Whether there is such a table; asked for each event, so an answer that cannot change is remembered."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close the files."""
        super().dispose()
        while self._engines:
            self._engines.popitem()[1].dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                before = _changes(connection)
                yield connection
                is_changed = _changes(connection) > before
            if is_changed:  # the UI watches the file, while what is new may still be in the write-ahead log beside it
                os.utime(self.path_for_shard(shard))

    def _engine(self, shard: str) -> Engine:
        """The engine of one file; the one used longest ago is given up for it."""
        if shard not in self._engines:
            self._engines[shard] = _opened(self.conn_string_for_shard(shard))
            if len(self._engines) > KEPT_OPEN:
                self._engines.popitem(last=False)[1].dispose()
        self._engines.move_to_end(shard)
        return self._engines[shard]


def instance_of(settings: Settings) -> dg.DagsterInstance:
    """Dagster's records of an installation. Use as a context manager."""
    os.environ["DAGSTER_HOME"] = str(dagster_home(settings).resolve())  # the log knows its folder from nowhere else
    return dg.DagsterInstance.get()


def _opened(address: str) -> Engine:
    engine = create_engine(address, connect_args={"timeout": _LOCK_SECONDS})

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
        connection.execute("pragma synchronous = normal")

    return engine


def _changes(connection: Connection) -> int:
    """Rows changed through this connection since it was opened."""
    driver: Any = connection.connection.driver_connection
    changed: int = driver.total_changes
    return changed
