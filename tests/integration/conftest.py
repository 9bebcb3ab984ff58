"""An installation on the sandbox, made once per test that asks for it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installations import ENVIRONMENT, Home, make_home, small_business

from cdp_pipelines.setup import SHIPPED
from sandbox.server import Running, running

if TYPE_CHECKING:
    import dagster as dg


@pytest.fixture
def vendors() -> Iterator[Running]:
    with running(small_business()) as state:
        yield state


@pytest.fixture
def home(vendors: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name, token in ENVIRONMENT.items():
        monkeypatch.setenv(name, token)
    return make_home(tmp_path / "home", vendors.urls)


@pytest.fixture
def dagster_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a Dagster that is configured as we ship it."""
    folder = tmp_path / "dagster"
    folder.mkdir()
    shutil.copyfile(SHIPPED, folder / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


@pytest.fixture
def instance(dagster_folder: Path) -> Iterator["dg.DagsterInstance"]:
    """It, opened."""
    import dagster as dg

    del dagster_folder
    with dg.DagsterInstance.get() as opened:
        yield opened
