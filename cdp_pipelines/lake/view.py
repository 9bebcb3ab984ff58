"""The current rows of a table, as SQL for an engine and as an Arrow table for small reads.

Nothing else reads the files. Rows of the tail are newer than the base row of their key:
an append leaves out rows older than the current one, and compaction waits for appends.
"""
# ruff: noqa: S608 - the text is made of declared column names and our own file names, quoted

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cdp_pipelines.lake.columns import ORDER, LakeTable
from cdp_pipelines.lake.errors import LakeSchemaError
from cdp_pipelines.lake.files import Key, aligned, footer, metadata, newest
from cdp_pipelines.lake.snapshot import TableFiles

_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.bool_(): "BOOLEAN",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.timestamp("us", "UTC"): "TIMESTAMP WITH TIME ZONE",
}


def current_sql(
    folder: Path, table: LakeTable, files: TableFiles, *, columns: Sequence[str] | None, include_deleted: bool
) -> str:
    """A SELECT of the current rows; ``files`` are relative to ``folder``."""
    chosen = _chosen(table, columns)
    base = _rows(folder, table, files.base, [*chosen, *table.key, "deleted"])
    alive = "" if include_deleted else " AND NOT {0}.deleted"
    if not files.tail:
        return f"SELECT {_names(chosen, 'base')} FROM ({base}) AS base WHERE TRUE{alive.format('base')}"
    order = _rows(folder, table, files.tail, [*table.key, *ORDER])
    tail = _rows(folder, table, files.tail, [*chosen, *table.key, "commit_seq", "deleted"])
    key = _names(table.key)
    # Ranking keys alone keeps wide rows out of the window; they are then streamed past
    # the winners, which (key, commit_seq) names exactly.
    return f"""
WITH newest AS (
    SELECT {key}, commit_seq
    FROM (
        SELECT {key}, commit_seq, row_number() OVER (
            PARTITION BY {key} ORDER BY {", ".join(f"{name} DESC" for name in ORDER)}
        ) AS place
        FROM ({order}) AS tail
    ) AS ranked
    WHERE place = 1
)
SELECT {_names(chosen, "base")} FROM ({base}) AS base
WHERE NOT EXISTS (SELECT 1 FROM newest WHERE {_equal(table.key, "base")}){alive.format("base")}
UNION ALL
SELECT {_names(chosen, "tail")} FROM ({tail}) AS tail
JOIN newest ON {_equal([*table.key, "commit_seq"], "tail")}{alive.format("tail")}
""".strip()


def current(
    folder: Path, table: LakeTable, files: TableFiles, *, columns: Sequence[str] | None, include_deleted: bool
) -> pa.Table:
    """The current rows, sorted by key, held in memory whole."""
    chosen = _chosen(table, columns)
    wanted = dict.fromkeys([*chosen, *table.key, *ORDER, "deleted"])
    schema = pa.schema([table.stored.field(name) for name in wanted])
    parts = [_read(folder / name, schema) for name in files.files]
    rows = newest(pa.concat_tables([schema.empty_table(), *parts]), table.key, ORDER)
    if not include_deleted:
        rows = rows.filter(pc.invert(rows["deleted"]))
    return aligned(rows, pa.schema([table.schema.field(name) for name in chosen]))


def current_of(folder: Path, table: LakeTable, files: TableFiles, keys: Sequence[Key]) -> pa.Table:
    """The current rows of ``keys`` that are not tombstones, sorted by key; only row groups that may hold one are read.

    Args:
        folder: Where the files are.
        table: What they hold.
        files: What to read.
        keys: Values of the key columns, one tuple per row wanted.
    """
    wanted = sorted(keys)
    parts = [
        _among(_read(folder / name, table.stored, group), table.key, wanted)
        for name in files.files
        for group in footer(folder / name, table.key).groups_with(wanted)
    ]
    rows = newest(pa.concat_tables([table.stored.empty_table(), *parts]), table.key, ORDER)
    return aligned(rows.filter(pc.invert(rows["deleted"])), table.schema)


def _among(rows: pa.Table, key: tuple[str, ...], wanted: Sequence[Key]) -> pa.Table:
    joined = pc.binary_join_element_wise(*(rows[name] for name in key), "\0")
    return rows.filter(pc.is_in(joined, pa.array(["\0".join(values) for values in wanted], pa.string())))


def _read(path: Path, schema: pa.Schema, group: int | None = None) -> pa.Table:
    """The columns of ``schema`` of a file, or of one row group of it."""
    file = pq.ParquetFile(path, metadata=metadata(path))
    present = [name for name in schema.names if name in file.schema_arrow.names]
    read = file.read(columns=present) if group is None else file.read_row_group(group, columns=present)
    return aligned(read, schema)


def _chosen(table: LakeTable, columns: Sequence[str] | None) -> list[str]:
    chosen = list(table.schema.names if columns is None else columns)
    if unknown := sorted(set(chosen) - set(table.schema.names)):
        msg = (
            f"Reading lake table {table.name}: it has no columns {unknown}. "
            f"Ask for some of: {', '.join(table.schema.names)}."
        )
        raise LakeSchemaError(msg)
    return chosen


def _rows(folder: Path, table: LakeTable, files: Sequence[str], columns: Sequence[str]) -> str:
    """All rows of ``files``; columns that a file was written without are null."""
    wanted = list(dict.fromkeys(columns))
    return " UNION ALL ".join(_selects(folder, table, files, wanted)) or _nothing(table, wanted)


def _selects(folder: Path, table: LakeTable, files: Sequence[str], columns: list[str]) -> Iterator[str]:
    alike: dict[frozenset[str], list[str]] = {}
    for file in files:
        path = folder / file
        alike.setdefault(footer(path, table.key).names & set(columns), []).append(str(path))
    for present, paths in alike.items():
        items = ", ".join(_quoted(name) if name in present else _null(table, name) for name in columns)
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        yield f"SELECT {items} FROM read_parquet([{listed}], hive_partitioning = false)"


def _nothing(table: LakeTable, columns: list[str]) -> str:
    return f"SELECT {', '.join(_null(table, name) for name in columns)} WHERE FALSE"


def _null(table: LakeTable, name: str) -> str:
    return f"CAST(NULL AS {_sql_type(table.stored.field(name).type)}) AS {_quoted(name)}"


def _sql_type(kind: pa.DataType) -> str:
    return f"{_sql_type(kind.value_type)}[]" if pa.types.is_list(kind) else _SQL_TYPES[kind]


def _names(columns: Sequence[str], relation: str | None = None) -> str:
    prefix = f"{relation}." if relation else ""
    return ", ".join(prefix + _quoted(name) for name in columns)


def _equal(columns: Sequence[str], relation: str) -> str:
    return " AND ".join(f"newest.{_quoted(name)} = {relation}.{_quoted(name)}" for name in columns)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
