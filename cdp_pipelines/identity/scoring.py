"""How likely two records are one person: Splink with the stored model, in memory alone.

Splink is imported when there is something to compare: a process that only syncs never needs it. Its DuckDB may
neither spill to disk nor open a file, because its tables hold values in clear; where memory does not suffice, the
run ends with an error instead. Nothing of Splink's or DuckDB's messages goes on: they quote values and statements.

The model is not estimated here: ``model.json`` holds its parameters, docs/identity.md says where they come from. A
pair has the same score whatever other records there are.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cdp_pipelines.engine import Engine
from cdp_pipelines.engine.errors import EngineError, EngineMemoryError
from cdp_pipelines.identity import names
from cdp_pipelines.identity.features import Features
from cdp_pipelines.identity.keys import Mask, Rows

Weights = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]

_PAIRS_AT_ONCE = 250_000
_MODEL = Path(__file__).with_name("model.json")
_TEXT = pa.string()
_LISTS = ("words", "emails", "letters", "numbered", "phones", "tails", "companies")
_SCHEMA = pa.schema(
    [("unique_id", pa.int64()), *((name, pa.list_(_TEXT) if name in _LISTS else _TEXT) for name in Features._fields)]
)


@dataclass(frozen=True, slots=True)
class Model:
    """Parameters of the comparison.

    Attributes:
        version: Of the parameters.
        settings: As Splink reads them.
        levels: By field, the levels of agreement as (name, weight in bits), in Splink's order.
        prior: Weight of two records nothing is known of, in bits.
    """

    version: str
    settings: dict[str, Any]
    levels: dict[str, tuple[tuple[str, float], ...]]
    prior: float

    def level(self, field: str, name: str) -> int:
        """Number of a level of ``field``."""
        return [known for known, _ in self.levels[field]].index(name)

    def weights(self, field: str, levels: Levels) -> Weights:
        """What each of ``levels`` of ``field`` weighs."""
        return np.array([weight for _, weight in self.levels[field]])[levels]

    def total(self, levels: dict[str, Levels], count: int) -> Weights:
        """What ``count`` pairs weigh, by their levels in all fields."""
        parts = (self.weights(field, levels[field]) for field in self.levels)
        return np.asarray(sum(parts, np.full(count, self.prior)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Scores:
    """Compared pairs, aligned.

    Attributes:
        left: Row of the first record; the pairs of one comparison are sorted.
        right: Row of the second one.
        weight: Evidence that they are one person, in bits; 0 is as likely as not.
        levels: By field, index into ``Model.levels``.
    """

    left: Rows
    right: Rows
    weight: Weights
    levels: dict[str, Levels]

    @classmethod
    def joined(cls, parts: Sequence["Scores"]) -> "Scores":
        """Several results as one; none gives an empty one."""
        none = np.array([], dtype=np.int64)
        return cls(
            np.concatenate([none, *(part.left for part in parts)]),
            np.concatenate([none, *(part.right for part in parts)]),
            np.concatenate([none.astype(np.float64), *(part.weight for part in parts)]),
            {
                name: np.concatenate([none.astype(np.int8), *(part.levels[name] for part in parts)])
                for name in stored_model().levels
            },
        )

    def only(self, keep: Mask) -> "Scores":
        """The pairs to keep."""
        levels = {name: values[keep] for name, values in self.levels.items()}
        return Scores(self.left[keep], self.right[keep], self.weight[keep], levels)


@cache
def stored_model() -> Model:
    """The model that comes with the program."""
    settings = json.loads(_MODEL.read_text(encoding="utf-8"))
    version = settings.pop("version")
    levels = {
        comparison["output_column_name"]: tuple(
            (level["label_for_charts"], 0.0 if level.get("is_null_level") else _bits(level))
            for level in comparison["comparison_levels"]
        )
        for comparison in settings["comparisons"]
    }
    prior = settings["probability_two_random_records_match"]
    return Model(version, settings, levels, weight_of(prior))


def probability(weight: Weights) -> Weights:
    """The probability that a weight in bits stands for."""
    return np.asarray(1 / (1 + np.exp2(-weight)), dtype=np.float64)


def weight_of(likelihood: float) -> float:
    """The weight in bits that stands for a probability."""
    return float(np.log2(likelihood / (1 - likelihood)))


def table(found: Sequence[tuple[int, Features]]) -> pa.Table:
    """Features by record number, as ``score`` wants them."""
    rows = [(row, *features) for row, features in found]
    columns = zip(*rows, strict=True) if rows else [[] for _ in _SCHEMA]
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)], _SCHEMA)


def score(features: pa.Table, left: Rows, right: Rows, engine: Engine, *, floor: float) -> Scores:
    """Compare the records of each pair.

    Args:
        features: From ``table``; has every record of the pairs.
        left: Record number of the first of each pair.
        right: Record number of the second one.
        engine: What the run may use of the machine.
        floor: Pairs of a lower weight are left out.

    Raises:
        EngineMemoryError: It needs more memory than a run may use.
        EngineError: It failed for another reason.
    """
    parts = []
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        chosen = slice(start, start + _PAIRS_AT_ONCE)
        parts.append(_score(features, left[chosen], right[chosen], engine, floor))
    return Scores.joined(parts)


def _score(features: pa.Table, left: Rows, right: Rows, engine: Engine, floor: float) -> Scores:
    needed = np.isin(features["unique_id"].to_numpy(), np.concatenate([left, right]))
    pairs = pa.table({"match_key": pa.repeat("0", len(left)), "join_key_l": left, "join_key_r": right})
    with _own_errors(), _connection(engine) as connection:
        found = _predicted(connection, features.filter(pa.array(needed)), pairs, floor)
    found = found.sort_by([("unique_id_l", "ascending"), ("unique_id_r", "ascending")])
    levels = {name: _levels(name, found[f"mw_{name}"].to_numpy()) for name in stored_model().levels}
    first, second = (found[f"unique_id_{side}"].to_numpy() for side in "lr")
    # Added up here, so that a pair recalled by its levels weighs the same to the last bit.
    return Scores(first, second, stored_model().total(levels, len(first)), levels)


def _predicted(connection: duckdb.DuckDBPyConnection, features: pa.Table, pairs: pa.Table, floor: float) -> pa.Table:
    from splink import DuckDBAPI, Linker

    database = DuckDBAPI(connection)
    linker = Linker(database.register(features), stored_model().settings, log_level=None)
    linker.table_management.register_blocked_pairs_for_predict(database.register(pairs))
    predicted = linker.inference.predict(threshold_match_weight=floor, warning_mode="never")
    return predicted.as_pyarrow_table()  # type: ignore[no-untyped-call]


@contextmanager
def _connection(engine: Engine) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": engine.memory_limit,
            "threads": engine.threads,
            "temp_directory": "",
            "python_enable_replacements": False,
        },
    )
    try:
        connection.execute("SET enable_external_access = false")
        connection.create_function("names_agree", _agree, ["VARCHAR[]", "VARCHAR[]"], "BOOLEAN")
        yield connection
    finally:
        connection.close()


def _agree(first: list[str], second: list[str]) -> bool:
    return names.agree(tuple(first), tuple(second))


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - Splink raises what it likes, and its messages quote statements and values
        if any(isinstance(one, duckdb.OutOfMemoryException | MemoryError) for one in (error, error.__cause__)):
            raise EngineMemoryError(
                "Comparing person records: more memory is needed than one run may use, and what is compared is never "
                "written to disk. Raise memory_limit in [engine] of the settings, or lower max_records_per_block in "
                "[identity]."
            ) from None
        raise EngineError(
            f"Comparing person records: Splink stopped with {type(error).__name__}. Its message is left out because it "
            "may quote values, and the links are as before. Please report it; until it is repaired, set "
            "probabilistic = false in [identity] of the settings."
        ) from None


def _levels(field: str, weights: Weights) -> Levels:
    # Splink tells the weight of a field without its level unless it may return the values too.
    known = np.array([weight for _, weight in stored_model().levels[field]])
    nearest = np.abs(weights[:, None] - known).argmin(axis=1)
    return np.asarray(nearest, dtype=np.int8)


def _bits(level: dict[str, Any]) -> float:
    return float(np.log2(level["m_probability"] / level["u_probability"]))
