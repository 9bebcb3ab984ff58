"""Ctrl-C stops a sync with one sentence; what was read stays, and the next sync ends as if nothing had happened."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from installations import Home, contents, make_home

from sandbox.server import Running

_PAGES_BEFORE, _LATENCY_MS = 8, 1000.0
"""Requests answered before the interruption, and how slowly: the load is then in its middle, also on a busy machine."""

_LISTENING = """
import signal, sys
from cdp_pipelines.cli.main import execute
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(execute(sys.argv[1:]))
"""
"""The command, also where whoever runs the tests ignores Ctrl-C: a process in the background hands that on."""


def test_a_sync_is_stopped_by_ctrl_c_and_the_next_one_goes_on(home: Home, vendors: Running, tmp_path: Path) -> None:
    undisturbed = make_home(tmp_path / "undisturbed", vendors.urls)
    undisturbed.sync("hubspot")
    vendors.switches.page_size, vendors.switches.latency_ms = 5, _LATENCY_MS
    before = len(vendors.requests)

    command = [sys.executable, "-c", _LISTENING, "--config", str(home.config), "sync", "hubspot"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while len(vendors.requests) < before + _PAGES_BEFORE and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert said.splitlines()[-1] == "Stopped. What was read is kept; run the same command again to go on."
    assert "Traceback" not in said
    vendors.switches.page_size, vendors.switches.latency_ms = None, 0.0
    home.sync("hubspot")
    assert contents(home) == contents(undisturbed)
