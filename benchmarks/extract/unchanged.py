"""Part 2: what an incremental sync asks when nothing has changed."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.extract.part import Part, Result
from benchmarks.installations import NO_LIMIT, installation
from benchmarks.processes import child, standing_in
from benchmarks.report import Figure
from connectors.registry import SOURCES
from connectors.spec import Source

CUSTOMERS, MOST = 1_000, 3


def unchanged() -> Result:
    """Sync everything twice, then count what a third sync of each source asks; the stand-ins' log has the last word."""
    figures: list[Figure] = []
    notes: list[str] = []
    names = [source.name for source in SOURCES]
    with (
        standing_in("sandbox", "--customers", CUSTOMERS, "--seed", 7) as stand_ins,
        tempfile.TemporaryDirectory() as home,
    ):
        config = installation(Path(home), stand_ins, names, rate_scale=NO_LIMIT)
        for source in SOURCES:
            arguments = [config, source.name, ",".join(stream.name for stream in source.streams)]
            for _ in range(2):
                child("benchmarks.measured_sync", *arguments)
            before = len(stand_ins.log())
            synced = child("benchmarks.measured_sync", *arguments)["streams"][0]
            figures += judged(source, synced)
            notes.append(said(source, synced, stand_ins.log()[before:]))
    return Result(tuple(figures), tuple(notes))


def judged(source: Source, synced: dict[str, Any]) -> list[Figure]:
    """What the stream asked that asked most, re-reads apart, and how many of those there were."""
    rereads: dict[str, int] = synced["rereads_by_stream"]
    asked = {name: made - rereads[name] for name, made in synced["requests_by_stream"].items()}
    stream = max(asked, key=lambda name: asked[name])
    most = Figure(
        f"{source.name}: requests of the stream that asks most, {stream}", asked[stream], "requests", must=MOST
    )
    return [most, Figure(f"{source.name}: declared re-reads", sum(rereads.values()), "requests")]


def said(source: Source, synced: dict[str, Any], asked: Sequence[dict[str, Any]]) -> str:
    """What was asked, by the log; which of it was for all streams, and which was read again, with the reasons."""
    paths = Counter(str(line["template"]) for line in asked)
    listed = ", ".join(f"{n} times `{path}`" for path, n in sorted(paths.items()))
    of_streams: dict[str, int] = synced["requests_by_stream"]
    apart = len(asked) - sum(of_streams.values())
    head = f"{source.name}, {len(asked)} requests for {len(of_streams)} streams and {apart} of them for all: {listed}."
    again = {name: count for name, count in synced["rereads_by_stream"].items() if count}
    whys = [
        f"- {n}: {count} of {of_streams[n]} requests read again {source.stream(n).rereads}"
        for n, count in again.items()
    ]
    return "\n".join([head, "", *whys] if whys else [head])


PARTS = (Part("no_change", "When nothing has changed", unchanged),)
