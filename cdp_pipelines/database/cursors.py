"""How far each stream has been read; beside it, how far a reading of everything and a sweep have come."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, delete, select

from cdp_pipelines.database.rows import table_of, upsert
from cdp_pipelines.database.stores import writing
from models.control import SyncState

_TABLE = table_of(SyncState)
_READ_WHOLE = {"whole": True}


def load_cursor(control: Engine, source: str, stream: str) -> dict[str, Any] | None:
    """Where the next read of a stream continues; None when it was never read."""
    with control.connect() as connection:
        found: dict[str, Any] | None = connection.execute(
            select(_TABLE.c.cursor).where(_TABLE.c.source == source, _TABLE.c.stream == stream)
        ).scalar()
    return found


def commit_cursor(control: Engine, source: str, stream: str, cursor: dict[str, Any], run_id: str) -> None:
    """Keep where the next read continues. Called after everything before it is in the lake."""
    with control.begin() as connection:
        connection.execute(_keep(control), _row(source, stream, cursor, run_id))


def whole_place(stream: str) -> str:
    """Under which name the place of a reading of everything is kept, beside the cursor of the stream."""
    return f"{stream}:whole"


def is_read_whole(control: Engine, source: str, stream: str) -> bool:
    """Whether the reading of everything that is under way is done with a stream."""
    return load_cursor(control, source, whole_place(stream)) == _READ_WHOLE


def end_whole(control: Engine, source: str, stream: str, run_id: str) -> None:
    """A stream has been read whole: the next read goes on from there, and this reading need not come back to it."""
    reached = load_cursor(control, source, whole_place(stream))
    rows = [_row(source, whole_place(stream), _READ_WHOLE, run_id)]
    if reached is not None and reached != _READ_WHOLE:
        rows.append(_row(source, stream, reached, run_id))
    with writing(control) as connection:
        connection.execute(_keep(control), rows)


def forget_whole(control: Engine, source: str, streams: Collection[str]) -> None:
    """A reading of everything is over if it is done with all of ``streams``; the next one begins anew."""
    if not all(is_read_whole(control, source, stream) for stream in streams):
        return
    places = [whole_place(stream) for stream in streams]
    with writing(control) as connection:
        connection.execute(delete(_TABLE).where(_TABLE.c.source == source, _TABLE.c.stream.in_(places)))


def _keep(control: Engine) -> Any:  # noqa: ANN401 - an upsert of either dialect
    return upsert(control, SyncState, replace=("cursor", "run_id", "updated_at"))


def _row(source: str, stream: str, cursor: dict[str, Any], run_id: str) -> dict[str, Any]:
    return {"source": source, "stream": stream, "cursor": cursor, "run_id": run_id, "updated_at": datetime.now(UTC)}
