"""Starting Dagster jobs from outside its UI. The only module besides ``defs`` that talks to Dagster."""

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdp_pipelines.config import Settings
from cdp_pipelines.errors import JobFailedError
from cdp_pipelines.setup import dagster_home

if TYPE_CHECKING:
    import dagster as dg


QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's console log is its own diary; a person wants the result. The events are in the UI all the same."""

_SHOWN_UNDER_ITS_JOB = {".dagster/repository": "__repository__@cdp"}
"""Without it the UI has the run in its list, but not among those of its job. ``workspace.yaml`` names the location."""

REFRESH = (
    "Profiles and metrics were not refreshed. To refresh them from what the lake holds: cdp run --refresh-only, "
    "or the job refresh"
)


@dataclass(frozen=True, slots=True)
class JobReport:
    """What a job did.

    Attributes:
        seconds: Wall time of the whole call, the loading of Dagster included.
        steps: Wall time per step, in seconds.
        assets: Per materialised asset (``hubspot/contacts``) its metadata: counts and durations.
        failed_checks: Names of the checks that did not pass.
    """

    seconds: float
    steps: dict[str, float]
    assets: dict[str, dict[str, Any]]
    failed_checks: list[str]

    @property
    def overhead(self) -> float:
        """Seconds that no step used: Dagster's own."""
        return self.seconds - sum(self.steps.values())


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which Dagster finds this installation, with telemetry and hints off."""
    return {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home(settings).resolve()),
        "CDP_CONFIG": str(settings.path.resolve()),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }


def run_job(name: str, settings: Settings, *, progress: Callable[[str], None] = lambda _step: None) -> JobReport:
    """Run one job in this process and record it where the UI will show it.

    Args:
        name: Name of the job, for example ``everything``.
        settings: The installation it runs on.
        progress: Told the name of each step when it begins.

    Raises:
        JobFailedError: A step failed; the message lists the failed steps with their sentences.
    """
    started = time.monotonic()
    os.environ.update(environment(settings))
    import dagster as dg

    from cdp_pipelines.definitions import defs

    def follow(event: dg.EventLogEntry) -> None:
        if event.dagster_event is not None and event.dagster_event.is_step_start:
            progress(str(event.step_key))

    job, run_id = defs.resolve_job_def(name), str(uuid.uuid4())
    with dg.DagsterInstance.get() as instance:
        instance.add_event_listener(run_id, follow)
        result = job.execute_in_process(
            instance=instance, raise_on_error=False, run_config=QUIET, run_id=run_id, tags=_SHOWN_UNDER_ITS_JOB
        )
    if not result.success:
        raise _failed(name, result)
    return JobReport(
        seconds=time.monotonic() - started,
        steps=_step_seconds(result),
        assets=_asset_metadata(result),
        failed_checks=[
            f"{check.asset_key.to_user_string()}: {check.check_name}"
            for check in result.get_asset_check_evaluations()
            if not check.passed
        ],
    )


def _step_seconds(result: "dg.ExecuteInProcessResult") -> dict[str, float]:
    return {
        event.step_key: event.step_success_data.duration_ms / 1000
        for event in result.all_events
        if event.is_step_success and event.step_key is not None
    }


def _asset_metadata(result: "dg.ExecuteInProcessResult") -> dict[str, dict[str, Any]]:
    return {
        event.asset_key.to_user_string(): {
            name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def _failed(job: str, result: "dg.ExecuteInProcessResult") -> JobFailedError:
    """The failed steps with their own sentences."""
    from cdp_pipelines.defs.border import RERUN_HELPS

    sentences, helps = [], []
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data.user_failure_data
            said = failure.description if failure and failure.description else "failed without a sentence of ours"
            sentences.append(f"{event.step_key}: {said}")
            marked = failure.metadata.get(RERUN_HELPS) if failure else None
            helps.append(marked is not None and marked.value is True)
    if job == "everything" and "marts" not in _step_seconds(result):
        sentences.append(REFRESH)
    return JobFailedError(job, sentences, rerun_helps=all(helps))
