"""A sync in a process of its own, measured from inside: CPU per record, peak memory, when it was ready to read.

Usage: python -m benchmarks.measured_sync CONFIG SOURCE [STREAM…]; prints one line of JSON. With ``--start-only``
in place of streams it stops when it is ready to read.
"""

import json
import resource
import sys
import time
from pathlib import Path

from cdp_pipelines.lean import leave_pandas_out

leave_pandas_out()  # as `cdp sync` does

from cdp_pipelines.config import load_settings  # noqa: E402
from cdp_pipelines.installation import clock, open_installation  # noqa: E402
from cdp_pipelines.sync import sync_source  # noqa: E402

START_ONLY = "--start-only"


def main() -> None:
    """Sync stream by stream and say what each one cost."""
    config, name, *only = sys.argv[1:]
    streams = []
    with open_installation(load_settings(Path(config))) as opened:
        source, settings = opened.source(name)
        token = opened.token(name)
        ready_at = time.time()
        for stream in [] if only == [START_ONLY] else only or [s.name for s in source.streams]:
            cpu, wall = time.process_time(), time.perf_counter()
            report = sync_source(source, settings, opened.sinks, token=token, now=clock, streams=[stream])
            streams.append(
                {
                    "stream": stream,
                    "records": report.streams[0].records,
                    "rows": report.streams[0].written,
                    "cpu_seconds": time.process_time() - cpu,
                    "seconds": time.perf_counter() - wall,
                    "peak_mb": peak_mb(),
                }
            )
    heavy = [module for module in ("pandas", "splink", "dagster", "scipy") if module in sys.modules]
    print(json.dumps({"ready_at": ready_at, "heavy_imports": heavy, "streams": streams}))


def peak_mb() -> float:
    """Peak resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
