"""Jobs over the whole of the assets, and how every job gets its schedule."""

import dagster as dg

from cdp_pipelines.defs.upkeep.jobs import no_leak

_NO_LEAK = dg.AssetSelection.checks(no_leak)

everything = dg.define_asset_job(
    "everything",
    selection=dg.AssetSelection.all() - _NO_LEAK,
    description="Sync every system, then profiles, then metrics. When a system cannot be read, profiles and metrics "
    "are made from what the lake holds, and the run fails in the end.",
)
refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.groups("identity", "marts") - _NO_LEAK,
    description="Profiles and metrics from what the lake holds now; reads no system.",
)
inspection = dg.define_asset_job(
    "inspection", selection=_NO_LEAK, description="Decode all that was written and look for values in clear."
)


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
