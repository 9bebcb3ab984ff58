"""Looking over an installation. Each examination is one function that returns what it found."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from cdp_pipelines import database
from cdp_pipelines.config import Settings
from cdp_pipelines.currency import read_rates
from cdp_pipelines.engine import fetch, run
from cdp_pipelines.errors import is_ours
from cdp_pipelines.installation import Installation, open_installation
from cdp_pipelines.transforms import transform
from privacy.keys import ROOT_KEY_VARIABLE

LITTLE_DISK_BYTES = 2_000_000_000
_DATED: dict[str, tuple[str, ...]] = {
    "order": ("currency", "placed_at", "is_valid", "is_test", "cancelled_at"),
    "refund": ("currency", "refunded_at"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    level: Literal["ok", "warning", "problem"]
    subject: str
    sentence: str


def examine(settings: Settings) -> list[Finding]:
    """Every examination, in order; one that fails becomes a problem and the others still run."""
    examinations: list[Callable[[Settings], Iterator[Finding]]] = [_root_key, _data, _disk, _stores]
    return [finding for examination in examinations for finding in examination(settings)]


def _root_key(settings: Settings) -> Iterator[Finding]:
    path = settings.root_key_file.expanduser().resolve()
    data = Path(settings.data).resolve()
    if ROOT_KEY_VARIABLE in os.environ:
        yield Finding("ok", "root key", "The root key comes from the environment.")
        return
    if not path.exists():
        return  # opening the stores says it
    if {data, settings.home.resolve()} & {*path.parents} or path.parent == data.parent:
        yield Finding(
            "warning",
            "root key",
            "The root key lies beside the data it protects; whoever copies one gets both. Move it.",
        )
    elif any((folder / ".git").exists() for folder in path.parents):
        yield Finding("warning", "root key", "The root key lies in a git work tree; it may be committed. Move it.")
    else:
        yield Finding("ok", "root key", "The root key lies apart from the data.")


def _data(settings: Settings) -> Iterator[Finding]:
    data = Path(settings.data).resolve()
    tree = next((folder for folder in (data, *data.parents) if (folder / ".git").exists()), None)
    git = shutil.which("git")
    if tree is None or git is None:
        return
    # A file below the folder, because a pattern such as "data/" says nothing about a folder that is not there yet.
    asked = subprocess.run(  # noqa: S603 - our own words
        [git, "-C", str(tree), "check-ignore", "--quiet", str(data / "control.db")], check=False, capture_output=True
    )
    if asked.returncode == 1:
        yield Finding(
            "warning",
            "data",
            f"The data folder lies in the git work tree {tree}, which does not ignore it; it may be committed. "
            "Add it to .gitignore, or move it.",
        )


def _disk(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(settings.home).free
    if free < LITTLE_DISK_BYTES:
        yield Finding(
            "warning", "disk", f"Only {free / 1e9:.1f} GB are free; a sync stops cleanly when the disk is full."
        )
    else:
        yield Finding("ok", "disk", f"{free / 1e9:,.0f} GB are free.")


def _stores(settings: Settings) -> Iterator[Finding]:
    try:
        with open_installation(settings) as opened:
            yield Finding("ok", "stores", "The stores open, and the root key is the one they were written with.")
            for name in settings.sources:
                yield _credential(opened, name)
            tables = sum(1 for _ in opened.lake.snapshot().tables)
            yield Finding("ok", "lake", f"The lake opens; it has {tables} tables.")
            yield from _quarantine(opened)
            yield from _currencies(opened)
    except Exception as error:
        if not is_ours(error):
            raise
        yield Finding("problem", "stores", str(error))


def _quarantine(opened: Installation) -> Iterator[Finding]:
    """Records that could not be mapped and wait."""
    control = opened.stores.control
    waiting = {name: database.quarantine_count(control, name) for name in opened.settings.sources}
    for name, count in waiting.items():
        if count:
            said = (
                f"{count:,} of its records could not be mapped and wait. Look at: cdp quarantine list --source {name}"
            )
            yield Finding("warning", name, said)
    if not any(waiting.values()):
        yield Finding("ok", "quarantine", "No record waits in quarantine.")


def _currencies(opened: Installation) -> Iterator[Finding]:
    """Currencies of orders and refunds that cannot be converted on every day they are needed for."""
    company = opened.settings.company
    snapshot = opened.lake.snapshot(list(_DATED))
    with opened.lake.pinned(snapshot), opened.engine.connection() as connection:
        for name, columns in _DATED.items():
            sql = opened.lake.current_sql(name, snapshot, columns=columns)
            run(connection, f"CREATE VIEW raw_{name} AS ({sql})", doing=f"Reading {name}")
        connection.register("currency_rate", read_rates(opened.settings))
        connection.register("clock", pa.table({"time_zone": [company.time_zone]}))
        missing = fetch(connection, transform("day_without_rate"), doing="Looking for rates").to_pylist()
    fix = (
        f"Add them to {company.currency_rates}." if company.currency_rates else "Name a file of rates: currency_rates."
    )
    for row in missing:
        one = row["days"] == 1
        days = str(row["first_day"]) if one else f"{row['days']} days from {row['first_day']} to {row['last_day']}"
        said = f"Orders in {row['currency']} have no rate on {days}; numbers that need it are not given. {fix}"
        yield Finding("warning", "currency", said)


def _credential(opened: Installation, name: str) -> Finding:
    try:
        opened.source(name)
        opened.token(name)
    except Exception as error:
        if not is_ours(error):
            raise
        return Finding("warning", name, str(error))
    return Finding("ok", name, "There is a credential.")
