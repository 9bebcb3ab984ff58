"""Parquet files of a table: written once, never changed, so what is known of one can be kept."""

import json
import os
import time
import uuid
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from cdp_pipelines.lake.columns import LakeTable
from cdp_pipelines.lake.errors import LakeDamagedError

BASE, TAIL = "base", "tail"

# A batch of 10,000 rows makes two groups; compaction reads a tail by groups and a base by
# files, so these two numbers bound what it holds in memory.
_GROUP_ROWS = {BASE: 32_768, TAIL: 5_000}

Key = tuple[str, ...]


@dataclass(frozen=True)
class Footer:
    """What the footer of one file says.

    Attributes:
        rows: Number of rows of the file.
        names: The columns of the file.
        ranges: Least and greatest key of each row group, or None where the footer has none
            (a key longer than a footer holds).
    """

    rows: int
    names: frozenset[str]
    ranges: tuple[tuple[Key, Key] | None, ...]

    def groups_with(self, keys: list[Key]) -> list[int]:
        """Row groups that may hold one of ``keys``, which are sorted."""
        return [group for group, span in enumerate(self.ranges) if span is None or _any_within(keys, span)]


@lru_cache(maxsize=1024)
def footer(path: Path, key: tuple[str, ...]) -> Footer:
    """The footer of the file ``path``."""
    known = metadata(path)
    names = frozenset(known.schema.to_arrow_schema().names)
    groups = range(known.num_row_groups)
    return Footer(known.num_rows, names, tuple(_key_range(known.row_group(group), key) for group in groups))


@lru_cache(maxsize=8)  # each takes up to half a megabyte, and a long sync writes hundreds of files
def metadata(path: Path) -> pq.FileMetaData:
    """What pyarrow reads from the footer of the file ``path``: enough to open it without reading it again.

    Raises:
        LakeDamagedError: The file is not there, or has no footer.
    """
    try:
        return pq.read_metadata(path)
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        saw = "gone" if isinstance(error, FileNotFoundError) else "damaged"
        msg = (
            f"Reading the lake: {path} is {saw}, so its rows cannot be read. Nothing was changed. Run this again; if "
            "it stays so, put the file back from a backup of the lake. Nothing else may remove or change files there."
        )
        raise LakeDamagedError(msg) from error


def write(folder: Path, layer: str, table: LakeTable, rows: pa.Table) -> AddAction:
    """Write ``rows`` (columns ``table.stored``, sorted by key) as one file and describe it for the commit."""
    name = f"layer={layer}/{uuid.uuid4().hex}.parquet"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_parquet(path, layer, table, rows)
        sync_to_disk(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return AddAction(
        path=name,
        size=path.stat().st_size,
        partition_values={"layer": layer},
        modification_time=time.time_ns() // 1_000_000,
        data_change=True,
        stats=_statistics(table, rows),
    )


def sync_to_disk(path: Path) -> None:
    """Wait until a file or the entries of a folder would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def aligned(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """``rows`` with the columns of ``schema``; a column the file does not have is null."""
    columns = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def newest(rows: pa.Table, key: tuple[str, ...], order: tuple[str, ...]) -> pa.Table:
    """The row of each key that is greatest by ``order``, sorted by key."""
    ranked = [*((name, "ascending") for name in key), *((name, "descending") for name in order)]
    rows = rows.take(pc.sort_indices(rows, sort_keys=ranked))
    if not len(rows):
        return rows
    keys = [rows[name].combine_chunks() for name in key]
    differs = [pc.not_equal(column[1:], column[:-1]) for column in keys]
    changed = differs[0]
    for other in differs[1:]:
        changed = pc.or_(changed, other)
    return rows.filter(pa.concat_arrays([pa.array([True]), changed]))


def _write_parquet(path: Path, layer: str, table: LakeTable, rows: pa.Table) -> None:
    strings = [field.name for field in rows.schema if pa.types.is_string(field.type) and field.name not in table.key]
    pq.write_table(
        rows,
        path,
        compression="zstd",
        compression_level=1,
        row_group_size=_GROUP_ROWS[layer],
        # A dictionary helps words that repeat; ciphertext, tokens and hashes never do.
        use_dictionary=["source", *strings],
        write_statistics=list(table.statistics),
        store_schema=False,
    )


def _statistics(table: LakeTable, rows: pa.Table) -> str:
    spans = {name: pc.min_max(rows[name]).as_py() for name in table.statistics}
    known = {name: span for name, span in spans.items() if span["min"] is not None}
    return json.dumps(
        {
            "numRecords": len(rows),
            "minValues": {name: _log_value(span["min"]) for name, span in known.items()},
            "maxValues": {name: _log_value(span["max"]) for name, span in known.items()},
            "nullCount": {name: rows[name].null_count for name in table.statistics},
        }
    )


def _log_value(value: object) -> object:
    return value if isinstance(value, str | int) else f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"


def _key_range(group: pq.RowGroupMetaData, key: tuple[str, ...]) -> tuple[Key, Key] | None:
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    found = [columns[name].statistics for name in key]
    if any(statistics is None or not statistics.has_min_max for statistics in found):
        return None
    return tuple(s.min for s in found), tuple(s.max for s in found)


def _any_within(keys: list[Key], span: tuple[Key, Key]) -> bool:
    least, greatest = span
    position = bisect_left(keys, least)
    return position < len(keys) and keys[position] <= greatest
