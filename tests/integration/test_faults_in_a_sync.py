"""A fault of one stream within a whole sync: the others are read, nothing is lost, the next sync ends the same."""

from collections.abc import Iterator
from typing import Any

import pytest
from installations import Home, contents, make_home

from cdp_pipelines.errors import SyncFailedError
from sandbox import Fault, Running, World, running

STREAMS = ("companies", "contacts", "deals")
CONTACTS = "/crm/v3/objects/contacts"  # three calls find out how to read it; the fourth reads on


@pytest.fixture(scope="module")
def vendors() -> Iterator[Running]:
    with running(World(seed=5, customers=40)) as state:
        state.switches.page_size = 15
        yield state


@pytest.fixture(autouse=True)
def all_off(vendors: Running) -> Iterator[None]:
    yield
    vendors.switches.faults = []


def held(home: Home) -> dict[str, Any]:
    """What is stored, without where the next sync begins."""
    found = contents(home)
    return {name: found[name] for name in ("rows", "ledger", "quarantine")}


@pytest.fixture(scope="module")
def undisturbed(vendors: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = make_home(tmp_path_factory.mktemp("undisturbed") / "home", vendors.urls)
    home.sync("hubspot", streams=STREAMS)
    return held(home)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("hubspot", CONTACTS, "forbidden", times=None), "lacks the permission"),
        (Fault("hubspot", CONTACTS, "expired_token", after=3), "the token is wrong, expired or withdrawn"),
        (Fault("hubspot", CONTACTS, "redirect", after=3), "redirected to another host"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_one_stream_ends_early_and_the_others_are_read(
    vendors: Running, home: Home, undisturbed: dict[str, Any], fault: Fault, said: str
) -> None:
    vendors.switches.faults = [fault]
    with pytest.raises(SyncFailedError) as caught:
        home.sync("hubspot", streams=STREAMS)
    report = caught.value.report

    assert [(stream.stream, said in (stream.error or "")) for stream in report.failed] == [("contacts", True)]
    assert all(stream.written for stream in report.streams if stream.stream != "contacts")
    assert bool(report.failed[0].written) == bool(fault.after)  # what came before is kept

    vendors.switches.faults = []
    home.sync("hubspot", streams=STREAMS)
    assert held(home) == undisturbed


def test_records_that_are_no_longer_as_promised_are_set_aside_and_come_back(
    vendors: Running, home: Home, undisturbed: dict[str, Any]
) -> None:
    vendors.switches.faults = [Fault("hubspot", CONTACTS, "nulls", name="properties", after=3)]
    report = home.sync("hubspot", streams=STREAMS)
    waiting = {stream.stream: stream.quarantined for stream in report.streams if stream.quarantined}
    assert list(waiting) == ["contacts"]
    assert held(home)["rows"]["deal"] == undisturbed["rows"]["deal"]

    vendors.switches.faults = []
    again = home.sync("hubspot", streams=STREAMS)

    assert {stream.stream: stream.recovered for stream in again.streams if stream.recovered} == waiting
    assert held(home) == undisturbed


def test_an_export_whose_cursor_has_ended_is_read_again_with_a_notice(vendors: Running, home: Home) -> None:
    home.sync("zendesk", streams=["users"])
    before = held(home)
    vendors.switches.faults = [Fault("zendesk", "/api/v2/incremental/users/cursor", "expired_cursor")]

    (stream,) = home.sync("zendesk", streams=["users"]).streams

    assert [("no longer knew the place to go on from" in notice) for notice in stream.notices] == [True]
    assert (stream.written, stream.unchanged > 0) == (0, True)
    assert held(home) == before


def test_a_page_that_was_skipped_unseen_is_read_after_a_sweep_has_missed_its_records(
    vendors: Running, home: Home, undisturbed: dict[str, Any]
) -> None:
    vendors.switches.faults = [Fault("hubspot", CONTACTS, "skipped_page", after=3)]
    report = home.sync("hubspot", streams=STREAMS)
    assert not report.failed
    assert held(home) != undisturbed

    vendors.switches.faults = []
    home.sweep("hubspot", streams=STREAMS)
    home.sync("hubspot", streams=STREAMS)

    assert held(home) == undisturbed
