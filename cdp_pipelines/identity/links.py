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
from cdp_pipelines.identity.clusters import KEY_TYPES, METHODS, Clusters
from cdp_pipelines.identity.keys import Rows, rows_of
from models import OURSELVES, IdentityLink
from models.derive import UTC

_EVENT_BYTES = 16
_REASON = ("method", "key_type", "confidence")


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
        """Align ``links`` (source, source_id, profile_id, method, key_type, confidence, linked_at) with ``records``."""
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

    Deleted records keep what their last link says of its reason, and follow their profile when it is merged.
    """
    table = pa.table(
        {
            "source": records["source"],
            "source_id": records["source_id"],
            "profile_id": profile_ids.take(pa.array(profiles, mask=profiles < 0)),
            **_reasons(clusters, previous),
        }
    )
    same = {name: _same(table[name], previous.column(name)) for name in ("profile_id", *_REASON)}
    changed = ~np.logical_and.reduce(list(same.values())) & (profiles >= 0)
    linked_at = pc.if_else(pa.array(same["profile_id"]), previous.column("linked_at"), pa.scalar(now, UTC))
    news = table.append_column("linked_at", linked_at).filter(pa.array(changed))
    for name, value in {"version_at": pa.scalar(now, UTC), "deleted": pa.scalar(value=False)}.items():
        news = news.append_column(name, pa.repeat(value, news.num_rows))
    return news.select(list(IdentityLink.model_fields))


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
        cause_of_merge = _cause(change, clusters, previous) if change.kind == "merge" else None
        rows.append(
            {
                "source": OURSELVES,  # links carry the source of their record
                "source_id": blake2b("\x1f".join([change.kind, *cause]).encode(), digest_size=_EVENT_BYTES).hexdigest(),
                "version_at": now,
                "deleted": False,
                "kind": change.kind,
                "profile_id": profile,
                "other_profile_id": other,
                "key_type": cause_of_merge,
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


def _cause(change: Change, clusters: Clusters, previous: Previous) -> str | None:
    """What brought the records of two profiles together."""
    kept, lost = (np.flatnonzero(previous.profiles == profile) for profile in (change.profile, change.other))
    return clusters.cause(kept, lost)


def _reasons(clusters: Clusters, previous: Previous) -> dict[str, pa.Array]:
    """Why each record is linked: method, key and confidence; of a deleted record, those of its last link."""
    stages = clusters.stages.astype(np.int64)
    by_key = pa.array(stages, mask=(stages < 0) | (stages >= len(KEY_TYPES)))
    found = {
        "method": pc.fill_null(pa.array(METHODS).take(pa.array(stages, mask=stages < 0)), "single"),
        "key_type": pa.array(KEY_TYPES).take(by_key),
        "confidence": pa.array(clusters.confidence),
    }
    linked = pa.array(clusters.linked)
    return {name: pc.if_else(linked, values, previous.column(name)) for name, values in found.items()}


def _anchor(records: pa.Table, previous: Previous, record: int) -> list[str]:
    """What names a link that ended: its record and when it began."""
    key = [str(records[name][record]) for name in ("source", "source_id")]
    return [*key, str(previous.linked_at[record])]


def _same(first: pa.ChunkedArray, second: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    both_null = pc.and_(pc.is_null(first), pc.is_null(second))
    return np.asarray(pc.or_(both_null, pc.fill_null(pc.equal(first, second), fill_value=False)).to_numpy(), np.bool_)


def _numbers(values: pa.ChunkedArray) -> Rows:
    return np.asarray(pc.fill_null(values, -1).to_numpy(), dtype=np.int64)


def _chunks(table: pa.Table, *names: str) -> list[pa.Array]:
    return [table[name].combine_chunks() for name in names]
