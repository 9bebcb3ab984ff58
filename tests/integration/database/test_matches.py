"""Compared pairs and operators' answers in the control store."""

from datetime import UTC, datetime

import pyarrow as pa

from cdp_pipelines.database.matches import (
    are_tokens_written,
    find_pair,
    note_tokens,
    pairs_of,
    pairs_to_review,
    read_answers,
    read_pairs,
    record_answer,
    replace_pairs,
)
from cdp_pipelines.database.rows import UTC_TIME

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAIR = {
    "pair_id": "a1",
    "source": "crm",
    "source_id": "1",
    "other_source": "desk",
    "other_source_id": "7",
    "weight": 4.5,
    "levels": '{"name":"same"}',
    "model": "1",
    "standing": "review",
    "probability": 0.95,
    "found_at": NOON,
}


def rows(*changes: dict[str, object]) -> pa.Table:
    table = pa.Table.from_pylist([PAIR | change for change in changes], schema=pa.Table.from_pylist([PAIR]).schema)
    return table.set_column(table.schema.get_field_index("found_at"), "found_at", table["found_at"].cast(UTC_TIME))


def test_pairs_come_back_as_they_were_kept(stores):
    replace_pairs(stores.control, [], rows({}), run_id="r")
    assert read_pairs(stores.control).to_pylist() == [PAIR]


def test_replacing_takes_pairs_away_and_adds_others(stores):
    replace_pairs(stores.control, [], rows({}, {"pair_id": "b2"}), run_id="r")
    replace_pairs(stores.control, ["a1"], rows({"pair_id": "c3"}), run_id="r")
    assert read_pairs(stores.control)["pair_id"].to_pylist() == ["b2", "c3"]


def test_pairs_that_changed_stand_without_their_tokens_until_somebody_says_otherwise(stores):
    assert are_tokens_written(stores.control)
    replace_pairs(stores.control, [], rows(), run_id="r")
    assert are_tokens_written(stores.control)
    for _ in range(2):
        replace_pairs(stores.control, ["a1"], rows({}), run_id="r")
        assert not are_tokens_written(stores.control)
    note_tokens(stores.control)
    assert are_tokens_written(stores.control)


def test_the_likeliest_pairs_wait_first_and_only_those_nobody_answered(stores):
    changes = [{"pair_id": name, "weight": weight} for name, weight in (("a1", 1.0), ("b2", 3.0), ("c3", 2.0))]
    replace_pairs(stores.control, [], rows(*changes, {"pair_id": "d4", "standing": "joined"}), run_id="r")
    record_answer(stores.control, find_pair(stores.control, "c3"), answer="different", actor="os:0")
    count, waiting = pairs_to_review(stores.control, 1)
    assert count == 2
    assert [(pair["pair_id"], pair["levels"]) for pair in waiting] == [("b2", {"name": "same"})]


def test_an_answer_outlives_the_pair_and_a_later_one_replaces_it(stores):
    replace_pairs(stores.control, [], rows({}), run_id="r")
    record_answer(stores.control, find_pair(stores.control, "a1"), answer="different", actor="os:0")
    replace_pairs(stores.control, ["a1"], rows(), run_id="r")
    record_answer(stores.control, find_pair(stores.control, "a1"), answer="same", actor="os:1")
    kept = read_answers(stores.control).to_pylist()
    assert [(row["pair_id"], row["answer"], row["actor"]) for row in kept] == [("a1", "same", "os:1")]


def test_the_pairs_of_a_record_are_those_on_either_side(stores):
    changes = {"source_id": "9"}, {"other_source_id": "9"}, {"source_id": "9", "source": "desk"}
    kept = (change | {"pair_id": f"p{n}"} for n, change in enumerate(changes))
    replace_pairs(stores.control, [], rows(*kept), run_id="r")
    assert [pair["pair_id"] for pair in pairs_of(stores.control, "crm", "9")] == ["p0"]
    assert [pair["pair_id"] for pair in pairs_of(stores.control, "desk", "9")] == ["p1", "p2"]


def test_an_unknown_pair_is_none(stores):
    assert find_pair(stores.control, "zz") is None
