"""Part 4: the same contacts loaded by us and by dlt's rest_api source, each in a process of its own, from one server.

Both read the same bytes: the replay answers a list of properties with the same pages, whoever asks.
"""

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.dlt_environment import dlt_python, environment
from benchmarks.extract.part import Part, Result
from benchmarks.installations import NO_LIMIT, installation
from benchmarks.processes import StandIns, child, measured, standing_in
from benchmarks.report import Figure
from connectors.hubspot.listing import TAKEN
from sandbox.consents import SUBSCRIPTIONS

PROPERTIES = ",".join([*TAKEN["contacts"], *(f"hs_email_optout_{number}" for number, *_ in SUBSCRIPTIONS)])
"""What our reader asks for; dlt is told to ask the same."""
PAGE = 100
DLT = ("parquet", "default")
PIPELINE = Path(__file__).parents[1] / "dlt_pipeline.py"


@dataclass(frozen=True, slots=True)
class Race:
    """One comparison.

    Attributes:
        contacts: Size of the account.
        latency_ms: Before every answer.
        calls_in_ten_seconds: The limit; None is none.
        rate_scale: What the connector's declared budget is multiplied by to meet that limit.
        times: How often as fast as dlt we must be.
    """

    contacts: int
    latency_ms: int
    calls_in_ten_seconds: int | None
    rate_scale: float
    times: float | None

    @property
    def best(self) -> float | None:
        """Contacts a second that the limit allows."""
        return self.calls_in_ten_seconds / 10 * PAGE if self.calls_in_ten_seconds else None


RACES = {
    "beside_dlt": ("Beside dlt, with neither limit nor latency", Race(50_000, 0, None, NO_LIMIT, 1)),
    "beside_dlt_latency": ("Beside dlt, 100 ms and 200 requests a second", Race(30_000, 100, 2_000, 20, 8)),
    "beside_dlt_limit": ("Beside dlt, 100 ms and HubSpot's smallest limit", Race(20_000, 100, 100, 1, None)),
}


def run(race: Race) -> Result:
    """Load the same account with each, one after the other."""
    options = ["--contacts", race.contacts, "--latency-ms", race.latency_ms]
    if race.calls_in_ten_seconds:
        options += ["--calls-in-ten-seconds", race.calls_in_ten_seconds]
    runs = {}
    with standing_in("benchmarks.replay", *options) as stand_ins:
        runs["ours"] = run_ours(stand_ins, race.rate_scale)
    for destination in DLT:
        with standing_in("benchmarks.replay", *options) as stand_ins:
            runs[f"dlt {destination}"] = run_dlt(stand_ins, destination)
    return compared(race, runs)


def run_ours(stand_ins: StandIns, rate_scale: float) -> dict[str, Any]:
    """Our reader, encrypted, into the lake."""
    with tempfile.TemporaryDirectory() as home:
        config = installation(Path(home), stand_ins, ["hubspot"], rate_scale=rate_scale)
        synced = child("benchmarks.measured_sync", config, "hubspot", "contacts")
        stream: dict[str, Any] = synced["streams"][0]
        return stream


def run_dlt(stand_ins: StandIns, destination: str) -> dict[str, Any]:
    """dlt's, in clear, into parquet files or its default destination."""
    with tempfile.TemporaryDirectory() as home:
        vendor = stand_ins.vendors["hubspot"]
        arguments = [vendor["url"], vendor["token"], PROPERTIES, destination, home]
        return measured([dlt_python(), "-P", PIPELINE, *arguments], environment=environment(Path(home)))


def compared(race: Race, runs: dict[str, dict[str, Any]]) -> Result:
    """The runs beside each other, and how often as fast as dlt we are."""
    rates = {name: run["records"] / run["seconds"] for name, run in runs.items()}
    figures = [
        Figure(f"as fast as dlt, {destination}", rates["ours"] / rates[f"dlt {destination}"], "times", at_least=least)
        for destination, least in zip(DLT, (race.times, None), strict=True)
    ]
    rows = [
        f"| {name} | {rates[name]:,.0f} | {1e6 * run['cpu_seconds'] / run['records']:,.0f} | {run['peak_mb']:,.0f} |"
        for name, run in runs.items()
    ]
    best = f"| best possible under the limit | {race.best:,.0f} | | |" if race.best else ""
    head = ["| | contacts a second | µs of CPU each | peak MB |", "| --- | ---: | ---: | ---: |"]
    version = runs["dlt parquet"]["version"]
    said = f"{race.contacts:,} contacts, the same bytes for both; dlt {version} stores them in clear, we encrypt them."
    short = [
        f"**{name} loaded {run['records']:,} of them.**"
        for name, run in runs.items()
        if run["records"] != race.contacts
    ]
    return Result(tuple(figures), ("\n".join([*head, *rows, *filter(None, [best])]), said, *short))


PARTS = tuple(Part(name, title, partial(run, race)) for name, (title, race) in RACES.items())
