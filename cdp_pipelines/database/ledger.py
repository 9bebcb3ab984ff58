"""The consent ledger: every decision ever reported, never changed.

Written by syncs by the thousand, so rows go past SQLAlchemy's per-row processing.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Engine, select

from cdp_pipelines.database.rows import UTC_TIME, driver_rows, insert_table, read_table, table_of, wanted_ids
from cdp_pipelines.database.stores import writing
from models.control import ConsentLedger

_TABLE = table_of(ConsentLedger)

_FROM_LAKE: Final = {"event_id": "source_id", "person_source_id": "person_id"}
"""Columns that have another name in the lake's ``consent_event``."""

_COLUMNS = tuple(name for name in _TABLE.columns.keys() if name not in {"run_id", "recorded_at"})  # noqa: SIM118

_IDS_PER_QUERY = 10_000


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
    rows = rows.sort_by([("source", "ascending"), ("event_id", "ascending")])  # as in the vault: one order for all
    rows = rows.append_column("run_id", pa.repeat(run_id, len(rows)))
    rows = rows.append_column("recorded_at", pa.repeat(pa.scalar(datetime.now(UTC), UTC_TIME), len(rows)))
    with writing(control) as connection:
        return insert_table(connection, ConsentLedger, _news(connection, rows), known_stay=True)


def without_idle_clears(control: Engine, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of ``consent_event`` without those that end a refusal nobody has made.

    Sources state "not refused" of everybody, and a row for each of them would double what a first load writes.
    """
    clears = [row for row in rows if row["state"] == "cleared"]
    if not clears:
        return list(rows)
    with control.connect() as connection:
        known = _latest(connection, *([row[name] for row in clears] for name in ("source", "source_id")))
    refused = {key for key, state in known.items() if state != "cleared"}
    refused |= {(row["source"], row["source_id"]) for row in rows if row["state"] != "cleared"}
    return [row for row in rows if row["state"] != "cleared" or (row["source"], row["source_id"]) in refused]


def _news(connection: Connection, rows: pa.Table) -> pa.Table:
    """``rows`` without the inferred ones that repeat the state their event had last, or clear what was not there."""
    inferred = rows.append_column("place", pa.array(np.arange(len(rows)))).filter(rows["inferred"]).sort_by("at")
    places, sources, events, states = (inferred[name].to_pylist() for name in ("place", "source", "event_id", "state"))
    latest = _latest(connection, sources, events)
    is_news = np.ones(len(rows), np.bool_)
    for place, source, event, state in zip(places, sources, events, states, strict=True):
        before = latest.get((source, event), "cleared")
        is_news[place] = before != state
        latest[source, event] = state
    return rows if is_news.all() else rows.filter(pa.array(is_news))


def _latest(connection: Connection, sources: Sequence[str], events: Sequence[str]) -> dict[tuple[str, str], str]:
    """State of the latest entry of each event, by source and event id."""
    by_source: dict[str, list[str]] = defaultdict(list)
    for source, event in dict.fromkeys(zip(sources, events, strict=True)):
        by_source[source].append(event)
    found: dict[tuple[str, str], str] = {}
    for source, ids in by_source.items():
        for start in range(0, len(ids), _IDS_PER_QUERY):
            wanted, argument = wanted_ids(connection, ids[start : start + _IDS_PER_QUERY])
            entries = f"{wanted} consent_ledger as l on l.source = ? and l.event_id = wanted.value"
            statement = f"select l.event_id, l.state from {entries} order by l.at, l.recorded_at"  # noqa: S608 - our own text
            found |= {(source, event): state for event, state in driver_rows(connection, statement, (argument, source))}
    return found


def read_ledger(control: Engine) -> pa.Table:
    """The whole ledger, one row per decision, in the order it was decided."""
    with control.connect() as connection:
        return read_table(connection, select(_TABLE).order_by(_TABLE.c.at, _TABLE.c.source, _TABLE.c.event_id))
