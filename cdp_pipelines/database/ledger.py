"""The consent ledger: every decision ever reported, never changed.

Written by syncs by the thousand, so rows go past SQLAlchemy's per-row processing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Self

import pyarrow as pa
from sqlalchemy import Engine, select

from cdp_pipelines.database.rows import insert_new_rows, read_table, table_of
from cdp_pipelines.database.stores import writing
from models.control import ConsentLedger

_TABLE = table_of(ConsentLedger)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One decision on its way into the ledger; see ``ConsentLedger`` for the meaning of each field."""

    source: str
    event_id: str
    state: str
    at: datetime
    person_source_id: str | None
    address_token: bytes | None
    purpose: str
    channel: str
    scope: str
    inferred: bool
    lawful_basis: str | None
    evidence: str | None
    policy_version: str | None

    @classmethod
    def from_lake(cls, row: Mapping[str, Any]) -> Self:
        """From the facts and the token of a protected ``consent_event`` row."""
        same = {field.name: row[field.name] for field in fields(cls) if field.name in row}
        return cls(event_id=row["source_id"], person_source_id=row["person_id"], **same)


_COLUMNS = tuple(field.name for field in fields(LedgerRow))
_values = attrgetter(*_COLUMNS)


def append_ledger(control: Engine, entries: Iterable[LedgerRow], *, run_id: str) -> int:
    """Add decisions; one that is there already, by (source, event, state, time), is left as it is.

    Returns:
        Number of decisions added.
    """
    now = datetime.now(UTC)
    rows = [(*_values(entry), run_id, now) for entry in entries]
    with writing(control) as connection:
        return insert_new_rows(connection, ConsentLedger, (*_COLUMNS, "run_id", "recorded_at"), rows)


def read_ledger(control: Engine) -> pa.Table:
    """The whole ledger, one row per decision, in the order it was decided."""
    with control.connect() as connection:
        return read_table(connection, select(_TABLE).order_by(_TABLE.c.at, _TABLE.c.source, _TABLE.c.event_id))
