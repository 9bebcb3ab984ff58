"""Connections of an installation: made from its settings, and their calls counted for all its processes."""

from collections.abc import Callable
from datetime import datetime

from cdp_pipelines.config import SourceSettings
from cdp_pipelines.database import SharedLedger, Stores
from connectors.client import Observer, Wiring
from connectors.connection import Connection
from connectors.spec import Source, Tokens


def account_name(source: Source, settings: SourceSettings) -> str:
    """What only one sync works on at a time, and what limits are counted for: for example ``zendesk/acme``."""
    return f"{source.name}/{settings.account or 'default'}"


def connect(
    source: Source,
    settings: SourceSettings,
    stores: Stores,
    *,
    token: str | Tokens,
    now: Callable[[], datetime],
    observer: Observer | None = None,
) -> Connection:
    """A connection to the account of ``settings``; whatever process opens one, its calls are counted together.

    Args:
        source: The declaration of the system.
        settings: Account, base URL, options and share of this installation.
        stores: Where calls are counted.
        token: The credential, in clear, in memory only, or where to get it anew.
        now: Clock.
        observer: Told of every call.

    Raises:
        SettingsError: The address cannot be made or would send the token in clear.
    """
    return Connection(
        source,
        token=token,
        account=settings.account,
        base_url=settings.base_url,
        rate_scale=settings.rate_scale,
        options=settings.options,
        clock=now,
        observer=observer,
        wiring=Wiring(ledger=SharedLedger(stores.limits, account_name(source, settings)), share=settings.share),
    )
