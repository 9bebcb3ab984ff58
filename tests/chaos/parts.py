"""Parts of the whole way, each in a process of its own: the process that the kill tests kill."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import forks

from cdp_pipelines import barriers
from cdp_pipelines.config import load_settings
from cdp_pipelines.installation import Installation, clock, open_installation
from cdp_pipelines.sweeping import sweep_source
from cdp_pipelines.sync import sync_source

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

_BEFORE_EVERYTHING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: Its exit code; of one that was killed, minus the number of the signal.
        seconds: How long it ran.
        reached: How often it came to each point; empty if it was killed.
    """

    code: int | None
    seconds: float
    reached: Mapping[str, int]


def sync(opened: Installation, **options: Any) -> None:
    for name in opened.settings.sources:
        source, settings = opened.source(name)
        sync_source(source, settings, opened.sinks, token=opened.token(name, os.environ), now=clock, **options)


def whole_again(opened: Installation) -> None:
    sync(opened, since=_BEFORE_EVERYTHING)


def sweep(opened: Installation) -> None:
    for name in ("hubspot", "zendesk"):
        source, settings = opened.source(name)
        sweep_source(source, settings, opened.sinks, token=opened.token(name, os.environ), now=clock)


def maintenance(opened: Installation) -> None:
    for table in opened.lake.tables:
        opened.lake.compact(table)
    opened.lake.maintain(keep=timedelta(0))


def refresh(opened: Installation) -> None:
    from cdp_pipelines.refresh import refresh_metrics, refresh_profiles

    refresh_profiles(opened, now=clock())
    refresh_metrics(opened, now=clock())


PARTS = {
    "first_sync": sync,
    "next_sync": sync,
    "moving_sync": sync,
    "whole_again": whole_again,
    "sweep": sweep,
    "maintenance": maintenance,
    "refresh": refresh,
}


def run(
    part: str, config: Path, environment: Mapping[str, str], *, kill_at: str | None = None, after: float = 120
) -> Ended:
    """Do one part of the way in a process of its own, and kill it ``after`` so many seconds or at a point."""
    told: SimpleQueue[Mapping[str, int]] = forks.FORKS.SimpleQueue()
    variables = {**os.environ, **environment, **({"CDP_KILL_AT": kill_at} if kill_at else {})}
    process = forks.FORKS.Process(target=_work, args=(part, config, variables, told))
    started = time.monotonic()
    process.start()
    process.join(after)
    process.kill()
    process.join()
    seconds = time.monotonic() - started
    return Ended(process.exitcode, seconds, told.get() if process.exitcode == 0 else {})


def _work(part: str, config: Path, environment: Mapping[str, str], told: "SimpleQueue[Mapping[str, int]]") -> None:
    forks.have(environment)
    with open_installation(load_settings(config, environment={})) as opened:
        PARTS[part](opened)
    told.put(dict(barriers.reached))
