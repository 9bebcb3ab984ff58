"""Part 2: what an incremental sync asks when nothing has changed."""

import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.extract.part import Part, Result
from benchmarks.installations import NO_LIMIT, installation
from benchmarks.processes import child, standing_in
from benchmarks.report import Figure
from connectors.registry import SOURCES

MUST_REQUESTS = 3


def unchanged() -> Result:
    """Sync everything twice, then count what a third sync of each source asks by the stand-ins' log."""
    figures: list[Figure] = []
    notes: list[str] = []
    with standing_in("sandbox", "--customers", 1_000, "--seed", 7) as stand_ins, tempfile.TemporaryDirectory() as home:
        names = [source.name for source in SOURCES]
        config = installation(Path(home), stand_ins, names, rate_scale=NO_LIMIT)
        for source in SOURCES:
            together = ",".join(stream.name for stream in source.streams)
            for _ in range(2):
                child("benchmarks.measured_sync", config, source.name, together)
            before = len(stand_ins.log())
            child("benchmarks.measured_sync", config, source.name, together)
            asked = stand_ins.log()[before:]
            each = len(asked) / len(source.streams)
            figures.append(
                Figure(
                    f"{source.name}: requests per stream ({len(source.streams)} streams)",
                    each,
                    "requests",
                    must=MUST_REQUESTS,
                )
            )
            paths = Counter(line["template"] for line in asked)
            notes.append(
                f"{source.name}: " + ", ".join(f"{n} times `{path}`" for path, n in sorted(paths.items())) + "."
            )
    return Result(tuple(figures), tuple(notes))


PARTS = (Part("no_change", "When nothing has changed", unchanged),)
