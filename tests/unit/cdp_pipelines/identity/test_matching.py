"""Persons without a shared key, through whole identity runs."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cdp_pipelines.config import Settings
from cdp_pipelines.database.matches import find_pair, pairs_to_review, read_pairs, record_answer
from cdp_pipelines.identity import resolving, scoring
from cdp_pipelines.identity.features import Comparing
from cdp_pipelines.identity.matching import answered
from cdp_pipelines.identity.values import LakeValues
from cdp_pipelines.scan import scan
from models import Account, MatchKey
from privacy.protect import Revealer
from tests.unit.cdp_pipelines.identity.conftest import Installation
from tests.unit.cdp_pipelines.identity.persons import Person, table

HOME = {"street": "Hauptstraße 5", "postal_code": "10115", "city": "Berlin"}
ANNA: dict[str, Any] = {"source": "crm", "source_id": "1", "given_name": "Anna", "family_name": "Sand", **HOME}
DESK: dict[str, Any] = {"source": "desk", "source_id": "7", "full_name": "SAND, Anna", **HOME, "street": "Hauptstr. 5"}
NAMESAKE: dict[str, Any] = {"source": "desk", "source_id": "7", "full_name": "Anna Sand"}

JOINED, APART = {frozenset({"crm 1", "desk 7"})}, {frozenset({"crm 1"}), frozenset({"desk 7"})}


def pairs(installation: Installation) -> list[tuple[str, str, str]]:
    """Source ids of both records and the standing of each pair kept."""
    rows = read_pairs(installation.stores.control).to_pylist()
    return sorted((row["source_id"], row["other_source_id"], row["standing"]) for row in rows)


def answer(installation: Installation, said: str) -> None:
    _, waiting = pairs_to_review(installation.stores.control, 10)
    kept = waiting or read_pairs(installation.stores.control).to_pylist()
    pair = find_pair(installation.stores.control, kept[0]["pair_id"])
    assert pair is not None
    record_answer(installation.stores.control, pair, answer=said, actor="os:0")


def said_of(first: str, second: str, answer: str) -> pa.Table:
    """An answer about two records of the CRM, as the control store has it."""
    names = ("source", "source_id", "other_source", "other_source_id", "answer")
    return pa.Table.from_pylist([dict(zip(names, ("crm", first, "crm", second, answer), strict=True))])


def settings(installation: Installation, **identity: Any) -> Settings:
    changed = installation.settings.identity.model_copy(update=identity)
    return installation.settings.model_copy(update={"identity": changed})


def test_joins_persons_without_a_shared_key_and_says_how_sure_it_is(installation: Installation) -> None:
    installation.people(ANNA, DESK)
    report = installation.resolve()
    assert installation.partition() == JOINED
    assert (report.compared, report.waiting, report.linked_by_key) == (1, 0, {"similarity": 2})
    links = installation.lake.current("identity_link").to_pylist()
    assert {(row["method"], row["key_type"]) for row in links} == {("probabilistic", None)}
    assert all(0.999 < row["confidence"] < 1 for row in links)


def test_keeps_for_each_pair_how_far_each_field_agrees_and_no_value(installation: Installation) -> None:
    installation.people(ANNA, DESK)
    installation.resolve()
    (kept,) = read_pairs(installation.stores.control).to_pylist()
    assert kept["levels"] == (
        '{"name":"same","place":"same street","phone":"unknown","email":"unknown","company":"unknown"}'
    )
    assert (kept["source"], kept["source_id"], kept["other_source"], kept["other_source_id"]) == (
        "crm",
        "1",
        "desk",
        "7",
    )
    assert (kept["standing"], kept["model"]) == ("joined", "1")


def test_the_organisation_is_compared_too(installation: Installation) -> None:
    for source, name in (("crm", "Nordwind GmbH"), ("desk", "Nordwind")):
        installation.put(Account, {"source": source, "source_id": "n", "name": name})
    installation.people(
        {**ANNA, "account_id": "n", **dict.fromkeys(HOME), "email": "anna@a.example"}, {**NAMESAKE, "account_id": "n"}
    )
    installation.resolve()
    assert installation.partition() == JOINED


@pytest.mark.parametrize(
    "other",
    [
        DESK | {"full_name": "Ben Sand"},
        DESK | {"full_name": "Anna Wald"},
        DESK | {"full_name": "Jana Sand"},
        NAMESAKE | {"city": "Berlin", "email": "sand@b.example", "phone": "030 7654321"},
        DESK | {"kind": "staff"},
        DESK | {"is_test": True},
        DESK | {"full_name": None, "phone": "030 1234567"},
    ],
    ids=["given name", "family name", "like name", "namesake", "staff", "test record", "no name"],
)
def test_leaves_others_apart(installation: Installation, other: dict[str, Any]) -> None:
    installation.people(ANNA | {"email": "anna@a.example", "phone": "030 1234567"}, other)
    installation.resolve()
    assert installation.partition() == APART


def test_what_is_likely_but_not_sure_waits_for_an_operator(installation: Installation) -> None:
    installation.people(ANNA, NAMESAKE)
    report = installation.resolve()
    assert (installation.partition(), report.waiting) == (APART, 1)
    assert pairs(installation) == [("1", "7", "review")]


def test_two_records_of_one_system_need_more(installation: Installation) -> None:
    apart = {"email": "anna@a.example", "phone": "030 1234567"}, {"email": "sand@b.example", "phone": "030 7654321"}
    installation.people(ANNA | apart[0], DESK | apart[1] | {"source": "crm"})
    report = installation.resolve()
    assert (len(installation.partition()), report.waiting) == (2, 1)
    installation.people(DESK | apart[1] | {"source": "crm", "phone": None})
    installation.resolve()
    assert len(installation.partition()) == 1


def test_a_cluster_with_a_record_of_the_same_system_needs_more_too(installation: Installation) -> None:
    apart = {"email": "anna@a.example", "phone": "030 1234567"}, {"email": "sand@b.example", "phone": "030 7654321"}
    installation.people(
        ANNA | apart[0],
        {"source": "desk", "source_id": "8", "full_name": "Anna Sand", "email": "anna@a.example"},
        DESK | apart[1],
    )
    installation.resolve()
    assert installation.partition() == {frozenset({"crm 1", "desk 8"}), frozenset({"desk 7"})}


def test_somebody_who_fits_two_who_do_not_fit_each_other_joins_neither(installation: Installation) -> None:
    shop = {"source": "shop", "source_id": "3", "full_name": "Jan Sand", **HOME}
    installation.people(
        ANNA | {"given_name": "Jana"},
        {"source": "desk", "source_id": "7", "full_name": "J. Sand", **HOME},
        shop,
    )
    report = installation.resolve()
    assert len(installation.partition()) == 3
    assert report.blocked["similar_to_several"] == 3
    assert report.waiting >= 2


def test_a_number_that_many_share_is_no_evidence(installation: Installation) -> None:
    office = {"phone": "030 1234567"}
    people = [
        {"source": "crm", "source_id": f"c{n}", "full_name": f"Person{chr(97 + n)} Xy{n}", **office} for n in range(9)
    ]
    installation.people(ANNA | dict.fromkeys(HOME) | office, NAMESAKE | office, *people)
    installation.resolve()
    assert installation.links()["crm", "1"] != installation.links()["desk", "7"]
    (kept,) = (row for row in read_pairs(installation.stores.control).to_pylist() if row["other_source_id"] == "7")
    assert '"phone":"shared by many"' in kept["levels"]
    installation.people(people[0] | {"phone": None})
    installation.resolve()
    assert installation.links()["crm", "1"] == installation.links()["desk", "7"]


def test_two_stated_ids_of_one_system_are_never_joined(installation: Installation) -> None:
    installation.people(
        ANNA | {"cross_source": "erp", "cross_id": "1"}, DESK | {"cross_source": "erp", "cross_id": "2"}
    )
    report = installation.resolve()
    assert (installation.partition(), report.blocked) == (APART, {"conflict": 1})


def test_a_pair_that_was_answered_but_cannot_be_joined_waits_no_longer(installation: Installation) -> None:
    installation.people(
        ANNA | {"cross_source": "erp", "cross_id": "1"}, DESK | {"cross_source": "erp", "cross_id": "2"}
    )
    assert installation.resolve().waiting == 1
    answer(installation, "same")
    report = installation.resolve()
    assert (installation.partition(), report.waiting) == (APART, 0)


def test_an_answer_beats_the_model_and_is_remembered(installation: Installation) -> None:
    installation.people(ANNA, DESK)
    installation.resolve()
    answer(installation, "different")
    assert installation.resolve().splits == 1
    assert (installation.partition(), pairs(installation)) == (APART, [("1", "7", "apart")])
    installation.people(DESK | {"locale": "de"})
    installation.resolve()
    assert installation.partition() == APART


def test_a_third_record_does_not_bring_together_whom_an_operator_calls_different(installation: Installation) -> None:
    installation.people(ANNA, DESK)
    installation.resolve()
    answer(installation, "different")
    installation.people({"source": "shop", "source_id": "3", "full_name": "Anna Sand", **HOME})
    installation.resolve()
    assert len(installation.partition()) == 3


def test_same_joins_what_the_model_leaves_open_and_says_so(installation: Installation) -> None:
    installation.people(ANNA, NAMESAKE)
    installation.resolve()
    answer(installation, "same")
    assert installation.resolve().merges == 1
    assert installation.partition() == JOINED
    links = installation.lake.current("identity_link").to_pylist()
    assert {(row["method"], row["key_type"], row["confidence"]) for row in links} == {("manual", None, 1.0)}
    (event,) = installation.lake.current("identity_event").to_pylist()
    assert (event["kind"], event["key_type"]) == ("merge", "answer")


@pytest.mark.parametrize("said", ["same", "different"])
def test_an_answer_about_a_record_that_was_merged_since_holds_for_its_survivor(said: str) -> None:
    people = [Person("1"), Person("2"), Person("3", deleted=True, merged_into="1")]
    left, right = getattr(answered(table(people), said_of("2", "3", said)), said)
    assert (left.tolist(), right.tolist()) == ([0], [1])


def test_nobody_is_kept_apart_by_an_answer_about_records_that_the_source_merged_all_the_same() -> None:
    people = [Person("1", deleted=True, merged_into="2"), Person("2")]
    assert len(answered(table(people), said_of("1", "2", "different")).different[0]) == 0


def test_answers_count_without_the_model(installation: Installation) -> None:
    installation.people(ANNA, NAMESAKE)
    installation.resolve()
    answer(installation, "same")
    installation.settings = settings(installation, probabilistic=False)
    report = installation.resolve()
    assert (installation.partition(), report.compared) == (JOINED, 0)


def test_without_the_model_keys_alone_decide(installation: Installation) -> None:
    installation.settings = settings(installation, probabilistic=False)
    installation.people(ANNA, DESK)
    installation.resolve()
    assert (installation.partition(), pairs(installation)) == (APART, [])


def test_a_merge_by_similarity_is_an_event_that_says_so(installation: Installation) -> None:
    mail = {"email": "anna@a.example"}
    installation.people(ANNA | mail, {"source": "shop", "source_id": "3", "full_name": "Anna Sand", **mail}, NAMESAKE)
    installation.resolve()
    installation.people(DESK)
    assert installation.resolve().merges == 1
    (event,) = installation.lake.current("identity_event").to_pylist()
    assert (event["kind"], event["key_type"]) == ("merge", "similarity")


def test_a_run_compares_and_decrypts_what_changed_and_its_partners(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers = [
        {"source": "crm", "source_id": f"x{n}", "full_name": f"Carl{n} Wald", "city": "Bonn"} for n in range(4)
    ]
    installation.people(ANNA, NAMESAKE, *strangers)
    assert installation.resolve().compared == 7  # the strangers share a word and a town
    looked_at: list[int] = []
    features = LakeValues.features

    def watch(self: LakeValues, rows: Any, comparing: Comparing) -> Any:
        looked_at.extend(rows)
        return features(self, rows, comparing)

    monkeypatch.setattr(LakeValues, "features", watch)
    assert installation.resolve().compared == 0
    assert looked_at == []
    installation.people(DESK)
    assert installation.resolve().compared == 1
    assert sorted(looked_at) == [0, 5]
    assert installation.partition() >= JOINED


def test_a_record_that_is_compared_is_decrypted_once(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.people(ANNA | {"email": "info@a.example"}, DESK | {"email": "anna+x@a.example"})
    opened: list[str] = []
    reveal = Revealer.reveal

    def watch(self: Revealer, entity: Any, table: Any, columns: Any) -> Any:
        opened.extend(table["source_id"].to_pylist())
        return reveal(self, entity, table, columns)

    monkeypatch.setattr(Revealer, "reveal", watch)
    installation.resolve()
    assert sorted(opened) == ["1", "7"]


def test_addresses_of_unchanged_records_are_decrypted_again_only_where_they_are_special(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = ("anna@a.example", "info@a.example", "anna+x@b.example")
    people = [{"source": "crm", "source_id": f"{n}", "email": address} for n, address in enumerate(addresses)]
    installation.people(*people)
    installation.resolve()
    opened: list[str] = []
    reveal = Revealer.reveal

    def watch(self: Revealer, entity: Any, table: Any, columns: Any) -> Any:
        opened.extend(table["source_id"].to_pylist())
        return reveal(self, entity, table, columns)

    monkeypatch.setattr(Revealer, "reveal", watch)
    installation.resolve()
    assert sorted(opened) == ["1", "2"]
    opened.clear()
    installation.people(people[0] | {"email": "office@a.example"})
    installation.resolve()
    installation.resolve()
    assert sorted(opened) == ["0", "0", "1", "1", "2", "2"]


@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_kept_of_addresses_decides_as_a_look_at_all_of_them(
    installation: Installation, *, backwards: bool
) -> None:
    anna = {"full_name": "Anna Sand"}
    people: list[dict[str, Any]] = [
        {"source": "crm", "source_id": "1", "email": "anna@a.example", **anna},
        {"source": "desk", "source_id": "2", "email": "anna+x@a.example", **anna},
        {"source": "crm", "source_id": "3", "email": "office@a.example", "other_emails": ["ben@b.example"]},
        {"source": "desk", "source_id": "4", "email": "office@a.example"},
        {"source": "desk", "source_id": "5", "email": "ben@b.example"},
    ]
    for one in reversed(people) if backwards else people:
        installation.people(one)
        step_by_step = installation.resolve()
    found = installation.partition(), step_by_step.blocked
    assert {frozenset({"crm 1", "desk 2"}), frozenset({"crm 3", "desk 5"}), frozenset({"desk 4"})} == found[0]
    installation.settings = settings(installation, max_records_per_block=31)  # other rules: everything anew
    assert (installation.resolve().blocked, installation.partition()) == (found[1], found[0])


def test_a_change_of_what_nobody_is_compared_by_compares_nobody(installation: Installation) -> None:
    installation.people(ANNA, DESK)
    assert installation.resolve().compared == 1
    before = installation.partition(), pairs(installation)
    installation.people(ANNA | {"lifecycle_stage": "customer"})
    assert installation.resolve().compared == 0
    assert (installation.partition(), pairs(installation)) == before
    installation.people(ANNA | {"street": "Am Wall 1"})
    assert installation.resolve().compared == 1


def test_records_marked_before_there_was_the_token_of_all_are_compared_when_they_change(
    installation: Installation,
) -> None:
    installation.people(ANNA, DESK)
    installation.resolve()
    names = ["source", "source_id", "stamp", "tokens"]
    installation.put(MatchKey, *installation.lake.current("match_key").select(names).to_pylist())
    assert installation.resolve().compared == 0
    installation.people(ANNA | {"lifecycle_stage": "customer"})
    assert installation.resolve().compared == 1
    assert (installation.partition(), pairs(installation)) == (JOINED, [("1", "7", "joined")])


def test_a_changed_organisation_is_looked_at_again(installation: Installation) -> None:
    for source, name in (("crm", "Nordwind"), ("desk", "Alpenblick")):
        installation.put(Account, {"source": source, "source_id": "n", "name": name})
    installation.people({**ANNA, **dict.fromkeys(HOME), "account_id": "n"}, NAMESAKE | {"account_id": "n"})
    installation.resolve()
    assert installation.partition() == APART
    installation.put(Account, {"source": "desk", "source_id": "n", "name": "Nordwind"})
    installation.resolve()
    assert installation.partition() == JOINED


def test_who_is_who_is_the_same_step_by_step_and_at_once(installation: Installation) -> None:
    third = {"source": "shop", "source_id": "3", "full_name": "A. Sand", **HOME}
    installation.people(ANNA)
    installation.resolve()
    installation.people(NAMESAKE, third)
    installation.resolve()
    installation.people(DESK)
    installation.resolve()
    step_by_step = installation.partition(), pairs(installation)
    installation.settings = settings(installation, max_records_per_block=31)  # other rules: everything anew
    assert installation.resolve().compared == 3
    assert (installation.partition(), pairs(installation)) == step_by_step


def test_a_pair_goes_with_its_record(installation: Installation) -> None:
    installation.people(ANNA, NAMESAKE)
    installation.resolve()
    installation.people(NAMESAKE | {"deleted": True})
    assert installation.resolve().waiting == 0
    assert pairs(installation) == []
    assert [row["source_id"] for row in installation.lake.current("match_key").to_pylist()] == ["1"]


def test_an_unchanged_world_writes_nothing(installation: Installation) -> None:
    installation.people(ANNA, DESK, {"source": "shop", "source_id": "3", "full_name": "Anna Sand"})
    installation.resolve()
    before = installation.lake.snapshot().versions, read_pairs(installation.stores.control)
    assert installation.resolve().links_written == 0
    assert (installation.lake.snapshot().versions, read_pairs(installation.stores.control)) == before


def die_at(installation: Installation, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """A run that ends at a barrier."""

    def die(name: str) -> None:
        if name == point:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resolving, "reach", die)
        with pytest.raises(KeyboardInterrupt):
            installation.resolve()


@pytest.mark.parametrize("point", ["identity_links", "identity_pairs"])
def test_a_run_that_died_is_made_good_by_the_next(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    installation.people(ANNA, DESK)
    die_at(installation, monkeypatch, point)
    assert installation.resolve().compared == 1
    assert (installation.partition(), pairs(installation)) == (JOINED, [("1", "7", "joined")])
    assert installation.resolve().compared == 0


@pytest.mark.parametrize("point", ["identity_links", "identity_pairs"])
def test_what_changed_and_changed_back_while_a_run_was_dead_is_as_it_was(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    installation.people(ANNA, DESK)
    installation.resolve()
    before = installation.partition(), pairs(installation)
    installation.people(DESK | {"full_name": "Carl Wald", "city": "Bonn"})
    die_at(installation, monkeypatch, point)
    installation.people(DESK)
    installation.resolve()
    assert (installation.partition(), pairs(installation)) == before == (JOINED, [("1", "7", "joined")])
    assert installation.resolve().compared == 0


def test_a_crowd_that_came_and_went_while_a_run_was_dead_separates_nobody(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.settings = settings(installation, max_records_per_block=2)
    installation.people(ANNA, NAMESAKE)
    installation.resolve()
    assert pairs(installation) == [("1", "7", "review")]
    crowd = [{"source": "shop", "source_id": f"{n}", "full_name": "Anna Sand"} for n in range(2)]
    installation.people(*crowd)
    die_at(installation, monkeypatch, "identity_pairs")
    assert pairs(installation) == []
    installation.people(*(one | {"deleted": True} for one in crowd))
    installation.resolve()
    assert pairs(installation) == [("1", "7", "review")]


@pytest.mark.parametrize("fails", [False, True], ids=["a run", "a run that fails"])
def test_nothing_on_disk_shows_a_value(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, fails: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    values = ["Annegret", "Winterfeldt", "annegret.w84@a.example", "Gärtnerstraße 17", "+493012345678"]
    known = {"street": values[3], "postal_code": "10115", "city": "Berlin"}
    installation.people(
        ANNA | known | {"given_name": values[0], "family_name": values[1], "email": values[2], "phone": values[4]},
        {"source": "desk", "source_id": "7", "full_name": "A. Winterfeldt", **known},
    )
    if fails:
        monkeypatch.setattr(scoring, "_predicted", _spoil)
        with pytest.raises(scoring.EngineError, match="Comparing person records"):
            installation.resolve()
    else:
        installation.resolve()
        assert installation.partition() == JOINED
    assert scan([tmp_path], [("planted", value) for value in values]).findings == ()
    assert {path.name for path in tmp_path.iterdir()} == {"home"}


def _spoil(*_: Any) -> None:
    raise ValueError("Annegret Winterfeldt")
