"""A sensor that looks at failed runs and at unread sources once a minute, and sends at most one message each time.

It is a plain sensor and no run-failure sensor, because both kinds of trouble share one memory (Dagster keeps it as the
sensor's cursor) and one message. A message that does not get through is tried again with the next look.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg

from cdp_pipelines.alerts import Memory, Trouble, closed_installation, failed_run, overdue_sources, send
from cdp_pipelines.config import AlertSettings, load_settings
from cdp_pipelines.defs.border import border
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.errors import CdpError, ConfigError
from cdp_pipelines.installation import clock
from cdp_pipelines.lake import LakeError
from privacy.errors import PrivacyError

OVERLAP = timedelta(minutes=5)
"""Looked at again each time: runs are recorded by several processes, not strictly in order."""

MOST_RUNS = 200
"""Failures looked at in one go."""


@dg.sensor(
    name="alerts",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells of failed runs and of sources not read for two intervals, as [alerts] in cdp.toml says.",
)
def alerts(context: dg.SensorEvaluationContext, installation: InstallationResource) -> dg.SkipReason:
    """One look. Idempotent in effect: what was told is remembered."""
    with border():
        settings = load_settings(Path(installation.config_path) if installation.config_path else None)
        memory = Memory.from_text(context.cursor, now=clock())
        memory.keep_failures()
        memory.add(_new_failures(context.instance, memory))
        memory.add(_overdue(installation, memory))
        said = tell(settings.alerts, memory, now=clock())
        context.update_cursor(memory.to_text())
        return dg.SkipReason(said)


def alert_sensors() -> list[dg.SensorDefinition]:
    """The sensor, where somebody is to be told."""
    try:
        enabled = load_settings().alerts.enabled
    except ConfigError:
        return []
    return [alerts] if enabled else []


def tell(alerts: AlertSettings, memory: Memory, *, now: datetime) -> str:
    """Send what is due, and say in a sentence what was done."""
    due = memory.due(repeat=timedelta(hours=alerts.repeat_hours), now=now)
    if not due:
        return f"Nothing new to tell; {len(memory.waiting)} known troubles were told already."
    delivery = send(alerts, due)
    if delivery.delivered:
        memory.note_told(due, now=now)
    told = f"Told {len(due)} troubles by {', '.join(delivery.delivered)}." if delivery.delivered else "Could not tell."
    return " ".join([told, *delivery.problems])


def _overdue(installation: InstallationResource, memory: Memory) -> list[Trouble]:
    """Sources that are not read; or that nothing can be, because the installation does not open."""
    try:
        with installation.opened() as opened:
            return list(overdue_sources(opened.stores.control, opened.settings, memory.known_since, now=clock()))
    except (CdpError, PrivacyError, LakeError) as error:
        return [closed_installation(error)]


def _new_failures(instance: dg.DagsterInstance, memory: Memory) -> Iterator[Trouble]:
    """Runs that failed since the last look; the memory is moved on behind them."""
    records = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=memory.seen_until - OVERLAP),
        limit=MOST_RUNS,
        order_by="update_timestamp",
        ascending=True,
    )
    known = memory.runs
    memory.runs = set()
    for record in records:
        run = record.dagster_run
        memory.runs.add(run.run_id)
        memory.seen_until = max(memory.seen_until, record.update_timestamp)
        if run.run_id not in known:
            yield failed_run(run.job_name, _failed_steps(instance, run.run_id))


def _failed_steps(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    events = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    return [str(record.event_log_entry.step_key) for record in events]
