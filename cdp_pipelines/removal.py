"""Removing a source: its access and its schedule; with ``purge``, everything it brought as well.

The order is what a crash needs. Access goes first, so that no sync brings back what is being taken away. Rows go
before keys, so that no row is left whose key is gone. Each part may be repeated; to go on after a crash is to begin
again. Who is who is worked out anew by the next refresh.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from cdp_pipelines import database
from cdp_pipelines.barriers import reach
from cdp_pipelines.config import load_settings
from cdp_pipelines.config_file import comment_out_source
from cdp_pipelines.database.leases import lease_names
from cdp_pipelines.database.removal import count_source, remove_keys, remove_rows
from cdp_pipelines.errors import ConfigError
from cdp_pipelines.installation import Installation
from cdp_pipelines.refresh import METRICS, PROFILES
from models import AutomationRun


@dataclass(frozen=True, slots=True)
class Removed:
    """What was taken away.

    Attributes:
        holdings: Rows by what they are, as they were counted before.
        by_hand: Sentences about what is left for a person to do.
    """

    holdings: dict[str, int]
    by_hand: tuple[str, ...]


def holdings(opened: Installation, name: str) -> dict[str, int]:
    """What there is of a source, in rows, by what they are; nothing that is not there."""
    with opened.engine.connection() as connection:
        counts = {
            f"lake: {table}": sum(_count_lake(opened, connection, table, column, value) for value in values)
            for table, column, values in _lake_rows(opened, name)
        }
    counts |= count_source(opened.stores, name)
    return {what: count for what, count in counts.items() if count}


def remove_access(opened: Installation, name: str) -> tuple[str, ...]:
    """Take the credential, the section of cdp.toml and the schedule away; what is left for a person to do.

    Raises:
        LeaseError: A sync of the source is running.
    """
    with _nobody_syncs(opened, name):
        return _without_access(opened, name)


def purge(opened: Installation, name: str) -> Removed:
    """Remove access, then everything the source brought.

    Raises:
        LeaseError: A sync of the source or a refresh is running.
        LakeLockedError: Something else reads the lake.
    """
    from cdp_pipelines.defs.sources.forgetting import forget_runs

    with ExitStack() as held:
        for process in (PROFILES, METRICS):
            held.enter_context(database.lease(opened.stores.control, process))
        held.enter_context(_nobody_syncs(opened, name))
        by_hand = _without_access(opened, name)
        reach("purge_access")
        counts = holdings(opened, name)
        for table, column, values in _lake_rows(opened, name):
            for value in values:
                opened.lake.purge(table, column=column, value=value)
        remove_keys(opened.stores.vault, name)
        reach("purge_keys")
        remove_rows(opened.stores, name)
        database.forget_limits(opened.stores.limits, name)
        reach("purge_control")
        forget_runs(opened.settings, name)
    return Removed(counts, by_hand)


@contextmanager
def _nobody_syncs(opened: Installation, name: str) -> Iterator[None]:
    """Hold what a sync, a sweep or the renewal of a token would have to hold, whatever account they are about.

    The settings may name another account by now, or none, than those a sync that is running was started with.
    """
    settings = opened.settings.sources.get(name)
    account = (settings.account if settings else None) or "default"
    control = opened.stores.control
    with ExitStack() as held:
        held.enter_context(database.lease(control, f"credential/{name}"))
        for process in (f"sync/{name}/", f"sweep/{name}/"):
            for one in sorted({f"{process}{account}", *lease_names(control, process)}):
                held.enter_context(database.lease(control, one))
        yield


def _without_access(opened: Installation, name: str) -> tuple[str, ...]:
    from cdp_pipelines.defs.sources.forgetting import stop_schedule

    database.delete_credential(opened.stores, name)
    stop_schedule(opened.settings, name)
    return tuple(_disconnect(opened, name))


def _disconnect(opened: Installation, name: str) -> Iterator[str]:
    """Take the source out of the configuration, as far as that is ours to do."""
    path = opened.settings.path
    if not comment_out_source(path, name):
        yield f"Take [sources.{name}] out of {path}: it cannot be written, or is written in a way that is left to you."
    elif _is_configured(path, name):
        yield f"Unset the variables CDP_SOURCES__{name.upper()}__…: they still connect {name}."


def _is_configured(path: Path, name: str) -> bool:
    try:
        return name in load_settings(path).sources
    except ConfigError:
        return False


def _lake_rows(opened: Installation, name: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Tables of the lake, with the column and the values that make a row one of the source."""
    for table in opened.lake.tables:
        ours = table == AutomationRun.__entity__
        yield (table, "process", (f"sync/{name}", f"sweep/{name}")) if ours else (table, "source", (name,))


def _count_lake(opened: Installation, connection: DuckDBPyConnection, table: str, column: str, value: str) -> int:
    snapshot = opened.lake.snapshot([table])
    current = opened.lake.current_sql(table, snapshot, columns=["source_id", column], include_deleted=True)
    query = f"select count(*) from ({current}) where {column} = ?"  # noqa: S608 - our own names
    found = connection.execute(query, [value]).fetchone()
    return int(found[0]) if found else 0
