"""Rows on their way into the lake: protected, appended, and decisions entered into the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from cdp_pipelines import database
from cdp_pipelines.barriers import reach
from cdp_pipelines.database.leases import Held
from cdp_pipelines.lake import Lake
from models import ConsentEvent, Entity
from privacy.protect import Protector


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where the rows of a sync go. One per run; holds no clear value."""

    lake: Lake
    protector: Protector
    stores: database.Stores


@dataclass(frozen=True, slots=True)
class Written:
    """What became of rows: written, as they were, tombstones among the written, and of erased persons."""

    rows: int
    unchanged: int
    deleted: int
    erased: int


def write_rows(
    sinks: Sinks, held: Held, entity: type[Entity], rows: Sequence[dict[str, Any]], *, run_id: str, read_at: datetime
) -> Written:
    """Protect rows of one entity and append them; consent decisions go on to the ledger.

    Raises:
        LeaseError: Somebody else has taken over meanwhile; nothing was appended.
    """
    if entity is ConsentEvent:
        rows = database.without_idle_clears(sinks.stores.control, rows)
    protected = sinks.protector.protect(entity, rows, run_id=run_id, read_at=read_at)
    reach("row_protected")
    held.check()
    appended = sinks.lake.append(entity.__entity__, protected.table)
    if entity is ConsentEvent:
        reach("ledger_before")
        database.append_ledger(sinks.stores.control, protected.table, run_id=run_id)
        reach("ledger_after")
    return Written(appended.rows, appended.skipped, appended.tombstones, protected.dropped_erased)


def write_tombstones(sinks: Sinks, held: Held, entity: type[Entity], rows: pa.Table) -> int:
    """Append rows marked as deleted; how many were not so marked before.

    Raises:
        LeaseError: Somebody else has taken over meanwhile; nothing was appended.
    """
    if not len(rows):
        return 0
    held.check()
    return sinks.lake.append(entity.__entity__, rows).tombstones
