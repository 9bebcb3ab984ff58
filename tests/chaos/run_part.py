"""One part of the whole way, in a process of its own: the process that the kill tests kill.

The processes are forked from one that has imported everything and done nothing: starting an interpreter twice for
each point would take longer than all the work.
"""

import multiprocessing
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from cdp_pipelines.config import load_settings
from cdp_pipelines.installation import Installation, clock, open_installation
from cdp_pipelines.sync import sync_source

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["cdp_pipelines.refresh", "cdp_pipelines.installation", "pandas"])  # pyarrow wants it


def sync(opened: Installation) -> None:
    read(opened, "hubspot", "zendesk")


def sync_shop(opened: Installation) -> None:
    read(opened, "shopify", "google_reviews")


def read(opened: Installation, *names: str) -> None:
    for name in names:
        source, settings = opened.source(name)
        sync_source(source, settings, opened.sinks, token=opened.token(name, os.environ), now=clock)


def refresh(opened: Installation) -> None:
    from cdp_pipelines.refresh import refresh_metrics, refresh_profiles

    for table in ("person", "message"):
        opened.lake.compact(table)
    opened.lake.maintain(keep=timedelta(days=7))
    refresh_profiles(opened, now=clock())
    refresh_metrics(opened, now=clock())


PARTS = {"sync": sync, "sync_shop": sync_shop, "refresh": refresh}


def work(part: str, config: Path, environment: Mapping[str, str]) -> None:
    """Do one part of the way with the installation of ``config``."""
    os.environ.update(environment)
    with open_installation(load_settings(config, environment={})) as opened:
        PARTS[part](opened)


def exit_code(part: str, config: Path, environment: Mapping[str, str]) -> int | None:
    """How a process that does one part of the way ends."""
    process = FORKS.Process(target=work, args=(part, config, environment))
    process.start()
    process.join(120)
    return process.exitcode
