"""A renewal in a process of its own, for the tests that run two at once or kill one."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from forks import FORKS
from oauth_vendor import CLIENT_ID, CLIENT_SECRET

from cdp_pipelines import database
from cdp_pipelines.config import Settings, SourceSettings, load_settings
from cdp_pipelines.credentials import Grant, VaultTokens, store_grant
from cdp_pipelines.database import Stores
from connectors.registry import source
from connectors.spec import Source


def tokens(stores: Stores, settings: Settings, url: str, *, declared: Source | None = None) -> VaultTokens:
    """The tokens of an installation for the vendor at ``url``, which is declared as HubSpot is."""
    at_vendor = SourceSettings(base_url=url, account="demo", rate_scale=10_000)
    return VaultTokens(declared or source("hubspot"), at_vendor, stores, database.load_ring(stores, settings, {}))


def keep_grant(stores: Stores, settings: Settings, *, ended: bool = True, **changes: Any) -> None:
    """Put a grant into the vault whose access token has ended."""
    ends = datetime.now(UTC) + timedelta(minutes=-1 if ended else 30)
    grant = Grant(CLIENT_ID, CLIENT_SECRET, "access-old", "refresh-0", expires_at=ends)
    store_grant(stores, database.load_ring(stores, settings, {}), "hubspot", replace(grant, **changes))


def start(settings: Settings, url: str, *, kill_at: str | None = None, together: Barrier | None = None) -> Any:
    """Start a process that asks for a token; its second value is a queue with what it got."""
    answers = FORKS.Queue()
    given = (str(settings.path), settings.database_url, str(settings.root_key_file), url, kill_at, together, answers)
    process = FORKS.Process(target=_ask, args=given)
    process.start()
    return process, answers


def _ask(
    config: str, database_url: str | None, key: str, url: str, kill_at: str | None, together: Any, out: Any
) -> None:
    if kill_at:
        os.environ["CDP_KILL_AT"] = kill_at
    environment = {"CDP_ROOT_KEY_FILE": key} | ({"CDP_DATABASE_URL": database_url} if database_url else {})
    settings = load_settings(Path(config), environment)
    with database.open_stores(settings) as stores:
        asked = tokens(stores, settings, url)
        if together is not None:
            together.wait(30)
        out.put(asked.current())
