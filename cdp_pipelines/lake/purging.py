"""Taking rows out of a table for good: out of its files, its older versions and the statistics in its log.

The order is what a crash needs. The new version comes first, then the log forgets the older ones, then their files
go: as long as one of those is there, the next purge finds rows in it and begins again.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cdp_pipelines.barriers import reach
from cdp_pipelines.lake import compaction, delta
from cdp_pipelines.lake.columns import LakeTable


def count(folder: Path, column: str, value: str) -> int:
    """Rows with ``value`` in ``column``, over every file on the disk, whether a version names it or not."""
    return sum(_count(path, column, value) for path in folder.glob("layer=*/*"))


def purge(folder: Path, table: LakeTable, column: str, value: str) -> None:
    """Rewrite the table without those rows and forget what it was. The caller holds table and pins alone."""
    opened = delta.open_table(folder)
    if opened is None:
        _remove(folder, keep=())
        return
    present = delta.table_files(opened)
    if any(_count(folder / name, column, value) for name in present.files):
        added = compaction.fold(folder, table, present, without=(column, value))
        delta.commit(opened, folder, table, added, present.files)
        present = delta.table_files(opened)
    reach("purge_lake")
    delta.forget_history(opened, folder)
    _remove(folder, keep=present.files)


def _count(path: Path, column: str, value: str) -> int:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid:  # its writer was killed: whose rows it was to hold nobody knows, so it has to go
        return 1
    with file:
        if column not in file.schema_arrow.names:
            return 0
        groups = (file.read_row_group(number, columns=[column]) for number in range(file.metadata.num_row_groups))
        return sum(pc.sum(pc.equal(group[column], value)).as_py() or 0 for group in groups)


def _remove(folder: Path, *, keep: tuple[str, ...]) -> None:
    unneeded = [path for path in folder.glob("layer=*/*") if str(path.relative_to(folder)) not in keep]
    unneeded += folder.glob("_delta_log/*#*")  # what delta-rs was writing when it was killed
    for path in unneeded:
        path.unlink()
