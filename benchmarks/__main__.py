"""``python -m benchmarks``: measure what the issue owes, print it, write docs/performance.md. About 20 minutes."""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson

from benchmarks.processes import child
from benchmarks.report import Figure, machine, table, write_section
from cdp_pipelines.config import load_settings
from cdp_pipelines.setup import set_up
from connectors.hubspot.listing import TAKEN
from demo.__main__ import PURPOSES, keep_credentials
from demo.business import RATE_SCALE, Business, serving
from demo.home import write_config

SECTION = "## The whole way (`make bench`)"
SEED = 7
FULL = 100_000
"""Customers of the large world: about as many contacts, and twice as many tickets."""


def main() -> None:
    """Measure everything, one thing at a time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--customers", type=int, default=FULL, help="size of the large world")
    parser.add_argument("--no-report", action="store_true", help="print only")
    options = parser.parse_args()
    started = time.monotonic()
    figures = [*starting(), *demo()]
    small = sizes(options.customers // 10)
    large = sizes(options.customers)
    figures += extraction(small, large)
    figures += whole(options.customers)
    minutes = (time.monotonic() - started) / 60
    figures.append(Figure("this benchmark, all of it", minutes, "minutes", must=25))
    for figure in figures:
        print(figure.line())
    if not options.no_report:
        write_section([SECTION], _section(figures, options.customers))


def _section(figures: list[Figure], customers: int) -> str:
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on {machine()}.\n"
        f"The large world has {customers:,} customers; sandbox and measured process share the machine.\n\n"
        f"{table(figures)}"
    )


def starting() -> list[Figure]:
    """How long the command line takes, and a syncing process until it can send a request; the median of five."""
    help_seconds = [_seconds([sys.executable, "-m", "cdp_pipelines.cli", "--help"]) for _ in range(5)]
    with tempfile.TemporaryDirectory() as folder, serving(10, SEED) as business:
        config = installation(Path(folder) / "home", business)
        start_seconds = [_seconds_until_ready(config) for _ in range(5)]
    return [
        Figure("cdp --help", statistics.median(help_seconds), "s", must=0.5),
        Figure("start of the syncing process, until it is ready to read", statistics.median(start_seconds), "s", aim=1),
    ]


def demo() -> list[Figure]:
    """``make demo`` with 5,000 customers: all four systems, and the two that the first figures were set for."""
    two, parts = _demo("2")
    four, _ = _demo("4")
    return [
        Figure("demo of four systems", four, "s", must=120),
        Figure("demo of two systems", two, "s", must=90),
        Figure("its incremental part", parts["second_seconds"], "s", must=15),
        Figure("Dagster's own overhead in its first run", parts["first_overhead"], "s", must=10),
    ]


def _demo(systems: str) -> tuple[float, dict[str, float]]:
    seconds = _seconds([sys.executable, "-m", "demo", "--systems", systems])
    parts: dict[str, float] = json.loads(Path("demo-home/report.json").read_text())
    return seconds, parts


def sizes(customers: int) -> dict[str, Any]:
    """Sync both systems of a world of this size, each in a process of its own; and the yardstick."""
    with tempfile.TemporaryDirectory() as folder, serving(customers, SEED) as business:
        config = installation(Path(folder) / "home", business)
        hubspot = child("benchmarks.measured_sync", config, "hubspot", "contacts")
        zendesk = child("benchmarks.measured_sync", config, "zendesk")
        return {"hubspot": hubspot, "zendesk": zendesk, "decode_us": decode_microseconds(business)}


def extraction(small: dict[str, Any], large: dict[str, Any]) -> list[Figure]:
    """CPU and memory from socket to lake."""
    contacts = large["hubspot"]["streams"][0]
    light = [s for s in large["zendesk"]["streams"] if s["stream"] in {"tickets", "ticket_events"}]
    contact_us = 1e6 * contacts["cpu_seconds"] / contacts["records"]
    rows = sum(s["rows"] for s in light)
    figures = [
        Figure(f"CPU per contact ({contacts['records']:,} records)", contact_us, "µs", must=180),
        Figure("  the same, as a multiple of only decoding its JSON", contact_us / large["decode_us"], "times"),
        Figure(
            f"CPU per record with at most two personal fields ({rows:,} rows)",
            1e6 * sum(s["cpu_seconds"] for s in light) / rows,
            "µs",
            must=70,
        ),
    ]
    heavy = sorted({module for name in ("hubspot", "zendesk") for module in large[name]["heavy_imports"]})
    named = ", ".join(["heavy modules imported by the syncing process", *heavy])
    figures.append(Figure(named, len(heavy), "modules", must=0))
    for name in ("hubspot", "zendesk"):
        peak, tenth = (size[name]["streams"][-1]["peak_mb"] for size in (large, small))
        figures += [
            Figure(f"peak memory of the process syncing {name}", peak, "MB", must=600),
            Figure("  growth against a tenth of the size", 100 * (peak / tenth - 1), "%", must=15),
        ]
    return figures


def whole(customers: int) -> list[Figure]:
    """Sync, profiles, metrics and publishing of the large world in one Dagster run."""
    with tempfile.TemporaryDirectory() as folder, serving(customers, SEED) as business:
        config = installation(Path(folder) / "home", business)
        run = child("benchmarks.measured_run", config)
    steps = [Figure(f"  step {step}", seconds, "s") for step, seconds in run["steps"].items()]
    return [
        Figure("whole run at that size", run["seconds"] / 60, "minutes", must=6),
        *steps,
        Figure("  Dagster's own overhead", run["overhead_seconds"], "s", must=10),
        Figure("  peak memory", run["peak_mb"] / 1000, "GB", must=1.5),
    ]


def installation(home: Path, business: Business) -> Path:
    """A fresh installation that reads from the stand-ins."""
    shutil.rmtree(home, ignore_errors=True)
    (home / "keys").mkdir(parents=True, mode=0o700)
    config = write_config(home, business, scale=RATE_SCALE, purposes=PURPOSES, systems=2)
    settings = load_settings(config)
    list(set_up(settings))
    keep_credentials(settings, business)
    return config


def decode_microseconds(business: Business, pages: int = 30) -> float:
    """The yardstick: CPU to decode the JSON of one contact, and nothing else, on the same machine at the same time."""
    url = f"{business.hubspot['url']}/crm/v3/objects/contacts?limit=100&properties={','.join(TAKEN['contacts'])}"
    with httpx.Client(headers={"Authorization": f"Bearer {business.hubspot['token']}"}) as client:
        bodies = [client.get(url).content for _ in range(pages)]
    records = sum(len(orjson.loads(body)["results"]) for body in bodies)
    started = time.process_time()
    for _ in range(20):
        for body in bodies:
            orjson.loads(body)
    return 1e6 * (time.process_time() - started) / (20 * records)


def _seconds_until_ready(config: Path) -> float:
    started = time.time()
    ready_at: float = child("benchmarks.measured_sync", config, "hubspot", "--start-only")["ready_at"]
    return ready_at - started


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
