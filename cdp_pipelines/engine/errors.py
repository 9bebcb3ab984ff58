"""Errors of the engine. DuckDB's own messages quote values and paths, so they are never passed on.

EngineError              a statement failed; says which statement and what kind of failure
├── EngineMemoryError    the statement needs more memory than one run may use
└── StatementError       a statement that may not be run where it was given
"""

from cdp_pipelines.errors import CdpError


class EngineError(CdpError):
    """A statement could not be run."""


class EngineMemoryError(EngineError, MemoryError):
    """A statement needs more memory, or more room for temporary files, than it may use."""


class StatementError(EngineError, ValueError):
    """A statement does something that is not allowed in the place it was given."""
