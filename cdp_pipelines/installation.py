"""One opened installation: settings, stores, keys, lake and protector, closed together.

The command line and the Dagster resource both open it here, so a rule about access is written once.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cdp_pipelines import database
from cdp_pipelines.config import Settings, SourceSettings
from cdp_pipelines.credentials import VaultTokens, read_credential, token_variable
from cdp_pipelines.errors import ConfigError, CredentialError
from cdp_pipelines.lake import Lake, entity_table
from cdp_pipelines.writing import Sinks
from connectors.registry import source as declared_source
from connectors.spec import Source, Tokens
from models import ENTITIES
from privacy import redaction
from privacy.keys import KeyRing
from privacy.protect import Protector, Revealer, refuse_unprotected

if TYPE_CHECKING:
    from cdp_pipelines.engine import Engine


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything a step needs, opened once per process."""

    settings: Settings
    stores: database.Stores
    ring: KeyRing
    lake: Lake
    protector: Protector
    revealer: Revealer

    @property
    def engine(self) -> "Engine":
        """Where statements run; DuckDB and the parser of SQL are loaded by whoever asks, and a sync never does."""
        from cdp_pipelines.engine import Engine

        allowed = self.settings.engine
        return Engine(
            memory_limit=allowed.memory_limit,
            threads=allowed.threads,
            temp_directory=Path(self.settings.data) / "tmp",
        )

    @property
    def sinks(self) -> Sinks:
        """Where a sync writes to."""
        return Sinks(self.lake, self.protector, self.stores)

    def source(self, name: str) -> tuple[Source, SourceSettings]:
        """The declaration and the settings of a configured source.

        Raises:
            ConfigError: There is no such source, or it is not in the configuration.
        """
        declaration = declared_source(name)
        if name not in self.settings.sources:
            raise ConfigError.missing_source(self.settings.path, name)
        return declaration, self.settings.sources[name]

    def token(self, name: str, environment: Mapping[str, str] = os.environ) -> str | Tokens:
        """The credential of a source: from the environment, else from the vault.

        Raises:
            CredentialError: There is none; the message says how to give one.
        """
        given = environment.get(token_variable(name))
        found = given or read_credential(self.stores, self.ring, name)
        if not found:
            raise CredentialError(name, token_variable(name))
        return found if isinstance(found, str) else VaultTokens(*self.source(name), self.stores, self.ring)


@contextmanager
def open_installation(settings: Settings) -> Iterator[Installation]:
    """Open everything below one configuration.

    Raises:
        StoreError: A store is missing, locked, older or newer than this version.
        RootKeyError: The root key is missing, readable by others, or not the one the data was written with.
    """
    _redact_logs()
    with database.open_stores(settings) as stores:
        ring = database.load_ring(stores, settings)
        vault = database.SubjectVault(stores.vault)
        yield Installation(
            settings=settings,
            stores=stores,
            ring=ring,
            lake=Lake(settings.lake, [entity_table(e, check=partial(refuse_unprotected, e)) for e in ENTITIES]),
            protector=Protector(ring, vault, phone_region=settings.company.phone_region),
            revealer=Revealer(ring, vault),
        )


def _redact_logs() -> None:
    """Put the redaction on whatever writes log lines of this process, libraries' lines included."""
    for handler in (*logging.getLogger().handlers, logging.lastResort):
        if handler is not None:
            redaction.install(handler)


def clock() -> datetime:
    """The present moment, in UTC. The only place in the package that asks the machine for it."""
    return datetime.now(UTC)
