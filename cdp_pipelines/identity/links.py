"""What is kept of identity: one link per record, one event per merge or split, ids in the register.

Written in an order that a crash cannot break: ids first (an unused one harms nobody), then events (the same cause
gives the same event id), then redirects, then links. Until the links are written, the next run starts from the old
ones and comes to the same end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_pipelines.identity.assign import Assignment, Change
from cdp_pipelines.identity.clusters import KEY_TYPES, Clusters
from cdp_pipelines.identity.keys import Rows, rows_of
from models import OURSELVES, IdentityLink
from models.derive import UTC

_EVENT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Register:
    """The id register as arrays.

    Attributes:
        ids: Every id, in order of registration.
        current: By id, the number of the id it leads to, -1 if that was retired.
    """

    ids: pa.Array
    current: Rows

    @classmethod
    def of(cls, rows: pa.Table) -> "Register":
        """From rows with profile_id, redirect_to and retired_at, in order of registration."""
        ids = rows["profile_id"].combine_chunks()
        target = _numbers(pc.index_in(rows["redirect_to"], value_set=ids, skip_nulls=True))
        target = np.where(target >= 0, target, np.arange(len(ids)))
        while (target[target] != target).any():
            target = target[target]
        retired = np.asarray(pc.is_valid(rows["retired_at"]).to_numpy(), dtype=np.bool_)
        return cls(ids, np.where(retired[target], -1, target))

    def numbers(self, profile_ids: pa.ChunkedArray) -> Rows:
        """The number each id leads to, -1 for none."""
        found = _numbers(pc.index_in(profile_ids, value_set=self.ids, skip_nulls=True))
        return np.where(found >= 0, self.current[found], -1) if len(self.ids) else found


@dataclass(frozen=True, slots=True)
class Previous:
    """The links as they were, aligned with the records; ``at`` counts rows of ``links`` or is -1."""

    links: pa.Table
    at: Rows
    profiles: Rows
    linked_at: Rows

    @classmethod
    def of(cls, records: pa.Table, links: pa.Table, register: Register) -> "Previous":
        """Align ``links`` (source, source_id, profile_id, method, key_type, linked_at) with ``records``."""
        at = rows_of(links, pc.binary_join_element_wise(*_chunks(records, "source", "source_id"), "\x1f"))
        missing = at < 0
        profiles, times = register.numbers(links["profile_id"]), _numbers(links["linked_at"].cast(pa.int64()))
        if missing.all():
            return cls(links, at, np.full_like(at, -1), np.zeros_like(at))
        return cls(links, at, np.where(missing, -1, profiles[at]), np.where(missing, 0, times[at]))

    def column(self, name: str) -> pa.Array:
        """A column of the previous links by record, null where there was none."""
        places = pa.array(self.at, mask=self.at < 0)
        return self.links[name].combine_chunks().take(places)


def link_rows(
    records: pa.Table, clusters: Clusters, previous: Previous, profile_ids: pa.Array, profiles: Rows, *, now: datetime
) -> pa.Table:
    """The rows of ``identity_link`` that are not as they were.

    Deleted records keep method and key of their last link and follow their profile when it is merged.
    """
    table = pa.table(
        {
            "source": records["source"],
            "source_id": records["source_id"],
            "profile_id": profile_ids.take(pa.array(profiles, mask=profiles < 0)),
            "key_type": _key_types(clusters, previous),
            "was_profile": previous.column("profile_id"),
            "was_key_type": previous.column("key_type"),
            "was_linked_at": previous.column("linked_at"),
        }
    )
    same_profile = _same(table["profile_id"], table["was_profile"])
    changed = ~(same_profile & _same(table["key_type"], table["was_key_type"])) & (profiles >= 0)
    linked_at = pc.if_else(pa.array(same_profile), table["was_linked_at"], pa.scalar(now, UTC))
    news = table.append_column("linked_at", linked_at).filter(pa.array(changed))
    constants = {"version_at": pa.scalar(now, UTC), "deleted": pa.scalar(value=False), "confidence": pa.scalar(1.0)}
    for name, value in constants.items():
        news = news.append_column(name, pa.repeat(value, news.num_rows))
    method = pc.if_else(pc.is_null(news["key_type"]), "single", "deterministic")
    return news.append_column("method", method).select(list(IdentityLink.model_fields))


def event_rows(
    changes: Sequence[Change],
    records: pa.Table,
    clusters: Clusters,
    previous: Previous,
    ids: pa.Array,
    *,
    now: datetime,
) -> list[dict[str, Any]]:
    """The rows of ``identity_event`` for ``changes``; repeated after a crash they are the same rows."""
    rows = []
    for change in changes:
        profile, other = ids[change.profile].as_py(), ids[change.other].as_py()
        cause = [other] if change.kind == "merge" else [profile, *_anchor(records, previous, change.record)]
        stage = int(clusters.stages[change.record])
        rows.append(
            {
                "source": OURSELVES,  # links carry the source of their record
                "source_id": blake2b("\x1f".join([change.kind, *cause]).encode(), digest_size=_EVENT_BYTES).hexdigest(),
                "version_at": now,
                "deleted": False,
                "kind": change.kind,
                "profile_id": profile,
                "other_profile_id": other,
                "key_type": KEY_TYPES[stage] if change.kind == "merge" and stage >= 0 else None,
                "at": now,
            }
        )
    return rows


def final_profiles(result: Assignment, clusters: Clusters, previous: Previous) -> Rows:
    """Profile number by record; a deleted record goes where its profile went."""
    leads_to = np.arange(max(int(previous.profiles.max(initial=-1)), 0) + 2)
    for change in result.changes:
        if change.kind == "merge":
            leads_to[change.other] = change.profile
    leads_to[-1] = -1  # no profile leads nowhere
    return np.where(clusters.linked, result.profiles, leads_to[previous.profiles])


def _key_types(clusters: Clusters, previous: Previous) -> pa.Array:
    found = pa.array(KEY_TYPES).take(pa.array(clusters.stages.astype(np.int64), mask=clusters.stages < 0))
    return pc.if_else(pa.array(clusters.linked), found, previous.column("key_type"))


def _anchor(records: pa.Table, previous: Previous, record: int) -> list[str]:
    """What names a link that ended: its record and when it began."""
    key = [str(records[name][record]) for name in ("source", "source_id")]
    return [*key, str(previous.linked_at[record])]


def _same(first: pa.ChunkedArray, second: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    both_null = pc.and_(pc.is_null(first), pc.is_null(second))
    return np.asarray(pc.or_(both_null, pc.fill_null(pc.equal(first, second), fill_value=False)).to_numpy(), np.bool_)


def _numbers(values: pa.ChunkedArray) -> Rows:
    return np.asarray(pc.fill_null(values, -1).to_numpy(), dtype=np.int64)


def _chunks(table: pa.Table, *names: str) -> list[pa.Array]:
    return [table[name].combine_chunks() for name in names]
