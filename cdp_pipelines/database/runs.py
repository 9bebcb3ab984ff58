"""What ran, when, and how it ended."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, String, cast, func, insert, select, update

from cdp_pipelines.database.leases import live_holders, this_holder
from cdp_pipelines.database.rows import table_of
from cdp_pipelines.database.stores import writing
from cdp_pipelines.errors import StoreError
from models.control import SyncRun

_TABLE = table_of(SyncRun)
_FEW = 100
"""Runs fetched at a time where the first few usually do."""

RetryKind = Literal["auto", "manual"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a process. Field names are those of ``sync_run``; times are UTC."""

    run_id: str
    process: str
    source: str | None
    started_at: datetime
    stopped_at: datetime | None
    status: str
    retry_of: str | None
    root_run_id: str
    retry_kind: str
    error_class: str | None
    counts: Mapping[str, Any]
    holder: str


def start_run(
    control: Engine,
    process: str,
    *,
    run_id: str | None = None,
    source: str | None = None,
    retry_kind: RetryKind = "auto",
) -> str:
    """Record the start of a run.

    Earlier runs of the process that still say ``running`` although nobody works on them any more are marked
    ``crashed``. If the latest run did not succeed, this one repeats it.

    Args:
        control: The control store.
        process: What runs, for example ``sync/hubspot``.
        run_id: Id of the run; a random one unless given.
        source: System it reads, if one.
        retry_kind: Who asked for the repeat, should it be one.

    Returns:
        The run's id.
    """
    new_id = run_id or uuid.uuid4().hex
    with writing(control) as connection:
        _mark_crashed(connection, process)
        earlier = connection.execute(
            select(_TABLE).where(_TABLE.c.process == process).order_by(_TABLE.c.started_at.desc()).limit(1)
        ).one_or_none()
        repeated = earlier if earlier is not None and earlier.status not in ("success", "running") else None
        connection.execute(
            insert(_TABLE),
            {
                "run_id": new_id,
                "process": process,
                "source": source,
                "started_at": datetime.now(UTC),
                "status": "running",
                "retry_of": repeated.run_id if repeated else None,
                "root_run_id": repeated.root_run_id if repeated else new_id,
                "retry_kind": retry_kind if repeated else "none",
                "counts": {},
                "holder": this_holder(),
            },
        )
    return new_id


def finish_run(
    control: Engine, run_id: str, status: str, *, counts: Mapping[str, Any], error_class: str | None = None
) -> None:
    """Record how a run ended: success, error or canceled. ``error_class`` is a class name, never a text."""
    with control.begin() as connection:
        connection.execute(
            update(_TABLE)
            .where(_TABLE.c.run_id == run_id)
            .values(status=status, stopped_at=datetime.now(UTC), counts=dict(counts), error_class=error_class)
        )


def list_runs(
    control: Engine, *, process: str | None = None, changed_since: datetime | None = None, limit: int | None = None
) -> list[Run]:
    """Runs, newest first.

    Args:
        control: The control store.
        process: Only runs of this process.
        changed_since: Only runs that go on, or ended at or after this moment.
        limit: No more than so many.
    """
    query = select(_TABLE).order_by(_TABLE.c.started_at.desc(), _TABLE.c.run_id).limit(limit)
    if process is not None:
        query = query.where(_TABLE.c.process == process)
    if changed_since is not None:
        query = query.where(_TABLE.c.stopped_at.is_(None) | (_TABLE.c.stopped_at >= changed_since))
    with control.connect() as connection:
        return [_run(row) for row in connection.execute(query)]


def first_start(control: Engine) -> datetime | None:
    """When the first run of any process began."""
    with control.connect() as connection:
        began: datetime | None = connection.execute(select(func.min(_TABLE.c.started_at))).scalar()
    return began


def read_to_end(
    control: Engine, source: str, streams: Collection[str], *, until: datetime | None = None
) -> dict[str, datetime]:
    """By stream, the start of the latest sync that read it to its end: what came later may not have been seen.

    Only as many runs are looked at as it takes to find each of ``streams``; with ``until`` only those that were over
    by then.
    """
    found: dict[str, datetime] = {}
    query = (
        select(_TABLE.c.started_at, _TABLE.c.counts)
        .where(_TABLE.c.process == f"sync/{source}")
        .order_by(_TABLE.c.started_at.desc())
    )
    if until is not None:
        query = query.where(_TABLE.c.stopped_at <= until)
    with control.connect().execution_options(yield_per=_FEW) as connection, connection.execute(query) as runs:
        for started_at, counts in runs:
            for stream in counts.get("read_to_end", ()):
                found.setdefault(stream, started_at)
            if found.keys() >= set(streams):
                break
    return found


def last_counts(control: Engine, process: str) -> Mapping[str, Any]:
    """What the latest successful run of a process counted.

    Raises:
        StoreError: The process has never succeeded.
    """
    query = (
        select(_TABLE.c.counts)
        .where(_TABLE.c.process == process, _TABLE.c.status == "success")
        .order_by(_TABLE.c.started_at.desc())
        .limit(1)
    )
    with control.connect() as connection:
        counts: Mapping[str, Any] | None = connection.execute(query).scalar()
    if counts is None:
        raise StoreError(f"Looking for the latest {process}: it has never finished. Run it first: cdp run")
    return counts


def keep_in_newest(control: Engine, process: str, name: str) -> None:
    """Take the count ``name`` out of all successful runs of a process but the newest that has it.

    For what is large and of no use once there is a newer one.
    """
    has_it = cast(_TABLE.c.counts, String).contains(f'"{name}"', autoescape=True)
    query = (
        select(_TABLE.c.run_id, _TABLE.c.counts)
        .where(_TABLE.c.process == process, _TABLE.c.status == "success", has_it)
        .order_by(_TABLE.c.started_at.desc())
    )
    with writing(control) as connection:
        for run_id, counts in connection.execute(query).all()[1:]:
            rest = {key: value for key, value in counts.items() if key != name}
            connection.execute(update(_TABLE).where(_TABLE.c.run_id == run_id).values(counts=rest))


def _mark_crashed(connection: Connection, process: str) -> None:
    working = live_holders(connection) - {this_holder()}
    connection.execute(
        update(_TABLE)
        .where(_TABLE.c.process == process, _TABLE.c.status == "running", _TABLE.c.holder.not_in(working))
        .values(status="crashed", stopped_at=datetime.now(UTC))
    )


def _run(row: Row[Any]) -> Run:
    return Run(**{field.name: getattr(row, field.name) for field in fields(Run)})
