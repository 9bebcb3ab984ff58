"""What the tables of the stores have in common: one registry per store and the column types both databases know.

A store's tables share one ``MetaData``, so that a migration, a check or a dictionary can walk exactly that store.
A class with ``table=True`` does not validate on construction; rows are written by ``cdp_pipelines.database``.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from sqlalchemy import DateTime, Dialect, MetaData
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

_CONTROL, _VAULT, _PROFILE, _MART = registry(), registry(), registry(), registry()


class ControlTable(SQLModel, registry=_CONTROL):
    """A table of the control store."""


class VaultTable(SQLModel, registry=_VAULT):
    """A table of the vault."""


class ProfileTable(SQLModel, registry=_PROFILE):
    """A table of the profile store: pseudonymous, still personal data."""


class MartTable(SQLModel, registry=_MART):
    """A table of the mart: no personal data."""


STORES: Mapping[str, MetaData] = MappingProxyType(
    {
        "control": ControlTable.metadata,
        "vault": VaultTable.metadata,
        "profile": ProfileTable.metadata,
        "mart": MartTable.metadata,
    }
)
"""Store name to the tables it holds, in the order they are created."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant in UTC, aware on the way in and on the way out.

    SQLite keeps no zone, so a plain column would come back naive and compare wrongly with everything else.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time; SQLite gets the UTC wall time without its zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("An instant without a time zone cannot be stored; make it aware first.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
