"""Which files a run reads, frozen when it starts, and how maintenance learns that it still does.

A snapshot names files, not only versions: it stays readable when the Delta log that led to
it has been cleaned up. A pin is a small file that its holder keeps locked, so a pin left by
a killed process is recognised by its lock being free.
"""

import fcntl
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cdp_pipelines.lake import disk, locks
from cdp_pipelines.lake.errors import LakeSnapshotError

PINS = ".pins"
LOCKS = ".locks"
_PIN_LOCK = "pins"


@dataclass(frozen=True)
class TableFiles:
    """One table at one moment.

    Attributes:
        version: Delta version, -1 while the table does not exist.
        base: Files of the base, relative to the folder of the table.
        tail: Files of the tail.
    """

    version: int = -1
    base: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """All files."""
        return (*self.base, *self.tail)


@dataclass(frozen=True)
class Snapshot:
    """The tables a run reads, by name."""

    tables: Mapping[str, TableFiles] = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, int]:
        """Delta version of each table, to be shown and recorded."""
        return {name: files.version for name, files in self.tables.items()}

    def merged(self, newer: "Snapshot") -> "Snapshot":
        """This snapshot with the tables of ``newer`` in place of its own."""
        return Snapshot({**self.tables, **newer.tables})

    def to_json(self) -> str:
        """The snapshot as text that ``from_json`` reads."""
        return json.dumps({name: [files.version, files.base, files.tail] for name, files in self.tables.items()})

    @staticmethod
    def from_json(text: str) -> "Snapshot":
        """The snapshot that ``to_json`` wrote."""
        tables = json.loads(text).items()
        return Snapshot({name: TableFiles(version, tuple(base), tuple(tail)) for name, (version, base, tail) in tables})


@contextmanager
def pinned(root: Path, snapshot: Snapshot, *, timeout_seconds: float) -> Iterator[None]:
    """Keep maintenance, in any process, from removing files of ``snapshot``.

    Raises:
        LakeSnapshotError: Files of the snapshot are gone already.
        LakeWriteError: The pin cannot be written.
    """
    path = root / PINS / f"{uuid.uuid4().hex}.json"
    shared = locks.shared(root / LOCKS, _PIN_LOCK, timeout_seconds=timeout_seconds)
    with disk.refusals("Pinning a snapshot of the lake"), shared:
        descriptor = _register(path, snapshot)
    try:
        _require(root, snapshot)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def held_pins(root: Path, *, timeout_seconds: float) -> Iterator[list[Snapshot]]:
    """The snapshots pinned by living processes; none can be added until the block ends."""
    with locks.exclusive(root / LOCKS, _PIN_LOCK, timeout_seconds=timeout_seconds):
        yield [snapshot for path in (root / PINS).glob("*.json") if (snapshot := _held(path)) is not None]


def names(snapshots: Iterable[Snapshot], table: str) -> set[str]:
    """Files of ``table`` that any of ``snapshots`` reads."""
    return {file for snapshot in snapshots for file in snapshot.tables.get(table, TableFiles()).files}


def _register(path: Path, snapshot: Snapshot) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with open(descriptor, "w", closefd=False) as file:
            file.write(snapshot.to_json())
    except BaseException:  # a pin cut short would stop maintenance, and with it whoever makes room
        path.unlink(missing_ok=True)
        os.close(descriptor)
        raise
    return descriptor


def _held(path: Path) -> Snapshot | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if locks.try_lock(descriptor, fcntl.LOCK_EX):
            path.unlink(missing_ok=True)
            return None
        return Snapshot.from_json(path.read_text())
    except FileNotFoundError:
        return None
    finally:
        os.close(descriptor)


def _require(root: Path, snapshot: Snapshot) -> None:
    for name, files in snapshot.tables.items():
        gone = sum(not (root / name / file).exists() for file in files.files)
        if gone:
            msg = (
                f"Pinning the snapshot of lake table {name} at version {files.version}: {gone} of "
                f"{len(files.files)} files are gone, because maintenance removed them after the time it keeps. "
                f"Start the run again: it takes a new snapshot."
            )
            raise LakeSnapshotError(msg)
