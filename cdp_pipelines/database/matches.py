"""Pairs of person records that may be one person, and what operators said about them. References alone, no value."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select

from cdp_pipelines.database.rows import insert_table, read_table, table_of, upsert
from cdp_pipelines.database.stores import writing
from models import OURSELVES, MatchKey
from models.control import MatchAnswer, MatchPair, SyncState

_PAIR, _ANSWER, _STATE = table_of(MatchPair), table_of(MatchAnswer), table_of(SyncState)
_NOTE = {"source": OURSELVES, "stream": MatchKey.__entity__}
_REFERENCES = ("source", "source_id", "other_source", "other_source_id")
_CHUNK = 500
"""Ids per statement; below SQLite's limit on parameters in every build."""


def read_pairs(control: Engine) -> pa.Table:
    """Every pair kept, with ``levels`` as JSON text."""
    with control.connect() as connection:
        return read_table(connection, select(_PAIR).order_by(_PAIR.c.pair_id))


def replace_pairs(control: Engine, gone: Collection[str], rows: pa.Table, *, run_id: str) -> None:
    """Let go of the pairs ``gone`` and keep ``rows``, and note that the tokens they follow from are not written yet.

    All in one transaction. Until ``note_tokens`` says that they are, nobody can tell from the tokens which pairs there
    should be: the records may be as they were again when the next run looks.
    """
    if not gone and not rows.num_rows:
        return
    note = {"cursor": {"tokens": "not written"}, "run_id": run_id, "updated_at": datetime.now(UTC)}
    with writing(control) as connection:
        connection.execute(upsert(control, SyncState, replace=list(note)), [_NOTE | note])
        _delete(connection, list(gone))
        insert_table(connection, MatchPair, rows)


def note_tokens(control: Engine) -> None:
    """Note that the tokens which the pairs follow from are written."""
    with writing(control) as connection:
        connection.execute(delete(_STATE).where(*_is_note()))


def are_tokens_written(control: Engine) -> bool:
    """Whether the tokens in the lake are those which the pairs follow from."""
    with control.connect() as connection:
        return connection.execute(select(_STATE.c.run_id).where(*_is_note())).first() is None


def read_answers(control: Engine) -> pa.Table:
    """Every answer there is, by pair."""
    with control.connect() as connection:
        return read_table(connection, select(_ANSWER).order_by(_ANSWER.c.pair_id))


def pairs_to_review(control: Engine, limit: int) -> tuple[int, list[dict[str, Any]]]:
    """How many pairs wait for an answer, and the likeliest of them."""
    waiting = (_PAIR.c.standing == "review") & _PAIR.c.pair_id.not_in(select(_ANSWER.c.pair_id))
    query = select(_PAIR).where(waiting).order_by(_PAIR.c.weight.desc(), _PAIR.c.pair_id).limit(limit)
    with control.connect() as connection:
        count = connection.execute(select(func.count()).select_from(_PAIR).where(waiting)).scalar_one()
        return count, [dict(row) for row in connection.execute(query).mappings()]


def pairs_of(control: Engine, source: str, source_id: str) -> list[dict[str, Any]]:
    """Every pair kept that has this record, the likeliest first."""
    first = (_PAIR.c.source == source) & (_PAIR.c.source_id == source_id)
    second = (_PAIR.c.other_source == source) & (_PAIR.c.other_source_id == source_id)
    query = select(_PAIR).where(first | second).order_by(_PAIR.c.weight.desc(), _PAIR.c.pair_id)
    with control.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def find_pair(control: Engine, pair_id: str) -> dict[str, Any] | None:
    """One pair kept, or one that was answered; None if there is neither."""
    with control.connect() as connection:
        for table in (_PAIR, _ANSWER):
            row = connection.execute(select(table).where(table.c.pair_id == pair_id)).mappings().one_or_none()
            if row is not None:
                return dict(row)
    return None


def record_answer(control: Engine, pair: dict[str, Any], *, answer: str, actor: str) -> None:
    """Keep what an operator said about ``pair`` (from ``find_pair``); a later answer replaces an earlier one."""
    row = {name: pair[name] for name in ("pair_id", *_REFERENCES)}
    row |= {"answer": answer, "actor": actor, "answered_at": datetime.now(UTC)}
    with control.begin() as connection:
        connection.execute(upsert(control, MatchAnswer, replace=("answer", "actor", "answered_at")), [row])


def _is_note() -> Iterator[ColumnElement[bool]]:
    return (_STATE.c[name] == value for name, value in _NOTE.items())


def _delete(connection: Connection, pair_ids: list[str]) -> None:
    for start in range(0, len(pair_ids), _CHUNK):
        connection.execute(delete(_PAIR).where(_PAIR.c.pair_id.in_(pair_ids[start : start + _CHUNK])))
