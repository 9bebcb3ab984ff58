"""Load HubSpot contacts with dlt's rest_api source, measured from inside. Run by the Python of dlt's own environment.

Usage: python -P dlt_pipeline.py URL TOKEN PROPERTIES (parquet|default) FOLDER; prints one line of JSON. ``parquet`` is
the filesystem destination with parquet files, ``default`` is duckdb as in dlt's introduction.
"""

import json
import resource
import sys
import time
from typing import Any

import dlt
from dlt.sources.rest_api import rest_api_source


def main() -> None:
    """Run the pipeline once and say what it cost."""
    url, token, properties, destination, folder = sys.argv[1:]
    lake, file = (
        dlt.destinations.filesystem(f"file://{folder}/lake"),
        dlt.destinations.duckdb(f"{folder}/contacts.duckdb"),
    )
    chosen: Any = lake if destination == "parquet" else file
    pipeline = dlt.pipeline("contacts", destination=chosen, dataset_name="crm", pipelines_dir=f"{folder}/pipelines")
    cpu, wall = _cpu_seconds(), time.perf_counter()
    options = {"loader_file_format": "parquet"} if destination == "parquet" else {}
    pipeline.run(contacts(url, token, properties), **options)
    seconds, spent = time.perf_counter() - wall, _cpu_seconds() - cpu
    counts = pipeline.last_trace.last_normalize_info.row_counts
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    answer = {"records": counts["contacts"], "seconds": seconds, "cpu_seconds": spent, "peak_mb": peak / 1024}
    print(json.dumps({**answer, "version": dlt.__version__}))


def contacts(url: str, token: str, properties: str) -> Any:  # noqa: ANN401 - dlt's own type
    """The listing of contacts, paged by its cursor, as the rest_api documentation declares one."""
    return rest_api_source(
        {
            "client": {
                "base_url": url,
                "auth": {"type": "bearer", "token": token},
                "paginator": {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"},
            },
            "resources": [
                {
                    "name": "contacts",
                    "primary_key": "id",
                    "endpoint": {
                        "path": "/crm/v3/objects/contacts",
                        "params": {"limit": 100, "properties": properties},
                        "data_selector": "results",
                    },
                }
            ],
        },
        name="hubspot",
    )


def _cpu_seconds() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


if __name__ == "__main__":
    main()
