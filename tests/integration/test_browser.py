"""The Dagster UI in a real browser: the graph is there, and a sync can be started from it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from installations import ENVIRONMENT, Home

from cdp_pipelines import database

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SERVER_SECONDS = 180
PAGE_MILLISECONDS = 60_000

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; install it with: apt-get install chromium"),
]


@pytest.fixture
def ui(home: Home, tmp_path: Path) -> Iterator[str]:
    """Address of ``cdp dev`` on a free port, with its daemon; all its processes end with the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "dev.log"
    command = [sys.executable, "-m", "cdp_pipelines.cli", "--config", str(home.config), "dev", "--port", str(port)]
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, env=os.environ | ENVIRONMENT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        ) as process,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/server_info", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            stop(process)


def wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).is_success:
                return
        time.sleep(0.2)
    pytest.fail(f"the UI did not come up:\n{log.read_text()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, then end its whole group: servers of Dagster live in it too."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def page(ui: str) -> Iterator["Page"]:
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        opened = browser.new_page(base_url=ui)
        opened.set_default_timeout(PAGE_MILLISECONDS)
        yield opened
        browser.close()


def test_the_graph_shows_every_group_and_a_sync_starts_from_the_ui(page: "Page", home: Home) -> None:
    page.goto("/asset-groups")
    for group in ("hubspot", "zendesk", "identity", "marts"):
        page.get_by_text(group, exact=True).first.wait_for()

    page.goto("/locations/cdp/jobs/sync_hubspot_job/playground")
    page.get_by_role("button", name="Launch Run").click()
    page.wait_for_url("**/runs/*")
    page.get_by_text("Success", exact=True).first.wait_for()

    with home.opened() as opened:
        [run] = database.list_runs(opened.stores.control, process="sync/hubspot")
        people = opened.lake.current("person").num_rows
    assert run.status == "success"
    assert 0 < people <= run.counts["written"]
