"""Folding the tail into the base, range of keys by range of keys, in bounded memory."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from cdp_pipelines.lake.columns import ORDER, LakeTable
from cdp_pipelines.lake.files import BASE, Key, aligned, footer, metadata, newest, write
from cdp_pipelines.lake.snapshot import TableFiles

# Uncompressed size of one file of the base; folding holds about five times that.
_FILE_BYTES = 16 * 2**20
# Every n-th key is looked at to choose the ranges.
_SAMPLE = 64

# When folding pays: rewriting the base costs in proportion to the base, a tail costs every
# reader a join over its rows and every reader and look-up a few milliseconds a file.
_MANY_FILES = 40
_MANY_ROWS = 50_000
_SHARE_OF_BASE = 0.25


def is_worthwhile(folder: Path, table: LakeTable, files: TableFiles) -> bool:
    """Whether the tail has become a burden to readers."""
    base, tail = (sum(footer(folder / name, table.key).rows for name in names) for names in (files.base, files.tail))
    return len(files.tail) >= _MANY_FILES or tail >= max(_MANY_ROWS, _SHARE_OF_BASE * base)


def fold(
    folder: Path, table: LakeTable, files: TableFiles, *, without: tuple[str, str] | None = None
) -> list[AddAction]:
    """Write a new base of the current rows of ``files`` and describe its files for the commit.

    Args:
        folder: Folder of the table.
        table: Its declaration.
        files: What is folded.
        without: Column and value of rows to leave out.
    """
    paths = [folder / name for name in files.files]
    cuts: list[Key | None] = [None, *_cuts(table, paths), None]
    added: list[AddAction] = []
    try:
        for least, beyond in pairwise(cuts):
            rows = newest(_range(table, paths, least, beyond), table.key, ORDER)
            if without is not None:
                rows = rows.filter(pc.fill_null(pc.not_equal(rows[without[0]], without[1]), fill_value=True))
            if len(rows):
                added.append(write(folder, BASE, table, rows))
            del rows
            # The allocator would keep every range's peak for the rest of a long sync.
            pa.default_memory_pool().release_unused()
    except BaseException:
        # A disk that is full now must not stay full of a base nobody will use.
        for action in added:
            (folder / action.path).unlink(missing_ok=True)
        raise
    return added


def _cuts(table: LakeTable, paths: list[Path]) -> list[Key]:
    """Keys at which one file of the base ends and the next begins."""
    known = [metadata(path) for path in paths]
    rows = sum(one.num_rows for one in known)
    size = sum(one.row_group(g).total_byte_size for one in known for g in range(one.num_row_groups))
    parts = size // _FILE_BYTES
    if not parts:
        return []
    sample = sorted(key for path in paths for key in _sampled(table, path))
    step = max(1, rows // _SAMPLE // (parts + 1))
    return sorted(set(sample[step::step]))


def _sampled(table: LakeTable, path: Path) -> list[Key]:
    keys = pq.ParquetFile(path).read(columns=list(table.key))
    every = keys.take(pa.array(range(0, len(keys), _SAMPLE)))
    return list(zip(*(every[name].to_pylist() for name in table.key), strict=True))


def _range(table: LakeTable, paths: list[Path], least: Key | None, beyond: Key | None) -> pa.Table:
    """Rows with ``least`` <= key < ``beyond``."""
    parts = [part for path in paths for part in _parts(table, path, least, beyond)]
    return pa.concat_tables([table.stored.empty_table(), *parts])


def _parts(table: LakeTable, path: Path, least: Key | None, beyond: Key | None) -> Iterator[pa.Table]:
    known = footer(path, table.key)
    with pq.ParquetFile(path, metadata=metadata(path)) as file:
        for group, span in enumerate(known.ranges):
            if span is not None and ((least and span[1] < least) or (beyond and span[0] >= beyond)):
                continue
            rows = aligned(file.read_row_group(group, use_threads=False), table.stored)
            if least:
                rows = rows.filter(_at_least(rows, table.key, least))
            if beyond:
                rows = rows.filter(pc.invert(_at_least(rows, table.key, beyond)))
            yield rows


def _at_least(rows: pa.Table, key: tuple[str, ...], bound: Key) -> pa.ChunkedArray:
    """Which rows have a key that is not less than ``bound``, compared column by column."""
    column, value = rows[key[0]], bound[0]
    if len(key) == 1:
        return pc.greater_equal(column, value)
    rest = pc.and_(pc.equal(column, value), _at_least(rows, key[1:], bound[1:]))
    return pc.or_(pc.greater(column, value), rest)
