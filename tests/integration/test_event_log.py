"""The log of events that stays open: told to the UI at once, and readable by Dagster's own class afterwards."""

import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from cdp_pipelines.defs import event_log
from cdp_pipelines.defs.event_log import EventLog


@dg.multi_asset(
    specs=[dg.AssetSpec("counted")], check_specs=[dg.AssetCheckSpec(name, asset="counted") for name in ("few", "many")]
)
def counting() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    yield dg.MaterializeResult(asset_key="counted", metadata={"rows": 3})
    yield dg.AssetCheckResult(asset_key="counted", check_name="few", passed=True)
    yield dg.AssetCheckResult(asset_key="counted", check_name="many", passed=False)


JOB = dg.Definitions(assets=[counting], jobs=[dg.define_asset_job("count")]).resolve_job_def("count")


def said(instance: dg.DagsterInstance, *messages: str) -> str:
    """The id of a new run of which nothing but these messages is told."""
    begun = instance.create_run_for_job(JOB)
    for message in messages:
        instance.report_engine_event(message, begun)
    return begun.run_id


def test_who_watches_a_run_is_told_while_its_file_is_open(instance: dg.DagsterInstance) -> None:
    told: list[str] = []
    over = threading.Event()

    def follow(entry: dg.EventLogEntry, _cursor: str) -> None:
        told.append(entry.message)
        if entry.message == "over":
            over.set()

    assert isinstance(instance.event_log_storage, EventLog)
    with dg.DagsterInstance.get() as ui:
        begun = instance.create_run_for_job(JOB)
        ui.watch_event_logs(begun.run_id, None, follow)
        for message in ("first", "second", "over"):
            instance.report_engine_event(message, begun)
        assert over.wait(60), f"told of {told}"
        ui.end_watch_event_logs(begun.run_id, follow)
    assert told[-3:] == ["first", "second", "over"]


def test_dagsters_own_log_reads_what_ours_wrote(dagster_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "KEPT_OPEN", 2)  # the index and one run
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.get() as instance:
        executed = JOB.execute_in_process(instance=instance, run_config=quiet).run_id
        runs = [executed, *(said(instance, "first", "second") for _ in range(2))]
        ours = {run_id: instance.event_log_storage.get_logs_for_run(run_id) for run_id in runs}
        counted = instance.fetch_materializations(dg.AssetKey("counted"), limit=20).records

    folder = dagster_folder / "history" / "runs"
    theirs = SqliteEventLogStorage(str(folder))
    assert {run_id: theirs.get_logs_for_run(run_id) for run_id in runs} == ours
    assert [record.run_id for record in counted] == [executed]
    assert all(len(entries) >= 2 for entries in ours.values())
    assert not list(folder.glob("*-wal"))  # closed with the instance
