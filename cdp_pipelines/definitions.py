"""What Dagster loads: the areas merged, the policy that holds for every asset, one resource. Nothing is opened here.

The configuration is read (a small file, no network) because it says which systems are connected and when
they are synced; without a readable one, every system we know is shown and runs say what is missing.
"""

from datetime import timedelta

import dagster as dg

from cdp_pipelines.config import Company, SourceSettings, load_settings
from cdp_pipelines.defs.alerts.sensors import alert_sensors
from cdp_pipelines.defs.identity.assets import identity_assets
from cdp_pipelines.defs.marts.assets import marts
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.defs.sources.assets import SyncConfig, attempt_check, attempt_key, source_assets
from cdp_pipelines.defs.sources.sweeps import is_swept, sweep_checks
from cdp_pipelines.defs.upkeep.jobs import no_leak, upkeep
from cdp_pipelines.defs.whole import inspection, refresh, schedule, whole_way
from cdp_pipelines.errors import ConfigError
from connectors.registry import SOURCES

FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26))
"""Everything is refreshed at least daily; two hours are left for a slow vendor."""


def configured() -> tuple[Company, dict[str, SourceSettings]]:
    """The company and its enabled systems, or all we know where there is no configuration to read."""
    try:
        settings = load_settings()
    except ConfigError:
        return Company(), {source.name: SourceSettings() for source in SOURCES}
    return settings.company, {name: source for name, source in settings.sources.items() if source.enabled}


def fresh(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The asset with its freshness policy, unless it is an attempt: one that failed brings nothing new."""
    return spec if spec.key in attempts else dg.apply_freshness_policy(spec, FRESH)


company, connected = configured()
sources = [source for source in SOURCES if source.name in connected]
attempts = [attempt_key(source) for source in sources]
sweeps = {source.name: sweep_checks(source) for source in sources if is_swept(source)}
sync_jobs = [
    dg.define_asset_job(
        f"sync_{source.name}_job",
        selection=dg.AssetSelection.groups(source.name)
        - dg.AssetSelection.assets(attempt_key(source))
        - dg.AssetSelection.checks(*sweeps.values()),
        config=dg.RunConfig(ops={f"sync_{source.name}": SyncConfig()}),  # so that the Launchpad shows what can be set
        description=f"Sync {source.name}. To read again from a day on, set 'since' in the Launchpad.",
    )
    for source in sources
]
sweep_jobs = [
    dg.define_asset_job(
        f"sweep_{name}_job",
        selection=dg.AssetSelection.checks(checks),
        description=f"Look for records that vanished from {name} without a word; goes on where the last run stopped.",
    )
    for name, checks in sweeps.items()
]
everything = dg.define_asset_job(
    "everything",
    selection=whole_way(*sweeps.values()),
    description="Sync every system, then profiles, then metrics. When a system cannot be read, profiles and metrics "
    "are made from what the lake holds, and the run fails in the end.",
)
assets = [*(source_assets(source) for source in sources), identity_assets(attempts), marts]

defs = dg.Definitions(
    assets=dg.map_asset_specs(fresh, assets),
    asset_checks=[no_leak, *(attempt_check(source) for source in sources), *sweeps.values()],
    jobs=[*sync_jobs, *sweep_jobs, everything, refresh, inspection, upkeep],
    schedules=[
        *(schedule(f"sync_{name}_job", source.schedule, company.time_zone) for name, source in connected.items()),
        *(schedule(f"sweep_{name}_job", "40 * * * *", company.time_zone) for name in sweeps),
        schedule("upkeep", "30 3 * * *", company.time_zone),
        schedule("inspection", "30 4 * * *", company.time_zone),
        schedule("refresh", "0 6 * * *", company.time_zone),
        schedule("everything", "0 5 * * *", company.time_zone),
    ],
    sensors=alert_sensors(),
    resources={"installation": InstallationResource()},
    executor=dg.in_process_executor,
)
