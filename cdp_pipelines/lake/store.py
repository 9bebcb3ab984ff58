"""The lake: every write is an append, the newest row of a key is the current one.

Layout and reasons: docs/lake.md.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable

from cdp_pipelines.barriers import reach
from cdp_pipelines.lake import compaction, delta, disk, files, locks, lookup, maintenance, purging, snapshot, view
from cdp_pipelines.lake.columns import LOOKUP_COLUMNS, LakeTable
from cdp_pipelines.lake.errors import LakeFormatError, LakeLockedError, LakeSchemaError
from cdp_pipelines.lake.maintenance import MaintenanceReport
from cdp_pipelines.lake.snapshot import Snapshot, TableFiles

FORMAT = 1
"""Version of the layout on disk; docs/lake.md describes it."""

_MARKER = "format.json"
_CREATION_LOCK = "lake"


@dataclass(frozen=True)
class Appended:
    """What an append did.

    Attributes:
        rows: Rows written, tombstones included.
        skipped: Rows not written: equal to the current row, older than it, or followed by a newer row
            of the same key in the same call.
        tombstones: Rows written that say the record is gone.
        version: Delta version that readers need to see the rows.
    """

    rows: int
    skipped: int
    tombstones: int
    version: int


class Lake:
    """The tables below one folder.

    Safe for many threads and processes of one machine. An object holds no open file between calls.
    """

    def __init__(self, root: str | Path, tables: Iterable[LakeTable], *, lock_timeout_seconds: float = 600) -> None:
        """Use the lake in ``root``, which is made by the first append.

        Args:
            root: Local folder.
            tables: Every table there is.
            lock_timeout_seconds: How long to wait for a table that another process holds.

        Raises:
            LakeFormatError: Another version of the program wrote the folder, or it is not a local folder.
        """
        if "://" in str(root):
            msg = (
                "Opening the lake: the path is an address of an object store, where file locks do not work, so "
                "compaction could destroy what another process writes. Give a local folder."
            )
            raise LakeFormatError(msg)
        self.root = Path(root).absolute()
        self.tables = {table.name: table for table in tables}
        self._timeout = lock_timeout_seconds
        self._check_format()

    def append(self, table: str, rows: pa.Table) -> Appended:
        """Write those of ``rows`` that are news.

        Args:
            table: Name of the table.
            rows: The columns of the table without ``commit_seq``, in any order.

        Raises:
            LakeSchemaError: Columns or types differ, or a required value is null.
            LakeWriteError: The disk is full or read-only; no row was added.
            LakeLockedError: Compaction or maintenance holds the table.
        """
        declared = self._declared(table)
        _check_rows(declared, rows)
        if declared.check is not None:
            declared.check(rows)
        with disk.refusals(f"Appending to lake table {table}"):
            opened = self._prepared(declared)
            with self._shared(table):
                reach("append_before")
                opened.update_incremental()
                return self._append(declared, rows, opened)

    def snapshot(self, tables: Sequence[str] | None = None) -> Snapshot:
        """The present files of ``tables`` (all, if not given), for a run to read."""
        names = [self._declared(name).name for name in (self.tables if tables is None else tables)]
        return Snapshot({name: self._present(name) for name in names})

    def pinned(self, pinned: Snapshot) -> AbstractContextManager[None]:
        """Keep the files of a snapshot while the block runs, whatever maintenance does elsewhere.

        Raises:
            LakeSnapshotError: Some are gone already.
        """
        self._make_folder()
        return snapshot.pinned(self.root, pinned, timeout_seconds=self._timeout)

    def current_sql(
        self,
        table: str,
        snapshot: Snapshot,
        *,
        columns: Sequence[str] | None = None,
        include_deleted: bool = False,
    ) -> str:
        """A SELECT of the current rows of ``table`` for DuckDB.

        A table that is missing or empty gives no rows of the right types. Binary of fixed width comes as BLOB.

        Args:
            table: Name of the table.
            snapshot: What to read; pin it as long as the statement may run.
            columns: Columns in the order wanted; all, if not given.
            include_deleted: Whether tombstones are rows too.
        """
        declared, frozen = self._declared(table), snapshot.tables.get(table, TableFiles())
        folder = self.root / table
        return view.current_sql(folder, declared, frozen, columns=columns, include_deleted=include_deleted)

    def current(
        self,
        table: str,
        snapshot: Snapshot | None = None,
        columns: Sequence[str] | None = None,
        *,
        include_deleted: bool = False,
    ) -> pa.Table:
        """The current rows of ``table``, sorted by key, in memory: for small reads."""
        declared = self._declared(table)
        frozen = snapshot or self.snapshot([table])
        wanted = frozen.tables.get(table, TableFiles())
        return view.current(self.root / table, declared, wanted, columns=columns, include_deleted=include_deleted)

    def current_of(self, table: str, keys: Sequence[tuple[str, ...]]) -> pa.Table:
        """The current rows of the records with these keys, without tombstones: a few out of many, in little memory."""
        declared = self._declared(table)
        return view.current_of(self.root / table, declared, self._present(table), keys)

    def needs_compaction(self, table: str) -> bool:
        """Whether the tail of ``table`` has become a burden to readers."""
        return compaction.is_worthwhile(self.root / table, self._declared(table), self._present(table))

    def compact(self, table: str) -> None:
        """Fold the tail of ``table`` into its base, in one commit. Appends wait; readers do not.

        Raises:
            LakeWriteError: The disk is full or read-only; the table is as before.
            LakeLockedError: Another process holds the table.
        """
        declared = self._declared(table)
        if not self._present(table).tail:
            return
        with disk.refusals(f"Compacting lake table {table}"):
            opened = self._prepared(declared)
            with self._exclusive(table):
                opened.update_incremental()
                present = delta.table_files(opened)
                added = compaction.fold(self.root / table, declared, present)
                reach("compaction_before")
                delta.commit(opened, self.root / table, declared, added, present.files)
                reach("compaction_after")

    def purge(self, table: str, *, column: str, value: str) -> int:
        """Take the rows with ``value`` in ``column`` out of ``table`` and out of everything that remembers it.

        Old versions of the whole table go with them. Repeating it after a crash ends what was begun.

        Returns:
            Rows that were found, older versions of a row counted too.

        Raises:
            LakeLockedError: Another process holds the table, or reads a snapshot of it.
            LakeWriteError: The disk is full or read-only.
        """
        folder, declared = self.root / table, self._declared(table)
        found = purging.count(folder, column, value)
        if not found:
            return 0
        self._prepared(declared)
        held = snapshot.held_pins(self.root, timeout_seconds=self._timeout)
        with disk.refusals(f"Purging lake table {table}"), self._exclusive(table), held as others:
            if snapshot.names(others, table):
                msg = (
                    f"Purging lake table {table}: a running refresh reads it, so nothing was done. "
                    "Wait until it has ended, then run this again."
                )
                raise LakeLockedError(msg)
            purging.purge(folder, declared, column, value)
        return found

    def maintain(self, *, keep: timedelta, pinned: Iterable[Snapshot] = ()) -> MaintenanceReport:
        """Compact where it pays, then remove files that nobody needs. Nothing else removes files.

        Kept are the files of every version that was current within ``keep``, of ``pinned``, and of snapshots
        that living processes have pinned. Files of writes that never came to a commit go.

        Args:
            keep: At most 30 days, the time the log remembers.
            pinned: Snapshots to keep besides those held by ``Lake.pinned``.

        Raises:
            ValueError: ``keep`` is longer than the log remembers.
            LakeLockedError: Another process holds a table.
        """
        if keep > timedelta(days=delta.LOG_DAYS):
            msg = f"Maintaining the lake: keep is {keep}, but the log remembers {delta.LOG_DAYS} days. Give less."
            raise ValueError(msg)
        since = datetime.now(UTC) - keep
        wanted, report = list(pinned), MaintenanceReport()
        reach("maintenance_before")
        for name in self.tables:
            if self.needs_compaction(name):
                self.compact(name)
                report = report.plus(compacted=(name,))
            report = report.plus(*self._remove_unneeded(name, since, wanted))
        reach("maintenance_after")
        return report

    def _append(self, table: LakeTable, rows: pa.Table, opened: DeltaTable) -> Appended:
        present = delta.table_files(opened)
        fresh = _completed(table, rows, present.version)
        paths = [self.root / table.name / name for name in present.files]
        fresh = fresh.filter(pa.array(lookup.to_write(fresh, paths, table.key)))
        version = present.version
        if len(fresh):
            added = files.write(self.root / table.name, files.TAIL, table, fresh)
            reach("append_written")
            version = delta.commit(opened, self.root / table.name, table, [added])
        reach("append_after")
        tombstones = int(np.count_nonzero(fresh["deleted"].to_numpy()))
        return Appended(len(fresh), len(rows) - len(fresh), tombstones, version)

    def _remove_unneeded(self, name: str, since: datetime, wanted: list[Snapshot]) -> tuple[int, int]:
        folder = self.root / name
        if not folder.is_dir():
            return 0, 0
        held = snapshot.held_pins(self.root, timeout_seconds=self._timeout)
        with disk.refusals(f"Maintaining lake table {name}"), self._exclusive(name), held as others:
            return maintenance.remove_unneeded(folder, since, keep=snapshot.names([*wanted, *others], name))

    def _declared(self, name: str) -> LakeTable:
        if name not in self.tables:
            msg = f"Looking for lake table {name!r}: there is none. Known tables: {', '.join(sorted(self.tables))}."
            raise LakeSchemaError(msg)
        return self.tables[name]

    def _present(self, name: str) -> TableFiles:
        opened = delta.open_table(self.root / name)
        return TableFiles() if opened is None else delta.table_files(opened)

    def _prepared(self, table: LakeTable) -> DeltaTable:
        """The table on disk, made to be what the declaration says: alone, if there is anything to do."""
        folder = self.root / table.name
        opened = delta.open_table(folder)
        if opened is not None and not delta.new_columns(opened, table):
            return opened
        self._mark()
        with self._exclusive(table.name):
            opened = delta.open_table(folder) or delta.create(folder, table)
            if missing := delta.new_columns(opened, table):
                delta.add_columns(opened, table, missing)
            return opened

    def _make_folder(self) -> None:
        """The folder is this user's alone: facts about people lie in it beside the ciphertexts."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _mark(self) -> None:
        self._make_folder()
        with locks.exclusive(self.root / snapshot.LOCKS, _CREATION_LOCK, timeout_seconds=self._timeout):
            if not (self.root / _MARKER).exists():
                fresh = self.root / f"{_MARKER}.new"
                fresh.write_text(json.dumps({"format": FORMAT}))
                fresh.replace(self.root / _MARKER)

    def _check_format(self) -> None:
        marker = self.root / _MARKER
        found = _marked_format(marker) if marker.exists() else None
        if found == FORMAT or (found is None and not any(self.root.glob("*/_delta_log"))):
            return
        msg = (
            f"Opening the lake in {self.root}: its format is {found or 'not stated'}, this program reads format "
            f"{FORMAT}. Nothing was changed. Use the version of the program that wrote it."
        )
        raise LakeFormatError(msg)

    def _shared(self, table: str) -> AbstractContextManager[None]:
        return locks.shared(self.root / snapshot.LOCKS, table, timeout_seconds=self._timeout)

    def _exclusive(self, table: str) -> AbstractContextManager[None]:
        return locks.exclusive(self.root / snapshot.LOCKS, table, timeout_seconds=self._timeout)


def _marked_format(marker: Path) -> object:
    try:
        return json.loads(marker.read_text())["format"]
    except (ValueError, KeyError, TypeError):
        return "unreadable"


def _check_rows(table: LakeTable, rows: pa.Table) -> None:
    wanted = {field.name: field.type for field in table.rows}
    given = {field.name: field.type for field in rows.schema}
    problems = [f"{name} is missing" for name in wanted if name not in given]
    problems += [f"{name} is not declared" for name in given if name not in wanted]
    problems += [
        f"{name} is {given[name]}, not {kind}" for name, kind in wanted.items() if given.get(name, kind) != kind
    ]
    if not problems:
        problems = [f"{name} has nulls" for name in table.required if rows[name].null_count]
    if problems:
        msg = f"Appending to lake table {table.name}: {'; '.join(problems)}. Nothing was written. Correct the rows."
        raise LakeSchemaError(msg)


def _completed(table: LakeTable, rows: pa.Table, version: int) -> pa.Table:
    """The newest row of each key, sorted by key, with the columns the lake adds."""
    place = pa.array(np.arange(len(rows)))
    rows = files.newest(rows.append_column("place", place), table.key, ("version_at", "read_at", "place"))
    sequence = (version + 1 << 20) + secrets.randbelow(1 << 20)
    added = {
        "commit_seq": pa.array(np.full(len(rows), sequence)),
        LOOKUP_COLUMNS.names[0]: lookup.key_hashes(rows, table.key),
        LOOKUP_COLUMNS.names[1]: lookup.content_heads(rows),
    }
    for name, column in added.items():
        rows = rows.append_column(name, column)
    return files.aligned(rows, table.stored)
