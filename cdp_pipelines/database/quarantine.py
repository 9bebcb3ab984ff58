"""Records that could not be mapped: kept by reference, tried again on the next run."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, delete, func, select, true

from cdp_pipelines.database.rows import table_of, upsert
from models.control import Quarantine

_TABLE = table_of(Quarantine)
_CHUNK = 500
"""Ids per statement; below SQLite's limit on parameters in every build."""


def quarantine_put(control: Engine, source: str, stream: str, items: Iterable[tuple[str, str]]) -> None:
    """Set records aside, or count one more failure of those that are.

    Args:
        control: The control store.
        source: System the records come from.
        stream: Stream of that system.
        items: (record id, class name of the error) of each.
    """
    now = datetime.now(UTC)
    rows = [
        {
            "source": source,
            "stream": stream,
            "record_id": record_id,
            "error_class": error_class,
            "first_seen": now,
            "last_seen": now,
            "attempts": 1,
        }
        for record_id, error_class in dict(items).items()
    ]
    if not rows:
        return
    statement = upsert(control, Quarantine, replace=("error_class", "last_seen"), count="attempts")
    with control.begin() as connection:
        connection.execute(statement, rows)


def quarantine_pending(control: Engine, source: str, stream: str) -> list[str]:
    """Ids of the records set aside, oldest first."""
    query = (
        select(_TABLE.c.record_id)
        .where(_TABLE.c.source == source, _TABLE.c.stream == stream)
        .order_by(_TABLE.c.first_seen, _TABLE.c.record_id)
    )
    with control.connect() as connection:
        return list(connection.execute(query).scalars())


def quarantine_list(
    control: Engine, *, source: str | None = None, stream: str | None = None, limit: int | None = None
) -> tuple[int, list[dict[str, Any]]]:
    """Records set aside, those that wait longest first: how many there are, and the first ``limit`` of them.

    Args:
        control: The control store.
        source: Only records of this system.
        stream: Only records of this stream.
        limit: No more than so many; all by default.

    Returns:
        Their number, and for each the columns of the table ``quarantine``.
    """
    chosen = _chosen(source, stream)
    order = (_TABLE.c.first_seen, _TABLE.c.source, _TABLE.c.stream, _TABLE.c.record_id)
    with control.connect() as connection:
        count = connection.execute(select(func.count()).select_from(_TABLE).where(chosen)).scalar() or 0
        rows = connection.execute(select(_TABLE).where(chosen).order_by(*order).limit(limit)).mappings()
        return count, [dict(row) for row in rows]


def quarantine_count(control: Engine, source: str, stream: str | None = None) -> int:
    """Number of records of a source, or of one of its streams, that are set aside."""
    with control.connect() as connection:
        return connection.execute(select(func.count()).select_from(_TABLE).where(_chosen(source, stream))).scalar() or 0


def _chosen(source: str | None, stream: str | None) -> ColumnElement[bool]:
    named = ((_TABLE.c.source, source), (_TABLE.c.stream, stream))
    wanted: ColumnElement[bool] = true()
    for column, name in named:
        wanted = wanted if name is None else wanted & (column == name)
    return wanted


def quarantine_attempts(control: Engine, source: str, stream: str, ids: Collection[str]) -> int:
    """The least number of times any of the records was met and set aside; 0 if none is known."""
    counts = []
    with control.connect() as connection:
        for start in range(0, len(ids), _CHUNK):
            query = select(func.min(_TABLE.c.attempts)).where(
                _TABLE.c.source == source,
                _TABLE.c.stream == stream,
                _TABLE.c.record_id.in_(list(ids)[start : start + _CHUNK]),
            )
            counts.append(connection.execute(query).scalar() or 0)
    return min(counts, default=0)


def quarantine_clear(control: Engine, source: str, stream: str, ids: Collection[str]) -> None:
    """Let go of records that were mapped after all."""
    wanted = list(ids)
    with control.begin() as connection:
        for start in range(0, len(wanted), _CHUNK):
            connection.execute(
                delete(_TABLE).where(
                    _TABLE.c.source == source,
                    _TABLE.c.stream == stream,
                    _TABLE.c.record_id.in_(wanted[start : start + _CHUNK]),
                )
            )


def quarantine_counts(control: Engine) -> dict[tuple[str, str, str], int]:
    """Number of records set aside by (source, stream, error class)."""
    key = (_TABLE.c.source, _TABLE.c.stream, _TABLE.c.error_class)
    with control.connect() as connection:
        rows = connection.execute(select(*key, func.count()).group_by(*key).order_by(*key)).all()
    return {(source, stream, error_class): count for source, stream, error_class, count in rows}
