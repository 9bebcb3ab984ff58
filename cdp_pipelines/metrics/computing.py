"""From a session to the rows of one metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from cdp_pipelines.engine import EngineError
from cdp_pipelines.metrics import feeds as feeding
from cdp_pipelines.metrics.cells import ALL, Keys, Tally, tally
from cdp_pipelines.metrics.classes import Estimate, MetricClass, PersonSum
from cdp_pipelines.metrics.coverage import Coverage, coverage_of
from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.feeds import Feed
from cdp_pipelines.metrics.periods import current_period, local_day
from cdp_pipelines.metrics.rows import SCHEMA, Cells, Stamp, rows
from cdp_pipelines.metrics.segments import SCHEMES, Members, members_of, place_by_rfm, with_groups
from cdp_pipelines.metrics.statistics import Numbers
from cdp_pipelines.metrics.status import COVERAGE_FLOOR, SURVEY_COVERAGE_FLOOR, Circumstances, Flags, Names, status_of
from cdp_pipelines.metrics.suppression import families_of, hidden_cells, series_of
from cdp_pipelines.metrics.units import NOBODY, Units, units_of
from cdp_pipelines.transforms import transform
from cdp_pipelines.views import Session

Groups = Mapping[str, Mapping[str, str]]
"""By segmentation, the group of each profile."""
NO_GROUPS: Groups = MappingProxyType({})
_SLICE_COLUMNS = ("channel", "slice_name", "slice_value")


@dataclass(frozen=True, slots=True)
class Scene:
    """What all metrics of one refresh share.

    Attributes:
        now: The moment described.
        time_zone: IANA name of the zone whose days count.
        k: Smallest number of persons a cell may rest on; a metric may demand more.
        stamp: What is written on every row.
        margin_rate: Share of net revenue that is left after the cost of the goods; None if nobody stated it.
    """

    now: datetime
    time_zone: str
    k: int
    stamp: Stamp
    margin_rate: float | None = None

    @property
    def today(self) -> np.datetime64:
        """The local day of now."""
        return local_day(self.now, self.time_zone)


def metric_rows(
    metric: Metric, session: Session, feeds: Sequence[Feed], scene: Scene, groups: Groups = NO_GROUPS
) -> pa.Table:
    """All rows of ``metric``, also by the groups of persons where its units are moments.

    A statement that fails gives rows that say so; it does not stop the others.
    """
    try:
        units = read_units(metric, session)
        if metric.membership in ("period", "retained"):
            units = with_groups(units, groups)
        return _rows(metric, units, session, feeds, scene)
    except EngineError:
        return rows_without_numbers(metric, scene, "error", None)


def segment_rows(
    metric: Metric, session: Session, feeds: Sequence[Feed], scene: Scene
) -> tuple[pa.Table, Members | None]:
    """All rows of a segmentation, and who is in which group; nobody is said to be anywhere where that failed."""
    try:
        units = read_units(metric, session)
        units = units.chosen(np.flatnonzero(units.persons != NOBODY))
        labelled, codes = place_by_rfm(units)
        permitted = session.query("select distinct profile_id from identity_link", doing="Asking who may be placed")
        members = members_of(labelled, codes, frozenset(permitted["profile_id"].to_pylist()))
        return _rows(metric, labelled, session, feeds, scene), members
    except EngineError:
        return rows_without_numbers(metric, scene, "error", None), None


def read_units(metric: Metric, session: Session) -> Units:
    """The units of ``metric``, those up to the moment the session describes."""
    for name in metric.transforms:
        session.derive(name, transform(name))
    until = ", cast(timezone(clock.time_zone, unit.until) as date) as until_day" if _lasts(metric) else ""
    sql = f"""
        select cast(timezone(clock.time_zone, unit.at) as date) as day, epoch(unit.at) as moment{until}, unit.*
        from ({metric.sql}) as unit cross join clock
        where unit.at <= clock.as_of
    """  # noqa: S608 - the statement of the declaration
    labels = _SLICE_COLUMNS if metric.membership in ("state", "interval") else metric.slices
    return units_of(session.query(sql, doing=f"Computing {metric.id}"), labels)


def rows_without_numbers(metric: Metric, scene: Scene, status: str, reason: str | None) -> pa.Table:
    """One row per grain, for the current period, that says why there is no number."""
    keys = _current_periods(metric, scene)
    none = np.full(len(keys), np.nan)
    empty = Estimate("value", none, none, none, none, none, none, np.full(len(keys), None, object))
    cells = Cells(keys, none, none, Coverage(none, none), np.zeros(len(keys), bool), is_stale=False)
    names, reasons = np.full(len(keys), status, object), np.full(len(keys), reason, object)
    return rows(metric, scene.stamp, cells, empty, (names, reasons))


def _rows(metric: Metric, units: Units, session: Session, feeds: Sequence[Feed], scene: Scene) -> pa.Table:
    counted = tally(
        _counting(metric, units, scene.margin_rate),
        membership=metric.membership,
        grains=metric.grains,
        slices=metric.slices,
        today=scene.today,
        latest_only=metric.latest_only,
        schemes=[scheme for scheme in SCHEMES if scheme in units.labels and scheme not in metric.slices],
    )
    keys = counted.keys
    counted = replace(counted, exposure=feeding.hours_passed(keys, feeds, scene.now, scene.time_zone))
    hidden = _hidden(metric, counted, scene.k)
    cells = Cells(
        keys=keys,
        n=counted.n,
        n_persons=counted.n_persons,
        coverage=coverage_of(metric, session, keys, units, (counted.n, hidden)),
        is_final=feeding.settled(keys, feeds, scene.now, scene.time_zone, metric.lag_hours),
        is_stale=any(feed.is_stale(scene.now) for feed in feeds),
    )
    unobserved = (counted.n == 0) & ~feeding.observed_throughout(keys, feeds, scene.now, scene.time_zone)
    return pa.concat_tables(
        [SCHEMA.empty_table()]
        + [
            rows(metric, scene.stamp, cells, estimate, _status(metric, measure, cells, estimate, hidden, unobserved))
            for measure in metric.measures
            for estimate in measure.estimates(counted)
        ]
    )


def _counting(metric: Metric, units: Units, margin_rate: float | None) -> Units:
    """The units that count for ``metric``, with what the settings add to them."""
    if metric.linked:
        units = units.chosen(np.flatnonzero(units.persons != NOBODY))
    if metric.margin:
        rate = np.nan if margin_rate is None else margin_rate
        units = replace(units, values=units.values | {"margin": units.values["value"] * rate})
    return units


def _hidden(metric: Metric, counted: Tally, k: int) -> Flags:
    is_segment = np.isin(counted.keys.slice_name.astype(str), SCHEMES)
    if not metric.k and not is_segment.any():
        return np.zeros(len(counted.keys), bool)
    additive = metric.membership == "period" and not metric.latest_only
    families = families_of(counted.keys, additive_days=additive, rest=counted.rest)
    moved = (counted.moved_cell, counted.moved_person)
    series = series_of(counted.keys, _counts(metric, counted), moved) if metric.membership == "state" else []
    hidden = hidden_cells(counted.n, counted.n_persons, families, max(metric.k, k), series)
    # Whatever a metric is about, its part in a segment is about the persons there.
    return hidden if metric.k else hidden & is_segment


def _counts(metric: Metric, counted: Tally) -> list[Numbers]:
    """What is published of each cell and counts something; amounts do not."""
    amounts = {measure.column for measure in metric.measures if isinstance(measure, PersonSum)}
    return [counted.n_persons, *(numbers for name, numbers in counted.sums.items() if name not in amounts)]


def _status(
    metric: Metric, measure: MetricClass, cells: Cells, estimate: Estimate, hidden: Flags, unobserved: Flags
) -> tuple[Names, Names]:
    return status_of(
        Circumstances(
            missing_input=unobserved & measure.zero_is_a_claim,
            needs_config=np.zeros(len(cells.keys), bool) if estimate.unset is None else estimate.unset,
            hidden=hidden,
            enough=np.nan_to_num(estimate.enough),
            unreached=np.isnan(estimate.value) & (cells.n > 0),
            n_min=measure.n_min,
            n_ok=measure.n_ok,
            coverage=cells.coverage.share,
            floor=SURVEY_COVERAGE_FLOOR if metric.invited else COVERAGE_FLOOR,
        )
    )


def _lasts(metric: Metric) -> bool:
    return metric.membership == "interval"


def _current_periods(metric: Metric, scene: Scene) -> Keys:
    starts, ends = zip(*(current_period(grain, scene.today) for grain in metric.grains), strict=True)
    everywhere = [np.full(len(starts), ALL, object)] * 3
    return Keys(np.array(metric.grains, object), np.array(starts), np.array(ends), *everywhere)
