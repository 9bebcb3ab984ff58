"""Removing files that no reader needs. The caller holds the table and the pins alone."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cdp_pipelines.lake import delta
from cdp_pipelines.lake.snapshot import TableFiles


@dataclass(frozen=True)
class MaintenanceReport:
    """What maintenance did.

    Attributes:
        removed_files: Files removed, over all tables.
        removed_bytes: Their size.
        compacted: Tables whose tail was folded into the base.
    """

    removed_files: int = 0
    removed_bytes: int = 0
    compacted: tuple[str, ...] = ()

    def plus(self, files: int = 0, size: int = 0, *, compacted: tuple[str, ...] = ()) -> "MaintenanceReport":
        """The report with more work added."""
        return MaintenanceReport(self.removed_files + files, self.removed_bytes + size, (*self.compacted, *compacted))


def remove_unneeded(folder: Path, since: datetime, *, keep: set[str]) -> tuple[int, int]:
    """Remove the files that no version current after ``since`` and nothing in ``keep`` names.

    Returns:
        Number of files removed, and their size in bytes.
    """
    needed = keep | _needed_since(folder, since)
    # The lock is ours alone, so a file that no commit names is of a writer that died.
    unneeded = [path for path in folder.glob("layer=*/*") if str(path.relative_to(folder)) not in needed]
    unneeded += folder.glob("_delta_log/*#*")  # what delta-rs was writing when it was killed
    sizes = [path.stat().st_size for path in unneeded]
    for path in unneeded:
        path.unlink()
    if (opened := delta.open_table(folder)) is not None:
        delta.clean_log(opened)
    return len(sizes), sum(sizes)


def _needed_since(folder: Path, since: datetime) -> set[str]:
    """Files of the present version and of those that a compaction replaced after ``since``.

    Appends only add files, so the version just before a compaction names the files of all before it.
    """
    opened = delta.open_table(folder)
    if opened is None:
        return set()
    replaced = delta.versions_before_compactions(opened, since_milliseconds=int(since.timestamp() * 1000))
    versions = [opened, *(delta.open_table(folder, version=version) for version in replaced)]
    found = [delta.table_files(version) if version else TableFiles() for version in versions]
    return {name for table in found for name in table.files}
