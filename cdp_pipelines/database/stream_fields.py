"""Which fields a stream's records have had, since when and how often: what drift is told by."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Engine, select

from cdp_pipelines.database.rows import table_of, upsert
from models.control import StreamField

_TABLE = table_of(StreamField)


def load_fields(control: Engine, source: str, stream: str) -> dict[tuple[str, str], StreamField]:
    """What is known of a stream's fields, by field and what it came as; "" is: as declared, or null."""
    query = select(_TABLE).where(_TABLE.c.source == source, _TABLE.c.stream == stream)
    with control.connect() as connection:
        rows = [StreamField(**row) for row in connection.execute(query).mappings()]
    return {(row.field, row.came_as): row for row in rows}


def save_fields(
    control: Engine,
    source: str,
    stream: str,
    counts: Mapping[tuple[str, str], int],
    *,
    of_records: int,
    now: datetime,
    before: Mapping[tuple[str, str], StreamField],
) -> None:
    """Add what a run has seen to what was known ``before``.

    Args:
        control: The control store.
        source: System the records come from.
        stream: Stream of that system.
        counts: Records by field and what it came as.
        of_records: Records the run read.
        now: When.
        before: What ``load_fields`` gave; only the holder of the source's lease writes.
    """
    rows = list(_rows(source, stream, counts, of_records, now, before))
    if rows:
        statement = upsert(control, StreamField, replace=("last_seen", "records", "of_records"))
        with control.begin() as connection:
            connection.execute(statement, rows)


def _rows(
    source: str,
    stream: str,
    counts: Mapping[tuple[str, str], int],
    of_records: int,
    now: datetime,
    before: Mapping[tuple[str, str], StreamField],
) -> Iterable[dict[str, object]]:
    for (field, came_as), records in counts.items():
        known = before.get((field, came_as))
        yield {
            "source": source,
            "stream": stream,
            "field": field,
            "came_as": came_as,
            "first_seen": now,
            "last_seen": now,
            "records": records + (known.records if known else 0),
            "of_records": of_records + (known.of_records if known else 0),
        }
