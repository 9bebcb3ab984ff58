"""What commands and pages show of the stores: a few rows, as plain values, in the order they are shown."""

from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, case, func, select

from cdp_pipelines.config import Settings
from cdp_pipelines.database.register import IdRegister
from cdp_pipelines.database.rows import table_of
from cdp_pipelines.database.stores import Stores
from cdp_pipelines.errors import StoreError, UnknownMetricError
from connectors.registry import SOURCES
from models.control import Quarantine, SyncRun
from models.marts import ConsentState, Customer360, DimMetric, MetricValue, ProfileLink

_RUN, _QUARANTINE = table_of(SyncRun), table_of(Quarantine)
_VALUE, _DIM = table_of(MetricValue), table_of(DimMetric)
_CUSTOMER, _CONSENT, _LINK = table_of(Customer360), table_of(ConsentState), table_of(ProfileLink)


def source_overview(control: Engine, settings: Settings) -> list[dict[str, Any]]:
    """One row per source we can connect: whether it is configured, and how its latest run went."""
    with control.connect() as connection:
        counts = connection.execute(select(_QUARANTINE.c.source, func.count()).group_by(_QUARANTINE.c.source)).all()
        waiting = {row[0]: row[1] for row in counts}
        return [_source_row(connection, settings, source.name, waiting) for source in SOURCES]


def _source_row(connection: Connection, settings: Settings, name: str, waiting: dict[str, int]) -> dict[str, Any]:
    configured = settings.sources.get(name)
    last = connection.execute(
        select(_RUN).where(_RUN.c.process == f"sync/{name}").order_by(_RUN.c.started_at.desc()).limit(1)
    ).one_or_none()
    return {
        "source": name,
        "configured": configured is not None and configured.enabled,
        "schedule": configured.schedule if configured else None,
        "last run": last.started_at.isoformat(timespec="seconds") if last else None,
        "status": last.status if last else None,
        "records": last.counts.get("records") if last else None,
        "in quarantine": waiting.get(name, 0),
    }


def metric_overview(mart: Engine) -> list[dict[str, Any]]:
    """The latest value of every metric, over all channels, segments and slices.

    By the month where the metric has months, else by the newest trailing window, day or month of purchase.
    """
    newest = (
        select(
            _VALUE,
            func.row_number()
            .over(
                partition_by=(_VALUE.c.metric_id, _VALUE.c.stat),
                order_by=(
                    _VALUE.c.definition_version.desc(),
                    case({grain: place for place, grain in enumerate(OVERVIEW_GRAINS)}, value=_VALUE.c.grain),
                    _VALUE.c.period_start.desc(),
                ),
            )
            .label("age"),
        )
        .where(
            _VALUE.c.grain.in_(OVERVIEW_GRAINS),
            _VALUE.c.stat.in_(HEADLINES),
            *(_VALUE.c[column] == "all" for column in ("channel", "segment_scheme", "slice_name")),
            _VALUE.c.variant == "default",
        )
        .subquery()
    )
    with mart.connect() as connection:
        query = select(newest).where(newest.c.age == 1).order_by(newest.c.metric_id)
        return [_value_row(row) for row in connection.execute(query)]


OVERVIEW_GRAINS = ("month", "roll90", "asof", "cohort")

HEADLINES = ("value", "p50")
"""The stat that is the metric itself: the median for metrics that are quantiles."""


def metric_history(mart: Engine, metric_id: str, *, grain: str | None = None) -> dict[str, Any]:
    """What a metric means, and its values at one grain, newest period first.

    Without a grain by the month, or by what the metric is published at where it has no months.

    Raises:
        UnknownMetricError: There is no such metric, or it has no such grain; the message lists those there are.
    """
    with mart.connect() as connection:
        meaning = connection.execute(_newest_definition(metric_id)).one_or_none()
        if meaning is None:
            known = connection.execute(select(_DIM.c.metric_id).distinct().order_by(_DIM.c.metric_id)).scalars()
            raise UnknownMetricError(
                f"Looking for the metric {metric_id!r}: the mart has none of that name. Published are: "
                f"{', '.join(known) or 'none yet; run: cdp run'}."
            )
        grains = meaning.grains.split(",")
        grain = grain or next((one for one in OVERVIEW_GRAINS if one in grains), grains[0])
        if grain not in grains:
            raise UnknownMetricError(
                f"Looking for the metric {metric_id!r} by {grain!r}: it is not published at that grain. "
                f"Published are: {', '.join(grains)}."
            )
        values = connection.execute(
            select(_VALUE)
            .where(
                _VALUE.c.metric_id == metric_id,
                _VALUE.c.definition_version == meaning.definition_version,
                _VALUE.c.grain == grain,
            )
            .order_by(_VALUE.c.period_start.desc(), *(_VALUE.c[name] for name in _SLICES))
        ).all()
    return {
        "metric_id": metric_id,
        "name": meaning.name,
        "definition": meaning.definition,
        "grain": grain,
        "values": [_value_row(row) for row in values],
    }


_SLICES = ("channel", "segment_scheme", "segment", "slice_name", "slice_value", "stat", "variant")


def _newest_definition(metric_id: str) -> Select[Any]:
    return select(_DIM).where(_DIM.c.metric_id == metric_id).order_by(_DIM.c.definition_version.desc()).limit(1)


def _value_row(row: Row[Any]) -> dict[str, Any]:
    is_sliced = row.slice_name != "all"
    same = ("metric_id", "channel", "stat", "variant", "value", "ci_low", "ci_high", "n", "status", "status_reason")
    return {
        **{name: getattr(row, name) for name in (*same, "unit", "currency")},
        "grain": row.grain,
        "period": row.period_start.isoformat(),
        "group": "all" if row.segment_scheme == "all" else f"{row.segment_scheme}={row.segment}",
        "slice": f"{row.slice_name}={row.slice_value}" if is_sliced else "all",
    }


def profile_exists(stores: Stores, profile_id: str) -> bool:
    """Whether the id was given out and not retired, here or where it redirects to."""
    return IdRegister(stores.control).resolve(profile_id) is not None


def resolve_profile(control: Engine, profile_id: str) -> str:
    """The id that stands for a profile today.

    Raises:
        StoreError: The id was never given out, or the profile was erased.
    """
    found = IdRegister(control).resolve(profile_id)
    if found is None:
        raise StoreError("Looking up a profile id: it was never given out, or its profile was erased. Check the id.")
    return found


def profile_facts(profile: Engine, profile_id: str) -> dict[str, Any]:
    """What the profile tables say of one profile: facts, records with the way they were linked, consent."""
    with profile.connect() as connection:
        facts = connection.execute(select(_CUSTOMER).where(_CUSTOMER.c.profile_id == profile_id)).one_or_none()
        links = connection.execute(
            select(_LINK).where(_LINK.c.profile_id == profile_id).order_by(_LINK.c.source, _LINK.c.source_id)
        ).all()
        consent = connection.execute(
            select(_CONSENT).where(_CONSENT.c.profile_id == profile_id).order_by(_CONSENT.c.purpose, _CONSENT.c.scope)
        ).all()
    return {
        "customer_360": dict(facts._mapping) if facts else {},  # noqa: SLF001 - SQLAlchemy's public name
        "records": [
            {"source": row.source, "source_id": row.source_id, "linked_by": row.key_type or row.method} for row in links
        ],
        "consent": [
            {"purpose": row.purpose, "scope": row.scope, "state": row.state, "since": row.since} for row in consent
        ],
    }
