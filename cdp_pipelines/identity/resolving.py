"""One identity run: read the records, decide who is who, write what is news."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from cdp_pipelines.barriers import reach
from cdp_pipelines.config import Settings
from cdp_pipelines.database import IdRegister, Stores
from cdp_pipelines.engine import Engine, fetch
from cdp_pipelines.identity.assign import Change, assign
from cdp_pipelines.identity.clusters import KEY_TYPES, Clusters, cluster
from cdp_pipelines.identity.keys import Rows
from cdp_pipelines.identity.links import Previous, Register, event_rows, final_profiles, link_rows
from cdp_pipelines.identity.values import LakeValues
from cdp_pipelines.lake import Lake, Snapshot
from models import Entity, IdentityEvent, IdentityLink
from privacy.protect import Protector, Revealer

_RECORD_COLUMNS = (
    *("source", "source_id", "kind", "is_test", "deleted", "email_token", "other_emails_tokens"),
    *("phone_token", "other_phones_tokens", "cross_source", "cross_id", "merged_into"),
)
_LINK_COLUMNS = ("source", "source_id", "profile_id", "method", "key_type", "linked_at")
_BATCH_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class IdentityReport:
    """What one run found and did.

    Attributes:
        records: Records with a link.
        profiles: Profiles they make up.
        links_written: Links that are new or changed.
        merges: Profiles merged into another one.
        splits: Profiles that lost records to another one.
        linked_by_key: Records by kind of the strongest key that links them.
        blocked: Keys that joined nobody, by reason.
    """

    records: int
    profiles: int
    links_written: int
    merges: int
    splits: int
    linked_by_key: dict[str, int] = field(default_factory=dict)
    blocked: dict[str, int] = field(default_factory=dict)

    @property
    def blocked_keys(self) -> int:
        """Keys that joined nobody."""
        return sum(self.blocked.values())


def resolve(  # noqa: PLR0913 - whatever a step works on, by name
    *,
    lake: Lake,
    stores: Stores,
    engine: Engine,
    protector: Protector,
    revealer: Revealer,
    settings: Settings,
    snapshot: Snapshot,
    run_id: str,
    now: datetime,
    before_write: Callable[[], None],
) -> IdentityReport:
    """Link every person record of ``snapshot`` to a profile. Safe to repeat; an unchanged world writes nothing.

    ``before_write`` is called directly before each write; it raises when this run may write no more.

    Raises:
        StoreError, LakeError, EngineError, PrivacyError: Something refused; the links are as before.
    """
    source = _Source(lake, engine, snapshot)
    records, register = source.records(), IdRegister(stores.control)
    values = LakeValues(source.reader(records), protector=protector, revealer=revealer)
    clusters = cluster(records, values, max_records_per_key=settings.identity.max_records_per_key)
    known = Register.of(register.rows())
    previous = Previous.of(records, source.links(), known)
    result = assign(clusters.labels, clusters.linked, previous.profiles, previous.linked_at, registered=len(known.ids))
    before_write()
    ids = pa.concat_arrays([known.ids, pa.array(register.new_ids(result.new), pa.string())])
    writer = _Writer(lake, protector, run_id, now, before_write)
    reach("identity_register")
    writer.write(IdentityEvent, event_rows(result.changes, records, clusters, previous, ids, now=now))
    before_write()
    register.redirect_all(_redirects(result.changes, ids))
    reach("identity_links")
    profiles = final_profiles(result, clusters, previous)
    written = link_rows(records, clusters, previous, ids, profiles, now=now)
    writer.write_table(IdentityLink, written)
    return _report(clusters, profiles, result.changes, written.num_rows)


@dataclass(frozen=True, slots=True)
class _Source:
    """Reads the snapshot; the only part that runs SQL."""

    lake: Lake
    engine: Engine
    snapshot: Snapshot

    def records(self) -> pa.Table:
        """Every person record, deleted ones too, sorted by key."""
        current = self.lake.current_sql("person", self.snapshot, columns=_RECORD_COLUMNS, include_deleted=True)
        return self._query(f"SELECT * FROM ({current}) AS person ORDER BY source, source_id")  # noqa: S608

    def links(self) -> pa.Table:
        """Every link as the last run left it."""
        return self._query(self.lake.current_sql("identity_link", self.snapshot, columns=_LINK_COLUMNS))

    def reader(self, records: pa.Table) -> "_Reader":
        """Reads further columns of ``records``."""
        return _Reader(self, records)

    def _query(self, sql: str) -> pa.Table:
        with self.engine.connection() as connection:
            return fetch(connection, sql, doing="Reading person records for identity resolution")


@dataclass(frozen=True, slots=True)
class _Reader:
    source: _Source
    records: pa.Table

    def __call__(self, rows: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Protected ``columns`` of the records at ``rows``, as ``values.ReadColumns`` wants them."""
        names = ("source", "source_id", "subject_id", *columns)
        current = self.source.lake.current_sql("person", self.source.snapshot, columns=names, include_deleted=True)
        wanted = self.records.select(["source", "source_id"]).take(pa.array(rows))
        with self.source.engine.connection() as connection:
            connection.register("wanted", wanted.append_column("row", pa.array(rows, pa.int64())))
            return fetch(
                connection,
                f"SELECT wanted.row, person.* FROM ({current}) AS person JOIN wanted USING (source, source_id)",  # noqa: S608
                doing="Reading protected columns of person records",
            )


@dataclass(frozen=True, slots=True)
class _Writer:
    lake: Lake
    protector: Protector
    run_id: str
    now: datetime
    before_write: Callable[[], None]

    def write(self, entity: type[Entity], rows: list[dict[str, Any]]) -> None:
        """Append ``rows``, if any."""
        if rows:
            protected = self.protector.protect(entity, rows, run_id=self.run_id, read_at=self.now)
            self.before_write()
            self.lake.append(entity.__entity__, protected.table)

    def write_table(self, entity: type[Entity], rows: pa.Table) -> None:
        """Append ``rows`` batch by batch."""
        for start in range(0, rows.num_rows, _BATCH_ROWS):
            self.write(entity, rows.slice(start, _BATCH_ROWS).to_pylist())


def _redirects(changes: Sequence[Change], ids: pa.Array) -> dict[str, str]:
    """Id merged away to id kept."""
    return {ids[c.other].as_py(): ids[c.profile].as_py() for c in changes if c.kind == "merge"}


def _report(clusters: Clusters, profiles: Rows, changes: Sequence[Change], written: int) -> IdentityReport:
    kinds = Counter(change.kind for change in changes)
    stages, counts = np.unique(clusters.stages[clusters.linked & (clusters.stages >= 0)], return_counts=True)
    by_key: Counter[str] = Counter()
    for stage, count in zip(stages, counts, strict=True):
        by_key[KEY_TYPES[stage]] += int(count)
    return IdentityReport(
        records=int(clusters.linked.sum()),
        profiles=len(np.unique(profiles[clusters.linked])),
        links_written=written,
        merges=kinds["merge"],
        splits=kinds["split"],
        linked_by_key=dict(by_key),
        blocked=clusters.blocked,
    )
