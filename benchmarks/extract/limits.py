"""Part 1: how much of the vendor's own limit a first load uses, by the stand-in's log, with 100 ms of latency."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.extract.part import Part, Result
from benchmarks.extract.usage import Answered, serial_ceiling, usage
from benchmarks.installations import installation
from benchmarks.processes import PartFailedError, child, standing_in
from benchmarks.report import Figure

LATENCY_MS = 100
MUST_PERCENT = 95
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Limit:
    """What binds a load.

    Attributes:
        name: In words.
        amount: Calls or points in ``seconds``.
        seconds: Length of the window; of a bucket, how long it takes to fill.
        read: What a line of the log means for it; None when it does not count.
    """

    name: str
    amount: float
    seconds: float
    read: Callable[[Line], Answered | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One load that is watched.

    Attributes:
        stand_in: Module that serves the vendor, and its options.
        source: Name of the vendor.
        streams: Streams that are synced together.
        limit: What the vendor allows.
        options: Further arguments of the sync.
        is_serial: Each request needs the answer before it.
        binds: The limit is what the load waits for.
        at_most: Seconds after which enough has been seen.
    """

    stand_in: tuple[object, ...]
    source: str
    streams: str
    limit: Limit
    options: tuple[str, ...] = ()
    is_serial: bool = False
    binds: bool = True
    at_most: float = 300


def _call(line: Line) -> Answered:
    refused = line["status"] == 429
    return Answered(line["at"], 0 if refused else 1, refused)


def hubspot_call(line: Line) -> Answered | None:
    """Searches have a limit of their own."""
    return None if line["template"].endswith("/search") else _call(line)


def zendesk_export(line: Line) -> Answered | None:
    """Only the incremental exports count."""
    return _call(line) if "/incremental/" in line["template"] else None


def shopify_points(line: Line) -> Answered | None:
    """Queries; one that could not be paid has no price."""
    if not line["template"].endswith("/graphql"):
        return None
    return Answered(line["at"], line["points"] or 0, line["status"] == 429 or line["points"] is None)


HUBSPOT = Limit("190 calls in 10 s (Professional)", 190, 10, hubspot_call)
ZENDESK = Limit("10 export calls a minute", 10, 60, zendesk_export)
SHOPIFY = Limit("100 points a second into a bucket of 2,000 (Standard)", 2_000, 20, shopify_points)

_SHOP = ("sandbox", "--customers", 20_000, "--seed", 7, "--rate-scale", 1, "--latency-ms", LATENCY_MS)
CASES = {
    "hubspot_contacts": Case(
        stand_in=(
            *("benchmarks.replay", "--contacts", 100_000, "--calls-in-ten-seconds", HUBSPOT.amount),
            *("--latency-ms", LATENCY_MS),
        ),
        source="hubspot",
        streams="contacts",
        limit=HUBSPOT,
    ),
    "zendesk_tickets": Case(
        stand_in=_SHOP, source="zendesk", streams="tickets,ticket_events", limit=ZENDESK, at_most=260
    ),
    "shopify_bulk": Case(stand_in=_SHOP, source="shopify", streams="orders", limit=SHOPIFY, binds=False),
    "shopify_paged": Case(
        stand_in=_SHOP,
        source="shopify",
        streams="orders",
        limit=SHOPIFY,
        options=("--since", "2020-01-01T00:00:00+00:00"),
        is_serial=True,
        at_most=120,
    ),
}
_TITLES = {
    "hubspot_contacts": "HubSpot contacts at the vendor's limit",
    "zendesk_tickets": "Zendesk tickets with comments at the vendor's limit",
    "shopify_bulk": "Shopify orders by bulk operation",
    "shopify_paged": "Shopify orders page by page",
}


def watch(case: Case) -> Result:
    """Load until done or enough has been seen, and count from the log."""
    with standing_in(*case.stand_in) as stand_ins, tempfile.TemporaryDirectory() as home:
        config = installation(Path(home), stand_ins, [case.source], rate_scale=1)
        arguments = [config, case.source, case.streams, *case.options]
        done = child("benchmarks.measured_sync", *arguments, at_most=case.at_most)
        return judged(case, stand_ins.log(), done)


def judged(case: Case, log: list[Line], done: dict[str, Any]) -> Result:
    """What the log says about the limit; ``done`` is what the sync said, empty if it was cut off.

    Raises:
        PartFailedError: No whole window after the first was seen, although the limit is what binds.
    """
    limit = case.limit
    answered = [line for line in map(limit.read, log) if line]
    used = usage(answered, limit=limit.amount, seconds=limit.seconds)
    figures = [Figure("refusals after the first window", used.refused, "requests", must=0)]
    figures += [Figure("records a second", s["records"] / s["seconds"], "records/s") for s in done.get("streams", ())]
    if not case.binds:
        spent = sum(line.spent for line in answered)
        figures.append(Figure("of one window's allowance, spent in all", 100 * spent / limit.amount, "%"))
        return Result(tuple(figures), (f"No limit of the vendor's binds ({limit.name}).", *_ended(done)))
    ceiling = serial_ceiling(used.mean, seconds=limit.seconds, latency_seconds=LATENCY_MS / 1000)
    by_latency = case.is_serial and ceiling < limit.amount
    if by_latency:
        used = usage(answered, limit=ceiling, seconds=limit.seconds)
    if used.percent is None:
        raise PartFailedError(f"{len(answered)} requests fill no whole window of {limit.seconds} s after the first.")
    name = f"used of the limit in {used.windows} whole windows after the first"
    figures.insert(0, Figure(name, used.percent, "%", at_least=MUST_PERCENT))
    if case.is_serial:
        serial = "what a reader that waits for each answer could take, of the limit"
        figures.append(Figure(serial, 100 * ceiling / limit.amount, "%"))
    binding = f"one answer at a time, {LATENCY_MS} ms each" if by_latency else limit.name
    return Result(tuple(figures), (f"What binds: {binding}.", *_ended(done)))


def _ended(done: dict[str, Any]) -> tuple[str, ...]:
    if not done:
        return ("Stopped when enough had been seen.",)
    stream = done["streams"][0]
    waited = f"{stream['seconds']:.0f} s, of which {stream['throttled_seconds']:.0f} s waiting for the limit"
    return (f"{stream['records']:,} records with {stream['requests']:,} requests in {waited}.",)


PARTS = tuple(Part(name, _TITLES[name], lambda case=case: watch(case)) for name, case in CASES.items())
