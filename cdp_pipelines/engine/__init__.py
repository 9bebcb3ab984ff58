"""The engine that runs SQL: DuckDB in memory. Nothing of a run outlives its connection."""

from cdp_pipelines.engine.errors import EngineError, EngineMemoryError, StatementError
from cdp_pipelines.engine.running import Engine, fetch, fetch_batches, run
from cdp_pipelines.engine.statements import ALLOWED_FUNCTIONS, refuse_unlisted

__all__ = [
    "ALLOWED_FUNCTIONS",
    "Engine",
    "EngineError",
    "EngineMemoryError",
    "StatementError",
    "fetch",
    "fetch_batches",
    "refuse_unlisted",
    "run",
]
