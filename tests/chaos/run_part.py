"""One part of the whole way, in a process of its own: the process that the kill tests kill.

Usage: python run_part.py CONFIG sync|refresh
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

from cdp_pipelines.config import load_settings
from cdp_pipelines.installation import Installation, clock, open_installation
from cdp_pipelines.sync import sync_source


def sync(opened: Installation) -> None:
    for name in opened.settings.sources:
        source, settings = opened.source(name)
        sync_source(source, settings, opened.sinks, token=opened.token(name, os.environ), now=clock)


def refresh(opened: Installation) -> None:
    from cdp_pipelines.refresh import refresh_metrics, refresh_profiles

    for table in ("person", "message"):
        opened.lake.compact(table)
    opened.lake.maintain(keep=timedelta(days=7))
    refresh_profiles(opened, now=clock())
    refresh_metrics(opened, now=clock())


with open_installation(load_settings(Path(sys.argv[1]), environment={})) as opened:
    {"sync": sync, "refresh": refresh}[sys.argv[2]](opened)
