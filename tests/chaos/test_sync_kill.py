"""A run killed with SIGKILL at a named point and then repeated ends like an undisturbed one."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chaos.run_part import exit_code
from installations import FOUR_SYSTEMS, Home, contents, make_home, with_shop_and_reviews
from sqlalchemy import text

from cdp_pipelines.config import load_settings
from sandbox.server import running
from sandbox.world import World

CUSTOMERS = 12
"""Enough for every point to be reached as often as it is named below; a test would fail if not."""

SYNC_POINTS = (
    "lease_taken",
    "fetch_page",
    "fetch_page:4",
    "key_created",
    "key_created:3",
    "row_protected",
    "row_protected:6",
    "append_before",
    "append_before:5",
    "append_written",
    "append_written:3",
    "append_after",
    "append_after:7",
    "ledger_before",
    "ledger_after",
    "quarantine_written",
    "cursor_before",
    "cursor_before:4",
    "cursor_after",
    "cursor_after:5",
    "stream_done",
    "stream_done:3",
    "run_recorded",
)
SHOP_POINTS = (
    "fetch_page",
    "fetch_page:6",
    "key_created:2",
    "row_protected:5",
    "append_before:7",
    "append_written:4",
    "append_after:6",
    "ledger_before",
    "cursor_before",
    "cursor_before:5",
    "cursor_after",
    "cursor_after:3",
    "cursor_after:8",
    "stream_done:2",
    "stream_done:5",
    "run_recorded",
)
"""Bulk operations commit their cursor as soon as they have begun, so these are many."""
REFRESH_POINTS = (
    "compaction_before",
    "compaction_after",
    "maintenance_before",
    "maintenance_after",
    "identity_pairs",
    "identity_register",
    "identity_links",
    "profile_published",
    "mart_written",
    "mart_published",
)


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """A world in which one record cannot be mapped, so that there is something to set aside."""
    world = World(seed=11, customers=CUSTOMERS)
    next(iter(world.hubspot.feedback.values())).props["hs_value"] = "12"  # no answer on a scale from 0 to 10
    with running(world) as vendors:
        yield vendors.urls


@pytest.fixture(scope="module")
def empty(urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An installation that has read nothing yet."""
    return with_shop_and_reviews(make_home(tmp_path_factory.mktemp("empty") / "home", urls), urls)


@pytest.fixture(scope="module")
def synced(empty: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = copy_of(empty, tmp_path_factory.mktemp("synced"))
    assert run(home, "sync") == 0
    assert run(home, "sync_shop") == 0
    return home


@pytest.fixture(scope="module")
def undisturbed(synced: Home) -> dict[str, Any]:
    """What a sync leaves behind that nobody killed."""
    found = contents(synced)
    assert found["quarantine"]
    return found


@pytest.fixture(scope="module")
def refreshed(synced: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a refresh leaves behind that nobody killed."""
    home = copy_of(synced, tmp_path_factory.mktemp("refreshed"))
    assert run(home, "refresh") == 0
    return published(home)


def copy_of(home: Home, folder: Path) -> Home:
    shutil.copytree(home.settings.home, folder / "home", dirs_exist_ok=True)
    return Home(load_settings(folder / "home" / "cdp.toml", environment={}))


def run(home: Home, part: str, kill_at: str | None = None) -> int | None:
    return exit_code(part, home.config, FOUR_SYSTEMS | ({"CDP_KILL_AT": kill_at} if kill_at else {}))


def _to_nine_places(value: Any) -> Any:
    """Sums of floating-point numbers depend, far behind the point, on the order in which threads add up."""
    return round(value, 9) if isinstance(value, float) else value


def published(home: Home) -> dict[str, Any]:
    """What the refresh leaves, apart from ids that are random and times at which it ran."""
    with home.opened() as opened:
        with opened.stores.profile.connect() as profile:
            query = "select source, source_id, dense_rank() over (order by profile_id) from identity_link"
            links = profile.execute(text(query)).all()
            customers = profile.execute(text("select count(*) from customer_360")).scalar()
            states = profile.execute(text("select purpose, scope, state, count(*) from consent_state group by 1, 2, 3"))
            consents = sorted(tuple(row) for row in states)
        with opened.stores.mart.connect() as mart:
            query = (
                "select metric_id, grain, period_start, channel, segment_scheme, segment, slice_name, slice_value, "
                "stat, variant, value, n, status "
                "from metric_value where metric_id not like 'automation%' and metric_id <> 'throughput_rate' "
                "and grain <> 'asof' order by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
            )
            metrics = [tuple(map(_to_nine_places, row)) for row in mart.execute(text(query))]
    groups: dict[int, list[tuple[str, str]]] = {}
    for source, source_id, group in links:
        groups.setdefault(group, []).append((source, source_id))
    profiles = sorted(sorted(records) for records in groups.values())
    return {"profiles": profiles, "customers": customers, "consents": consents, "metrics": metrics}


@pytest.mark.parametrize("point", SYNC_POINTS)
def test_a_killed_sync_repeated_ends_like_an_undisturbed_one(
    point: str, empty: Home, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    home = copy_of(empty, tmp_path)

    assert run(home, "sync", kill_at=point) == -signal.SIGKILL
    assert run(home, "sync") == 0

    assert contents(home) == of_systems(undisturbed, "hubspot", "zendesk")


@pytest.mark.parametrize("point", SHOP_POINTS)
def test_a_killed_sync_of_shop_and_reviews_repeated_ends_like_an_undisturbed_one(
    point: str, empty: Home, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    home = copy_of(empty, tmp_path)

    assert run(home, "sync_shop", kill_at=point) == -signal.SIGKILL
    assert run(home, "sync_shop") == 0

    assert contents(home) == of_systems(undisturbed, "shopify", "google_reviews")


def of_systems(found: dict[str, Any], *names: str) -> dict[str, Any]:
    """What is there of some of the systems."""
    return {
        "rows": {
            table: {key: row for key, row in rows.items() if key[0] in names} for table, rows in found["rows"].items()
        },
        "cursors": {key: cursor if key[0] in names else None for key, cursor in found["cursors"].items()},
        "ledger": [row for row in found["ledger"] if dict(row)["source"] in names],
        "quarantine": {key: count for key, count in found["quarantine"].items() if key[0] in names},
    }


@pytest.mark.parametrize("point", REFRESH_POINTS)
def test_a_killed_refresh_repeated_ends_like_an_undisturbed_one(
    point: str, synced: Home, undisturbed: dict[str, Any], refreshed: dict[str, Any], tmp_path: Path
) -> None:
    home = copy_of(synced, tmp_path)

    assert run(home, "refresh", kill_at=point) == -signal.SIGKILL
    assert run(home, "refresh") == 0

    assert contents(home)["rows"] == undisturbed["rows"]
    assert published(home) == refreshed
