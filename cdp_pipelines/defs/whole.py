"""Jobs over the whole of the assets, and how every job gets its schedule."""

import dagster as dg

from cdp_pipelines.defs.upkeep.jobs import no_leak

_NO_LEAK = dg.AssetSelection.checks(no_leak)

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.groups("identity", "marts") - _NO_LEAK,
    description="Profiles and metrics from what the lake holds now; reads no system.",
)
inspection = dg.define_asset_job(
    "inspection", selection=_NO_LEAK, description="Decode all that was written and look for values in clear."
)


def whole_way(*but: dg.AssetChecksDefinition) -> dg.AssetSelection:
    """All assets with their checks, without those checks that have a job of their own."""
    return dg.AssetSelection.all() - _NO_LEAK - dg.AssetSelection.checks(*but)


def schedule(job: str, cron: str, time_zone: str) -> dg.ScheduleDefinition:
    """The schedule of a job, stopped until the operator starts it. ``time_zone`` is the company's."""
    return dg.ScheduleDefinition(
        name=f"{job}_schedule",
        job_name=job,
        cron_schedule=cron,
        execution_timezone=time_zone,
        description=f"Starts the job {job}.",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
