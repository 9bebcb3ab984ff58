"""What a file holds: its raw bytes first, then everything that can be decoded from them."""

import sqlite3
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from cdp_pipelines.scan.databases import MAGIC as SQLITE_MAGIC
from cdp_pipelines.scan.databases import sqlite_pieces
from cdp_pipelines.scan.streams import unpacked
from cdp_pipelines.scan.tables import parquet_pieces

# An archive of Parquet files with compressed cells that hold base64.
_MAX_DEPTH = 4
_PART_BYTES = 1 << 25
# No pattern is longer.
_OVERLAP_BYTES = 1 << 12
_PARQUET_MAGIC = b"PAR1"
_PARQUET_ENCRYPTED_MAGIC = b"PARE"
_DAMAGES = (
    pa.ArrowException,
    sqlite3.Error,
    tarfile.TarError,
    OSError,
    ValueError,
    NotImplementedError,
)
_SUFFIX_PLACES = {
    "-wal": "sqlite wal",
    "-journal": "sqlite journal",
    ".parquet": "parquet file",
}


@dataclass(frozen=True)
class Piece:
    """Decoded content of one place, or the problem that kept it from being decoded."""

    place: str
    content: bytes
    problem: str | None = None


def file_pieces(path: Path) -> Iterator[Piece]:
    """Everything readable in one file, raw bytes first."""
    wal = path.with_name(f"{path.name}-wal")
    for content in _parts(path):
        log = _log(wal) if content.startswith(SQLITE_MAGIC) else b""
        yield from _pieces(content, _raw_place(path, content), wal=log, depth=0)


def _log(wal: Path) -> bytes:
    """What waits in a write-ahead log; nothing where the last one to use the database has just folded it in."""
    try:
        return wal.read_bytes()
    except FileNotFoundError:
        return b""


def _parts(path: Path) -> Iterator[bytes]:
    """A file whole, or a long text in parts that end with a line and begin with the end of the last."""
    with path.open("rb") as file:
        part = file.read(_PART_BYTES)
        part += file.read() if b"\0" in part else file.readline()
        yield part
        while further := file.read(_PART_BYTES):
            part = part[-_OVERLAP_BYTES:] + further + file.readline()
            yield part


def _raw_place(path: Path, content: bytes) -> str:
    if content.startswith(SQLITE_MAGIC):
        return "sqlite page"
    if path.parent.name == "_delta_log" and path.suffix == ".json":
        return "delta log"
    for suffix, place in _SUFFIX_PLACES.items():
        if path.name.endswith(suffix):
            return place
    return "raw"


def _pieces(content: bytes, place: str, *, wal: bytes, depth: int) -> Iterator[Piece]:
    yield Piece(place, content)
    if depth == _MAX_DEPTH:
        return
    try:
        for inner, text in _decoded(content, place, wal=wal, depth=depth):
            yield from _pieces(text, inner, wal=b"", depth=depth + 1)
    except _DAMAGES as damage:
        # Messages of Arrow and SQLite quote values: only the class is told.
        yield Piece(place, b"", problem=type(damage).__name__)


def _decoded(content: bytes, place: str, *, wal: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    outer = f"{place} > " if depth else ""
    if content.startswith((_PARQUET_MAGIC, _PARQUET_ENCRYPTED_MAGIC)):
        # Its pages are compressed streams too, and are read as columns instead.
        yield from ((outer + inner, text) for inner, text in parquet_pieces(content))
        return
    yield from ((f"{place} > {inner}", text) for inner, text in unpacked(content))
    if content.startswith(SQLITE_MAGIC):
        yield from ((outer + inner, text) for inner, text in sqlite_pieces(content, wal))
