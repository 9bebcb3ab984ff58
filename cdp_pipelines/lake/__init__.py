"""The lake: Delta tables of protected facts about people. It writes and lists files and returns SQL; it runs none."""

from cdp_pipelines.lake.columns import LakeTable, entity_table
from cdp_pipelines.lake.errors import (
    LakeDamagedError,
    LakeError,
    LakeFormatError,
    LakeLockedError,
    LakeSchemaError,
    LakeSnapshotError,
    LakeWriteError,
)
from cdp_pipelines.lake.maintenance import MaintenanceReport
from cdp_pipelines.lake.snapshot import Snapshot, TableFiles
from cdp_pipelines.lake.store import Appended, Lake

__all__ = [
    "Appended",
    "Lake",
    "LakeDamagedError",
    "LakeError",
    "LakeFormatError",
    "LakeLockedError",
    "LakeSchemaError",
    "LakeSnapshotError",
    "LakeTable",
    "LakeWriteError",
    "MaintenanceReport",
    "Snapshot",
    "TableFiles",
    "entity_table",
]
