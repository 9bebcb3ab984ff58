"""Facts about the lake that must hold after every write, as functions that count what breaks them.

They are given a connection of the engine, because opening one costs as much as most counts; each works on a cursor of
its own, because a connection refuses a statement while the rows of another are not all read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from duckdb import DuckDBPyConnection

from cdp_pipelines.lake import Lake, Snapshot
from models import ENTITIES, Entity
from models.derive import personal_fields
from privacy.errors import UnprotectedError
from privacy.protect import refuse_unprotected

BATCH_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """Current rows of a source: ``live`` without the deleted ones, ``duplicates`` that share their key with another."""

    live: int
    duplicates: int


def count_keys(lake: Lake, duck: DuckDBPyConnection, tables: Sequence[str], source: str) -> KeyCounts:
    """Count the current rows of ``source`` in ``tables`` together."""
    snapshot = lake.snapshot(tables)
    counts = [_count_keys(lake, duck, table, snapshot, source) for table in tables]
    return KeyCounts(sum(c.live for c in counts), sum(c.duplicates for c in counts))


def _count_keys(lake: Lake, duck: DuckDBPyConnection, table: str, snapshot: Snapshot, source: str) -> KeyCounts:
    columns = ["source", "source_id", "deleted"]
    current = lake.current_sql(table, snapshot, columns=columns, include_deleted=True)
    query = f"""
        select count(*) filter (not deleted), count(*) - count(distinct source_id)
        from ({current})
        where source = ?
    """  # noqa: S608 - our own SQL
    with duck.cursor() as cursor:
        return KeyCounts(*(cursor.execute(query, [source]).fetchone() or (0, 0)))


def unprotected_batches(lake: Lake, duck: DuckDBPyConnection, tables: Sequence[str], run_id: str) -> int:
    """Batches of rows written by a run in which a personal column holds anything but ciphertexts."""
    by_name = {entity.__entity__: entity for entity in ENTITIES}
    snapshot = lake.snapshot(tables)
    return sum(_unprotected(lake, duck, by_name[table], snapshot, run_id) for table in tables)


def _unprotected(lake: Lake, duck: DuckDBPyConnection, entity: type[Entity], snapshot: Snapshot, run_id: str) -> int:
    columns = [plan.name for plan in personal_fields(entity)]
    if not columns:
        return 0
    current = lake.current_sql(entity.__entity__, snapshot, columns=["run_id", *columns], include_deleted=True)
    broken = 0
    query = f"select * exclude (run_id) from ({current}) where run_id = ?"  # noqa: S608 - our own SQL
    with duck.cursor() as cursor:
        for batch in cursor.sql(query, params=[run_id]).to_arrow_reader(BATCH_ROWS):
            try:
                refuse_unprotected(entity, pa.Table.from_batches([batch]))
            except UnprotectedError:
                broken += 1
    return broken
