from typing import Any

import pytest

from cdp_pipelines.identity import resolving
from tests.unit.cdp_pipelines.identity.conftest import Installation

ANNA: dict[str, Any] = {
    "source": "crm",
    "source_id": "1",
    "given_name": "Anna",
    "family_name": "Sand",
    "email": "anna@a.example",
}
DESK: dict[str, Any] = {"source": "desk", "source_id": "7", "full_name": "SAND, Anna", "email": "ANNA@a.example"}
OTHER: dict[str, Any] = DESK | {"email": "sand@b.example"}

JOINED, APART = {frozenset({"crm 1", "desk 7"})}, {frozenset({"crm 1"}), frozenset({"desk 7"})}


def events(installation: Installation) -> list[tuple[str, str, str, str | None]]:
    rows = installation.lake.current("identity_event").to_pylist()
    return [(row["kind"], row["profile_id"], row["other_profile_id"], row["key_type"]) for row in rows]


@pytest.mark.parametrize(
    "other",
    [
        DESK,
        OTHER | {"other_emails": ["anna@a.example"]},
        OTHER | {"email": "anna+shop@a.example"},
        OTHER | {"cross_source": "crm", "cross_id": "1"},
    ],
    ids=["address", "further address", "address with a tag", "cross-reference"],
)
def test_links_the_records_of_one_person(installation: Installation, other: dict[str, Any]) -> None:
    installation.people(ANNA, other)
    report = installation.resolve()
    assert installation.partition() == JOINED
    assert (report.records, report.profiles, report.links_written, report.merges, report.splits) == (2, 1, 2, 0, 0)


def test_reads_names_and_role_addresses_in_clear_where_tokens_do_not_tell(installation: Installation) -> None:
    office = {"email": "office@a.example", "phone": "030 123456"}
    installation.people(ANNA | office, {"source": "desk", "source_id": "7", "full_name": "Ben Sand", **office})
    report = installation.resolve()
    assert installation.partition() == APART
    assert report.blocked == {"role_address": 1, "names_differ": 1}


def test_an_unchanged_world_writes_nothing(installation: Installation) -> None:
    installation.people(ANNA, DESK)
    installation.resolve()
    before = installation.lake.snapshot(["identity_link", "identity_event"]).versions, len(installation.registered())
    assert installation.resolve().links_written == 0
    after = installation.lake.snapshot(["identity_link", "identity_event"]).versions, len(installation.registered())
    assert after == before


def test_a_merge_keeps_the_first_id_and_leaves_a_redirect_and_an_event(installation: Installation) -> None:
    installation.people(ANNA, OTHER)
    installation.resolve()
    first, second = installation.registered()["profile_id"].to_pylist()
    installation.people(DESK)
    assert installation.resolve().merges == 1
    assert set(installation.links().values()) == {first}
    assert installation.registered()["redirect_to"].to_pylist() == [None, first]
    assert events(installation) == [("merge", first, second, "email")]


def test_a_split_gives_the_later_record_a_new_id_and_an_event(installation: Installation) -> None:
    installation.people(ANNA)
    installation.resolve()
    installation.people(DESK)
    installation.resolve()
    installation.people(OTHER)
    assert installation.resolve().splits == 1
    assert installation.partition() == APART
    first, second = installation.registered()["profile_id"].to_pylist()
    assert installation.links() == {("crm", "1"): first, ("desk", "7"): second}
    assert events(installation) == [("split", first, second, None)]


def test_a_deleted_record_keeps_its_link_and_follows_a_merge(installation: Installation) -> None:
    second = {"source": "crm", "source_id": "2", "email": "sand@b.example"}
    installation.people(ANNA, OTHER, second)
    installation.resolve()
    installation.people(OTHER | {"deleted": True, "email": None})
    installation.people(second | {"email": "anna@a.example"})
    installation.resolve()
    assert installation.partition() == {frozenset({"crm 1", "crm 2", "desk 7"})}


def test_a_record_the_source_merged_goes_with_its_survivor(installation: Installation) -> None:
    loser = {"source": "crm", "source_id": "2", "deleted": True, "merged_into": "1"}
    installation.people(ANNA, loser)
    installation.resolve()
    assert installation.partition() == {frozenset({"crm 1", "crm 2"})}


@pytest.mark.parametrize("point", ["identity_register", "identity_links"])
@pytest.mark.parametrize("change", [DESK, OTHER], ids=["merge", "split"])
def test_a_run_that_died_is_made_good_by_the_next(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, point: str, change: dict[str, Any]
) -> None:
    installation.people(ANNA, OTHER if change is DESK else DESK)
    installation.resolve()
    installation.people(change)

    def die(name: str) -> None:
        if name == point:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resolving, "reach", die)
        with pytest.raises(KeyboardInterrupt):
            installation.resolve()
    installation.resolve()
    assert installation.partition() == (JOINED if change is DESK else APART)
    kinds = [(kind, profile) for kind, profile, _, _ in events(installation)]
    assert kinds == [("merge" if change is DESK else "split", installation.links()["crm", "1"])]
    assert installation.resolve().links_written == 0


def test_no_value_in_clear_reaches_links_or_events(installation: Installation) -> None:
    installation.people(ANNA, OTHER)
    installation.resolve()
    installation.people(DESK)
    installation.resolve()
    written = str(installation.lake.current("identity_link")) + str(installation.lake.current("identity_event"))
    assert not any(value in written.lower() for value in ("anna", "sand", "example"))
