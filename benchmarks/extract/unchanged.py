"""Part 2: what an incremental sync asks when nothing has changed."""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.extract.part import Part, Result
from benchmarks.installations import NO_LIMIT, installation
from benchmarks.processes import child, standing_in
from benchmarks.report import Figure
from connectors.registry import SOURCES

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
            counted = child("benchmarks.measured_sync", *arguments)["streams"][0]["requests_by_stream"]
            figures.append(most(source.name, counted))
            notes.append(said(source.name, counted, stand_ins.log()[before:]))
    return Result(tuple(figures), tuple(notes))


def most(source: str, counted: Mapping[str, int]) -> Figure:
    """The stream that asked most."""
    stream = max(counted, key=lambda name: counted[name])
    return Figure(f"{source}: requests of the stream that asks most, {stream}", counted[stream], "requests", must=MOST)


def said(source: str, counted: Mapping[str, int], asked: Sequence[Mapping[str, Any]]) -> str:
    """What was asked, by the log; and what of it no stream has counted as its own."""
    paths = Counter(str(line["template"]) for line in asked)
    listed = ", ".join(f"{n} times `{path}`" for path, n in sorted(paths.items()))
    apart = len(asked) - sum(counted.values())
    return f"{source}, {len(asked)} requests for {len(counted)} streams ({apart} counted to none): {listed}."


PARTS = (Part("no_change", "When nothing has changed", unchanged),)
