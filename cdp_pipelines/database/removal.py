"""Taking what a source left in the stores away: keys nobody else needs, and every row that names it."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, delete, func, or_, select

from cdp_pipelines.database.rows import table_of
from cdp_pipelines.database.stores import Stores, writing
from cdp_pipelines.errors import StoreLockedError
from models.control import AuditEntry
from models.tables import STORES
from models.vault import Credential, SubjectAlias, SubjectKey

_ALIAS, _KEY, _CREDENTIAL = table_of(SubjectAlias), table_of(SubjectKey), table_of(Credential)
_KEPT = {AuditEntry.__tablename__}
"""The log of what was done says that the source was removed, too."""


def count_source(stores: Stores, source: str) -> dict[str, int]:
    """Rows there are about a source, by what they are; without those of the lake."""
    counts = {"credential": _count(stores.vault, select(func.count()).where(_CREDENTIAL.c.source == source))}
    counts["keys"] = _count(stores.vault, select(func.count()).where(_KEY.c.subject_id.in_(_own_subjects(source))))
    for name, table, engine in _tables(stores):
        counts[name] = _count(engine, select(func.count()).select_from(table).where(_names(table, source)))
    return counts


def remove_keys(vault: Engine, source: str) -> None:
    """Take away the references to records of a source, and the keys that no other source's records lead to."""
    with writing(vault) as connection:
        connection.execute(delete(_KEY).where(_KEY.c.subject_id.in_(_own_subjects(source))))
        connection.execute(delete(_ALIAS).where(_ALIAS.c.source == source))
    _leave_no_trace(vault, (_KEY, _ALIAS))


def remove_rows(stores: Stores, source: str) -> None:
    """Take away every row of the control and the profile store that names a source.

    The consent ledger, which refuses deletion otherwise, lets go of the source's decisions too: they are evidence
    about records that are gone.
    """
    for engine in (stores.control, stores.profile):
        tables = [table for _, table, of in _tables(stores) if of is engine]
        with writing(engine) as connection:
            for table in tables:
                _delete(connection, table, source)
        _leave_no_trace(engine, tables)


def _own_subjects(source: str) -> Select[Any]:
    """Ids of the subjects that records of no other source lead to."""
    others = select(_ALIAS.c.subject_id).where(_ALIAS.c.source != source)
    return select(_ALIAS.c.subject_id).where(_ALIAS.c.source == source, _ALIAS.c.subject_id.not_in(others))


def _tables(stores: Stores) -> Iterator[tuple[str, Table, Engine]]:
    """The tables that may name a source, with what their rows are called."""
    for store, engine in (("control", stores.control), ("profile", stores.profile)):
        for table in STORES[store].sorted_tables:
            if table.name not in _KEPT and _source_columns(table):
                yield f"{store}: {table.name}", table, engine


def _source_columns(table: Table) -> list[str]:
    names = [column.name for column in table.columns]
    return [name for name in names if name == "source" or name.endswith("_source")]


def _names(table: Table, source: str) -> ColumnElement[bool]:
    return or_(*(table.c[name] == source for name in _source_columns(table)))


def _count(engine: Engine, query: Select[Any]) -> int:
    with engine.connect() as connection:
        return int(connection.execute(query).scalar() or 0)


def _delete(connection: Connection, table: Table, source: str) -> None:
    """Delete the rows; a table that is append-only is let off for the length of the transaction."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"alter table {table.name} disable trigger user")
        connection.execute(delete(table).where(_names(table, source)))
        connection.exec_driver_sql(f"alter table {table.name} enable trigger user")
        return
    guards = connection.exec_driver_sql(
        "select name, sql from sqlite_master where type = 'trigger' and tbl_name = ?", (table.name,)
    ).all()
    for name, _ in guards:
        connection.exec_driver_sql(f"drop trigger {name}")
    connection.execute(delete(table).where(_names(table, source)))
    for _, statement in guards:
        connection.exec_driver_sql(statement)


def _leave_no_trace(engine: Engine, tables: "list[Table] | tuple[Table, ...]") -> None:
    """Overwrite what deleting leaves behind: SQLite's log, PostgreSQL's dead rows."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            is_held_up, *_ = connection.exec_driver_sql("pragma wal_checkpoint(truncate)").one()
            if is_held_up:
                raise StoreLockedError(
                    "Removing a source: another process still reads a store as it was before, so what was deleted is "
                    "still in the file. Wait until that process is done, then run the same command again."
                )
            return
        for table in tables:
            connection.exec_driver_sql(f"vacuum {table.name}")
