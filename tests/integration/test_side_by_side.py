"""Streams that are read side by side: the order they come in changes nothing, and one that fails stops no other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installations import Home, contents, make_home, with_shop_and_reviews

from cdp_pipelines.errors import SyncFailedError
from connectors.registry import SOURCES, source
from connectors.spec import Source
from sandbox import Fault
from sandbox.server import Running, running
from sandbox.world import World


@pytest.fixture(scope="module")
def vendors() -> Iterator[Running]:
    with running(World(seed=11, customers=12)) as state:
        yield state


def new_home(folder: Path, vendors: Running) -> Home:
    return with_shop_and_reviews(make_home(folder / "home", vendors.urls), vendors.urls)


@pytest.fixture(scope="module")
def side_by_side(vendors: Running, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = new_home(tmp_path_factory.mktemp("side_by_side"), vendors)
    for system in SOURCES:
        home.sync(system.name)
    return home


def test_streams_read_in_reverse_one_by_one_end_with_the_same_rows(
    side_by_side: Home, vendors: Running, tmp_path: Path
) -> None:
    home = new_home(tmp_path, vendors)
    for system in SOURCES:
        for stream in reversed(system.streams):
            home.sync(system.name, streams=[stream.name])
    assert contents(home) == contents(side_by_side)


def subjects(home: Home, table: str, key: str) -> dict[str, set[bytes]]:
    """Whom rows are about, by what ``key`` names."""
    found: dict[str, set[bytes]] = {}
    with home.opened() as opened:
        for row in opened.lake.current(table, columns=[key, "subject_id"], include_deleted=True).to_pylist():
            found.setdefault(row[key], set()).add(row["subject_id"])
    return found


def test_words_are_about_the_person_whose_ticket_they_are_on(side_by_side: Home) -> None:
    """Else a person who is erased would come back with what is said later: why events come after tickets."""
    tickets, words = subjects(side_by_side, "ticket", "source_id"), subjects(side_by_side, "message", "ticket_id")
    assert words
    assert words == {ticket: tickets[ticket] for ticket in words}


def test_a_stream_that_fails_for_good_stops_no_other_and_keeps_what_it_had_read(
    side_by_side: Home, vendors: Running, tmp_path: Path
) -> None:
    home = new_home(tmp_path, vendors)
    failing = source("hubspot").stream("contacts")
    vendors.switches.faults = [Fault("hubspot", failing.path, "expired_token", times=None)]
    try:
        with pytest.raises(SyncFailedError) as failure:
            home.sync("hubspot")
    finally:
        vendors.switches.faults = []
    report: Any = failure.value.report
    assert [stream.stream for stream in report.failed] == ["contacts"]
    found, whole = contents(home), contents(side_by_side)
    for table in ("account", "deal", "survey_response"):
        assert found["rows"][table] == of_hubspot(whole["rows"][table])


def of_hubspot(rows: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
    return {key: row for key, row in rows.items() if key[0] == "hubspot"}


MOST = 3
FOR_ALL_STREAMS = {
    "hubspot": 4,  # opt-out properties, subscription types, pipelines, currency
    "zendesk": 0,
    "google_reviews": 3,  # accounts, and the locations of each
    "shopify": 1,  # what the token may read
}


@pytest.mark.parametrize("system", SOURCES, ids=lambda system: system.name)
def test_a_sync_without_changes_makes_at_most_three_requests_per_stream(side_by_side: Home, system: Source) -> None:
    side_by_side.sync(system.name)
    report = side_by_side.sync(system.name)
    asked = {stream.stream: stream.requests - stream.rereads for stream in report.streams}
    assert {name: count for name, count in asked.items() if count > MOST} == {}
    assert {s.stream for s in report.streams if s.rereads} <= {s.name for s in system.streams if s.rereads}
    assert report.requests == sum(s.requests for s in report.streams) + FOR_ALL_STREAMS[system.name]


def test_a_first_load_reads_nothing_again(vendors: Running, tmp_path: Path) -> None:
    home = new_home(tmp_path, vendors)
    assert {s.stream: s.rereads for s in home.sync("hubspot").streams if s.rereads} == {}
