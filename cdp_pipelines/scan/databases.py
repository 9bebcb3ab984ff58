"""Decoding SQLite files: every value of every table, with what still waits in the WAL.

The database is read from a copy in memory, so the scanner takes no lock, runs no
checkpoint and leaves no file behind. Deleted rows, free pages and journals are seen by
the search of the raw bytes.
"""

import sqlite3
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from cdp_pipelines.scan.tables import shown_name

MAGIC = b"SQLite format 3\0"
_BATCH_ROWS = 10_000
_WAL_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24


def sqlite_pieces(content: bytes, wal: bytes) -> Iterator[tuple[str, bytes]]:
    """Pairs of place and values, one a line, for a database and its write-ahead log.

    Raises:
        sqlite3.Error: The file is damaged, or a table needs a module that is not here.
    """
    image = bytearray(content)
    _apply(wal, image)
    image[18:20] = b"\1\1"  # a database in memory cannot be in WAL mode
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(image)
        database.text_factory = bytes
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in tables.fetchall():
            yield from _table_pieces(database, name.decode())


def _table_pieces(database: sqlite3.Connection, table: str) -> Iterator[tuple[str, bytes]]:
    quoted = table.replace('"', '""')
    rows = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - the name is quoted
    names = [shown_name(column[0]) for column in rows.description]
    while batch := rows.fetchmany(_BATCH_ROWS):
        for name, values in zip(names, zip(*batch, strict=True), strict=True):
            yield f"sqlite value {shown_name(table)}.{name}", _joined(values)


def _joined(values: Iterable[Any]) -> bytes:
    present = list(filter(None, values))
    kinds = set(map(type, present))
    if kinds == {bytes}:
        return b"\n".join(present)
    if bytes not in kinds:
        return "\n".join(map(str, present)).encode()
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in present)


def _apply(wal: bytes, image: bytearray) -> None:
    """Write the committed pages of ``wal`` into ``image``, as a checkpoint would."""
    if len(wal) < _WAL_HEADER_BYTES:
        return
    size, salt = struct.unpack(">I", wal[8:12])[0], wal[16:24]
    waiting: list[tuple[int, int]] = []
    step = _FRAME_HEADER_BYTES + size
    for start in range(_WAL_HEADER_BYTES, len(wal) - step + 1, step):
        page, pages_after_commit = struct.unpack(">II", wal[start : start + 8])
        if wal[start + 8 : start + 16] != salt:  # left from before the last restart of the log
            return
        waiting.append((page, start + _FRAME_HEADER_BYTES))
        if pages_after_commit:
            image.extend(bytes(max(0, pages_after_commit * size - len(image))))
            del image[pages_after_commit * size :]
            for number, at in waiting:
                image[(number - 1) * size : number * size] = wal[at : at + size]
            waiting.clear()
