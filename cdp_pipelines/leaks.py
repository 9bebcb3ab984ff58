"""The leak scanner pointed at an installation: its data folder, the lake, Dagster's folder, the stores on a server."""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from cdp_pipelines.database.versions import HEADS
from cdp_pipelines.installation import Installation
from cdp_pipelines.scan import ScanReport, scan, scan_patterns
from cdp_pipelines.setup import dagster_home
from models import Person
from models.derive import personal_fields

SAMPLE = 500
"""Persons whose values are decrypted in memory and searched for."""
ROWS = 10_000
"""Rows of a store held in memory at once."""


@contextmanager
def written_by(opened: Installation) -> Iterator[list[Path]]:
    """Every folder this installation writes to; stores on a server as copies that are removed at the end."""
    settings = opened.settings
    places = (Path(settings.data), Path(settings.lake), dagster_home(settings))
    folders = [path for path in places if path.exists()]
    if settings.database_url is None:
        yield folders
        return
    with tempfile.TemporaryDirectory(prefix="cdp-scan-") as copies:  # readable by its owner alone
        for name in HEADS:
            _copy_store(getattr(opened.stores, name), Path(copies) / f"copy-of-the-{name}-store.db")
        yield [*folders, Path(copies)]


def _copy_store(store: sa.Engine, file: Path) -> None:
    """Every table of a store as a SQLite file, which the scanner reads cell by cell."""
    with closing(sqlite3.connect(file)) as copy, copy, store.connect() as connection:
        rows_in_parts = connection.execution_options(yield_per=ROWS)
        for table in sa.inspect(store).get_table_names():
            result = rows_in_parts.execute(sa.select(sa.text("*")).select_from(sa.table(table)))
            columns = [f'"{column}"' for column in result.keys()]  # noqa: SIM118 - a result, not a mapping
            copy.execute(f'create table "{table}" ({", ".join(columns)})')
            marks = ", ".join("?" for _ in columns)
            insert = f'insert into "{table}" values ({marks})'  # noqa: S608 - names of our own tables
            copy.executemany(insert, ([_cell(value) for value in row] for row in result))


def _cell(value: object) -> object:
    """A value as SQLite keeps it."""
    if value is None or isinstance(value, bytes | str | int | float):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def find_leaks(
    opened: Installation,
    *,
    values: Iterable[tuple[str, str]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ScanReport:
    """Decode everything written and look for personal values.

    Args:
        opened: The installation.
        values: (kind, value) pairs to look for. Without them, a sample of the stored persons is decrypted in
            memory and searched for, besides anything shaped like an e-mail address or a phone number.
        progress: Told (files done, files in all).
    """
    with written_by(opened) as paths:
        if values is not None:
            return scan(paths, values, progress=progress)
        known = scan(paths, sample_values(opened), progress=progress)
        shaped = scan_patterns(paths, progress=progress)
    return replace(
        known,
        findings=tuple(sorted({*known.findings, *shaped.findings})),
        skipped=tuple(sorted({*known.skipped, *shaped.skipped})),
        seconds=known.seconds + shaped.seconds,
    )


def sample_values(opened: Installation, limit: int = SAMPLE) -> list[tuple[str, str]]:
    """Values of some stored persons, in clear, in memory only."""
    columns = [plan.name for plan in personal_fields(Person)]
    snapshot = opened.lake.snapshot(["person"])
    sql = opened.lake.current_sql("person", snapshot, columns=["source", "source_id", "subject_id", *columns])
    with opened.engine.connection() as duck:
        rows = duck.sql(f"select * from ({sql}) limit {int(limit)}").to_arrow_table()  # noqa: S608 - our own SQL
    kinds = {plan.name: plan.mark.category.value for plan in personal_fields(Person) if hasattr(plan.mark, "category")}
    return [
        (kinds[name], text)
        for row in opened.revealer.reveal(Person, rows, columns)
        for name in columns
        for text in (row[name] if isinstance(row[name], list) else [row[name]])
        if isinstance(text, str) and text
    ]
