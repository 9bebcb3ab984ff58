"""The consent ledger: every decision ever reported, never changed.

Written by syncs by the thousand, so rows go past SQLAlchemy's per-row processing.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Engine, select

from cdp_pipelines.database.rows import UTC_TIME, insert_table, read_table, table_of
from cdp_pipelines.database.stores import writing
from models.control import ConsentLedger

_TABLE = table_of(ConsentLedger)

_FROM_LAKE: Final = {"event_id": "source_id", "person_source_id": "person_id"}
"""Columns that have another name in the lake's ``consent_event``."""

_COLUMNS = tuple(name for name in _TABLE.columns.keys() if name not in {"run_id", "recorded_at"})  # noqa: SIM118

_STATE: Final = ("source", "event_id", "state", "at")
_IDS_PER_QUERY = 5_000
"""Both databases take a query with so many parameters."""


def append_ledger(control: Engine, decisions: pa.Table, *, run_id: str) -> int:
    """Add decisions; one that is there already, by (source, event, state, time), is left as it is.

    An inferred decision whose event last had the same state is no news either: its time is when the state was first
    seen, and a source that dates it by the latest change of the record would move it with every change.

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
        return insert_table(connection, ConsentLedger, _news(connection, rows), known_stay=True)


def _news(connection: Connection, rows: pa.Table) -> pa.Table:
    """``rows`` without the inferred ones that repeat the state their event had last."""
    inferred = rows.filter(rows["inferred"]).sort_by("at").select(_STATE).to_pylist()
    if not inferred:
        return rows
    latest = _latest(connection, inferred)
    repeated = []
    for key, state, at in ((_key(row), row["state"], row["at"]) for row in inferred):
        if latest.get(key) == state:
            repeated.append((*key, state, at))
        latest[key] = state
    return _without(rows, repeated)


def _without(rows: pa.Table, repeated: list[tuple[Any, ...]]) -> pa.Table:
    left_out = pa.Table.from_pylist(
        [dict(zip(_STATE, row, strict=True)) for row in repeated], pa.schema([rows.field(name) for name in _STATE])
    )
    left_out = left_out.append_column("inferred", pa.repeat(pa.scalar(value=True), len(left_out)))
    return rows.join(left_out, left_out.column_names, join_type="left anti")


def _latest(connection: Connection, events: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """State of the latest entry of each of ``events``, by source and event id."""
    found: dict[tuple[str, str], str] = {}
    for source in {row["source"] for row in events}:
        ids = sorted({row["event_id"] for row in events if row["source"] == source})
        for start in range(0, len(ids), _IDS_PER_QUERY):
            wanted = (_TABLE.c.source == source, _TABLE.c.event_id.in_(ids[start : start + _IDS_PER_QUERY]))
            query = select(*(_TABLE.c[name] for name in _STATE)).where(*wanted)
            entries = connection.execute(query.order_by(_TABLE.c.at, _TABLE.c.recorded_at)).mappings()
            found |= {_key(entry): entry["state"] for entry in entries}
    return found


def _key(row: Mapping[Any, Any]) -> tuple[str, str]:
    return row["source"], row["event_id"]


def read_ledger(control: Engine) -> pa.Table:
    """The whole ledger, one row per decision, in the order it was decided."""
    with control.connect() as connection:
        return read_table(connection, select(_TABLE).order_by(_TABLE.c.at, _TABLE.c.source, _TABLE.c.event_id))
