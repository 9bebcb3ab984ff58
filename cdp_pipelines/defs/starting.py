"""Who started a run: a person, or a schedule, a sensor or Dagster itself. Run tags tell."""

import dagster as dg

from cdp_pipelines.database.runs import RetryKind

_STARTED_BY_ITSELF = (
    "dagster/schedule_name",
    "dagster/sensor_name",
    "dagster/from_automation_condition",
    "dagster/auto_materialize",
)
_REPEATED_BY_ITSELF = "dagster/retry_number"
_REPEATED = "dagster/parent_run_id"


def retry_kind(context: dg.AssetExecutionContext) -> RetryKind:
    """Who asked for the repeat, should this run be one of a run that failed."""
    tags = context.run.tags
    if context.retry_number or _REPEATED_BY_ITSELF in tags:
        return "auto"
    if _REPEATED in tags:  # before the others: a re-execution carries the tags of the run it repeats
        return "manual"
    return "auto" if any(tag in tags for tag in _STARTED_BY_ITSELF) else "manual"
