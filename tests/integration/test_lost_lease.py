"""A process that was held up and replaced stops before it moves a cursor, writes a link or publishes a table."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pytest
from installations import Home
from sqlalchemy import Engine as Database

from cdp_pipelines import database
from cdp_pipelines.database.leases import Held, lease
from cdp_pipelines.errors import LeaseError
from cdp_pipelines.installation import Installation, clock
from cdp_pipelines.refresh import refresh_metrics, refresh_profiles

STORED = (
    ("control", "id_register"),
    ("control", "match_pair"),
    ("profile", "identity_link"),
    ("profile", "customer_360"),
    ("mart", "dim_metric"),
)


class Leases:
    """Every lease that is taken, so that it can be taken over."""

    def __init__(self) -> None:
        self._held: list[Held] = []

    @contextmanager
    def lease(self, *arguments: Any, **options: Any) -> Iterator[Held]:
        with lease(*arguments, **options) as held:
            self._held.append(held)
            yield held

    def take_over(self, control: Database) -> None:
        """As after a long pause: another process has been there, and the thread that renews has seen it."""
        with control.begin() as connection:
            connection.exec_driver_sql("delete from lease")
        for held in self._held:
            held.lose()


@pytest.fixture(autouse=True)
def leases(monkeypatch: pytest.MonkeyPatch) -> Leases:
    leases = Leases()
    monkeypatch.setattr(database, "lease", leases.lease)
    return leases


class HeldUp:
    """An engine whose process is held up after its ``at``-th read, for so long that another one takes over."""

    def __init__(self, opened: Installation, leases: Leases, at: int) -> None:
        self._opened, self._engine, self._leases, self._at = opened, opened.engine, leases, at
        self.reads = 0
        self.before: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        self.reads += 1
        with self._engine.connection() as connection:
            yield connection
        if self.reads >= self._at and not self.before:  # one read may begin within another
            self.before = written(self._opened)
            self._leases.take_over(self._opened.stores.control)


def written(opened: Installation) -> dict[str, Any]:
    """How many rows there are of whatever a refresh writes."""
    counts: dict[str, Any] = {}
    for store, table in STORED:
        with getattr(opened.stores, store).connect() as connection:
            counts[f"{store}.{table}"] = connection.exec_driver_sql(f"select count(*) from {table}").scalar()  # noqa: S608
    for table in ("identity_link", "identity_event", "match_key", "automation_run"):
        counts[table] = opened.lake.current(table).num_rows
    return counts


def test_a_sync_whose_lease_was_taken_over_commits_no_cursor(home: Home, leases: Leases) -> None:
    with home.opened() as opened:
        control = opened.stores.control

    with pytest.raises(LeaseError, match="another one may have taken over"):
        home.sync("hubspot", streams=["companies"], progress=lambda _stream, _records: leases.take_over(control))
    assert database.load_cursor(control, "hubspot", "companies") is None


@pytest.mark.parametrize("refresh", [refresh_profiles, refresh_metrics])
def test_a_refresh_whose_lease_was_taken_over_writes_nothing_more(
    home: Home, leases: Leases, refresh: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.sync("hubspot", streams=["contacts"])
    with home.opened() as opened:
        if refresh is refresh_metrics:
            refresh_profiles(opened, now=clock())
        for at in itertools.count(1):
            engine: Any = HeldUp(opened, leases, at)
            try:
                with monkeypatch.context() as patched:
                    patched.setattr(Installation, "engine", engine)
                    refresh(opened, now=clock())
            except LeaseError:
                assert written(opened) == engine.before, f"held up after read {at}"
            else:
                break

    assert at > 2
    assert not engine.before  # it stopped wherever it was held up, the last read included
