"""What can go wrong in the lake.

LakeError                    base of all
├── LakeFormatError          the folder was written by another version of the product
├── LakeSchemaError          rows, columns or a declaration do not fit the table
├── LakeLockedError          another process holds the table for too long
├── LakeWriteError           the disk refused (full, read-only); the table is unchanged
├── LakeSnapshotError        the files of a snapshot are gone
└── LakeDamagedError         a file of the lake is gone or cut short
"""


class LakeError(Exception):
    """Base of every error of the lake."""


class LakeFormatError(LakeError):
    """The folder holds a lake this version cannot read."""


class LakeSchemaError(LakeError, ValueError):
    """Rows, columns or a declaration do not fit the table."""


class LakeLockedError(LakeError, TimeoutError):
    """Another process kept a table lock longer than we wait."""


class LakeWriteError(LakeError, OSError):
    """The disk refused a write; no row of the table changed."""


class LakeDamagedError(LakeError, ValueError):
    """A file that the log names cannot be read."""


class LakeSnapshotError(LakeError, LookupError):
    """Files that a snapshot names no longer exist."""
