"""What was used of the vendors' limits, counted for all processes of the installation that call for one account.

Nothing here has to outlive a day: a file that is missing or damaged is begun anew, and at worst a vendor says once that
it was a call too many. So it is no store that is versioned, and its commits do not wait for the disk. A process that is
killed leaves counts that pass with their window, and calls on their way that lapse.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson
from sqlalchemy import Column, Connection, Engine, LargeBinary, MetaData, String, Table, delete, text
from sqlalchemy.schema import CreateTable

from cdp_pipelines.database.rows import driver_rows, upsert_values
from cdp_pipelines.database.stores import create_schema
from cdp_pipelines.errors import StoreError, StoreLockedError
from connectors.limits import Step, T

_USE = Table(
    "limit_use",
    MetaData(),
    Column("account", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("state", LargeBinary, nullable=False),
)
_RETRY_SECONDS = 0.02
_TRIES = 500


def forget_limits(limits: Engine, source: str) -> None:
    """Take away what was counted for the accounts of ``source``.

    Raises:
        StoreError: The database cannot be used; the message says why.
    """
    ledger = SharedLedger(limits, source)
    try:
        ledger.forget()
    except StoreError as error:
        if type(error) is not StoreError:
            raise
        ledger.begin_anew()


class SharedLedger:
    """The ``limits.Ledger`` of one account, in ``limits.db`` or in the PostgreSQL schema ``cdp_limits``.

    Args:
        limits: Engine of ``Stores.limits``.
        account: Source and account as in the lease of a sync, for example ``zendesk/acme``.

    Raises:
        StoreError: The database cannot be used; the message says why.
    """

    def __init__(self, limits: Engine, account: str) -> None:
        self._engine = limits
        self._writing = limits.execution_options(sqlite_begin="IMMEDIATE")
        self._account = account
        self._is_ready = False

    async def change(self, names: Sequence[str], step: Step[T]) -> T:
        """See ``limits.Ledger``. SQLite answers at once or is asked again; PostgreSQL is asked in a thread."""
        if self._engine.dialect.name == "postgresql":
            return await asyncio.to_thread(self._change, names, step)
        for _ in range(_TRIES):
            try:
                return self._change(names, step)
            except StoreLockedError:
                await asyncio.sleep(_RETRY_SECONDS)
            except StoreError as error:
                if type(error) is not StoreError:  # full, read-only: a new file would be no better
                    raise
                self.begin_anew()
        return self._change(names, step)

    def forget(self) -> None:
        """Take away the counts of this account, and where it is a source, of all its accounts."""
        self._prepare()
        with self._writing.begin() as connection:
            ours = _USE.c.account.startswith(f"{self._account}/", autoescape=True) | (_USE.c.account == self._account)
            connection.execute(delete(_USE).where(ours))

    def _change(self, names: Sequence[str], step: Step[T]) -> T:
        if not self._is_ready:
            self._prepare()
        with self._writing.begin() as connection:
            now = self._lock(connection)
            kept = dict(
                driver_rows(connection, "select name, state from limit_use where account = ?", (self._account,))
            )
            states, found = step([orjson.loads(kept.get(name, b"{}")) for name in names], now)
            if states is not None:
                rows = [(self._account, name, orjson.dumps(state)) for name, state in zip(names, states, strict=True)]
                upsert_values(connection, "limit_use", ("account", "name"), ("state",), rows)
        return found

    def _lock(self, connection: Connection) -> float:
        """The time of the store once nobody else changes the account. SQLite's clock is that of the machine."""
        if connection.dialect.name != "postgresql":
            return time.time()
        connection.execute(text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": self._account})
        return float(connection.execute(text("select extract(epoch from clock_timestamp())")).scalar_one())

    def _prepare(self) -> None:
        if self._engine.dialect.name == "sqlite":
            with suppress(OSError):  # opening it says what is wrong
                self._file.touch(mode=0o600)
        with self._writing.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("select pg_advisory_xact_lock(hashtextextended('cdp_limits', 0))"))
                create_schema(connection, "limits")
            connection.execute(CreateTable(_USE, if_not_exists=True))
        self._is_ready = True

    @property
    def _file(self) -> Path:
        return Path(str(self._engine.url.database))

    def begin_anew(self) -> None:
        """Take away a file that is damaged, and what SQLite keeps beside it."""
        self._engine.dispose()
        for suffix in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        self._is_ready = False
