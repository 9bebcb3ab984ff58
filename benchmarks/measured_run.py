"""A whole run in a process of its own: sync, profiles, metrics, publish.

Usage: python -m benchmarks.measured_run CONFIG; prints one line of JSON.
"""

import json
import resource
import sys
import time
from pathlib import Path

from cdp_pipelines.config import load_settings
from cdp_pipelines.jobs import run_job


def main() -> None:
    """Run everything and print one line of JSON."""
    started = time.perf_counter()
    report = run_job("everything", load_settings(Path(sys.argv[1])))
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - started,
                "steps": report.steps,
                "overhead_seconds": report.overhead,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "failed_checks": report.failed_checks,
            }
        )
    )


if __name__ == "__main__":
    main()
