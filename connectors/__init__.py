"""How systems speak: vendor APIs in, validated canonical rows out. Holds no keys, no lake, no orchestration."""

from connectors.bounds import Bounds
from connectors.client import Attempt, Patience, Stats, Wiring
from connectors.connection import CheckResult, Connection
from connectors.errors import (
    ConnectorError,
    IncompleteError,
    MappingError,
    QuotaSpentError,
    RejectedError,
    RetriableError,
    SettingsError,
)
from connectors.limits import Ledger
from connectors.reading import Page, Rejected
from connectors.registry import SOURCES, source
from connectors.spec import Budget, Source, Stream

__all__ = [
    "SOURCES",
    "Attempt",
    "Bounds",
    "Budget",
    "CheckResult",
    "Connection",
    "ConnectorError",
    "IncompleteError",
    "Ledger",
    "MappingError",
    "Page",
    "Patience",
    "QuotaSpentError",
    "Rejected",
    "RejectedError",
    "RetriableError",
    "SettingsError",
    "Source",
    "Stats",
    "Stream",
    "Wiring",
    "source",
]
