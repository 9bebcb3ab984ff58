"""What a vendor no longer lists and tells nobody about: found by comparing a whole listing with the lake.

The row of a record that is gone is written once more, marked as deleted: its facts stay for history, and its values
stay encrypted as they are, bound to the same record. The version is that of the row, and only the time of reading is
later, so a record that is listed again counts again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from cdp_pipelines.lake import Lake
from connectors.reading import Sweep

_FEW = 10
"""So many may always go: a share of a handful says nothing."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: the rows to append, or why nothing is touched."""

    tombstones: pa.Table
    refused: str | None = None


def vanished(lake: Lake, source: str, sweep: Sweep, *, run_id: str, read_at: datetime) -> Swept:
    """The current rows of a swept part that were not listed, as tombstones.

    Args:
        lake: Where the rows are.
        source: Name of the source.
        sweep: What was listed, and how much of it may go at once.
        run_id: Run that writes them.
        read_at: When the listing was read.
    """
    name = sweep.entity.__entity__
    present = lake.snapshot([name])
    keys = _stored(lake.current(name, present, ["source", "source_id"]), source, sweep.prefix)
    gone = keys.filter(pc.invert(_among(keys, sorted(sweep.present))))
    if not len(gone):
        return Swept(gone)
    if len(gone) > max(_FEW, sweep.most * len(keys)):
        return Swept(
            gone.slice(0, 0),
            f"{len(gone)} of {len(keys)} records of {name} under {sweep.prefix} are no longer listed. So many at "
            f"once look like a fault, so they stay; if they are really gone, see docs/connectors/{source}.md.",
        )
    rows = _stored(lake.current(name, present), source, sweep.prefix)
    rows = rows.filter(_among(rows, gone["source_id"].to_pylist()))
    return Swept(_tombstones(rows, lake.tables[name].rows, run_id, read_at))


def _stored(rows: pa.Table, source: str, prefix: str) -> pa.Table:
    return rows.filter(pc.and_(pc.equal(rows["source"], source), pc.starts_with(rows["source_id"], prefix)))


def _among(rows: pa.Table, ids: Sequence[str]) -> pa.ChunkedArray:
    return pc.is_in(rows["source_id"], pa.array(ids, pa.string()))


def _tombstones(gone: pa.Table, schema: pa.Schema, run_id: str, read_at: datetime) -> pa.Table:
    changed = {"deleted": True, "run_id": run_id, "read_at": read_at}
    columns = [
        pa.array([changed[field.name]] * len(gone), field.type) if field.name in changed else gone[field.name]
        for field in schema
    ]
    return pa.table(columns, schema=schema)
