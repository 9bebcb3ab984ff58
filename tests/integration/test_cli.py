"""The commands as somebody new uses them: what they print, what they refuse, and what they leave on disk."""

import contextlib
import json
import os
import pty
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from installations import Home, make_home, small_business
from sqlalchemy import text

from cdp_pipelines import database
from cdp_pipelines.cli import console
from cdp_pipelines.cli.main import execute
from cdp_pipelines.installation import clock
from cdp_pipelines.leaks import sample_values
from cdp_pipelines.profiles import reveal_profile
from cdp_pipelines.refresh import refresh_metrics, refresh_profiles
from cdp_pipelines.scan import scan
from connectors.registry import SOURCES
from sandbox.server import Running, running

REASON = "Complaint of the customer, case 4711 of spring"
HEAVY = ("dagster", "pandas", "pyarrow", "duckdb", "scipy", "sqlalchemy", "deltalake", "httpx")


@dataclass
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


Cdp = Callable[..., Answer]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Cdp:
    def run(*arguments: str | Path) -> Answer:
        code = execute([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run


@pytest.fixture
def cdp(run: Cdp, home: Home) -> Cdp:
    return lambda *arguments: run("--config", home.config, *arguments)


@pytest.fixture(scope="module")
def worked_out(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """HubSpot's people, their profiles and metrics: worked out once, to be copied."""
    with running(small_business()) as vendors:
        home = make_home(tmp_path_factory.mktemp("worked-out") / "home", vendors.urls)
        home.sync("hubspot")
    with home.opened() as opened:
        refresh_profiles(opened, now=clock())
        refresh_metrics(opened, now=clock())
    return home


@pytest.fixture
def filled(home: Home, worked_out: Home) -> Home:
    """An installation with HubSpot's people, their profiles and metrics."""
    shutil.copytree(worked_out.settings.data, home.settings.data, dirs_exist_ok=True)
    return home


def test_help_needs_nothing_heavy() -> None:
    code = f"""
import sys
from cdp_pipelines.cli.main import execute
assert execute(["--help"]) == 0
print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cdp init" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["sync"], "Missing argument 'name'"),
        (["sync", "hubspot", "--since", "yesterday"], "Invalid value for '--since'"),
        (["sync", "hubspot", "--since", "2999-01-01"], "2999-01-01, midnight UTC, lies in the future"),
        (["sync", "hubspot", "--since", "1900-01-01"], "1900-01-01 lies before 1970"),
        (["profile", "show", "--identifier-file", "nowhere"], "'nowhere' does not exist"),
        (["sandbox", "serve", "--customers", "0"], "Invalid value for '--customers'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_wrong_use_shows_the_usage(run: Cdp, arguments: list[str], said: str) -> None:
    answer = run(*arguments)

    assert answer.code == 2
    assert answer.err.startswith("Usage: cdp")
    assert said in answer.err


def test_init_makes_what_is_missing_and_overwrites_nothing(
    run: Cdp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    first = run("init", tmp_path / "shop")
    config, key = tmp_path / "shop" / "cdp.toml", tmp_path / "user" / ".config" / "cdp" / "root.key"
    config.write_text(config.read_text() + "# mine\n")
    before = (config.read_text(), key.read_bytes())

    second = run("init", tmp_path / "shop")

    assert (first.code, second.code) == (0, 0)
    assert "Keep a copy" in first.out
    assert "cdp sources connect NAME" in first.out
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert (config.read_text(), key.read_bytes()) == before
    assert "stays as it is" in second.out


def test_lists_and_checks_speak_json(cdp: Cdp, filled: Home) -> None:
    sources = json.loads(cdp("sources", "list", "--json").out)
    check = json.loads(cdp("sources", "check", "hubspot", "--json").out)
    sync = json.loads(cdp("sync", "hubspot", "--stream", "companies", "--json").out)
    metrics = json.loads(cdp("metrics", "list", "--json").out)
    csat = json.loads(cdp("metrics", "show", "csat", "--json").out)
    doctor = json.loads(cdp("doctor", "--json").out)
    leaks = json.loads(cdp("scan", "--json").out)

    assert [row["source"] for row in sources] == ["google_reviews", "hubspot", "shopify", "zendesk"]
    assert (check["source"], check["ok"]) == ("hubspot", True)
    assert [stream["stream"] for stream in sync["streams"]] == ["companies"]
    assert "csat" in {row["metric_id"] for row in metrics}
    assert csat["metric_id"] == "csat"
    assert {row["level"] for row in doctor} == {"ok"}
    assert (leaks["ok"], leaks["findings"]) == (True, [])
    assert filled.config.exists()


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal(cdp: Cdp, filled: Home, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))

    said = "".join(
        cdp(*words).out for words in (["sources", "list"], ["metrics", "list"], ["doctor"], ["sync", "hubspot"])
    )

    assert "self_service_containment_rate" in said
    assert "quarantined" in said
    assert max(map(len, said.splitlines())) <= width
    assert filled.config.exists()


def test_failing_check_says_what_to_do(cdp: Cdp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_HUBSPOT_TOKEN", "pat-na1-wrong")

    answer = cdp("sources", "check", "hubspot", "--json")

    assert answer.code == 21
    assert json.loads(answer.out)["ok"] is False
    assert "token" in answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["csatt"], "Published are: ", id="metric"),
        pytest.param(["csat", "--grain", "foo"], "Published are: day, week, month", id="grain"),
    ],
)
def test_an_unknown_metric_or_grain_is_refused_with_what_there_is(
    cdp: Cdp, filled: Home, arguments: list[str], said: str
) -> None:
    answer = cdp("metrics", "show", *arguments)

    assert answer.code == 10
    assert said in answer.err
    assert answer.out == ""
    assert filled.config.exists()


def test_groups_ways_of_counting_and_currencies_are_told_apart(
    cdp: Cdp, filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    with contextlib.closing(sqlite3.connect(filled.settings.data / "mart.db")) as mart, mart:
        mart.execute("update metric_value set currency = 'CHF', status = 'ok', value = 7 where unit = 'money'")
        mart.execute(
            "update metric_value set segment_scheme = 'rfm', segment = 'champions', variant = 'other'"
            " where metric_id = 'csat' and slice_name = 'source'"
        )

    shown = cdp("metrics", "show", "csat").out
    listed = cdp("metrics", "list").out

    assert any("rfm=champions, source=hubspot value (other)" in line for line in shown.splitlines())
    assert "7 CHF" in listed


def somebody(home: Home) -> str:
    """An e-mail address that one customer alone uses."""
    with home.opened() as opened:
        addresses = [value for kind, value in sample_values(opened) if kind == "contact" and "@" in value]
    return max(addresses, key=lambda address: (addresses.count(address) == 1, len(address)))


def test_profiles_are_pseudonymous_and_a_reveal_is_audited(cdp: Cdp, filled: Home, tmp_path: Path) -> None:
    address = somebody(filled)
    (tmp_path / "who.txt").write_text(address + "\n")
    (tmp_path / "why.txt").write_text(REASON)
    asked = ["profile", "show", "--identifier-file", tmp_path / "who.txt", "--json"]

    hidden = cdp(*asked)
    shown = cdp(*asked, "--reveal", "--reason-file", tmp_path / "why.txt")

    assert (hidden.code, shown.code) == (0, 0)
    assert address not in hidden.out
    assert address in {row["value"] for row in json.loads(shown.out)["values"]}
    with sqlite3.connect(filled.settings.data / "control.db") as control:
        entries = control.execute("select action, actor from audit_entry").fetchall()
    assert entries == [("profile_revealed", f"os:{os.getuid()}")]
    verified = cdp("audit", "verify")
    assert verified.code == 0
    with filled.opened() as opened:
        assert database.verify_audit(opened.stores.control, opened.ring).last_code in verified.out
    assert scan([filled.settings.home], [("email", address), ("text", REASON)]).findings == ()


def test_values_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["name", "Anna [VIP] [/] Berg"], ["town", "New:smile:York"]]
    console.print_table("Values [all]", ["field [x]", "value"], rows)
    said = capsys.readouterr().out
    for part in ("Values [all]", "field [x]", "Anna [VIP] [/] Berg", "New:smile:York"):
        assert part in said


def test_times_are_shown_to_the_minute(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table(
        "Profile", ["field", "value"], [["first_seen", datetime(2026, 5, 19, 7, 8, 9, 413, tzinfo=UTC)]]
    )
    assert capsys.readouterr().out.splitlines()[-1].split(maxsplit=1)[1].strip() == "2026-05-19 07:08"


def test_sources_take_one_line_each_on_a_terminal(cdp: Cdp, filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert len(cdp("sources", "list").out.splitlines()) == 2 + len(SOURCES)
    assert filled.config.exists()


def test_several_addresses_are_shown_as_text(filled: Home) -> None:
    with filled.opened() as opened, opened.stores.profile.connect() as profile:
        profiles = profile.execute(text("select distinct profile_id from identity_link")).scalars().all()
        shown = [
            row["value"]
            for profile_id in profiles[:40]
            for row in reveal_profile(opened, profile_id, actor="os:0", reason="test", now=clock())
            if row["field"].startswith("other_")
        ]
    assert shown
    assert not any("[" in value or "'" in value for value in shown)


def test_a_title_is_not_broken_by_a_narrow_table(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table("First load, as far as the system says", ["stream"], [["deals"]])
    assert "First load, as far as the system says" in capsys.readouterr().out


def test_where_there_is_nothing_a_sentence_says_so(cdp: Cdp, home: Home) -> None:
    assert cdp("quarantine", "list").out == "No record waits in quarantine.\n"
    assert cdp("quarantine", "list", "--source", "zendesk").out == "No record of zendesk waits in quarantine.\n"
    assert cdp("identity", "review", "list").out == "No pair waits for an answer.\n"
    assert "no record is like it" in cdp("identity", "explain", "hubspot", "1").out
    assert "Work them out with: cdp run" in cdp("metrics", "list").out
    assert home.config.exists()


def test_a_reveal_without_a_reason_shows_nothing(cdp: Cdp, filled: Home, tmp_path: Path) -> None:
    (tmp_path / "who.txt").write_text(somebody(filled))
    (tmp_path / "why.txt").write_text("\n")

    answer = cdp(
        *("profile", "show", "--reveal", "--identifier-file", tmp_path / "who.txt"),
        *("--reason-file", tmp_path / "why.txt"),
    )

    assert answer.code == 2
    assert "needs a reason" in answer.err
    assert answer.out == ""


def on_a_terminal(arguments: list[str], answers: list[str]) -> tuple[int, str]:
    """Exit code and screen of a command whose questions are answered by typing."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "cdp_pipelines.cli", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        screen = ""
        with contextlib.suppress(OSError):  # the terminal is gone when the command has ended
            while chunk := os.read(ours, 4096).decode(errors="replace"):
                screen += chunk
                if answers and screen.endswith(": "):
                    os.write(ours, f"{answers.pop(0)}\n".encode())
        os.close(ours)
    return process.returncode, screen


def test_the_identifier_is_asked_for_and_not_echoed(filled: Home) -> None:
    address = somebody(filled)

    code, screen = on_a_terminal(["--config", str(filled.config), "profile", "show"], [address])

    assert code == 0
    assert "Profile id, e-mail address or phone number:" in screen
    assert "Consent" in screen
    assert address not in screen


def test_the_identifier_can_be_piped(filled: Home) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cdp_pipelines.cli", "--config", filled.config, "profile", "show"],
        input="nobody@example.org\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 42
    assert "found no profile" in done.stderr
    assert "nobody" not in done.stdout + done.stderr


def test_a_changed_audit_log_is_noticed(cdp: Cdp, home: Home, tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text("pat-na1-sandbox")
    assert cdp("sources", "connect", "hubspot", "--token-file", tmp_path / "token.txt").code == 0
    with contextlib.closing(sqlite3.connect(home.settings.data / "control.db")) as control, control:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            control.execute("update audit_entry set actor = 'os:4711'")
        for (guard,) in control.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            control.execute(f"drop trigger {guard}")
        assert control.execute("update audit_entry set actor = 'os:4711'").rowcount == 1

    answer = cdp("audit", "verify")

    assert answer.code == 40
    assert "audit" in answer.err


def test_a_planted_value_is_found(cdp: Cdp, home: Home) -> None:
    (home.settings.data / "notes.txt").write_text("call erika.mustermann@example.org back")

    answer, listed = cdp("scan"), cdp("scan", "--json")

    assert (answer.code, listed.code) == (41, 41)
    assert "notes.txt" in listed.out  # the table breaks a long path
    assert "erika" not in answer.out + answer.err + listed.out


def doctor(cdp: Cdp) -> dict[str, tuple[str, str]]:
    """Level and sentence by subject."""
    found = json.loads(cdp("doctor", "--json").out)
    return {row["subject"]: (row["level"], row["sentence"]) for row in found}


def move_key(home: Home, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    moved = shutil.copy2(home.settings.root_key_file, folder / "root.key")
    home.config.write_text(home.config.read_text().replace(str(home.settings.root_key_file), str(moved)))


@pytest.mark.parametrize(
    "lines", [b"", b"anna@example.com\n", b"email anna@example.com\n", b"email\t\n", b"\xff\xfea\0"]
)
def test_values_that_cannot_be_looked_for_are_no_all_clear(cdp: Cdp, home: Home, tmp_path: Path, lines: bytes) -> None:
    (home.settings.data / "leak.txt").write_text("anna@example.com")
    (tmp_path / "values.tsv").write_bytes(lines)
    answer = cdp("scan", "--values", tmp_path / "values.tsv")
    assert answer.code == 2
    assert "Nothing found" not in answer.out


def test_several_streams_are_accepted_and_an_unknown_one_is_named(cdp: Cdp, home: Home, vendors: Running) -> None:
    del vendors
    accepted = cdp("sweep", "hubspot", "--stream", "contacts", "--stream", "companies", "--accept")
    assert accepted.code == 0, accepted.err
    wrong = cdp("sweep", "hubspot", "--stream", "no such", "--accept")
    assert (wrong.code, "contacts" in wrong.err) == (10, True)
    with home.opened() as opened:
        assert database.verify_audit(opened.stores.control, opened.ring).entries == 2


@pytest.mark.parametrize("content", [b"", b"\n", b"pat-1\npat-2\n", b"\xff\xfea\0"])
def test_what_is_no_secret_does_not_replace_the_one_there_is(
    cdp: Cdp, home: Home, tmp_path: Path, content: bytes
) -> None:
    with home.opened() as opened:
        database.set_credential(opened.stores, opened.ring, "hubspot", "pat-0")
    (tmp_path / "token.txt").write_bytes(content)
    answer = cdp("sources", "connect", "hubspot", "--token-file", tmp_path / "token.txt")
    assert (answer.code, "Nothing was stored" in " ".join(answer.err.split())) == (2, True)
    with home.opened() as opened:
        assert database.get_credential(opened.stores, opened.ring, "hubspot") == "pat-0"


def test_a_token_can_be_piped(home: Home, vendors: Running) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cdp_pipelines.cli", "--config", home.config, "sources", "connect", "hubspot"],
        input="pat-na1-sandbox\n",
        capture_output=True,
        text=True,
        check=False,
    )
    del vendors
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The credential of hubspot is in the vault.")


@pytest.mark.parametrize(("name", "said"), [("shopify", "Add a section [sources.shopify]"), ("hubspto", "Name one of")])
def test_a_check_of_what_is_not_configured_says_so(cdp: Cdp, name: str, said: str) -> None:
    answer = cdp("sources", "check", name)
    assert (answer.code, said in answer.err) == (10, True), answer.err


def test_doctor_does_not_take_a_missing_key_for_one_of_the_environment(cdp: Cdp, home: Home) -> None:
    home.settings.root_key_file.unlink()
    found = doctor(cdp)
    assert "root key" not in found
    assert found["stores"][0] == "problem"


def test_a_database_url_that_is_none_is_named(cdp: Cdp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_DATABASE_URL", "postgresql://cdp@localhost:port/cdp")
    answer = cdp("sources", "list")
    assert (answer.code, "database_url" in answer.err) == (10, True), answer.err


def test_init_in_the_place_of_a_file_says_so(run: Cdp, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = run("init", tmp_path / "file")
    assert (answer.code, "cannot be made" in answer.err) == (10, True), answer.err


def test_doctor_says_that_a_source_is_none(cdp: Cdp, home: Home) -> None:
    home.config.write_text(home.config.read_text().replace("[sources.hubspot", "[sources.hubspto"))
    assert "Name one of" in doctor(cdp)["hubspto"][1]


def test_doctor_is_content_with_a_key_in_its_place(cdp: Cdp) -> None:
    assert doctor(cdp)["root key"] == ("ok", "The root key lies apart from the data.")


@pytest.mark.parametrize("place", ["data", "keys", "a/b"])
def test_doctor_warns_of_a_key_beside_the_data(cdp: Cdp, home: Home, place: str) -> None:
    move_key(home, home.settings.home / place)

    level, sentence = doctor(cdp)["root key"]

    assert level == "warning"
    assert "beside the data" in sentence


def test_doctor_warns_of_a_key_in_a_git_work_tree(cdp: Cdp, home: Home, tmp_path: Path) -> None:
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    move_key(home, tmp_path / "repository" / "secrets")

    level, sentence = doctor(cdp)["root key"]

    assert level == "warning"
    assert "git" in sentence


def test_doctor_warns_of_data_git_does_not_ignore(cdp: Cdp, home: Home) -> None:
    assert "data" not in doctor(cdp)
    subprocess.run(["git", "init", "--quiet", str(home.settings.home)], check=True)

    level, sentence = doctor(cdp)["data"]
    (home.settings.home / ".gitignore").write_text("data/\n")

    assert level == "warning"
    assert ".gitignore" in sentence
    assert "data" not in doctor(cdp)


def test_doctor_names_the_missing_credential(cdp: Cdp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDP_ZENDESK_TOKEN")

    found = doctor(cdp)

    assert found["hubspot"][0] == "ok"
    assert found["zendesk"][0] == "warning"
    assert "cdp sources connect zendesk" in found["zendesk"][1]


def test_doctor_fails_without_stores(cdp: Cdp, home: Home) -> None:
    shutil.rmtree(home.settings.data)

    answer = cdp("doctor")

    assert answer.code == 43
    assert "cdp init" in answer.out
