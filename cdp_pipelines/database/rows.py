"""Rows in and out: statements the two databases spell differently, and bulk writes and reads.

The bulk functions go past SQLAlchemy's per-row processing, which costs more than the database itself. They
therefore do by column what its types do by value.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, Select, Table
from sqlmodel import SQLModel

UTC_TIME = pa.timestamp("us", tz="UTC")
BATCH_ROWS = 20_000


def table_of(model: type[SQLModel]) -> Table:
    """The table behind a class."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


def upsert(
    engine: Engine | Connection, model: type[SQLModel], *, replace: Collection[str], count: str | None = None
) -> sa.Insert:
    """An insert that replaces the columns ``replace`` of a row whose key exists, and adds to the column ``count``."""
    table = table_of(model)
    insert = _dialect(engine).insert(table)
    changes = {column: insert.excluded[column] for column in replace}
    if count is not None:
        changes[count] = table.c[count] + insert.excluded[count]
    statement: sa.Insert = insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes)
    return statement


def _dialect(engine: Engine | Connection) -> Any:  # noqa: ANN401 - two modules of the same form
    if engine.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite
    from sqlalchemy.dialects import postgresql  # its drivers take long to load, and most installations have files

    return postgresql


def insert_new_values(
    connection: Connection, table: str, columns: Sequence[str], values: Sequence[tuple[Any, ...]]
) -> int:
    """Insert values the driver takes as they are; a row whose key exists is left as it is."""
    if not values:
        return 0
    statement = _insert(connection, table, columns) + " on conflict do nothing"
    return connection.exec_driver_sql(statement, list(values)).rowcount


def upsert_values(
    connection: Connection, table: str, key: Sequence[str], columns: Sequence[str], values: Sequence[tuple[Any, ...]]
) -> None:
    """Insert values the driver takes as they are, or change the ``columns`` of the row that has their ``key``."""
    changes = ", ".join(f'"{column}" = excluded."{column}"' for column in columns)
    statement = (
        _insert(connection, table, (*key, *columns)) + f" on conflict ({', '.join(key)}) do update set {changes}"
    )
    connection.exec_driver_sql(statement, list(values))


def wanted_ids(connection: Connection, ids: Sequence[str]) -> tuple[str, Any]:
    """Many ids in one argument: a from-item called ``wanted`` with the column ``value``, and the argument for its mark.

    SQLite must be told to begin with it (``cross join``), or it scans the whole table for a short list.
    """
    if connection.dialect.name == "sqlite":
        return "json_each(?) as wanted cross join", orjson.dumps(ids).decode()
    return "unnest(%s::text[]) as wanted (value) inner join", list(ids)


def driver_rows(connection: Connection, statement: str, arguments: tuple[Any, ...]) -> Sequence[Any]:
    """The driver's own tuples: SQLAlchemy's rows cost as much again as the query. Marks are ``?`` in ``statement``."""
    text = statement if connection.dialect.name == "sqlite" else statement.replace("?", "%s")
    result = connection.exec_driver_sql(text, arguments)
    rows: Sequence[Any] = result.cursor.fetchall()
    result.close()
    return rows


def _insert(connection: Connection, table: str, columns: Sequence[str]) -> str:
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    names, marks = ", ".join(f'"{column}"' for column in columns), ", ".join(mark for _ in columns)
    return f"insert into {table} ({names}) values ({marks})"  # noqa: S608 - our own names


def _python_type(kind: Any) -> type:  # noqa: ANN401 - any SQLAlchemy type
    implementation: Any = kind.impl if isinstance(kind, sa.TypeDecorator) else kind
    found: type = implementation.python_type
    return found


_ARROW: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
    dt.datetime: UTC_TIME,
    dt.date: pa.date32(),
    object: pa.string(),
}
"""Python type of a column to its Arrow type; JSON stays text."""


def arrow_schema(columns: Iterable[sa.ColumnElement[Any]]) -> pa.Schema:
    """The Arrow schema of a query's columns."""
    return pa.schema([(str(column.key), _ARROW[_python_type(column.type)]) for column in columns])


def read_table(connection: Connection, query: Select[Any]) -> pa.Table:
    """All rows of ``query`` as Arrow, with times in UTC."""
    schema = arrow_schema(query.selected_columns)
    compiled = query.compile(connection, compile_kwargs={"render_postcompile": True})
    rows = connection.exec_driver_sql(str(compiled), compiled.params or ()).cursor.fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([_read(list(column), field.type) for column, field in zip(columns, schema, strict=True)], schema)


def _read(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Values as a driver gives them, as Arrow: SQLite has no times, dates and booleans of its own."""
    sample = next((value for value in values if value is not None), None)
    if isinstance(sample, str) and pa.types.is_timestamp(kind):
        return pc.assume_timezone(pa.array(values, pa.string()).cast(pa.timestamp("us")), "UTC")
    if isinstance(sample, str) and pa.types.is_date(kind):
        return pa.array(values, pa.string()).cast(kind)
    if type(sample) is int and pa.types.is_boolean(kind):
        return pa.array(values, pa.int64()).cast(kind)
    if isinstance(sample, dict | list):
        return pa.array([orjson.dumps(value).decode() for value in values], kind)
    return pa.array(values, kind)


def insert_table(
    connection: Connection,
    model: type[SQLModel],
    data: pa.Table | Sequence[Mapping[str, Any]],
    *,
    known_stay: bool = False,
) -> int:
    """Insert many rows, given by column or by row; a column that is missing is null.

    Args:
        connection: Where to; the caller's transaction.
        model: The table.
        data: The rows.
        known_stay: Leave a row whose key exists as it is, instead of failing.

    Returns:
        Number of rows inserted.
    """
    rows = data if isinstance(data, pa.Table) else _as_table(model, data)
    _refuse_unknown(model, rows.column_names)
    is_sqlite = connection.dialect.name == "sqlite"
    statement = _insert(connection, table_of(model).name, rows.column_names)
    statement += " on conflict do nothing" if known_stay else ""
    inserted = 0
    for start in range(0, len(rows), BATCH_ROWS):  # a million rows as Python objects would take a gigabyte
        part = rows.slice(start, BATCH_ROWS)
        columns = [_driver_values(part[name], is_sqlite=is_sqlite) for name in part.column_names]
        inserted += connection.exec_driver_sql(statement, list(zip(*columns, strict=True))).rowcount
    return inserted


def _as_table(model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    _refuse_unknown(model, {name for row in rows for name in row})
    schema = arrow_schema(table_of(model).columns)
    as_json = {column.name for column in table_of(model).columns if isinstance(column.type, sa.JSON)}
    return pa.Table.from_pylist(
        [{name: orjson.dumps(row[name]).decode() if name in as_json else row[name] for name in row} for row in rows],
        schema,
    )


def _refuse_unknown(model: type[SQLModel], names: Iterable[str]) -> None:
    unknown = set(names).difference(column.name for column in table_of(model).columns)
    if unknown:
        raise KeyError(f"{table_of(model).name} has no columns {', '.join(sorted(unknown))}.")


def _driver_values(column: pa.ChunkedArray, *, is_sqlite: bool) -> list[Any]:
    """Values the driver takes: SQLite keeps times and dates as the text SQLAlchemy reads back; PostgreSQL no NUL."""
    kind = column.type
    if is_sqlite and pa.types.is_timestamp(kind):
        column = pc.local_timestamp(column.cast(UTC_TIME)).cast(pa.string())
    elif is_sqlite and pa.types.is_date(kind):
        column = column.cast(pa.string())
    elif not is_sqlite and pa.types.is_string(kind):
        column = pc.replace_substring(column, pattern="\0", replacement="\ufffd")
    values: list[Any] = column.to_pylist()
    return [orjson.dumps(value).decode() for value in values] if pa.types.is_list(kind) else values
