"""The definitions load as Dagster's server loads them, and what is in them changes on purpose only."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from cdp_pipelines.definitions import defs

ASSETS = [
    "cdp/consent_state",
    "cdp/customer_360",
    "cdp/identity_link",
    "google_reviews/attempt",
    "google_reviews/reviews",
    "hubspot/attempt",
    "hubspot/companies",
    "hubspot/contacts",
    "hubspot/deals",
    "hubspot/feedback_submissions",
    "hubspot/subscription_timeline",
    "mart/dim_metric",
    "mart/metric_value",
    "shopify/abandoned_checkouts",
    "shopify/attempt",
    "shopify/customers",
    "shopify/orders",
    "shopify/refunds",
    "shopify/returns",
    "zendesk/attempt",
    "zendesk/deleted_users",
    "zendesk/organizations",
    "zendesk/satisfaction_ratings",
    "zendesk/survey_responses",
    "zendesk/ticket_events",
    "zendesk/tickets",
    "zendesk/users",
]
JOBS = [
    "everything",
    "inspection",
    "refresh",
    "sweep_hubspot_job",
    "sweep_zendesk_job",
    "sync_google_reviews_job",
    "sync_hubspot_job",
    "sync_shopify_job",
    "sync_zendesk_job",
    "upkeep",
]
SCHEDULES = [
    ("everything_schedule", "everything", "0 5 * * *"),
    ("inspection_schedule", "inspection", "30 4 * * *"),
    ("refresh_schedule", "refresh", "0 6 * * *"),
    ("sweep_hubspot_job_schedule", "sweep_hubspot_job", "40 * * * *"),
    ("sweep_zendesk_job_schedule", "sweep_zendesk_job", "40 * * * *"),
    ("sync_google_reviews_job_schedule", "sync_google_reviews_job", "0 * * * *"),
    ("sync_hubspot_job_schedule", "sync_hubspot_job", "0 * * * *"),
    ("sync_shopify_job_schedule", "sync_shopify_job", "0 * * * *"),
    ("sync_zendesk_job_schedule", "sync_zendesk_job", "0 * * * *"),
    ("upkeep_schedule", "upkeep", "30 3 * * *"),
]
STREAM_CHECKS = {"fields_as_declared", "keys_unique", "no_plaintext", "quarantine_small", "volume_plausible"}
SWEEP_CHECK = "nothing_vanished_by_mistake"
SWEPT = [
    "hubspot/companies",
    "hubspot/contacts",
    "hubspot/deals",
    "hubspot/feedback_submissions",
    "zendesk/organizations",
    "zendesk/tickets",
    "zendesk/users",
]

SPECS = sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)
REPOSITORY = defs.get_repository_def()


def name(spec: dg.AssetSpec) -> str:
    return spec.key.to_user_string()


def test_the_definitions_are_valid() -> None:
    dg.Definitions.validate_loadable(defs)


def test_assets() -> None:
    assert [name(spec) for spec in SPECS] == ASSETS


@pytest.mark.parametrize("spec", SPECS, ids=name)
def test_every_asset_says_what_it_is_and_whose(spec: dg.AssetSpec) -> None:
    assert spec.description is not None
    assert spec.owners
    assert spec.kinds
    assert spec.group_name == {"cdp": "identity", "mart": "marts"}.get(spec.key.path[0], spec.key.path[0])


@pytest.mark.parametrize("spec", SPECS, ids=name)
def test_every_table_says_its_grain_and_how_fresh_it_should_be(spec: dg.AssetSpec) -> None:
    is_table = spec.key.path[-1] != "attempt"
    assert spec.description is not None
    assert spec.description.startswith("One row per ") is is_table
    assert (spec.freshness_policy is not None) is is_table


def test_jobs() -> None:
    assert sorted(job.name for job in REPOSITORY.get_all_jobs() if job.name != "__ASSET_JOB") == JOBS
    assert all(REPOSITORY.get_job(job).description for job in JOBS)


def test_schedules_are_there_and_wait_for_the_operator() -> None:
    schedules = sorted(REPOSITORY.schedule_defs, key=lambda schedule: schedule.name)

    assert [(s.name, s.job_name, s.cron_schedule) for s in schedules] == SCHEDULES
    assert {s.default_status for s in schedules} == {dg.DefaultScheduleStatus.STOPPED}
    assert {s.execution_timezone for s in schedules} == {"Europe/Berlin"}
    assert not REPOSITORY.sensor_defs


def test_every_stream_has_the_same_checks() -> None:
    found: dict[str, set[str]] = {}
    for key in REPOSITORY.asset_graph.asset_check_keys:
        found.setdefault(key.asset_key.to_user_string(), set()).add(key.name)

    ours = [asset for asset in ASSETS if not asset.startswith(("cdp/", "mart/"))]
    streams = {asset: {"succeeded"} if asset.endswith("/attempt") else STREAM_CHECKS for asset in ours}
    for asset in SWEPT:
        streams[asset] = STREAM_CHECKS | {SWEEP_CHECK}
    others = {"cdp/identity_link": {"one_profile_per_record"}, "mart/metric_value": {"no_metric_in_error", "no_leak"}}
    assert found == streams | others


def selected(job: str) -> set[str]:
    return {key.to_user_string() for key in REPOSITORY.get_job(job).asset_layer.executable_asset_keys}


def checked(job: str) -> set[str]:
    return {key.name for key in REPOSITORY.get_job(job).asset_layer.asset_graph.asset_check_keys}


def test_jobs_select_what_their_names_say() -> None:
    streams = {asset for asset in ASSETS if asset.startswith("hubspot/")} - {"hubspot/attempt"}
    assert selected("sync_hubspot_job") == streams
    assert selected("everything") == set(ASSETS)
    assert selected("refresh") == {asset for asset in ASSETS if asset.startswith(("cdp/", "mart/"))}
    assert checked("inspection") == {"no_leak"}
    assert checked("sync_hubspot_job") == STREAM_CHECKS
    assert checked("sweep_hubspot_job") == {SWEEP_CHECK}
    assert checked("everything") == STREAM_CHECKS | {"succeeded", "one_profile_per_record", "no_metric_in_error"}


def loaded_in_a_process_of_its_own(folder: Path, environment: dict[str, str]) -> str:
    """What a fresh interpreter prints of the schedules, every warning an error."""
    code = (
        "from cdp_pipelines.definitions import defs\n"
        "for s in sorted(defs.get_repository_def().schedule_defs, key=lambda s: s.name):\n"
        "    print(s.name, s.cron_schedule, s.execution_timezone)"
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith("CDP_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_without_any_configuration_every_system_is_shown(tmp_path: Path) -> None:
    said = loaded_in_a_process_of_its_own(tmp_path, {})

    assert [line.split()[0] for line in said.splitlines()] == [schedule[0] for schedule in SCHEDULES]


def test_the_configuration_decides_what_is_connected_and_when(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        '[company]\ntime_zone = "America/New_York"\n'
        '[sources.zendesk]\nschedule = "*/15 * * * *"\n[sources.hubspot]\nenabled = false\n'
    )

    said = loaded_in_a_process_of_its_own(tmp_path, {"CDP_CONFIG": "own.toml"}).splitlines()

    assert "sync_zendesk_job_schedule */15 * * * * America/New_York" in said
    assert not [line for line in said if "hubspot" in line]
