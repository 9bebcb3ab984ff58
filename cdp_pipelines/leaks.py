"""The leak scanner pointed at an installation: its data folder, Dagster's folder, the copies beside the mart."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from cdp_pipelines.installation import Installation
from cdp_pipelines.scan import ScanReport, scan, scan_patterns
from cdp_pipelines.setup import dagster_home
from models import Person
from models.derive import personal_fields

SAMPLE = 500
"""Persons whose values are decrypted in memory and searched for."""


def written_by(opened: Installation) -> list[Path]:
    """Every folder this installation writes to."""
    return [path for path in (Path(opened.settings.data), dagster_home(opened.settings)) if path.exists()]


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
    paths = written_by(opened)
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
