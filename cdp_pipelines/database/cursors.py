"""How far each stream has been read."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select

from cdp_pipelines.database.rows import table_of, upsert
from models.control import SyncState

_TABLE = table_of(SyncState)


def load_cursor(control: Engine, source: str, stream: str) -> dict[str, Any] | None:
    """Where the next read of a stream continues; None when it was never read."""
    with control.connect() as connection:
        found: dict[str, Any] | None = connection.execute(
            select(_TABLE.c.cursor).where(_TABLE.c.source == source, _TABLE.c.stream == stream)
        ).scalar()
    return found


def commit_cursor(control: Engine, source: str, stream: str, cursor: dict[str, Any], run_id: str) -> None:
    """Keep where the next read continues. Called after everything before it is in the lake."""
    row = {"source": source, "stream": stream, "cursor": cursor, "run_id": run_id, "updated_at": datetime.now(UTC)}
    with control.begin() as connection:
        connection.execute(upsert(control, SyncState, replace=("cursor", "run_id", "updated_at")), row)
