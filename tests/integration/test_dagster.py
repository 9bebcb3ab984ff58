"""Real materialisation on the sandbox: what Dagster runs, records and refuses."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest
import yaml
from installations import Home

from cdp_pipelines import database
from cdp_pipelines.cli.run import WORKSPACE
from cdp_pipelines.definitions import defs
from cdp_pipelines.defs.border import RERUN_HELPS, border
from cdp_pipelines.defs.identity.assets import identity_assets
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.defs.sources.assets import (
    ATTEMPT_ALONE,
    CHECKS_ALONE,
    attempt_check,
    attempt_key,
    source_assets,
)
from cdp_pipelines.defs.sources.sweeps import sweep_checks
from cdp_pipelines.defs.starting import retry_kind
from cdp_pipelines.defs.upkeep.jobs import KEEP_RUNS, prune_runs, upkeep
from cdp_pipelines.errors import (
    CheckFailedError,
    JobFailedError,
    LeaseError,
    StoreFullError,
    StoreLockedError,
    exit_code,
)
from cdp_pipelines.installation import clock
from cdp_pipelines.jobs import run_job
from connectors.registry import source
from sandbox.server import Running
from sandbox.switches import Fault
from sandbox.vanishing import vanish

HUBSPOT = source("hubspot")


@pytest.fixture
def resources(home: Home) -> dict[str, InstallationResource]:
    return {"installation": InstallationResource(config_path=str(home.config))}


class Sync:
    """Materialises streams of HubSpot in this process."""

    def __init__(self, instance: dg.DagsterInstance, resources: dict[str, InstallationResource]) -> None:
        self._instance, self._resources = instance, resources

    def __call__(
        self, *streams: str, since: str = "", full: bool = False, tags: dict[str, str] | None = None
    ) -> dg.ExecuteInProcessResult:
        chosen = streams or tuple(stream.name for stream in HUBSPOT.streams)
        return dg.materialize(
            [source_assets(HUBSPOT)],
            instance=self._instance,
            resources=self._resources,
            selection=[dg.AssetKey(["hubspot", name]) for name in chosen],
            run_config={"ops": {"sync_hubspot": {"config": {"since": since, "full": full}}}},
            raise_on_error=False,
            tags=tags,
        )


@pytest.fixture
def sync(instance: dg.DagsterInstance, resources: dict[str, InstallationResource]) -> Sync:
    return Sync(instance, resources)


def metadata(result: dg.ExecuteInProcessResult, stream: str) -> dict[str, Any]:
    [event] = [e for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey(["hubspot", stream])]
    found = event.step_materialization_data.materialization.metadata
    return {name: value.value for name, value in found.items()}


def failure(result: dg.ExecuteInProcessResult) -> dg.Failure | Any:
    [event] = [event for event in result.all_events if event.is_step_failure]
    return event.step_failure_data.user_failure_data


def retries(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.is_step_up_for_retry for event in result.all_events)


def materialised(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}


def test_a_subset_of_a_source_with_its_counts_and_checks(sync: Sync, home: Home) -> None:
    result = sync("companies", "contacts")

    assert result.success
    assert materialised(result) == {"companies", "contacts"}
    shown = metadata(result, "contacts")
    with home.opened() as opened:
        stored = sum(opened.lake.current(table).num_rows for table in ("person", "consent_event"))
    assert shown["dagster/row_count"] == stored
    assert shown["records read"] > 0
    assert shown["cursor before"] == {}
    assert shown["cursor after"] != {}
    assert {(e.asset_key.path[-1], e.check_name) for e in result.get_asset_check_evaluations() if e.passed} == {
        (stream, check)
        for stream in ("companies", "contacts")
        for check in ("keys_unique", "no_plaintext", "volume_plausible", "quarantine_small", "fields_as_declared")
    }


def test_backfill_reads_again_and_leaves_the_cursor(sync: Sync) -> None:
    before = metadata(sync("companies"), "companies")
    again = metadata(sync("companies", since="2020-01-01"), "companies")

    assert again["records read"] == before["records read"]
    assert again["rows written"] == 0
    assert again["cursor after"] == again["cursor before"] == before["cursor after"]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("31.1.2026", "The setting 'since' is not a day; write it as YYYY-MM-DD, for example 2026-01-31."),
        ("2999-01-31", "The setting 'since': 2999-01-31, midnight UTC, lies in the future: nothing would be read."),
    ],
)
def test_a_wrong_day_is_refused_with_a_sentence(sync: Sync, day: str, said: str) -> None:
    result = sync("companies", since=day)

    assert not result.success
    assert failure(result).description == said
    assert retries(result) == 0


def test_everything_is_read_again_when_the_launchpad_says_so(sync: Sync) -> None:
    first = metadata(sync("companies"), "companies")
    assert metadata(sync("companies"), "companies")["records read"] < first["records read"]
    again = metadata(sync("companies", full=True), "companies")
    assert (again["records read"], again["rows written"]) == (first["records read"], 0)

    refused = sync("companies", full=True, since="2026-01-31")
    assert (
        failure(refused).description == "The setting 'full' reads everything, 'since' from a day on. Set one of them."
    )
    assert retries(refused) == 0


def test_checks_without_their_sync_say_how_to_run_them(
    instance: dg.DagsterInstance, resources: dict[str, InstallationResource]
) -> None:
    assets = source_assets(HUBSPOT)

    result = dg.materialize(
        [assets],
        instance=instance,
        resources=resources,
        selection=dg.AssetSelection.checks_for_assets(dg.AssetKey(["hubspot", "contacts"])),
        raise_on_error=False,
    )

    assert failure(result).description == CHECKS_ALONE


def test_an_attempt_without_a_stream_is_none(
    instance: dg.DagsterInstance, resources: dict[str, InstallationResource]
) -> None:
    result = dg.materialize(
        [source_assets(HUBSPOT)],
        instance=instance,
        resources=resources,
        selection=[attempt_key(HUBSPOT)],
        raise_on_error=False,
    )

    assert failure(result).description == ATTEMPT_ALONE
    assert materialised(result) == set()


def test_what_a_person_must_fix_is_not_retried(sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_HUBSPOT_TOKEN", "pat-na1-wrong")

    result = sync("companies")

    assert not result.success
    assert retries(result) == 0
    assert "token" in failure(result).description
    assert "pat-na1-wrong" not in failure(result).description


@pytest.mark.parametrize(
    ("error", "allow_retries"),
    [
        (LeaseError("Somebody else is at it."), True),
        (StoreLockedError("Another process keeps the store locked."), True),
        (CheckFailedError("The token may not read tickets."), False),
        (StoreFullError("The disk is full."), False),
        (ValueError("not ours"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_what_can_pass_by_itself_is_tried_again(error: Exception, allow_retries: bool) -> None:  # noqa: FBT001
    with pytest.raises(dg.Failure) as failed, border():
        raise error
    assert failed.value.allow_retries is allow_retries
    assert failed.value.metadata == {RERUN_HELPS: dg.MetadataValue.bool(allow_retries)}
    assert failed.value.__cause__ is None
    assert "not ours" not in str(failed.value.description)


def test_a_failing_stream_fails_the_run_while_the_others_are_kept(sync: Sync, vendors: Running) -> None:
    vendors.switches.faults.append(Fault("hubspot", "/crm/v3/objects/companies", "redirect", times=None))

    result = sync("companies", "contacts")

    assert not result.success
    assert materialised(result) == {"contacts"}
    assert failure(result).description.startswith(
        "hubspot: these streams did not finish; the others are complete.\n  companies:"
    )


def test_what_waits_for_a_sync_goes_on_with_what_could_be_read(
    instance: dg.DagsterInstance, resources: dict[str, InstallationResource], vendors: Running
) -> None:
    vendors.switches.faults.append(Fault("hubspot", "/crm/v3/objects/companies", "redirect", times=None))

    result = dg.materialize(
        [source_assets(HUBSPOT), attempt_check(HUBSPOT), identity_assets([attempt_key(HUBSPOT)])],
        instance=instance,
        resources=resources,
        raise_on_error=False,
    )

    streams = {stream.name for stream in HUBSPOT.streams} - {"companies"}
    assert materialised(result) == streams | {"attempt", "identity_link", "customer_360", "consent_state"}
    assert [event.step_key for event in result.all_events if event.is_step_failure] == ["hubspot_was_synced"]
    assert failure(result).description.startswith(
        "hubspot: these streams did not finish; the others are complete.\n  companies:"
    )


SCHEDULED = {"dagster/schedule_name": "sync_hubspot_job_schedule"}
REPEATED = {"dagster/parent_run_id": "1", "dagster/root_run_id": "1"}


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({}, "manual"),
        (SCHEDULED, "auto"),
        ({"dagster/sensor_name": "after_sync"}, "auto"),
        (REPEATED, "manual"),
        (SCHEDULED | REPEATED, "manual"),  # a person repeats what a schedule had started
        (SCHEDULED | REPEATED | {"dagster/retry_number": "1"}, "auto"),
    ],
    ids=str,
)
def test_run_tags_tell_a_person_from_a_machine(tags: dict[str, str], kind: str) -> None:
    kinds = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def one(context: dg.AssetExecutionContext) -> None:
        kinds.append(retry_kind(context))
        if context.retry_number == 0:
            raise dg.Failure

    assert dg.materialize([one], tags=tags).success
    assert kinds == [kind, "auto"]  # the second attempt is never a person's


def test_a_sync_that_a_person_starts_after_a_failed_one_is_a_manual_retry(
    sync: Sync, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as wrong:
        wrong.setenv("CDP_HUBSPOT_TOKEN", "pat-na1-wrong")
        for tags in ({}, SCHEDULED, {}):
            sync("companies", tags=tags)
    assert sync("companies").success
    assert sync("companies").success

    with home.opened() as opened:
        runs = database.list_runs(opened.stores.control, process="sync/hubspot")
    assert [run.retry_kind for run in reversed(runs)] == ["none", "auto", "manual", "manual", "none"]


def test_upkeep_folds_the_lake_and_keeps_recent_runs(
    sync: Sync, instance: dg.DagsterInstance, resources: dict[str, InstallationResource]
) -> None:
    sync("companies")
    before = {run.run_id for run in instance.get_runs()}

    result = upkeep.execute_in_process(instance=instance, resources=resources)

    assert result.success
    assert before <= {run.run_id for run in instance.get_runs()}


def test_old_runs_are_forgotten_and_nothing_else(sync: Sync, instance: dg.DagsterInstance) -> None:
    old, young = sync("companies"), sync("companies")
    with closing(sqlite3.connect(instance.root_directory + "/history/runs.db")) as runs, runs:
        long_ago = clock() - KEEP_RUNS - timedelta(days=1)  # Dagster offers no clock to set
        runs.execute("update runs set create_timestamp = ? where run_id = ?", (long_ago.isoformat(" "), old.run_id))

    prune_runs(dg.build_op_context(instance=instance))

    assert [run.run_id for run in instance.get_runs()] == [young.run_id]


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undoes what starting a job by name sets for Dagster."""
    for name in ("DAGSTER_HOME", "CDP_CONFIG", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("own_environment")
def test_jobs_by_name_tell_their_steps_and_leave_nothing_in_clear(home: Home) -> None:
    steps: list[str] = []

    synced = run_job("sync_hubspot_job", home.settings, progress=steps.append)
    inspected = run_job("inspection", home.settings)

    assert steps == ["sync_hubspot"]
    assert set(synced.assets) == {f"hubspot/{stream.name}" for stream in HUBSPOT.streams}
    assert synced.failed_checks == inspected.failed_checks == []


@pytest.mark.usefixtures("own_environment")
def test_the_ui_shows_a_job_that_was_run_by_name_among_its_runs(home: Home) -> None:
    run_job("upkeep", home.settings)

    [location] = yaml.safe_load(WORKSPACE.read_text())["load_from"]
    label = f"{defs.get_repository_def().name}@{location['python_module']['location_name']}"
    with dg.DagsterInstance.get() as instance:
        [run] = instance.get_runs(dg.RunsFilter(job_name="upkeep", tags={".dagster/repository": label}))
    assert run.is_success


@pytest.mark.usefixtures("own_environment")
def test_a_failed_job_says_which_step_and_why(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDP_HUBSPOT_TOKEN")

    with pytest.raises(JobFailedError, match="sync_hubspot: hubspot: there is no credential") as failed:
        run_job("sync_hubspot_job", home.settings)
    assert exit_code(failed.value) == 21


def test_a_sweep_shows_what_it_found_and_warns_of_what_it_does_not_believe(
    sync: Sync,
    vendors: Running,
    instance: dg.DagsterInstance,
    resources: dict[str, InstallationResource],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cdp_pipelines.tombstones.FEW", 1)
    sync("companies", "deals")
    deals = [id_ for id_, deal in vendors.world.hubspot.deals.items() if deal.archived is None]
    vanish(vendors.world, "deals", deals[:1])
    vanish(vendors.world, "companies", list(vendors.world.hubspot.companies)[:2])

    def found() -> dict[str, dg.AssetCheckEvaluation]:
        result = dg.Definitions(asset_checks=[sweep_checks(HUBSPOT)], resources=resources)
        job = result.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
        return {check.asset_key.path[-1]: check for check in job.get_asset_check_evaluations()}

    checks = found()
    assert {name: check.passed for name, check in checks.items()} == {
        "companies": False,
        "contacts": True,
        "deals": True,
        "feedback_submissions": True,
    }
    assert checks["deals"].metadata["records gone"].value == 1
    assert checks["companies"].severity == dg.AssetCheckSeverity.WARN
    assert str(checks["companies"].description).endswith("cdp sweep hubspot --stream companies --accept")
    assert str(checks["contacts"].description).startswith("not read to its end yet")
    assert found()["companies"].passed is False
