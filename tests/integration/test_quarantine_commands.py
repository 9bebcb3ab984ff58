"""Records that wait: seen in a list, asked for again on request, and too many of them said aloud."""

import json
from collections.abc import Callable
from dataclasses import replace

import dagster as dg
import pytest
from installations import Home

from cdp_pipelines import database
from cdp_pipelines.cli.main import execute
from cdp_pipelines.config import QuarantineSettings
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.defs.sources.assets import source_assets
from cdp_pipelines.doctor import examine
from cdp_pipelines.quarantine import are_too_many
from cdp_pipelines.sync import StreamReport
from connectors.registry import source
from sandbox.server import Running
from sandbox.switches import Fault

HUBSPOT = source("hubspot")
Cdp = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cdp(home: Home, capsys: pytest.CaptureFixture[str]) -> Cdp:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = execute(["--config", str(home.config), *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def broken_companies(vendors: Running, count: int) -> list[str]:
    """Let the first companies say how many work there in a word, and give their ids."""
    chosen = list(vendors.world.hubspot.companies.values())[:count]
    for company in chosen:
        company.props["numberofemployees"] = "quite a few"
    return sorted(company.id for company in chosen)


def repair(vendors: Running) -> None:
    for company in vendors.world.hubspot.companies.values():
        company.props["numberofemployees"] = "12"


def test_waiting_records_are_listed_by_reference(cdp: Cdp, home: Home, vendors: Running) -> None:
    ids = broken_companies(vendors, 2)
    home.sync("hubspot", streams=["companies"])

    code, out, _ = cdp("quarantine", "list", "--source", "hubspot", "--stream", "companies", "--json")
    _, table, _ = cdp("quarantine", "list")

    listed = json.loads(out)
    assert (code, listed["waiting"]) == (0, 2)
    assert [(row["record_id"], row["error_class"], row["attempts"]) for row in listed["records"]] == [
        (record_id, "ValueError", 1) for record_id in ids
    ]
    assert "quite a few" not in out + table
    assert all(record_id in table for record_id in ids)
    assert json.loads(cdp("quarantine", "list", "--source", "zendesk", "--json")[1])["waiting"] == 0


def test_what_a_long_list_leaves_out_is_said(cdp: Cdp, home: Home, vendors: Running) -> None:
    broken_companies(vendors, 3)
    home.sync("hubspot", streams=["companies"])

    assert (
        "2 more are not shown; see them with: cdp quarantine list --limit 3"
        in cdp("quarantine", "list", "--limit", "1")[1]
    )


def test_a_repaired_record_is_fetched_by_itself_and_the_cursor_stays(cdp: Cdp, home: Home, vendors: Running) -> None:
    ids = broken_companies(vendors, 2)
    home.sync("hubspot", streams=["companies"])
    with home.opened() as opened:
        before = database.load_cursor(opened.stores.control, "hubspot", "companies")
    repair(vendors)

    code, out, _ = cdp("quarantine", "retry", "hubspot", "companies", "--json")

    assert code == 0
    assert json.loads(out) == [
        {"source": "hubspot", "stream": "companies", "asked": 2, "recovered": 2, "waiting": 0, "advice": None}
    ]
    with home.opened() as opened:
        control = opened.stores.control
        stored = set(opened.lake.current("account").column("source_id").to_pylist())
        assert set(ids) <= stored
        assert database.load_cursor(control, "hubspot", "companies") == before
        assert database.read_to_end(control, "hubspot", ["companies"])["companies"] < max(
            run.started_at for run in database.list_runs(control, process="quarantine/hubspot")
        )


def test_a_record_that_is_still_wrong_stays_and_is_counted_again(cdp: Cdp, home: Home, vendors: Running) -> None:
    broken_companies(vendors, 1)
    home.sync("hubspot", streams=["companies"])

    code, out, _ = cdp("quarantine", "retry")

    assert code == 0
    assert "Asked again" in out
    with home.opened() as opened:
        _, [row] = database.quarantine_list(opened.stores.control)
    assert row["attempts"] == 2


def test_where_nobody_can_be_asked_it_says_what_meets_the_record(cdp: Cdp, home: Home, vendors: Running) -> None:
    stream = "subscription_timeline"
    timeline = vendors.world.timeline.records
    timeline[0] = replace(timeline[0], change="HALF_SUBSCRIBED")

    advice = []
    for _ in range(3):
        home.sync("hubspot", streams=[stream])
        advice.append(json.loads(cdp("quarantine", "retry", "hubspot", "--json")[1])[0])

    assert [(one["asked"], one["waiting"]) for one in advice] == [(0, 1)] * 3
    assert advice[0]["advice"].endswith("the cursor waits before them: cdp sync hubspot --stream subscription_timeline")
    assert "after 3 tries" in advice[2]["advice"]
    assert "cdp sync hubspot --stream subscription_timeline --full" in advice[2]["advice"]


def test_a_vendor_that_refuses_is_one_sentence_and_the_record_still_waits(
    cdp: Cdp, home: Home, vendors: Running
) -> None:
    broken_companies(vendors, 1)
    home.sync("hubspot", streams=["companies"])
    vendors.switches.faults.append(Fault("hubspot", "/crm/v3/objects/companies", "redirect", times=None))

    code, out, err = cdp("quarantine", "retry")

    assert code == 21
    assert "companies" in err
    assert "still waiting" in out
    with home.opened() as opened:
        assert database.quarantine_count(opened.stores.control, "hubspot", "companies") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["retry", "hubspott"], 10, "is none we know"),
        (["retry", "hubspot", "contactz"], 10, "Name one of these: companies, contacts"),
        (["retry", "shopify"], 10, "is not configured"),
        (["list", "--source", "hubspott"], 10, "is none we know"),
        (["list", "--source", "hubspot", "--stream", "contactz"], 10, "Name one of these: companies, contacts"),
        (["list", "--stream", "contacts"], 2, "--stream needs --source"),
        (["list", "--limit", "0"], 2, "greater than or equal to 1"),
    ],
)
def test_a_wrong_name_is_one_sentence(cdp: Cdp, arguments: list[str], code: int, said: str) -> None:
    answer = cdp("quarantine", *arguments)
    assert (answer[0], answer[1]) == (code, "")
    assert said in answer[2]


def test_nothing_waiting_is_said(cdp: Cdp) -> None:
    assert cdp("quarantine", "retry") == (0, "No record waits in quarantine.\n", "")


def test_the_doctor_names_the_system(home: Home, vendors: Running) -> None:
    assert [f.level for f in examine(home.settings) if f.subject == "quarantine"] == ["ok"]
    broken_companies(vendors, 2)
    home.sync("hubspot", streams=["companies"])
    [finding] = [f for f in examine(home.settings) if "could not be mapped" in f.sentence]
    assert (finding.level, finding.subject) == ("warning", "hubspot")
    assert finding.sentence.startswith("2 of its records")


@pytest.mark.parametrize(
    ("read", "new", "waiting", "live", "too_many"),
    [
        (1_000, 10, 10, 990, False),
        (1_000, 11, 11, 989, True),
        (100, 9, 9, 91, False),
        (50, 0, 30, 100_000, False),
        (50, 20, 20, 100_000, True),
        (0, 0, 30, 2_000, True),
        (30, 30, 30, 0, True),
        (0, 0, 0, 0, False),
    ],
)
def test_too_many_are_more_than_a_share_and_more_than_a_few(read, new, waiting, live, too_many) -> None:
    report = StreamReport("contacts", records=read, newly_quarantined=new)
    assert are_too_many(QuarantineSettings(), report, waiting=waiting, live=live) is too_many


def test_the_check_fails_where_the_settings_say_so(home: Home, vendors: Running) -> None:
    broken_companies(vendors, 2)
    [passed, few] = [_check(home, fail_from) for fail_from in (3, 1)]
    assert (passed.passed, few.passed) == (True, False)
    assert few.severity == dg.AssetCheckSeverity.ERROR
    assert {name: value.value for name, value in few.metadata.items()} == {
        "records waiting": 2,
        "set aside for the first time": 0,
    }


def _check(home: Home, fail_from: int) -> dg.AssetCheckEvaluation:
    text = home.config.read_text().partition("[quarantine]")[0]
    home.config.write_text(f"{text}[quarantine]\nfail_from = {fail_from}\n")
    result = dg.materialize(
        [source_assets(HUBSPOT)],
        resources={"installation": InstallationResource(config_path=str(home.config))},
        selection=[dg.AssetKey(["hubspot", "companies"])],
    )
    assert result.success
    [found] = [e for e in result.get_asset_check_evaluations() if e.check_name == "quarantine_small"]
    return found
