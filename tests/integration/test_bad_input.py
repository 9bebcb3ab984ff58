"""What can be wrong outside: one clear sentence, a non-zero exit code, nothing lost, the next run continues."""

import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from installations import Home, contents

from cdp_pipelines import database
from cdp_pipelines.cli.main import execute
from privacy.keys import create_root_key


@pytest.fixture
def cdp(capsys: pytest.CaptureFixture[str]) -> "Cdp":
    return Cdp(capsys)


class Cdp:
    """Runs commands and keeps what they said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.said = ""

    def __call__(self, *arguments: str | Path) -> int:
        code = execute([str(argument) for argument in arguments])
        self.said = self._capsys.readouterr().err
        return code


def replace_in_config(home: Home, old: str, new: str) -> None:
    text = home.config.read_text()
    assert old in text
    home.config.write_text(text.replace(old, new))


def assert_goes_on(home: Home) -> None:
    """The next run works and leaves what an undisturbed one leaves."""
    report = home.sync("hubspot")
    assert not report.failed
    assert contents(home)["rows"]["person"]


def test_missing_config(cdp: Cdp, tmp_path: Path) -> None:
    assert cdp("--config", tmp_path / "nowhere.toml", "sources", "list") == 10
    assert "does not exist" in cdp.said
    assert "cdp init" in cdp.said


def test_wrong_type_names_file_line_key_and_fix(cdp: Cdp, home: Home) -> None:
    replace_in_config(home, 'time_zone = "Europe/Berlin"', "time_zone = 7")

    assert cdp("--config", home.config, "sources", "list") == 10
    line = next(n for n, text in enumerate(home.config.read_text().splitlines(), 1) if "time_zone" in text)
    assert str(home.config) in cdp.said
    assert f"line {line}" in cdp.said
    assert "time_zone" in cdp.said


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undoes what starting a job sets for Dagster."""
    for name in ("DAGSTER_HOME", "CDP_CONFIG", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("own_environment")
def test_a_bad_token_of_one_source_in_a_whole_run(cdp: Cdp, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_ZENDESK_TOKEN", "agent@example.com/token:wrong")

    assert cdp("--config", home.config, "run") == 21
    assert "zendesk_was_synced: zendesk:" in cdp.said
    assert "hubspot" not in cdp.said
    assert "To try again: cdp sync zendesk" in cdp.said
    assert "cdp run --refresh-only" not in cdp.said  # for they were refreshed
    people = sum(not row["deleted"] for row in contents(home)["rows"]["person"].values())
    with home.opened() as opened, opened.stores.profile.connect() as profile:
        assert profile.exec_driver_sql("select count(*) from identity_link").scalar() == people > 0


def test_a_run_without_any_system(cdp: Cdp, home: Home) -> None:
    everything = home.config.read_text()
    home.config.write_text(everything.partition("[sources.")[0])

    assert cdp("--config", home.config, "run") == 10
    assert "no system is connected" in cdp.said
    assert "cdp run --refresh-only" in cdp.said


def test_unknown_source(cdp: Cdp, home: Home) -> None:
    assert cdp("--config", home.config, "sync", "hubspott") == 10
    assert "google_reviews, hubspot, shopify, zendesk" in cdp.said


def test_bad_token(cdp: Cdp, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_HUBSPOT_TOKEN", "pat-na1-wrong")

    assert cdp("--config", home.config, "sync", "hubspot") == 21
    assert "token" in cdp.said
    assert cdp("--config", home.config, "sync", "hubspot") == 21
    with home.opened() as opened:
        runs = database.list_runs(opened.stores.control, process="sync/hubspot")
    assert [run.retry_kind for run in runs] == ["manual", "none"]
    assert "pat-na1-wrong" not in cdp.said
    assert_goes_on(home)


def test_missing_scope(cdp: Cdp, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_HUBSPOT_TOKEN", "pat-na1-noscope")

    assert cdp("--config", home.config, "sources", "check", "hubspot") == 21
    assert "crm.objects.contacts.read" in cdp.said
    assert_goes_on(home)


def test_unreachable_host(cdp: Cdp, home: Home) -> None:
    replace_in_config(home, "[sources.zendesk]\naccount", "[sources.zendesk]\n# gone\naccount")
    text = home.config.read_text()
    port = text.split('base_url = "http://127.0.0.1:')[1].split('"')[0]
    replace_in_config(home, f"127.0.0.1:{port}", "127.0.0.1:9")

    assert cdp("--config", home.config, "sources", "check", "hubspot") == 20
    assert "127.0.0.1" in cdp.said
    assert_goes_on(home)


def test_no_credential(cdp: Cdp, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDP_HUBSPOT_TOKEN")

    assert cdp("--config", home.config, "sync", "hubspot") == 10
    assert "cdp sources connect hubspot" in cdp.said


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        yield
        other.execute("rollback")


def test_locked_store(cdp: Cdp, home: Home) -> None:
    with locked(home.settings.data / "control.db"):
        assert cdp("--config", home.config, "sync", "hubspot") == 50
    assert "lock" in cdp.said
    assert_goes_on(home)


def test_root_key_readable_by_others(cdp: Cdp, home: Home) -> None:
    home.settings.root_key_file.chmod(0o644)

    assert cdp("--config", home.config, "sync", "hubspot") == 40
    assert "chmod 600" in cdp.said

    home.settings.root_key_file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert_goes_on(home)


def test_wrong_root_key_for_existing_data(cdp: Cdp, home: Home) -> None:
    home.sync("hubspot")
    key = home.settings.root_key_file
    kept = key.rename(key.with_name("kept.key"))
    create_root_key(key)

    assert cdp("--config", home.config, "sync", "hubspot") == 40
    assert "root key" in cdp.said
    assert "not the one this data was written under" in cdp.said

    kept.rename(key)
    assert_goes_on(home)


def test_init_makes_no_new_root_key_for_existing_data(cdp: Cdp, home: Home) -> None:
    home.sync("hubspot")
    key = home.settings.root_key_file
    kept = key.rename(key.with_name("kept.key"))

    assert cdp("--config", home.config, "init") == 40
    assert "Put the copy of the old one back" in cdp.said
    assert not key.exists()

    kept.rename(key)
    assert_goes_on(home)


def test_missing_root_key(cdp: Cdp, home: Home) -> None:
    home.sync("hubspot")
    home.settings.root_key_file.unlink()

    assert cdp("--config", home.config, "sync", "hubspot") == 40
    assert "root key" in cdp.said


def test_older_store_version(cdp: Cdp, home: Home) -> None:
    with contextlib.closing(sqlite3.connect(home.settings.data / "control.db")) as control:
        control.execute("update alembic_version set version_num = 'before-the-first'")
        control.commit()

    assert cdp("--config", home.config, "sync", "hubspot") == 50
    assert "version" in cdp.said


SMALL_DISK = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from cdp_pipelines.cli.main import execute
sys.exit(execute(sys.argv[2:]))
"""


def test_full_disk_during_an_append(home: Home) -> None:
    """A limit on the size of files fails a write in its middle, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", SMALL_DISK, "4096", "--config", str(home.config), "sync", "hubspot"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 50
    assert "disk" in done.stderr
    assert_goes_on(home)


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare to make a read-only mount")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a read-only mount")
def test_read_only_disk(home: Home) -> None:
    data = home.settings.data
    script = (
        f"mount --bind {data} {data} && mount -o remount,ro,bind {data} && exec {sys.executable} -m cdp_pipelines.cli"
    )
    probe = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"mount --bind {data} {data}"], check=False, capture_output=True
    )
    if probe.returncode:
        pytest.skip("this machine does not allow mounts in a namespace")

    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{script} --config {home.config} sync hubspot"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 50
    assert "read-only" in done.stderr
    assert_goes_on(home)
