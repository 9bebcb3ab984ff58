"""Persons without a shared key: which records are compared, how likely each pair is one person, what is kept of it.

A run compares the pairs of which a record changed in what it is compared by, and recalls the others from the control
store, where every pair is kept that is likely enough to be looked at. What is kept is a function of the current
records: a pair goes when a record of it changed or when the two share no token any more. Pairs are written before the
tokens that say they were compared; after a run that died in between, the next one compares everybody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from cdp_pipelines.config import IdentitySettings, Settings
from cdp_pipelines.engine import Engine
from cdp_pipelines.identity import features, keys, scoring
from cdp_pipelines.identity.blocking import Blocks, Pairs, blocks, shared_by_few, sharing
from cdp_pipelines.identity.clusters import Answers, Clusters, Likeness, members
from cdp_pipelines.identity.features import Comparing
from cdp_pipelines.identity.keys import Mask, Rows
from cdp_pipelines.identity.scoring import Scores, Weights, probability, stored_model, weight_of
from cdp_pipelines.identity.values import LakeValues
from models.derive import UTC

_STAMP_BYTES = 8
_PAIR_BYTES = 8
_AGREEING = ("same", "agrees")
_SHARED = "same"
_SHARED_BY_MANY = "shared by many"
_TOKENS = {"email": ("email_token", "other_emails_tokens"), "phone": ("phone_token", "other_phones_tokens")}
_MARKS = pa.schema([("tokens", pa.list_(pa.string())), ("compared", pa.string()), ("plain", pa.bool_())])
_REFERENCES = ("source", "source_id", "other_source", "other_source_id")


class Known(NamedTuple):
    """What earlier runs and operators left.

    Attributes:
        keys: Rows of ``match_key``: its key, stamp, tokens, compared and plain; none where they cannot be trusted.
        pairs: Rows of ``match_pair``.
        answers: Rows of ``match_answer``.
    """

    keys: pa.Table
    pairs: pa.Table
    answers: pa.Table


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to know of pairs before anybody is joined.

    Attributes:
        scores: Pairs likely enough to be looked at. Evidence that too many share is not in the weight.
        by_many: By field, whether what the pair shares in it is shared by too many.
        likeness: What clustering makes of the pairs and of the answers.
        keys: Rows of ``match_key`` that are not as they were, as ``Known.keys`` with version_at and deleted.
        compared: Pairs compared in this run.
        dropped_blocks: Tokens that too many records share.
    """

    scores: Scores
    by_many: dict[str, Mask]
    likeness: Likeness
    keys: pa.Table
    compared: int
    dropped_blocks: int


@dataclass(frozen=True, slots=True)
class Matcher:
    """Compares the records of one run.

    Attributes:
        settings: Thresholds and limits, and the country of numbers written without a prefix.
        values: Looks at values in clear.
        token: Makes the keyed token of a blocking key.
        engine: What the run may use of the machine.
    """

    settings: Settings
    values: LakeValues
    token: Callable[[str], str]
    engine: Engine

    def find(self, records: pa.Table, known: Known, *, now: datetime) -> Found:
        """Compare what has to be compared and recall the rest.

        Args:
            records: As ``clusters.cluster`` takes them, with ``digest`` and, of the organisation, ``account_digest``.
            known: What earlier runs left.
            now: When the run is.

        Raises:
            EngineError: The comparison failed.
        """
        stamps, kept = self._stamps(records), keys.rows_of(known.keys, keys.record_keys(records))
        was = [*known.keys["stamp"].to_pylist(), ""]
        changed = np.array([new != was[place] for new, place in zip(stamps, kept, strict=True)], dtype=np.bool_)
        comparing = Comparing(self.settings.company.phone_region)
        fresh = self._fresh([row for row in np.flatnonzero(changed).tolist() if stamps[row]], comparing)
        before = known.keys.select(_MARKS.names).cast(_MARKS)
        marks = _marks_now(before, np.where(changed, -1, kept), fresh)
        self.values.note_plain(np.flatnonzero(pc.fill_null(marks["plain"], fill_value=False)).tolist())
        # Most of what changes in a record is nothing it is compared by.
        moved = changed & ~_same(marks["compared"], before["compared"].take(pa.array(kept, mask=kept < 0)))
        tokens = (table["tokens"].combine_chunks() for table in (before, marks))
        shared = blocks(*tokens, limit=self.settings.identity.max_records_per_block)
        pairs = shared.candidates(moved)
        scores = Scores.joined(
            [_recalled(records, known.pairs, moved, shared), self._scores(records, pairs, fresh, comparing)]
        )
        scores, by_many = self._without_what_many_share(records, scores)
        news = _key_rows(records, stamps, marks, now).filter(pa.array(changed))
        likeness = self._likeness(records, scores, known.answers)
        return Found(scores, by_many, likeness, news, len(pairs[0]), shared.dropped)

    def _stamps(self, records: pa.Table) -> list[str]:
        """What the tokens and scores of each record depend on, as one text; empty where it cannot be joined."""
        start = blake2b(self._rules.encode(), digest_size=_STAMP_BYTES)

        def stamp(person: bytes, account: bytes | None) -> str:
            digest = start.copy()
            digest.update(person + (account or b""))
            return digest.hexdigest()

        digests = (records[name].to_pylist() for name in ("digest", "account_digest"))
        return [stamp(*both) if able else "" for *both, able in zip(*digests, members(records).tolist(), strict=True)]

    @property
    def _rules(self) -> str:
        """What tokens and scores depend on besides the records."""
        identity = self.settings.identity
        bands = (identity.review_from, identity.same_source_factor)
        limits = (identity.max_records_per_block, self.settings.company.phone_region)
        return repr((features.VERSION, stored_model().version, *bands, *limits))

    def _fresh(self, rows: Sequence[int], comparing: Comparing) -> "_Fresh":
        """The records at ``rows`` in comparable form, batch by batch: as Python objects all would take gigabytes."""
        parts, marks, rules = [scoring.table([])], [_MARKS.empty_table()], self._rules
        for found in self.values.features(rows, comparing):
            parts.append(scoring.table(found))
            tokens = [[self.token(key) for key in comparing.blocking_keys(one)] for _, one in found]
            compared = [self.token(f"all|{rules}|{one!r}") for _, one in found]
            plain = [self.values.is_plain(row) for row, _ in found]
            marks.append(pa.table([tokens, compared, plain], schema=_MARKS))
        return _Fresh(pa.concat_tables(parts), pa.concat_tables(marks))

    def _scores(self, records: pa.Table, pairs: Pairs, fresh: "_Fresh", comparing: Comparing) -> Scores:
        """The pairs worth a look, by comparing them now."""
        needed = np.unique(np.concatenate(pairs))
        table = fresh.features.filter(pa.array(np.isin(fresh.rows, needed)))
        unchanged = self.values.features(np.setdiff1d(needed, fresh.rows).tolist(), comparing)
        least = weight_of(self.settings.identity.review_from)
        scores = scoring.score(
            pa.concat_tables([table, *map(scoring.table, unchanged)]), *pairs, self.engine, floor=least
        )
        return scores.only(scores.weight >= least + one_source_more(records, scores, self.settings.identity))

    def _without_what_many_share(self, records: pa.Table, scores: Scores) -> tuple[Scores, dict[str, Mask]]:
        """The pairs without the weight of an address or number that too many records have."""
        by_many, weight = {}, scores.weight
        for field, columns in _TOKENS.items():
            carried = keys.tokens(records, *columns, members(records))
            same = scores.levels[field] == stored_model().level(field, _SHARED)
            few = shared_by_few((scores.left, scores.right), carried, self.settings.identity.max_records_per_key)
            by_many[field] = same & ~few
            weight = weight - np.where(by_many[field], stored_model().weights(field, scores.levels[field]), 0.0)
        return Scores(scores.left, scores.right, weight, scores.levels), by_many

    def _likeness(self, records: pa.Table, scores: Scores, answers: pa.Table) -> Likeness:
        least, more = weight_of(self.settings.identity.join_from), np.log2(self.settings.identity.same_source_factor)
        agree = _names_agree(scores)
        return Likeness(
            left=scores.left,
            right=scores.right,
            probability=probability(scores.weight),
            joins=agree & (scores.weight >= least),
            joins_same_source=agree & (scores.weight >= least + more),
            answers=answered(records, answers),
        )


def answered(records: pa.Table, answers: pa.Table) -> Answers:
    """The pairs an operator calls one person, and those called different people, of records that can be joined.

    What was said of a record that was merged since holds for its survivor.
    """
    ends = np.append(keys.survivors(records), -1)
    first, second = (ends[rows] for rows in _rows(records, answers))
    left, right = np.minimum(first, second), np.maximum(first, second)
    able = np.append(members(records), False)
    known = able[left] & able[right] & (left != right)
    same = np.asarray(pc.equal(answers["answer"], "same").to_numpy(), dtype=np.bool_)
    one, other = known & same, known & ~same
    return Answers((left[one], right[one]), (left[other], right[other]))


def one_source_more(records: pa.Table, scores: Scores, settings: IdentitySettings) -> Weights:
    """By pair, what two records of one system need besides, in bits."""
    system = keys.codes(records["source"])
    return np.where(system[scores.left] == system[scores.right], np.log2(settings.same_source_factor), 0.0)


def pair_table(
    records: pa.Table, found: Found, clusters: Clusters, known: Known, settings: IdentitySettings
) -> pa.Table:
    """The rows of ``match_pair`` as they should be, without ``found_at``."""
    sides = [records[name].take(pa.array(side)) for side in _sides(found.scores) for name in ("source", "source_id")]
    fours = zip(*(side.to_pylist() for side in sides), strict=True)
    ids = [blake2b("\x1f".join(four).encode(), digest_size=_PAIR_BYTES).hexdigest() for four in fours]
    standing = _standing(records, found, clusters, known.answers, settings)
    return pa.table(
        {
            "pair_id": pa.array(ids, pa.string()),
            **dict(zip(_REFERENCES, sides, strict=True)),
            "weight": pa.array(found.scores.weight.round(2)),
            "levels": pa.array(_level_texts(found), pa.string()),
            "model": pa.repeat(stored_model().version, len(ids)),
            "standing": pa.array(standing, pa.string()),
            "probability": pa.array(probability(found.scores.weight).round(4)),
        }
    )


def changes_of(pairs: pa.Table, kept: pa.Table, *, now: datetime) -> tuple[list[str], pa.Table]:
    """From the pairs kept to the pairs as they should be: ids that go, rows that come (a changed row does both)."""
    old = {row["pair_id"]: row for row in kept.to_pylist()}
    dated = (row | {"found_at": old.get(row["pair_id"], {}).get("found_at", now)} for row in pairs.to_pylist())
    news = [row for row in dated if row != old.get(row["pair_id"])]
    gone = old.keys() - set(pairs["pair_id"].to_pylist()) | old.keys() & {row["pair_id"] for row in news}
    return sorted(gone), pa.Table.from_pylist(news, schema=pairs.schema.append(pa.field("found_at", UTC)))


class _Fresh(NamedTuple):
    """Records that changed, in comparable form.

    Attributes:
        features: As ``scoring.table`` makes it.
        marks: The tokens of each, one of all it is compared by and of the rules, and whether its addresses are plain.
    """

    features: pa.Table
    marks: pa.Table

    @property
    def rows(self) -> Rows:
        """Their numbers."""
        numbers: Rows = self.features["unique_id"].to_numpy()
        return numbers


def _marks_now(before: pa.Table, kept: Rows, fresh: _Fresh) -> pa.Table:
    """The marks of each record now: at place ``kept`` of ``before``, of ``fresh``, or none."""
    none = pa.table([[[]], [None], [None]], schema=_MARKS)
    places = np.where(kept < 0, len(before) + len(fresh.marks), kept)
    places[fresh.rows] = len(before) + np.arange(len(fresh.marks))
    return pa.concat_tables([before, fresh.marks, none]).combine_chunks().take(pa.array(places))


def _same(first: pa.ChunkedArray, second: pa.ChunkedArray) -> Mask:
    """Where both are known and equal."""
    return np.asarray(pc.fill_null(pc.equal(first, second), fill_value=False).to_numpy(), dtype=np.bool_)


def _key_rows(records: pa.Table, stamps: Sequence[str], marks: pa.Table, now: datetime) -> pa.Table:
    """The row of ``match_key`` of each record; of one that cannot be joined any more, that it is gone."""
    return pa.table(
        {
            "source": records["source"],
            "source_id": records["source_id"],
            "version_at": pa.repeat(pa.scalar(now, UTC), len(records)),
            "deleted": pa.array([not stamp for stamp in stamps], pa.bool_()),
            "stamp": pa.array(stamps, pa.string()),
            "tokens": marks["tokens"],
            "compared": marks["compared"],
            "plain": marks["plain"],
        }
    )


def _recalled(records: pa.Table, pairs: pa.Table, changed: Mask, shared: Blocks) -> Scores:
    """The pairs kept that are still as they were compared."""
    left, right = _rows(records, pairs)
    usable = shared.usable()
    as_before = (left >= 0) & (right >= 0) & ~changed[left] & ~changed[right]
    as_before[as_before] &= sharing((left[as_before], right[as_before]), usable.rows, usable.keys)
    texts = [orjson.loads(text) for text in pairs["levels"].filter(pa.array(as_before)).to_pylist()]
    levels = {
        field: np.array([stored_model().level(field, _as_compared(text[field])) for text in texts], dtype=np.int8)
        for field in stored_model().levels
    }
    return Scores(left[as_before], right[as_before], stored_model().total(levels, len(texts)), levels)


def _as_compared(level: str) -> str:
    return _SHARED if level == _SHARED_BY_MANY else level


def _names_agree(scores: Scores) -> Mask:
    wanted = [stored_model().level("name", level) for level in _AGREEING]
    return np.isin(scores.levels["name"], wanted)


def _standing(
    records: pa.Table, found: Found, clusters: Clusters, answers: pa.Table, settings: IdentitySettings
) -> list[str]:
    left, right = _sides(found.scores)
    joined = clusters.labels[left] == clusters.labels[right]
    different = answered(records, answers).different
    refused = np.isin(left * records.num_rows + right, different[0] * records.num_rows + different[1])
    least = weight_of(settings.review_from) + one_source_more(records, found.scores, settings)
    waits = (found.scores.weight >= least) & ~refused
    names: list[str] = np.select([joined, waits], ["joined", "review"], "apart").tolist()
    return names


def _level_texts(found: Found) -> list[str]:
    """The levels of each pair as JSON, the field that weighs most first."""
    model, columns = stored_model(), []
    for field, codes in found.scores.levels.items():
        many = found.by_many.get(field, np.zeros(len(codes), dtype=np.bool_))
        names = [
            _SHARED_BY_MANY if by_many else model.levels[field][code][0]
            for code, by_many in zip(codes, many, strict=True)
        ]
        weights = np.where(many, 0.0, np.abs(model.weights(field, codes))).tolist()
        columns.append([(weight, field, name) for weight, name in zip(weights, names, strict=True)])
    rows = (sorted(row, reverse=True) for row in zip(*columns, strict=True))
    return [orjson.dumps({field: name for _, field, name in row}).decode() for row in rows]


def _sides(scores: Scores) -> Pairs:
    return scores.left, scores.right


def _rows(records: pa.Table, pairs: pa.Table) -> Pairs:
    """Row numbers of both records of each pair, -1 for none."""
    first = keys.rows_of(records, keys.record_keys(pairs))
    others = pairs.select(["other_source", "other_source_id"]).rename_columns(["source", "source_id"])
    return first, keys.rows_of(records, keys.record_keys(others))
