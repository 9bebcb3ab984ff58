"""A session for one purpose: tables that hold only what the people concerned permit, and no way past them.

Everything is read and filtered while the session opens. Then DuckDB is cut off from files, network and
extensions and its configuration is locked, so what was left out is not merely hidden: it is not there.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from cdp_pipelines.engine import Engine, fetch, refuse_unlisted, run
from cdp_pipelines.transforms import transform
from cdp_pipelines.views.tables import SESSION_TABLES, STAGED, CurrentRows, SessionTable, facts, in_order
from privacy.consent import purposes

_LOCKS = ("SET enable_external_access = false", "SET lock_configuration = true")
_OF_EVERY_SESSION = ("excluded", "clock", "currency_rate")
_EXCLUDED = 'CREATE TABLE excluded ("table" VARCHAR, day DATE, channel VARCHAR, source VARCHAR, n BIGINT)'
_NO_CONSENTS = pa.schema(
    [(name, pa.string()) for name in ("profile_id", "purpose", "channel", "scope", "state")]
    + [("at", pa.timestamp("us", tz="UTC")), ("inferred", pa.bool_())]
)
_NO_RATES = pa.schema(
    [("currency", pa.string()), ("from_day", pa.date32()), ("until_day", pa.date32()), ("rate", pa.float64())]
)


class Session:
    """The filtered tables of one purpose. Made by ``open_session``.

    Attributes:
        purpose: What its rows may be used for.
        tables: Names of the tables that can be queried.
    """

    def __init__(self, purpose: str, connection: duckdb.DuckDBPyConnection, tables: Collection[str]) -> None:
        self.purpose = purpose
        self.tables = set(tables)
        self._connection = connection

    def query(self, sql: str, *, doing: str = "Querying a session") -> pa.Table:
        """Run one query over the tables of the session.

        Raises:
            StatementError: It is not one single query over these tables with allowed functions.
            EngineError: It failed; the message quotes no value.
        """
        refuse_unlisted(sql, self.tables)
        return fetch(self._connection, sql, doing=doing)

    def derive(self, name: str, sql: str) -> None:
        """Add the result of a query as a table, once; what is there already stays.

        Raises:
            StatementError: As ``query``.
            EngineError: As ``query``.
        """
        if name in self.tables:
            return
        refuse_unlisted(sql, self.tables)
        run(self._connection, f'CREATE TABLE "{name}" AS {sql}', doing=f"Deriving {name}")
        self.tables.add(name)

    def keep_only(self, names: Collection[str]) -> None:
        """Drop the tables that are not among ``names`` and give their memory back; what every session has stays.

        Raises:
            EngineError: As ``query``.
        """
        for name in sorted(self.tables - {*names, *_OF_EVERY_SESSION}):
            run(self._connection, f'DROP TABLE "{name}"', doing=f"Dropping {name}")
            self.tables.remove(name)


@contextmanager
def open_session(  # noqa: PLR0913 - whatever decides what may be read, by name
    purpose: str,
    *,
    engine: Engine,
    lake: CurrentRows,
    snapshot: Any,  # noqa: ANN401 - the lake's own type, passed through
    permissions: pa.Table,
    time_zone: str,
    as_of: datetime,
    unknown_permitted: bool,
    consents: pa.Table | None = None,
    rates: pa.Table | None = None,
    tables: Collection[str] = tuple(SESSION_TABLES),
) -> Iterator[Session]:
    """Open a session in which every row may be used for ``purpose``.

    Args:
        purpose: One purpose, or several joined by ``+``: then all of them have to be permitted.
        engine: Where it runs.
        lake: Where the rows come from; each table needed is read once.
        snapshot: The versions of the lake's tables to read.
        permissions: One row per profile and purpose: profile_id, purpose, permitted. A profile without a row
            is undecided and therefore excluded.
        time_zone: IANA name of the zone whose days count.
        as_of: The moment the session describes; found in its table ``clock``.
        unknown_permitted: Whether rows about nobody identifiable may be used: the policy's answer for a person
            who has never decided.
        consents: The consent history per profile (profile_id, purpose, channel, scope, state, at, inferred).
        rates: What one unit of a currency is worth in the base currency (currency, from_day, until_day, rate), as
            ``cdp_pipelines.currency`` makes it; without it no amount can be converted.
        tables: Tables wanted.

    Yields:
        The session. Besides the tables it has ``excluded`` (table, day, channel, source, n: rows left out for
        lack of consent or of a profile), ``clock`` (as_of, time_zone) and ``currency_rate`` (the rates).

    Raises:
        UnknownPurposeError: There is no such purpose.
        EngineError: The rows could not be read.
    """
    permitted = _permitted(purpose)
    wanted = in_order(frozenset(tables))
    with engine.connection() as connection:
        _load(connection, "permitted_profile", permissions, permitted)
        _load(connection, "raw_consent_event", _NO_CONSENTS.empty_table() if consents is None else consents)
        _load(connection, "currency_rate", _NO_RATES.empty_table() if rates is None else rates)
        _load(connection, "clock", pa.table({"as_of": [as_of], "time_zone": [time_zone]}))
        run(connection, _EXCLUDED, doing="Opening a session")
        _read_people(connection, lake, snapshot)
        for table in wanted:
            _read(connection, lake, snapshot, table)
            _keep(connection, table, unknown_permitted=unknown_permitted)
        _forget(connection, wanted)
        for statement in _LOCKS:
            run(connection, statement, doing="Locking a session")
        yield Session(purpose, connection, {*_OF_EVERY_SESSION, *(table.name for table in wanted)})


def _permitted(purpose: str) -> str:
    """One row per profile that permits every purpose named; contradicting rows exclude."""
    wanted = purposes(purpose)
    named = ", ".join(f"'{name}'" for name in wanted)
    return f"""
        SELECT profile_id FROM incoming WHERE purpose IN ({named})
        GROUP BY profile_id
        HAVING bool_and(coalesce(permitted, false)) AND count(DISTINCT purpose) = {len(set(wanted))}
    """  # noqa: S608 - purposes are checked to be known ones


def _load(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table, query: str = "FROM incoming") -> None:
    connection.register("incoming", table)
    run(connection, f"CREATE TABLE {name} AS {query}", doing=f"Loading {name}")
    connection.unregister("incoming")


def _read_people(connection: duckdb.DuckDBPyConnection, lake: CurrentRows, snapshot: Any) -> None:  # noqa: ANN401
    """Who is who: needed for every table that is about somebody. Records the source deleted still say whom."""
    for name in ("person", "identity_link"):
        sql = lake.current_sql(name, snapshot, columns=facts(name), include_deleted=name == "person")
        run(connection, f"CREATE TABLE raw_{name} AS ({sql})", doing=f"Reading {name}")
    run(connection, f"CREATE TABLE party AS {transform('session_party')}", doing="Standing of persons")


def _read(connection: duckdb.DuckDBPyConnection, lake: CurrentRows, snapshot: Any, table: SessionTable) -> None:  # noqa: ANN401
    """Make the raw relation of ``table``: a view, so that its rows are read when they are filtered and once."""
    if table.name in ("person", "identity_link", "consent_event"):
        return
    sql = lake.current_sql(table.name, snapshot, columns=facts(table.name))
    run(connection, f"CREATE VIEW raw_{table.name} AS ({sql})", doing=f"Reading {table.name}")


def _keep(connection: duckdb.DuckDBPyConnection, table: SessionTable, *, unknown_permitted: bool) -> None:
    """Stage the rows with their standing, count the excluded ones, keep the permitted ones."""
    name, staged = table.name, f"staged_{table.name}"
    kept, left_out = ("'kept', 'nobody'", "'excluded'") if unknown_permitted else ("'kept'", "'excluded', 'nobody'")
    run(connection, f"CREATE TABLE {staged} AS {transform(f'session_{name}')}", doing=f"Filtering {name}")
    run(
        connection,
        f'CREATE TABLE "{name}" AS SELECT * EXCLUDE (standing) FROM {staged} WHERE standing IN ({kept})',  # noqa: S608 - constants
        doing=f"Filtering {name}",
    )
    if table.at is not None:
        run(connection, _count_excluded(table, staged, left_out), doing=f"Counting what is excluded of {name}")
    if name == "ticket":  # a survey that names nobody asks its ticket
        subjects = transform("session_survey_subject")
        run(connection, f"CREATE VIEW survey_subject AS {subjects}", doing="Standing of persons and tickets")
    if name not in STAGED:
        run(connection, f"DROP TABLE {staged}", doing=f"Filtering {name}")


def _count_excluded(table: SessionTable, staged: str, left_out: str) -> str:
    channel = table.channel or "NULL"
    source = "NULL" if table.name == "consent_event" else "source"
    return f"""
        INSERT INTO excluded
        SELECT '{table.name}', CAST(timezone(time_zone, "{table.at}") AS DATE), {channel}, {source}, count(*)
        FROM {staged} CROSS JOIN clock
        WHERE standing IN ({left_out})
        GROUP BY ALL
    """  # noqa: S608 - every part is a constant of this module


def _forget(connection: duckdb.DuckDBPyConnection, tables: Collection[SessionTable]) -> None:
    """Drop everything unfiltered, so that nothing but the session's own tables exists."""
    views = [table.name for table in tables if table.name not in ("person", "identity_link", "consent_event")]
    for name in views:
        run(connection, f"DROP VIEW raw_{name}", doing="Closing the sources of a session")
    run(connection, "DROP VIEW IF EXISTS survey_subject", doing="Closing the sources of a session")
    for name in ("raw_person", "raw_identity_link", "raw_consent_event", "permitted_profile", "party"):
        run(connection, f"DROP TABLE {name}", doing="Closing the sources of a session")
    for name in STAGED & {table.name for table in tables}:
        run(connection, f"DROP TABLE staged_{name}", doing="Closing the sources of a session")
