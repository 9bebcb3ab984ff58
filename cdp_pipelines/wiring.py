"""What connections of an installation stand on: limits are counted for all its processes."""

from cdp_pipelines.config import SourceSettings
from cdp_pipelines.database import SharedLedger, Stores
from connectors.client import Wiring
from connectors.spec import Source


def account_name(source: Source, settings: SourceSettings) -> str:
    """What only one sync works on at a time, and what limits are counted for: for example ``zendesk/acme``."""
    return f"{source.name}/{settings.account or 'default'}"


def shared_wiring(source: Source, settings: SourceSettings, stores: Stores) -> Wiring:
    """Of every connection to the account, whatever process opens it."""
    return Wiring(ledger=SharedLedger(stores.limits, account_name(source, settings)), share=settings.share)
