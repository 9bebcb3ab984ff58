"""Computing every metric and publishing all of them at once."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine as Database

from cdp_pipelines import database
from cdp_pipelines.config import Settings
from cdp_pipelines.currency import read_rates
from cdp_pipelines.database import Stores
from cdp_pipelines.engine import Engine
from cdp_pipelines.metrics.classes import Composite
from cdp_pipelines.metrics.computing import Scene, metric_rows, rows_without_numbers
from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.dimension import dim_rows
from cdp_pipelines.metrics.feeds import Feed, earliest, feeding
from cdp_pipelines.metrics.indices import composite_rows
from cdp_pipelines.metrics.rows import SCHEMA, Stamp
from cdp_pipelines.metrics.schedules import longest_gap
from cdp_pipelines.views import SESSION_TABLES, CurrentRows, open_session
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
    run_id: str,
    now: datetime,
    before_write: Callable[[], None],
) -> MetricsReport:
    """Compute every metric for every period and publish all of it in one transaction. Safe to repeat.

    ``before_write`` is called directly before that; it raises when this run may write no more.

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
        feeds=feeds_of(settings, stores.control, now),
        rates=read_rates(settings),
    )
    company = settings.company
    stamp = Stamp(run_id, now, company.base_currency)
    scene = Scene(now, company.time_zone, company.k, stamp, company.margin_rate)
    published = compute(METRICS, inputs, scene)
    before_write()
    database.publish_mart(stores, published, dim_rows())
    return MetricsReport(
        rows=len(published), metrics=len(METRICS), by_status=dict(Counter(published["status"].to_pylist()))
    )


def compute(metrics: Sequence[Metric], inputs: Inputs, scene: Scene) -> pa.Table:
    """The rows of ``metrics``: one session per purpose, in which each table is read once."""
    by_purpose: dict[str, list[Metric]] = {}
    parts = [SCHEMA.empty_table()]
    for metric in metrics:
        if isinstance(metric.headline, Composite):
            continue
        if feeding(metric, inputs.feeds, SESSION_TABLES):
            by_purpose.setdefault(metric.purpose, []).append(metric)
        else:
            parts.append(rows_without_numbers(metric, scene, "insufficient_data", "no_source"))
    for purpose, together in by_purpose.items():
        parts += _of_purpose(purpose, together, inputs, scene)
    of_units = pa.concat_tables(parts)
    indices = [
        composite_rows(metric, metric.headline, of_units, scene)
        for metric in metrics
        if isinstance(metric.headline, Composite)
    ]
    return pa.concat_tables([of_units, *indices]).combine_chunks()


def _of_purpose(purpose: str, metrics: Sequence[Metric], inputs: Inputs, scene: Scene) -> list[pa.Table]:
    with open_session(
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
    ) as session:
        return [
            metric_rows(metric, session, feeding(metric, inputs.feeds, SESSION_TABLES), scene) for metric in metrics
        ]


def feeds_of(settings: Settings, control: Database, now: datetime) -> tuple[Feed, ...]:
    """The sources that are switched on, and the platform itself, which knows its own runs at once."""
    begun = database.first_start(control) or now
    ours = Feed(OURSELVES, read_until=now, interval=timedelta(0), complete_from=begun)
    enabled = sorted(name for name, source in settings.sources.items() if source.enabled)
    return (ours, *(_feed(name, settings, control) for name in enabled))


def _feed(source: str, settings: Settings, control: Database) -> Feed:
    streams = registry.source(source).streams
    read = database.read_to_end(control, source, [stream.name for stream in streams])
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
