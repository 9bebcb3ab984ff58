"""What Dagster loads: the areas merged, one resource, jobs and schedules. Nothing is opened here.

The configuration is read (a small file, no network) because it says which systems are connected and when
they are synced; without a readable one, every system we know is shown and runs say what is missing.
"""

from datetime import timedelta

import dagster as dg

from cdp_pipelines.config import SourceSettings, load_settings
from cdp_pipelines.defs.identity.assets import identity_assets
from cdp_pipelines.defs.marts.assets import marts
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.defs.sources.assets import asset_key, source_assets
from cdp_pipelines.defs.upkeep.jobs import no_leak, upkeep, upkeep_schedule
from cdp_pipelines.errors import ConfigError
from connectors.registry import SOURCES

FRESH_WITHIN = timedelta(hours=26)
EVERY_MORNING = "0 5 * * *"
EVERY_NIGHT = "30 4 * * *"


def connected() -> dict[str, SourceSettings]:
    """The configured systems, or all we know where there is no configuration to read."""
    try:
        return {name: s for name, s in load_settings().sources.items() if s.enabled}
    except ConfigError:
        return {source.name: SourceSettings() for source in SOURCES}


CONNECTED = connected()
sources = [source for source in SOURCES if source.name in CONNECTED]
stream_keys = [asset_key(source, stream) for source in sources for stream in source.streams]
source_jobs = {
    source.name: dg.define_asset_job(
        f"sync_{source.name}_job",
        selection=dg.AssetSelection.groups(source.name),
        description=f"Sync {source.name}. Set 'since' in the Launchpad to read again from a day on.",
    )
    for source in sources
}
freshness = dg.build_last_update_freshness_checks(assets=stream_keys, lower_bound_delta=FRESH_WITHIN)
everything = dg.define_asset_job(
    "everything",
    selection=dg.AssetSelection.all() - dg.AssetSelection.checks(no_leak, *freshness),
    description="Sync every source, then profiles, then metrics.",
)
inspection = dg.define_asset_job(
    "inspection",
    selection=dg.AssetSelection.checks(no_leak, *freshness),
    description="Look for values in clear in all that was written, and for streams that are late.",
)
refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.groups("identity", "marts"),
    description="Profiles and metrics from what the lake holds now.",
)

defs = dg.Definitions(
    assets=[*(source_assets(source) for source in sources), identity_assets(stream_keys), marts],
    asset_checks=[no_leak, *freshness],
    jobs=[*source_jobs.values(), everything, refresh, inspection, upkeep],
    schedules=[
        *(dg.ScheduleDefinition(job=job, cron_schedule=CONNECTED[name].schedule) for name, job in source_jobs.items()),
        dg.ScheduleDefinition(job=everything, cron_schedule=EVERY_MORNING),
        dg.ScheduleDefinition(job=inspection, cron_schedule=EVERY_NIGHT),
        upkeep_schedule,
    ],
    resources={"installation": InstallationResource()},
    executor=dg.in_process_executor,
)
