"""Sync both systems, tidy the lake, refresh profiles and metrics: the process that the kill tests kill."""

import os
import sys
from datetime import timedelta
from pathlib import Path

from cdp_pipelines.config import load_settings
from cdp_pipelines.installation import clock, open_installation
from cdp_pipelines.refresh import refresh_metrics, refresh_profiles
from cdp_pipelines.sync import sync_source

with open_installation(load_settings(Path(sys.argv[1]), environment={})) as opened:
    for name in opened.settings.sources:
        source, settings = opened.source(name)
        sync_source(source, settings, opened.sinks, token=opened.token(name, os.environ), now=clock)
    for table in ("person", "message"):
        opened.lake.compact(table)
    opened.lake.maintain(keep=timedelta(days=7))
    refresh_profiles(opened, now=clock())
    refresh_metrics(opened, now=clock())
