"""What Dagster remembers of a source, outside the definitions: whether its schedules are on, its runs, its assets."""

import dagster as dg

from cdp_pipelines.config import Settings
from cdp_pipelines.defs.event_log import instance_of


def jobs_of(name: str) -> tuple[str, str]:
    """The jobs that are the source's alone."""
    return f"sync_{name}_job", f"sweep_{name}_job"


def stop_schedule(settings: Settings, name: str) -> bool:
    """Take the state of the source's schedules away; whether it had one."""
    schedules = {f"{job}_schedule" for job in jobs_of(name)}
    with instance_of(settings) as instance:
        states = [s for s in instance.all_instigator_state() if s.instigator_name in schedules]
        for state in states:
            instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)
        return bool(states)


def forget_runs(settings: Settings, name: str) -> int:
    """Delete the runs of the source's own jobs and what is recorded of its assets; the number of runs."""
    with instance_of(settings) as instance:
        runs = [run for job in jobs_of(name) for run in instance.get_runs(dg.RunsFilter(job_name=job))]
        for run in runs:
            instance.delete_run(run.run_id)
        instance.wipe_assets([key for key in instance.all_asset_keys() if key.path[0] == name])
        return len(runs)
