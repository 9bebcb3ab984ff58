"""What a source no longer has and tells nobody about: rows that are written once more, marked as deleted.

The facts of the record stay for history, and its values stay encrypted as they are, bound to the same record. The
version is that of the row, and only the time of reading is later, so a record that is there again counts again.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from cdp_pipelines.lake import Lake
from connectors.reading import Sweep
from models import Entity

FEW = 10
"""So many may always go at once: a share of a handful says nothing."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What sweeps of one entity found: the rows to append, and for each part that is left alone why."""

    entity: type[Entity]
    tombstones: pa.Table
    refused: tuple[str, ...]


def too_many(gone: int, of: int, most: float) -> bool:
    """Whether so many at once look like a fault; ``most`` is the largest share that may go."""
    return gone > max(FEW, most * of)


def vanished(lake: Lake, source: str, sweeps: Sequence[Sweep], *, run_id: str, read_at: datetime) -> Iterator[Swept]:
    """The current rows of swept parts that were not listed, as tombstones, one entity after the other.

    Args:
        lake: Where the rows are; read once per entity, however many parts of it were swept.
        source: Name of the source.
        sweeps: What was listed, and how much of it may go at once.
        run_id: Run that writes them.
        read_at: When the listings were read.
    """
    for entity in dict.fromkeys(sweep.entity for sweep in sweeps):
        ids, gone, refused = ids_of(lake, source, entity), list[str](), list[str]()
        for sweep in (sweep for sweep in sweeps if sweep.entity is entity):
            stored = [id_ for id_ in ids if id_.startswith(sweep.prefix)]
            missing = [id_ for id_ in stored if id_ not in sweep.present]
            if too_many(len(missing), len(stored), sweep.most):
                refused.append(_refusal(source, sweep, len(missing), len(stored)))
            else:
                gone += missing
        yield Swept(entity, tombstones_of(lake, source, entity, gone, run_id=run_id, read_at=read_at), tuple(refused))


def _refusal(source: str, sweep: Sweep, gone: int, of: int) -> str:
    return (
        f"{gone} of {of} records of {sweep.entity.__entity__} under {sweep.prefix} are no longer listed. So many at "
        f"once look like a fault, so they stay; if they are really gone, see docs/connectors/{source}.md."
    )


def ids_of(lake: Lake, source: str, entity: type[Entity]) -> list[str]:
    """Source ids of the records of ``entity`` that ``source`` still has, as far as we know."""
    rows = lake.current(entity.__entity__, columns=["source", "source_id"])
    ids: list[str] = rows.filter(pc.equal(rows["source"], source))["source_id"].to_pylist()
    return ids


def tombstones_of(
    lake: Lake, source: str, entity: type[Entity], ids: Collection[str], *, run_id: str, read_at: datetime
) -> pa.Table:
    """The current rows of the records ``ids``, marked as deleted; none for those that are so marked already.

    Args:
        lake: Where the rows are.
        source: Name of the source.
        entity: What the records are.
        ids: Their source ids.
        run_id: Run that writes them.
        read_at: When they were not there; what was read later counts for more.
    """
    schema = lake.tables[entity.__entity__].rows
    if not ids:
        return schema.empty_table()
    gone = lake.current_of(entity.__entity__, [(source, id_) for id_ in ids])
    changed = {"deleted": True, "run_id": run_id, "read_at": read_at}
    columns = [
        pa.array([changed[field.name]] * len(gone), field.type) if field.name in changed else gone[field.name]
        for field in schema
    ]
    return pa.table(columns, schema=schema)
