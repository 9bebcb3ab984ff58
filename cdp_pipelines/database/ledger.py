"""The consent ledger: every decision ever reported, never changed.

Written by syncs by the thousand, so rows go past SQLAlchemy's per-row processing.
"""

from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine, select

from cdp_pipelines.database.rows import UTC_TIME, insert_table, read_table, table_of
from cdp_pipelines.database.stores import writing
from models.control import ConsentLedger

_TABLE = table_of(ConsentLedger)

_FROM_LAKE: Final = {"event_id": "source_id", "person_source_id": "person_id"}
"""Columns that have another name in the lake's ``consent_event``."""

_COLUMNS = tuple(name for name in _TABLE.columns.keys() if name not in {"run_id", "recorded_at"})  # noqa: SIM118


def append_ledger(control: Engine, decisions: pa.Table, *, run_id: str) -> int:
    """Add decisions; one that is there already, by (source, event, state, time), is left as it is.

    Args:
        control: The control store.
        decisions: Protected rows of ``consent_event``. Tombstones are no decisions and are left out.
        run_id: The run that read them.

    Returns:
        Number of decisions added.
    """
    standing = decisions.filter(pc.invert(decisions["deleted"]))
    rows = pa.table({name: standing[_FROM_LAKE.get(name, name)] for name in _COLUMNS})
    rows = rows.append_column("run_id", pa.repeat(run_id, len(rows)))
    rows = rows.append_column("recorded_at", pa.repeat(pa.scalar(datetime.now(UTC), UTC_TIME), len(rows)))
    with writing(control) as connection:
        return insert_table(connection, ConsentLedger, rows, known_stay=True)


def read_ledger(control: Engine) -> pa.Table:
    """The whole ledger, one row per decision, in the order it was decided."""
    with control.connect() as connection:
        return read_table(connection, select(_TABLE).order_by(_TABLE.c.at, _TABLE.c.source, _TABLE.c.event_id))
