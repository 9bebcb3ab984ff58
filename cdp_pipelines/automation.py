"""Our own runs as ``automation_run`` rows, so that the value of this automation is measured like any other."""

from datetime import datetime
from typing import Any

from cdp_pipelines import database
from cdp_pipelines.sync import Sinks
from models import OURSELVES, AutomationRun
from models.derive import validator


def record_automation_runs(sinks: Sinks, *, run_id: str, now: datetime) -> int:
    """Write the runs of the control store to the lake; what is there already is not written again.

    Returns:
        Rows written.
    """
    check = validator(AutomationRun)
    rows = [check(_row(run)) for run in database.list_runs(sinks.stores.control)]
    if not rows:
        return 0
    protected = sinks.protector.protect(AutomationRun, rows, run_id=run_id, read_at=now)
    return sinks.lake.append(AutomationRun.__entity__, protected.table).rows


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
