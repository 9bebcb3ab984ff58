"""Segment membership in the profile store: who is in which group of a scheme, and was."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Engine, bindparam, delete, select, update

from cdp_pipelines.database.rows import insert_table, table_of
from cdp_pipelines.database.stores import Stores, writing
from models.marts import SegmentMembership

_TABLE = table_of(SegmentMembership)
_COLUMNS = ("profile_id", "segment", "score", "n_evidence")


def publish_segments(
    stores: Stores, scheme: str, placed: pa.Table, *, permitted: Iterable[str], day: date, version: int
) -> None:
    """Bring the memberships of a scheme up to ``day``, in one transaction. Safe to repeat.

    A person who changed the group, or has none any more, leaves the old one on ``day``. Of persons who do not permit
    it nothing stays, not even the past.

    Args:
        stores: The open stores.
        scheme: The segmentation.
        placed: profile_id, segment, score, n_evidence: one row per person who has a group.
        permitted: Everybody who permits being placed.
        day: First day of what has changed.
        version: Of the rule.

    Raises:
        StoreError: Nothing was changed.
    """
    now = {row["profile_id"]: row for row in placed.select(_COLUMNS).to_pylist()}
    with writing(stores.profile) as connection:
        _forget(connection, scheme, set(permitted))
        held = _held(connection, scheme)
        left = [row for profile, row in held.items() if row["segment"] != now.get(profile, {}).get("segment")]
        _leave(connection, scheme, left, day)
        stayed = {profile for profile, row in held.items() if row["segment"] == now.get(profile, {}).get("segment")}
        _refresh(connection, scheme, [now[profile] for profile in sorted(stayed)])
        same = {"scheme": scheme, "valid_from": day, "valid_to": None, "rule_version": version}
        insert_table(
            connection, SegmentMembership, [row | same for profile, row in sorted(now.items()) if profile not in stayed]
        )


def forget_segments(stores: Stores, scheme: str) -> None:
    """Remove every membership of a scheme: what it rests on is no longer there.

    Raises:
        StoreError: Nothing was changed.
    """
    with writing(stores.profile) as connection:
        connection.execute(delete(_TABLE).where(_TABLE.c.scheme == scheme))


def present_scores(profile: Engine, scheme: str) -> dict[str, float]:
    """By profile, the score of the group of a scheme it is in now."""
    query = select(_TABLE.c.profile_id, _TABLE.c.score).where(
        _TABLE.c.scheme == scheme, _TABLE.c.valid_to.is_(None), _TABLE.c.score.is_not(None)
    )
    with profile.connect() as connection:
        return {row.profile_id: row.score for row in connection.execute(query)}


def _forget(connection: Connection, scheme: str, permitted: set[str]) -> None:
    known = connection.scalars(select(_TABLE.c.profile_id).where(_TABLE.c.scheme == scheme).distinct())
    gone = [{"who": profile} for profile in known if profile not in permitted]
    if gone:
        statement = delete(_TABLE).where(_TABLE.c.scheme == scheme, _TABLE.c.profile_id == bindparam("who"))
        connection.execute(statement, gone)


def _held(connection: Connection, scheme: str) -> dict[str, Mapping[str, Any]]:
    """By profile, the membership that lasts."""
    query = select(_TABLE.c.profile_id, _TABLE.c.segment, _TABLE.c.valid_from).where(
        _TABLE.c.scheme == scheme, _TABLE.c.valid_to.is_(None)
    )
    return {row["profile_id"]: dict(row) for row in connection.execute(query).mappings()}


def _leave(connection: Connection, scheme: str, rows: Iterable[Mapping[str, Any]], day: date) -> None:
    """End memberships; one that began on the same day never was."""
    ended = [{"who": row["profile_id"], "where": row["segment"], "since": row["valid_from"]} for row in rows]
    one = (
        _TABLE.c.scheme == scheme,
        _TABLE.c.profile_id == bindparam("who"),
        _TABLE.c.segment == bindparam("where"),
        _TABLE.c.valid_from == bindparam("since"),
    )
    for statement, chosen in (
        (delete(_TABLE).where(*one), [row for row in ended if row["since"] >= day]),
        (update(_TABLE).where(*one).values(valid_to=day), [row for row in ended if row["since"] < day]),
    ):
        if chosen:
            connection.execute(statement, chosen)


def _refresh(connection: Connection, scheme: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the present strength of memberships that go on."""
    changed = [{"who": row["profile_id"], "strength": row["score"], "seen": row["n_evidence"]} for row in rows]
    if changed:
        statement = (
            update(_TABLE)
            .where(_TABLE.c.scheme == scheme, _TABLE.c.profile_id == bindparam("who"), _TABLE.c.valid_to.is_(None))
            .values(score=bindparam("strength"), n_evidence=bindparam("seen"))
        )
        connection.execute(statement, changed)
