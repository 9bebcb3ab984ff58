"""An installation on the sandbox, made once per test that asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from installations import ENVIRONMENT, Home, make_home, small_business

from sandbox.server import Running, running


@pytest.fixture
def vendors() -> Iterator[Running]:
    with running(small_business()) as state:
        yield state


@pytest.fixture
def home(vendors: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name, token in ENVIRONMENT.items():
        monkeypatch.setenv(name, token)
    return make_home(tmp_path / "home", vendors.urls)
