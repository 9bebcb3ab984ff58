"""The Delta log of a table: the only module that speaks to delta-rs.

Files are written by ``files.py`` and entered into the log by an explicit list of additions and
removals. So a compaction is one commit that removes exactly the files it has read, which no
append can conflict with, and no commit carries a predicate.
"""

import time
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from cdp_pipelines.lake.columns import LakeTable
from cdp_pipelines.lake.errors import LakeSchemaError
from cdp_pipelines.lake.files import BASE, TAIL, sync_to_disk
from cdp_pipelines.lake.snapshot import TableFiles

LOG_DAYS = 30
"""How long old versions stay in the log; maintenance cannot keep files longer than that."""

COMPACTION = "compaction"

# The log is cleaned by maintenance alone, under its lock.
_HOOKS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


def open_table(folder: Path, *, version: int | None = None) -> DeltaTable | None:
    """The table in ``folder``, or None while there is none."""
    if not (folder / "_delta_log").is_dir():
        return None
    try:
        return DeltaTable(folder, version=version)
    except TableNotFoundError:  # killed between making the folder and the first commit
        return None


def create(folder: Path, table: LakeTable) -> DeltaTable:
    """Make an empty table."""
    folder.mkdir(parents=True, exist_ok=True)
    return DeltaTable.create(
        folder,
        _logged_schema(table),
        partition_by=["layer"],
        configuration={
            "delta.dataSkippingStatsColumns": ",".join(table.statistics),
            "delta.logRetentionDuration": f"interval {LOG_DAYS} days",
            # Replaying twenty small files costs 8 ms, a hundred 40 ms, with every append.
            "delta.checkpointInterval": "20",
        },
    )


def new_columns(delta: DeltaTable, table: LakeTable) -> list[str]:
    """Columns the declaration has and the table on disk does not.

    Raises:
        LakeSchemaError: A column has another type on disk, or the disk has one that is not declared.
    """
    stored = pa.schema(delta.schema().to_arrow())
    declared = pa.schema(Schema.from_arrow(_logged_schema(table)).to_arrow())
    different = [f.name for f in declared if f.name in stored.names and f.type != stored.field(f.name).type]
    unknown = sorted(set(stored.names) - set(declared.names))
    if different or unknown:
        msg = (
            f"Opening lake table {table.name}: columns with another type on disk: {different}; columns on disk "
            f"that this program does not know: {unknown}. Writing would lose or garble them. Use the version of "
            f"the program that wrote the lake, or a newer one."
        )
        raise LakeSchemaError(msg)
    return [name for name in declared.names if name not in stored.names]


def add_columns(delta: DeltaTable, table: LakeTable, names: list[str]) -> None:
    """Add columns to the table; files written before have null in them."""
    schema = Schema.from_arrow(_logged_schema(table))
    delta.alter.add_columns([field for field in schema.fields if field.name in names])


def table_files(delta: DeltaTable) -> TableFiles:
    """The files of the version that ``delta`` has open, oldest first."""
    actions = pa.table(delta.get_add_actions(flatten=True))
    entries = sorted(zip(*(actions[name].to_pylist() for name in ("modification_time", "path")), strict=True))
    base, tail = (tuple(path for _, path in entries if path.startswith(f"layer={layer}/")) for layer in (BASE, TAIL))
    return TableFiles(delta.version(), base, tail)


def commit(
    delta: DeltaTable, folder: Path, table: LakeTable, added: list[AddAction], removed: tuple[str, ...] = ()
) -> int:
    """Enter ``added`` and strike ``removed`` in one commit; a version that shows them."""
    delta.create_write_transaction(
        [*added, *(_removal(folder, name) for name in removed)],
        "append",
        _logged_schema(table),
        ["layer"],
        commit_properties=CommitProperties(custom_metadata={"cdp": COMPACTION} if removed else None),
        post_commithook_properties=_HOOKS,
    )
    seen = delta.version()
    delta.update_incremental()
    # delta-rs leaves the log to the page cache; the cursor committed after us does not.
    for version in range(seen + 1, delta.version() + 1):
        sync_to_disk(folder / "_delta_log" / f"{version:020}.json")
    sync_to_disk(folder / "_delta_log")
    return delta.version()


def versions_before_compactions(delta: DeltaTable, *, since_milliseconds: int) -> list[int]:
    """The versions that compactions after ``since_milliseconds`` (Unix time) replaced."""
    return [
        entry["version"] - 1
        for entry in delta.history()
        if entry.get("cdp") == COMPACTION and entry["timestamp"] > since_milliseconds
    ]


def clean_log(delta: DeltaTable) -> None:
    """Write a checkpoint and drop log entries older than ``LOG_DAYS``."""
    delta.create_checkpoint()
    delta.cleanup_metadata()


def forget_history(delta: DeltaTable, folder: Path) -> None:
    """Drop every log entry before the present version: they state least and greatest keys of files that are gone.

    The caller holds the table alone.
    """
    delta.create_checkpoint()
    log = folder / "_delta_log"
    sync_to_disk(log)
    present = delta.version()
    for path in log.iterdir():
        number = path.name.split(".")[0]
        if number.isdecimal() and int(number) < present:
            path.unlink()
    sync_to_disk(log)


def _logged_schema(table: LakeTable) -> pa.Schema:
    return table.stored.append(pa.field("layer", pa.string()))


def _removal(folder: Path, name: str) -> RemoveAction:
    return RemoveAction(
        path=name,
        data_change=True,
        deletion_timestamp=time.time_ns() // 1_000_000,
        size=(folder / name).stat().st_size,
        partition_values={"layer": name.partition("/")[0].removeprefix("layer=")},
    )
