"""A run killed with SIGKILL at a named point and then repeated ends like an undisturbed one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from installations import ENVIRONMENT, Home, contents, make_home

from sandbox.server import running
from sandbox.world import World

RUN = Path(__file__).with_name("run_everything.py")
POINTS = (
    "lease_taken",
    "fetch_page",
    "fetch_page:4",
    "key_created",
    "key_created:3",
    "row_protected",
    "row_protected:6",
    "append_before",
    "append_before:5",
    "append_written",
    "append_written:3",
    "append_after",
    "append_after:7",
    "ledger_before",
    "ledger_after",
    "cursor_before",
    "cursor_before:4",
    "cursor_after",
    "cursor_after:5",
    "stream_done",
    "stream_done:3",
    "run_recorded",
    "compaction_before",
    "compaction_after",
    "maintenance_before",
    "maintenance_after",
    "identity_register",
    "identity_links",
    "profile_published",
    "mart_written",
    "mart_published",
)


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    with running(World(seed=11, customers=60)) as vendors:
        yield vendors.urls


@pytest.fixture(scope="module")
def undisturbed(urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = make_home(tmp_path_factory.mktemp("undisturbed") / "home", urls)
    assert run(home) == 0
    return home


def run(home: Home, kill_at: str | None = None) -> int:
    environment = {**os.environ, **ENVIRONMENT, **({"CDP_KILL_AT": kill_at} if kill_at else {})}
    done = subprocess.run([sys.executable, RUN, home.config], env=environment, check=False, timeout=120)
    return done.returncode


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_repeated_ends_like_an_undisturbed_one(
    point: str, undisturbed: Home, urls: dict[str, str], tmp_path: Path
) -> None:
    home = make_home(tmp_path / "home", urls)

    assert run(home, kill_at=point) == -signal.SIGKILL
    assert run(home) == 0

    assert contents(home) == contents(undisturbed)
