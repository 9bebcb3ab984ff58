"""Our own runs in the lake: each as it ended, and no more of them read again than can have changed."""

from datetime import datetime, timedelta
from typing import Any

from installations import Home
from sqlalchemy import update

from cdp_pipelines import database
from cdp_pipelines.automation import OVERLAP, record_automation_runs
from cdp_pipelines.database.rows import table_of
from cdp_pipelines.installation import Installation, clock
from cdp_pipelines.refresh import PROFILES, refresh_metrics, refresh_profiles
from models import SyncRun

RUN = table_of(SyncRun)


def change(opened: Installation, run_id: str, **values: Any) -> None:
    with opened.stores.control.begin() as connection:
        connection.execute(update(RUN).where(RUN.c.run_id == run_id).values(**values))


def recorded(opened: Installation, now: datetime) -> dict[str, Any]:
    """Status by run, after recording what is new."""
    record_automation_runs(opened.sinks, engine=opened.engine, run_id="r", now=now, before_write=lambda: None)
    return {row["source_id"]: row["status"] for row in opened.lake.current("automation_run").to_pylist()}


def test_a_run_is_recorded_as_it_ended_however_long_it_took(home: Home) -> None:
    with home.opened() as opened:
        control = opened.stores.control
        slow, old, new = (database.start_run(control, name) for name in ("sync/slow", "sync/old", "sync/new"))
        ended = clock()
        for run_id in (old, new):
            database.finish_run(control, run_id, "success", counts={})
        change(opened, old, stopped_at=ended - OVERLAP - timedelta(hours=1))
        change(opened, slow, started_at=ended - timedelta(days=9))
        assert recorded(opened, clock()) == {slow: "running", old: "success", new: "success"}

        change(opened, old, status="error")  # nothing that ended long ago changes: it is not looked at again
        database.finish_run(control, slow, "error", counts={})
        assert recorded(opened, clock()) == {slow: "error", old: "success", new: "success"}


def test_the_snapshot_of_a_refresh_stays_with_the_newest_run_alone(home: Home) -> None:
    home.sync("hubspot", streams=["contacts"])
    with home.opened() as opened:
        for _ in range(3):
            refresh_profiles(opened, now=clock())
        kept = ["snapshot" in run.counts for run in database.list_runs(opened.stores.control, process=PROFILES)]
        refresh_metrics(opened, now=clock())
    assert kept == [True, False, False]
