"""A sync in a process of its own, measured from inside: CPU per record, peak memory, when it was ready to read.

Usage: python -m benchmarks.measured_sync CONFIG SOURCE [STREAM…] [--since DATE]; prints one line of JSON. Streams are
synced one by one, or together where they are joined by commas. With ``--start-only`` it stops when it is ready to read.
"""

import argparse
import json
import resource
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from cdp_pipelines.lean import start_lean

start_lean()  # as `cdp sync` does

from cdp_pipelines.config import load_settings  # noqa: E402
from cdp_pipelines.installation import Installation, clock, open_installation  # noqa: E402
from cdp_pipelines.sync import sync_source  # noqa: E402


def main() -> None:
    """Sync and say what it cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measured_sync", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("source")
    parser.add_argument("streams", nargs="*")
    parser.add_argument("--since", type=datetime.fromisoformat)
    parser.add_argument("--start-only", action="store_true")
    options = parser.parse_args()
    with open_installation(load_settings(options.config)) as opened:
        source, _ = opened.source(options.source)
        opened.token(options.source)
        ready_at = time.time()
        groups = [names.split(",") for names in options.streams] or [[stream.name] for stream in source.streams]
        measured = [] if options.start_only else [_measured(opened, options, names) for names in groups]
    heavy = [module for module in ("pandas", "splink", "dagster", "scipy") if module in sys.modules]
    print(json.dumps({"ready_at": ready_at, "heavy_imports": heavy, "streams": measured}))


def _measured(opened: Installation, options: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    source, settings = opened.source(options.source)
    token = opened.token(options.source)
    cpu, wall = time.process_time(), time.perf_counter()
    report = sync_source(source, settings, opened.sinks, token=token, now=clock, streams=names, since=options.since)
    return {
        "stream": ",".join(names),
        "records": sum(stream.records for stream in report.streams),
        "rows": sum(stream.written for stream in report.streams),
        "requests": report.requests,
        "requests_by_stream": {stream.stream: stream.requests for stream in report.streams},
        "rereads_by_stream": {stream.stream: stream.rereads for stream in report.streams},
        "throttled_seconds": report.throttled_seconds,
        "cpu_seconds": time.process_time() - cpu,
        "seconds": time.perf_counter() - wall,
        "peak_mb": peak_mb(),
    }


def peak_mb() -> float:
    """Peak resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
