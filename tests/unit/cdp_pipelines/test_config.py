"""Settings: what the file and the environment say, and every way of getting them wrong."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from cdp_pipelines.config import Company, load_settings, write_default_config
from cdp_pipelines.errors import ConfigError
from privacy.consent import JURISDICTIONS


@pytest.fixture
def file(tmp_path):
    return tmp_path / "cdp.toml"


def problems(file, text, environment=None):
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, environment or {})
    assert str(file) in str(caught.value)
    return list(caught.value.problems)


def test_the_default_file_is_commented_and_loads(file):
    write_default_config(file)
    settings = load_settings(file, {})
    assert file.read_text().count("#") > 20
    assert settings.company.model_dump() == {
        "base_currency": "EUR",
        "margin_rate": None,
        "currency_rates": None,
        "time_zone": "Europe/Berlin",
        "phone_region": "DE",
        "jurisdiction": "EU",
        "k": 5,
    }
    assert (settings.engine.memory_limit, settings.identity.max_records_per_key) == ("1GB", 10)
    assert settings.sources == {}


def test_the_examples_in_the_default_file_load_when_switched_on(file):
    write_default_config(file)
    head, _, examples = file.read_text().partition("# [sources.hubspot]")
    file.write_text(head + "[sources.hubspot]" + examples.replace("\n# ", "\n").replace("\n#\n", "\n"))
    settings = load_settings(file, {})
    assert {name: source.schedule for name, source in settings.sources.items()} == {
        "hubspot": "*/30 * * * *",
        "zendesk": "*/30 * * * *",
        "shopify": "*/30 * * * *",
        "google_reviews": "15 5 * * *",
    }


def test_an_existing_file_is_never_overwritten(file):
    file.write_text("mine")
    with pytest.raises(ConfigError, match="exists already and is kept"):
        write_default_config(file)
    assert file.read_text() == "mine"


def test_paths_are_relative_to_the_file(file):
    file.write_text('data = "store"\nroot_key_file = "../keys/root.key"\n')
    settings = load_settings(file, {})
    assert (settings.home, settings.path, settings.data) == (file.parent, file, file.parent / "store")
    assert settings.lake == str(file.parent / "store" / "lake")
    assert settings.root_key_file == file.parent / "../keys/root.key"


def test_the_lake_may_lie_elsewhere(file):
    file.write_text('lake = "../lake"\n')
    assert load_settings(file, {}).lake == str(file.parent / "../lake")


def test_an_object_store_is_refused(file):
    expected = (
        "line 2: lake is an address of an object store, where file locks do not work; "
        "name a folder of this machine, for example /srv/cdp/lake."
    )
    assert problems(file, 'data = "data"\nlake = "s3://bucket/lake"\n') == [expected]


def test_a_home_folder_is_expanded(file):
    file.write_text("")
    assert load_settings(file, {}).root_key_file == Path.home() / ".config/cdp/root.key"


def test_the_environment_overrides_single_keys(file):
    file.write_text('[company]\nk = 7\ntime_zone = "UTC"\n')
    environment = {"CDP_COMPANY__K": "9", "CDP_DATABASE_URL": "postgresql://host/db", "CDP_HUBSPOT_TOKEN": "secret"}
    settings = load_settings(file, environment)
    assert (settings.company.k, settings.company.time_zone) == (9, "UTC")
    assert settings.database_url == "postgresql://host/db"


def test_the_environment_can_name_the_file(file, tmp_path, monkeypatch):
    file.write_text('data = "named"\n')
    assert load_settings(None, {"CDP_CONFIG": str(file)}).data == tmp_path / "named"
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}).path == file


def test_a_missing_file_says_how_to_make_one(file):
    with pytest.raises(ConfigError, match=r"does not exist\. Create it with: cdp init"):
        load_settings(file, {})


def test_something_else_than_toml_names_the_line(file):
    assert problems(file, "[company]\nk = five\n") == [
        "this is not TOML: Invalid value (at line 2, column 5). Correct the line; text values need quotes."
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            '\ndta = "x"\n',
            "line 2: dta is not a setting. Did you mean data? Valid here: alerts, company, data, database_url, engine, "
            "identity, lake, quarantine, root_key_file, sources.",
            id="unknown key",
        ),
        pytest.param(
            "[engine]\nmemory = 1\n",
            "line 2: engine.memory is not a setting. Did you mean memory_limit? Valid here: memory_limit, threads.",
            id="unknown key of a section",
        ),
        pytest.param(
            '[sources.hubspot]\naccount = "1"\nshedule = "x"\n',
            "line 3: sources.hubspot.shedule is not a setting. Did you mean schedule? Valid here: account, base_url, "
            "enabled, oauth, options, rate_scale, schedule, share, sweep_share.",
            id="unknown key of a source",
        ),
        pytest.param(
            '[company]\n# k = 5\nk = "five"\n', "line 3: company.k must be a whole number, not text.", id="text"
        ),
        pytest.param("[company]\nk = 4\n", "line 2: company.k must be greater than or equal to 5.", id="too small"),
        pytest.param(
            "[identity]\nreview_from = 0.995\n",
            "line 1: identity has a review_from above its join_from; who is joined is never asked about, so lower it.",
            id="bands out of order",
        ),
        pytest.param("data = 5\n", "line 1: data must be text in quotes, not a number.", id="number for a path"),
        pytest.param("engine = 5\n", "line 1: engine must be a section, not a number.", id="number for a section"),
        pytest.param(
            "[sources]\nzendesk = {enabled = 'perhaps'}\n",
            "line 2: sources.zendesk.enabled must be true or false, not text.",
            id="inline table",
        ),
        pytest.param(
            'company.base_currency = "EURO"\n',
            "line 1: company.base_currency is 'EURO', which is no ISO 4217 currency code; write for example EUR, USD "
            "or GBP.",
            id="currency, dotted key",
        ),
        pytest.param(
            '[company]\ntime_zone = "Europe/Berln"\n',
            "line 2: company.time_zone is 'Europe/Berln', which is no IANA time zone; write for example Europe/Berlin "
            "or UTC.",
            id="time zone",
        ),
        pytest.param(
            '[company]\nphone_region = "Germany"\n',
            "line 2: company.phone_region is 'Germany', which is no ISO 3166 country code; write for example DE, US "
            "or GB.",
            id="region",
        ),
        pytest.param(
            '[company]\njurisdiction = "Mars"\n',
            "line 2: company.jurisdiction must be one of 'EU', 'UK', 'CH' or 'US'.",
            id="jurisdiction",
        ),
        pytest.param(
            '[engine]\nmemory_limit = "lots"\n',
            "line 2: engine.memory_limit is 'lots', which is no size; write for example 1GB or 512MB.",
            id="size",
        ),
        pytest.param(
            '[sources.hubspot]\nschedule = "hourly"\n',
            "line 2: sources.hubspot.schedule is 'hourly', which is no cron expression of five parts; write for "
            "example '0 * * * *'.",
            id="cron",
        ),
        pytest.param(
            "[sources.hubspot]\nshare = 50\n",
            "line 2: sources.hubspot.share must be less than or equal to 1.",
            id="share",
        ),
    ],
)
def test_a_wrong_setting_names_line_key_and_fix(file, text, problem):
    assert problems(file, text) == [problem]


def test_all_problems_are_listed_at_once_in_the_order_of_the_file(file):
    text = '[engine]\nthreads = 0\n[company]\nk = "x"\nbase_currency = "XXX"\n'
    assert [problem[:7] for problem in problems(file, text)] == ["line 2:", "line 4:", "line 5:"]


def test_a_wrong_variable_is_named(file):
    assert problems(file, "", {"CDP_ENGINE__THREADS": "many"}) == [
        "environment CDP_ENGINE__THREADS must be a whole number, not text."
    ]


def test_a_variable_that_is_no_section_is_not_quoted(file):
    (problem,) = problems(file, "", {"CDP_SOURCES": "secret"})
    assert "secret" not in problem


def test_there_is_a_policy_for_every_jurisdiction_that_can_be_set():
    assert get_args(Company.model_fields["jurisdiction"].annotation) == JURISDICTIONS


def test_reading_settings_loads_nothing_heavy():
    """``cdp --help`` has half a second."""
    program = (
        "import sys; import cdp_pipelines.config; "
        "print([m for m in ('pandas', 'pyarrow', 'dagster', 'duckdb', 'sqlalchemy', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("[sources.HubSpot]\n", {}, "line 1: sources.HubSpot is no name of a source"),
        ("[sources.hubspot.oauth]\n", {}, "line 1: sources.hubspot.oauth.client_id is missing"),
        (
            "[sources.hubspot]\nshare = 0.5\n",
            {"CDP_SOURCES__HUBSPOT__SHARE": "2"},
            "environment CDP_SOURCES__HUBSPOT__SHARE must be",
        ),
    ],
)
def test_the_place_and_the_remedy_are_the_right_ones(
    tmp_path: Path, text: str, environment: dict[str, str], said: str
) -> None:
    (tmp_path / "cdp.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / "cdp.toml", environment)
    assert caught.value.problems[0].startswith(said)


@pytest.mark.parametrize(
    "schedule",
    ["99 * * * *", "0 24 * * *", "0 0 0 * *", "0 0 * 13 *", "0 0 * * 8", "0 0 * foo *", "9-5 * * * *", "*/0 * * * *"],
)
def test_a_schedule_that_no_clock_shows_is_refused(file, schedule):
    (said,) = problems(file, f'[sources.hubspot]\nschedule = "{schedule}"\n')
    assert said.startswith("line 2: sources.hubspot.schedule is")


@pytest.mark.parametrize(
    "schedule",
    [
        "*/30 * * * *",
        "15 5 * * *",
        "0 9-17 * * mon-fri",
        "5,35 * * * 1-5",
        "0 0 1 jan,jul *",
        "0 0 * * 7",
        "0-30/10 * * * *",
    ],
)
def test_a_usual_schedule_is_taken(file, schedule):
    file.write_text(f'[sources.hubspot]\nschedule = "{schedule}"\n')
    assert load_settings(file, {}).sources["hubspot"].schedule == schedule
