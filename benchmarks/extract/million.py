"""Part 3: memory does not grow with the size of the account."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.extract.part import Part, Result
from benchmarks.installations import NO_LIMIT, installation
from benchmarks.processes import child, standing_in
from benchmarks.report import Figure

LARGE, SMALL = 1_000_000, 100_000


def load(contacts: int) -> dict[str, Any]:
    """Load an account of so many contacts, with neither limit nor latency."""
    with standing_in("benchmarks.replay", "--contacts", contacts) as stand_ins, tempfile.TemporaryDirectory() as home:
        config = installation(Path(home), stand_ins, ["hubspot"], rate_scale=NO_LIMIT)
        measured: dict[str, Any] = child("benchmarks.measured_sync", config, "hubspot", "contacts")["streams"][0]
        return measured


def million() -> Result:
    """Peak memory for a million contacts, and against a tenth of them."""
    small, large = load(SMALL), load(LARGE)
    growth = 100 * (large["peak_mb"] / small["peak_mb"] - 1)
    return Result(
        (
            Figure(f"peak memory for {large['records']:,} contacts", large["peak_mb"], "MB", must=600),
            Figure(f"  growth against {small['records']:,}", growth, "%", must=15),
            Figure("records a second", large["records"] / large["seconds"], "records/s"),
            Figure("CPU per contact", 1e6 * large["cpu_seconds"] / large["records"], "µs", must=180, aim=120),
        )
    )


PARTS = (Part("million", "A million contacts", million),)
