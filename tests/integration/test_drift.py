"""A vendor changes what it sends: what can be read is, what cannot is set aside, and either is told."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from installations import Home, contents, make_home

from cdp_pipelines.cli.main import execute
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.defs.sources.assets import source_assets
from cdp_pipelines.errors import SyncFailedError
from connectors.registry import source
from sandbox.server import Running
from sandbox.switches import Fault

USERS = "/api/v2/incremental/users"


def people(home: Home) -> dict[object, object]:
    found: dict[object, object] = contents(home)["rows"]["person"]
    return found


def test_numbers_that_come_as_text_change_no_row_and_are_told(home: Home, vendors: Running, tmp_path: Path) -> None:
    undisturbed = make_home(tmp_path / "undisturbed", vendors.urls)
    undisturbed.sync("zendesk", streams=["users"])
    vendors.switches.faults.append(Fault("zendesk", USERS, "numbers_as_strings", times=None))

    [report] = home.sync("zendesk", streams=["users"]).streams

    assert report.quarantined == 0
    assert people(home) == people(undisturbed)
    told = {change.field: change for change in report.drift}
    assert {"id", "locale_id", "organization_id"} <= told.keys()
    assert {(change.what, change.came_as) for change in told.values()} == {("retyped", "string")}
    assert told["id"].records == report.records


def test_what_cannot_be_read_sets_its_records_aside_and_only_those(
    home: Home, vendors: Running, tmp_path: Path
) -> None:
    undisturbed = make_home(tmp_path / "undisturbed", vendors.urls)
    undisturbed.sync("zendesk", streams=["users"])
    ids = [str(user) for user in list(vendors.world.zendesk.users)[:2]]
    vendors.switches.faults.append(Fault("zendesk", USERS, "retyped", times=None, name="created_at", ids=ids))

    [report] = home.sync("zendesk", streams=["users"]).streams

    assert report.quarantined == 2
    assert {row: value for row, value in people(undisturbed).items() if row[1] not in ids} == people(home)  # type: ignore[index]
    assert [change.sentence.partition(", since")[0] for change in report.drift] == [
        "created_at came re-typed as array in 2 records"
    ]


def test_what_a_failed_stream_saw_is_told_too(home: Home, vendors: Running) -> None:
    vendors.switches.page_size = 5
    vendors.switches.faults = [
        Fault("zendesk", USERS, "expired_token", after=1, times=None),
        Fault("zendesk", USERS, "numbers_as_strings", times=None),
    ]
    with pytest.raises(SyncFailedError) as failure:
        home.sync("zendesk", streams=["users"])
    report: Any = failure.value.report.streams[0]
    assert report.records > 0
    assert ("id", "retyped", "string") in {(change.field, change.what, change.came_as) for change in report.drift}


def test_the_command_says_it_in_one_line(home: Home, vendors: Running, capsys: pytest.CaptureFixture[str]) -> None:
    vendors.switches.faults.append(Fault("zendesk", USERS, "numbers_as_strings", times=None))
    assert execute(["--config", str(home.config), "sync", "zendesk", "--stream", "users"]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("users:")]
    assert "id came re-typed as string in" in line
    assert (
        execute(
            ["--config", str(home.config), "sync", "zendesk", "--stream", "users", "--since", "2020-01-01", "--json"]
        )
        == 0
    )
    [stream] = json.loads(capsys.readouterr().out)["streams"]
    assert {"field", "what", "came_as", "records", "since"} == stream["drift"][0].keys()


def test_the_check_warns_and_says_what_since_when(home: Home, vendors: Running) -> None:
    vendors.switches.faults.append(Fault("zendesk", USERS, "numbers_as_strings", times=None))

    result = dg.materialize(
        [source_assets(source("zendesk"))],
        resources={"installation": InstallationResource(config_path=str(home.config))},
        selection=[dg.AssetKey(["zendesk", "users"])],
    )

    [check] = [e for e in result.get_asset_check_evaluations() if e.check_name == "fields_as_declared"]
    assert (result.success, check.passed, check.severity) == (True, False, dg.AssetCheckSeverity.WARN)
    assert "id came re-typed as string in" in str(check.description)
    table = check.metadata["fields not as declared"]
    assert isinstance(table, dg.TableMetadataValue)
    assert {"id", "organization_id"} <= {record.data["field"] for record in table.records}
