"""Computing every metric and publishing all of them at once."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine as Database

from cdp_pipelines import database
from cdp_pipelines.config import Settings
from cdp_pipelines.currency import read_rates
from cdp_pipelines.database import Stores
from cdp_pipelines.engine import Engine
from cdp_pipelines.metrics.classes import Composite, Segmentation
from cdp_pipelines.metrics.computing import Scene, metric_rows, rows_without_numbers, segment_rows
from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.dimension import dim_rows
from cdp_pipelines.metrics.feeds import Feed, earliest, feeding
from cdp_pipelines.metrics.indices import IndexRows, composite_rows
from cdp_pipelines.metrics.rows import SCHEMA, Stamp
from cdp_pipelines.metrics.schedules import longest_gap
from cdp_pipelines.metrics.segments import SCHEMES, Members
from cdp_pipelines.views import SESSION_TABLES, CurrentRows, Session, open_session
from connectors import registry
from models import OURSELVES
from privacy.consent import Policy, purposes


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the metrics are computed from.

    Attributes:
        engine: Where the statements run.
        lake, snapshot: Where rows come from, and which versions.
        permissions: profile_id, purpose, permitted: one row per profile and purpose.
        consents: profile_id, purpose, channel, scope, state, at, inferred: every decision of every profile.
        policy: Answers for persons nobody can identify.
        feeds: The connected sources.
        rates: What currencies are worth in the base currency, as ``cdp_pipelines.currency`` reads it.
    """

    engine: Engine
    lake: CurrentRows
    snapshot: Any
    permissions: pa.Table
    consents: pa.Table
    policy: Policy
    feeds: Sequence[Feed]
    rates: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """What the metrics say.

    Attributes:
        rows: Of ``metric_value``.
        members: Who is in which group of each segmentation that could be made.
        indices: What the composite metrics are made of.
    """

    rows: pa.Table
    members: tuple[Members, ...] = ()
    indices: tuple[IndexRows, ...] = ()

    @property
    def supporting(self) -> dict[str, list[dict[str, Any]]]:
        """Table name to rows that say more about ``rows``."""
        return {
            "metric_component": [row for index in self.indices for row in index.components],
            "index_sensitivity": [row for index in self.indices for row in index.sensitivities],
        }

    @property
    def whole(self) -> set[str]:
        """Metrics computed from all there is: neither those of now alone, nor those that failed or nothing feeds."""
        silent = pc.or_(pc.equal(self.rows["status"], "error"), pc.equal(self.rows["status_reason"], "no_source"))
        fed = self.rows.filter(pc.invert(pc.fill_null(silent, fill_value=False)))["metric_id"]
        of_now = {metric.id for metric in METRICS if isinstance(metric.headline, Segmentation)}
        return set(pc.unique(fed).to_pylist()) - of_now

    @property
    def failed(self) -> set[str]:
        """Segmentations that are in error: what was known of them stays."""
        broken = pc.and_(pc.equal(self.rows["status"], "error"), pc.starts_with(self.rows["metric_id"], "seg_"))
        return {name.removeprefix("seg_") for name in self.rows.filter(broken)["metric_id"].to_pylist()}


@dataclass(frozen=True, slots=True)
class MetricsReport:
    """What a refresh published."""

    rows: int
    metrics: int
    by_status: dict[str, int]


def refresh(  # noqa: PLR0913 - whatever a step works on, by name
    *,
    lake: CurrentRows,
    stores: Stores,
    engine: Engine,
    settings: Settings,
    snapshot: Any,  # noqa: ANN401 - the lake's own type, passed through
    permissions: pa.Table,
    consents: pa.Table,
    read_before: datetime | None,
    run_id: str,
    now: datetime,
    before_write: Callable[[], None],
) -> MetricsReport:
    """Compute every metric for every period and publish all of it in one transaction. Safe to repeat.

    ``before_write`` is called directly before that; it raises when this run may write no more. ``read_before`` is when
    the snapshot was taken (None: not known): what later syncs read is not in it, so they make nothing final.

    Raises:
        EngineError: The lake's rows could not be read. A single metric that fails is published as ``error``.
        StoreError: The result could not be published.
    """
    inputs = Inputs(
        engine=engine,
        lake=lake,
        snapshot=snapshot,
        permissions=permissions,
        consents=consents,
        policy=Policy.for_jurisdiction(settings.company.jurisdiction),
        feeds=feeds_of(settings, stores.control, now, read_before=read_before),
        rates=read_rates(settings),
    )
    company = settings.company
    stamp = Stamp(run_id, now, company.base_currency)
    scene = Scene(now, company.time_zone, company.k, stamp, company.margin_rate)
    computed = compute(METRICS, inputs, scene)
    before_write()
    _publish_members(stores, computed, scene)
    database.publish_mart(stores, computed.rows, dim_rows(), computed.supporting, whole=computed.whole)
    return MetricsReport(
        rows=len(computed.rows), metrics=len(METRICS), by_status=dict(Counter(computed.rows["status"].to_pylist()))
    )


def compute(metrics: Sequence[Metric], inputs: Inputs, scene: Scene) -> Computed:
    """Everything that ``metrics`` say: one session per purpose, in which each table is read once.

    Segmentations come first, because the others are sliced by them; indices last, because they are made of the others.
    """
    fed = [metric for metric in metrics if _feeds(metric, inputs)]
    silent = [metric for metric in metrics if metric not in fed and not isinstance(metric.headline, Composite)]
    parts = [rows_without_numbers(metric, scene, "insufficient_data", "no_source") for metric in silent]
    members: list[Members] = []
    for purpose, together in _by_purpose(fed, segmentations=True):
        with _session(purpose, together, inputs, scene) as session:
            for metric in together:
                made, placed = segment_rows(metric, session, _feeds(metric, inputs), scene)
                parts.append(made)
                members += [placed] if placed is not None else []
    groups = {one.scheme: one.groups for one in members}
    for purpose, together in _by_purpose(fed, segmentations=False):
        with _session(purpose, together, inputs, scene) as session:
            for place, metric in enumerate(together, 1):
                parts.append(metric_rows(metric, session, _feeds(metric, inputs), scene, groups))
                session.keep_only({name for later in together[place:] for name in (*later.tables, *later.transforms)})
    of_units = pa.concat_tables([SCHEMA.empty_table(), *parts])
    indices = tuple(_indices(metrics, of_units, scene))
    rows = pa.concat_tables([of_units, *(index.values for index in indices)]).combine_chunks()
    return Computed(rows, tuple(members), indices)


def _indices(metrics: Sequence[Metric], of_units: pa.Table, scene: Scene) -> Iterator[IndexRows]:
    for metric in metrics:
        if isinstance(metric.headline, Composite):
            yield composite_rows(metric, metric.headline, of_units, scene)


def _by_purpose(metrics: Sequence[Metric], *, segmentations: bool) -> Iterator[tuple[str, list[Metric]]]:
    found: dict[str, list[Metric]] = {}
    for metric in metrics:
        if isinstance(metric.headline, Segmentation) == segmentations:
            found.setdefault(metric.purpose, []).append(metric)
    yield from found.items()


def _feeds(metric: Metric, inputs: Inputs) -> tuple[Feed, ...]:
    return feeding(metric, inputs.feeds, SESSION_TABLES)


def _session(purpose: str, metrics: Sequence[Metric], inputs: Inputs, scene: Scene) -> AbstractContextManager[Session]:
    return open_session(
        purpose,
        engine=inputs.engine,
        lake=inputs.lake,
        snapshot=inputs.snapshot,
        permissions=inputs.permissions,
        consents=inputs.consents,
        rates=inputs.rates,
        time_zone=scene.time_zone,
        as_of=scene.now,
        unknown_permitted=all(inputs.policy.permits_unknown(part) for part in purposes(purpose)),
        tables=set[str]().union(*(metric.tables for metric in metrics)),
    )


def _publish_members(stores: Stores, computed: Computed, scene: Scene) -> None:
    """Write who is in which group; of a segmentation nothing feeds any more nothing stays."""
    day = scene.today.astype(date)
    for one in computed.members:
        database.publish_segments(stores, one.scheme, one.placed, permitted=one.permitted, day=day, version=one.version)
    for scheme in set(SCHEMES) - {one.scheme for one in computed.members} - computed.failed:
        database.forget_segments(stores, scheme)


def feeds_of(
    settings: Settings, control: Database, now: datetime, *, read_before: datetime | None = None
) -> tuple[Feed, ...]:
    """The sources that are switched on, and the platform itself, which knows its own runs at once.

    With ``read_before``, only syncs that were over by then count.
    """
    begun = database.first_start(control) or now
    ours = Feed(OURSELVES, read_until=now, interval=timedelta(0), complete_from=begun)
    enabled = sorted(name for name, source in settings.sources.items() if source.enabled)
    return (ours, *(_feed(name, settings, control, read_before) for name in enabled))


def _feed(source: str, settings: Settings, control: Database, read_before: datetime | None) -> Feed:
    streams = registry.source(source).streams
    read = database.read_to_end(control, source, [stream.name for stream in streams], until=read_before)
    filled = {entity for stream in streams for entity in stream.entities}
    return Feed(
        source,
        read_until=earliest([read.get(stream.name) for stream in streams]),
        interval=longest_gap(settings.sources[source].schedule),
        tables={
            entity.__entity__: earliest([read.get(stream.name) for stream in streams if entity in stream.entities])
            for entity in filled
        },
    )
