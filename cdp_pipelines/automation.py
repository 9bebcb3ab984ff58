"""Our own runs as ``automation_run`` rows, so that the value of this automation is measured like any other."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cdp_pipelines import database
from cdp_pipelines.engine import Engine, fetch
from cdp_pipelines.lake import Lake
from cdp_pipelines.writing import Sinks
from models import OURSELVES, AutomationRun
from models.derive import validator

OVERLAP = timedelta(days=1)
"""Runs that ended so long before the newest one in the lake are looked at again: machines' clocks differ."""


def record_automation_runs(
    sinks: Sinks, *, engine: Engine, run_id: str, now: datetime, before_write: Callable[[], None]
) -> int:
    """Write the runs of the control store that are not yet in the lake, or were not over when they were written.

    ``before_write`` is called directly before that; it raises when this run may write no more.

    Returns:
        Rows written.
    """
    check = validator(AutomationRun)
    rows = [check(_row(run)) for run in _news(sinks, engine)]
    if not rows:
        return 0
    protected = sinks.protector.protect(AutomationRun, rows, run_id=run_id, read_at=now)
    before_write()
    return sinks.lake.append(AutomationRun.__entity__, protected.table).rows


def _news(sinks: Sinks, engine: Engine) -> list[database.Run]:
    """The runs that changed since the newest one in the lake, and a few more; the lake leaves out what it has."""
    newest = _newest(sinks.lake, engine)
    return database.list_runs(sinks.stores.control, changed_since=newest - OVERLAP if newest else None)


def _newest(lake: Lake, engine: Engine) -> datetime | None:
    current = lake.current_sql(
        AutomationRun.__entity__, lake.snapshot([AutomationRun.__entity__]), columns=["version_at"]
    )
    with engine.connection() as connection:
        found = fetch(connection, f"SELECT max(version_at) AS newest FROM ({current})", doing="Looking for new runs")  # noqa: S608
    newest: datetime | None = found["newest"][0].as_py()
    return newest


def _row(run: database.Run) -> dict[str, Any]:
    return {
        "source": OURSELVES,
        "source_id": run.run_id,
        "version_at": run.stopped_at or run.started_at,
        "process": run.process,
        "root_run_id": run.root_run_id,
        "retry_of": run.retry_of,
        "retry_kind": run.retry_kind,
        "started_at": run.started_at,
        "stopped_at": run.stopped_at,
        "status": run.status,
        "error_class": run.error_class,
        "units": run.counts.get("records"),
    }
