import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import splink

from cdp_pipelines.engine import Engine
from cdp_pipelines.engine.errors import EngineError, EngineMemoryError
from cdp_pipelines.identity.features import Features
from cdp_pipelines.identity.scoring import Scores, probability, score, stored_model, table, weight_of
from tests.unit.cdp_pipelines.identity.test_features import GERMAN, NOTHING

ANNA: dict[str, Any] = {"name": "Anna Sand", "emails": ["anna.sand12@a.example"], "phones": ["030 1234567"]}
HOME = {"street": "Hauptstraße 5", "postal_code": "10115", "city": "Berlin"}


def of(**values: Any) -> Features:
    return GERMAN.features(NOTHING | values)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(memory_limit="500MB", threads=1, temp_directory=tmp_path / "spill")


def compare(engine: Engine, one: Features, other: Features) -> Scores:
    return score(table([(0, one), (1, other)]), np.array([0]), np.array([1]), engine, floor=-100)


LEVELS: tuple[tuple[str, dict[str, Any], dict[str, Any], str], ...] = (
    ("name", {"name": "Anna Sand"}, {"name": "SAND, Anna"}, "same"),
    ("name", {"name": "Anna Sand"}, {"name": "A. Sand"}, "agrees"),
    ("name", {"name": "Anna Sand"}, {"name": "Anna Snad"}, "agrees"),
    ("name", {"name": "Anna Meyer"}, {"name": "Anna Maier"}, "alike"),
    ("name", {"name": "Anna Sand"}, {"name": "Ben Sand"}, "one word"),
    ("name", {"name": "Anna Sand"}, {"name": "Ben Wald"}, "different"),
    ("name", {"name": "Anna Sand"}, {}, "unknown"),
    ("email", {"emails": ["a.sand12@a.example"]}, {"emails": ["a.sand12@a.example"]}, "same"),
    ("email", {"emails": ["a.sand12@a.example"]}, {"emails": ["a.snad12@a.example"]}, "letters swapped"),
    ("email", {"emails": ["a.sand12@a.example"]}, {"emails": ["a.sand12@b.example"]}, "same before the @"),
    ("email", {"emails": ["a.sand12@a.example"]}, {"emails": ["a.sand21@a.example"]}, "different"),
    ("phone", {"phones": ["030 1234567"]}, {"phones": ["+49301234567"]}, "same"),
    ("phone", {"phones": ["030 1234567"]}, {"phones": ["040 1234567"]}, "same last seven digits"),
    ("phone", {"phones": ["030 1234567"]}, {"phones": ["030 7654321"]}, "different"),
    ("place", HOME, HOME | {"street": "Hauptstr. 5", "city": None}, "same street"),
    ("place", HOME, HOME | {"street": None}, "same postal code"),
    ("place", HOME, HOME | {"street": "Rosenweg 1"}, "same town"),
    ("place", HOME, {"city": "Köln"}, "different"),
    ("place", HOME, {"street": "Hauptstraße 5"}, "unknown"),
    ("company", {"company": "Nordwind GmbH"}, {"company": "Nordwind"}, "same"),
    ("company", {"company": "Nordwind", "domain": "n.example"}, {"domain": "n.example"}, "same"),
    ("company", {"company": "Nordwind"}, {"company": "Alpenblick"}, "different"),
)


def test_each_field_agrees_as_far_as_it_does(engine: Engine) -> None:
    people = table([(row, of(**side)) for row, side in enumerate(side for case in LEVELS for side in case[1:3])])
    left = np.arange(len(LEVELS)) * 2
    codes = score(people, left, left + 1, engine, floor=-100).levels
    found = [stored_model().levels[field][codes[field][at]][0] for at, (field, *_) in enumerate(LEVELS)]
    assert found == [level for *_, level in LEVELS]


def test_every_level_is_tried() -> None:
    tried = {(field, level) for field, _, _, level in LEVELS}
    unknown = {(field, "unknown") for field in ("email", "phone", "company")}
    assert tried | unknown == {(field, name) for field, levels in stored_model().levels.items() for name, _ in levels}


def test_what_is_unknown_weighs_nothing(engine: Engine) -> None:
    known = compare(engine, of(name="Anna Sand"), of(name="Anna Sand")).weight[0]
    more = compare(engine, of(**ANNA), of(name="Anna Sand")).weight[0]
    assert known == more == pytest.approx(weight_of(0.0001) + math.log2(0.80 / 0.00002))


def test_a_pair_weighs_the_same_whoever_else_is_there(engine: Engine) -> None:
    people = [of(**ANNA), of(name="A. Sand", phones=["030 1234567"]), of(name="Ben Wald"), of(name="Jule Sand")]
    left, right = np.array([0, 0, 1]), np.array([1, 3, 2])
    together = score(table(list(enumerate(people))), left, right, engine, floor=-100)
    assert together.weight[1] == compare(engine, people[0], people[3]).weight[0]


def test_pairs_below_the_floor_are_left_out(engine: Engine) -> None:
    people = table([(0, of(**ANNA)), (1, of(name="Ben Wald")), (2, of(**ANNA))])
    scores = score(people, np.array([0, 0]), np.array([1, 2]), engine, floor=0)
    assert (scores.left.tolist(), scores.right.tolist()) == ([0], [2])


def test_no_pairs_need_no_splink(engine: Engine) -> None:
    none = np.array([], dtype=np.int64)
    assert len(score(table([]), none, none, engine, floor=0).weight) == 0


def test_the_parameters_are_probabilities_and_every_level_has_a_weight_of_its_own() -> None:
    for comparison in stored_model().settings["comparisons"]:
        known = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        for kind in ("m_probability", "u_probability"):
            assert math.isclose(sum(level[kind] for level in known), 1.0, rel_tol=1e-9)
        weights = [round(weight, 3) for _, weight in stored_model().levels[comparison["output_column_name"]]]
        assert len(set(weights)) == len(weights)


def test_splink_weighs_as_we_add_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from cdp_pipelines.identity import scoring

    seen = []
    predicted = scoring._predicted

    def watch(*arguments: Any) -> Any:
        seen.append(predicted(*arguments))
        return seen[-1]

    monkeypatch.setattr(scoring, "_predicted", watch)
    scores = compare(engine, of(**ANNA, **HOME), of(name="A. Sand", **HOME))
    assert scores.weight[0] == pytest.approx(seen[0]["match_weight"][0].as_py())
    assert probability(scores.weight)[0] == pytest.approx(seen[0]["match_probability"][0].as_py())


def test_too_little_memory_is_one_sentence_and_nothing_is_written(tmp_path: Path) -> None:
    people = table([(row, of(**ANNA | {"name": f"Anna Sand{'x' * row}"})) for row in range(2000)])
    left = np.repeat(np.arange(1999), 10)
    small = Engine(memory_limit="1MB", threads=1, temp_directory=tmp_path / "spill")
    with pytest.raises(EngineMemoryError, match="Raise memory_limit") as caught:
        score(people, left, left + 1, small, floor=-100)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert list(tmp_path.rglob("*")) == []


def test_a_failure_of_splink_quotes_no_value(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise splink.internals.exceptions.SplinkException("could not convert anna.sand12@a.example")

    monkeypatch.setattr("splink.internals.linker_components.inference.LinkerInference.predict", fail)
    with pytest.raises(EngineError, match="Splink stopped with SplinkException") as caught:
        compare(engine, of(**ANNA), of(**ANNA))
    assert "sand" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_its_database_can_neither_read_nor_write_a_file(engine: Engine, tmp_path: Path) -> None:
    import duckdb

    from cdp_pipelines.identity import scoring

    with scoring._connection(engine) as connection:
        with pytest.raises(duckdb.Error):
            connection.sql(f"COPY (SELECT 1) TO '{tmp_path}/leak.csv'")
        assert connection.sql("SELECT current_setting('temp_directory')").fetchall() == [("",)]
    assert list(tmp_path.rglob("*")) == []


def test_identity_loads_neither_splink_nor_pandas_before_it_compares() -> None:
    code = "import sys, cdp_pipelines.refresh, cdp_pipelines.sync; print({'splink', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
