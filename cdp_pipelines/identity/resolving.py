"""One identity run: read the records, decide who is who, write what is news."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from cdp_pipelines.barriers import reach
from cdp_pipelines.config import IdentitySettings, Settings
from cdp_pipelines.database import IdRegister, Stores
from cdp_pipelines.database.matches import (
    are_tokens_written,
    note_tokens,
    pairs_to_review,
    read_answers,
    read_pairs,
    replace_pairs,
)
from cdp_pipelines.engine import Engine
from cdp_pipelines.identity.assign import Change, assign
from cdp_pipelines.identity.clusters import CAUSES, Clusters, Likeness, cluster
from cdp_pipelines.identity.keys import Rows
from cdp_pipelines.identity.links import Previous, Register, event_rows, final_profiles, link_rows
from cdp_pipelines.identity.matching import Found, Known, Matcher, answered, changes_of, pair_table
from cdp_pipelines.identity.reading import LakeRows, reading
from cdp_pipelines.identity.values import LakeValues
from cdp_pipelines.lake import Lake, Snapshot
from models import Entity, IdentityEvent, IdentityLink, MatchKey
from privacy.protect import Protector, Revealer

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
        linked_by_key: Records by the strongest reason that links them: a kind of key, an answer, or similarity.
        blocked: Keys that joined nobody, by reason.
        compared: Pairs of records compared by likeness.
        dropped_blocks: Reasons to compare records that too many of them share.
        waiting: Pairs that wait for an operator's answer.
    """

    records: int
    profiles: int
    links_written: int
    merges: int
    splits: int
    linked_by_key: dict[str, int] = field(default_factory=dict)
    blocked: dict[str, int] = field(default_factory=dict)
    compared: int = 0
    dropped_blocks: int = 0
    waiting: int = 0

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
    with reading(lake, engine, snapshot) as source:
        records, links = source.records(), source.links()
        values = LakeValues(source.reader(records), protector=protector, revealer=revealer)
        matcher = Matcher(settings, values, protector.blocking_token, engine)
        matching = _Matching.of(matcher, records, source, stores, now)
        clusters = cluster(
            records, values, max_records_per_key=settings.identity.max_records_per_key, likeness=matching.likeness
        )
    register = IdRegister(stores.control)
    known = Register.of(register.rows())
    previous = Previous.of(records, links, known)
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
    waiting = matching.keep(clusters, writer)
    report = _report(clusters, profiles, result.changes, written.num_rows)
    return replace(report, compared=matching.compared, dropped_blocks=matching.dropped_blocks, waiting=waiting)


@dataclass(frozen=True, slots=True)
class _Writer:
    lake: Lake
    protector: Protector
    run_id: str
    now: datetime
    before_write: Callable[[], None]

    def write(self, entity: type[Entity], rows: list[dict[str, Any]] | pa.Table) -> None:
        """Append ``rows``, if any."""
        if rows:
            protected = self.protector.protect(entity, rows, run_id=self.run_id, read_at=self.now)
            self.before_write()
            self.lake.append(entity.__entity__, protected.table)

    def write_table(self, entity: type[Entity], rows: pa.Table) -> None:
        """Append ``rows`` batch by batch."""
        for start in range(0, rows.num_rows, _BATCH_ROWS):
            self.write(entity, rows.slice(start, _BATCH_ROWS))


@dataclass(frozen=True, slots=True)
class _Matching:
    """What likeness there is between records, and keeping it when everything else is written."""

    records: pa.Table
    stores: Stores
    known: Known
    settings: IdentitySettings
    now: datetime
    found: Found | None

    @classmethod
    def of(cls, matcher: Matcher, records: pa.Table, source: LakeRows, stores: Stores, now: datetime) -> "_Matching":
        """Compare records, unless the settings say that keys and answers alone decide."""
        keys = source.match_keys()
        trusted = keys if are_tokens_written(stores.control) else keys.slice(0, 0)
        known = Known(trusted, read_pairs(stores.control), read_answers(stores.control))
        settings = matcher.settings.identity
        found = matcher.find(records, known, now=now) if settings.probabilistic else None
        return cls(records, stores, known, settings, now, found)

    @property
    def likeness(self) -> Likeness:
        """What clustering makes of it."""
        if self.found is not None:
            return self.found.likeness
        return Likeness.of(answered(self.records, self.known.answers))

    @property
    def compared(self) -> int:
        """Pairs compared in this run."""
        return 0 if self.found is None else self.found.compared

    @property
    def dropped_blocks(self) -> int:
        """Tokens that too many records share to compare those."""
        return 0 if self.found is None else self.found.dropped_blocks

    def keep(self, clusters: Clusters, writer: _Writer) -> int:
        """Write pairs, then tokens; returns how many pairs wait for an operator."""
        if self.found is None:
            return 0
        pairs = pair_table(self.records, self.found, clusters, self.known, self.settings)
        gone, news = changes_of(pairs, self.known.pairs, now=self.now)
        writer.before_write()
        replace_pairs(self.stores.control, gone, news, run_id=writer.run_id)
        reach("identity_pairs")
        writer.write_table(MatchKey, self.found.keys)
        if gone or len(news) or self.found.keys.num_rows:
            note_tokens(self.stores.control)
        return pairs_to_review(self.stores.control, 1)[0]


def _redirects(changes: Sequence[Change], ids: pa.Array) -> dict[str, str]:
    """Id merged away to id kept."""
    return {ids[c.other].as_py(): ids[c.profile].as_py() for c in changes if c.kind == "merge"}


def _report(clusters: Clusters, profiles: Rows, changes: Sequence[Change], written: int) -> IdentityReport:
    kinds = Counter(change.kind for change in changes)
    stages, counts = np.unique(clusters.stages[clusters.linked & (clusters.stages >= 0)], return_counts=True)
    by_key: Counter[str] = Counter()
    for stage, count in zip(stages, counts, strict=True):
        by_key[CAUSES[stage]] += int(count)
    return IdentityReport(
        records=int(clusters.linked.sum()),
        profiles=len(np.unique(profiles[clusters.linked])),
        links_written=written,
        merges=kinds["merge"],
        splits=kinds["split"],
        linked_by_key=dict(by_key),
        blocked=clusters.blocked,
    )
