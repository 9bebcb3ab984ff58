"""How much of what should be known is known, per cell, and how many units people's choices left out."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_pipelines.metrics.cells import ALL, Keys
from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.periods import Days
from cdp_pipelines.metrics.statistics import Numbers
from cdp_pipelines.metrics.status import Flags
from cdp_pipelines.metrics.units import NOBODY, Units
from cdp_pipelines.transforms import transform
from cdp_pipelines.views import Session

BASIS = {
    "consented": "units of identified persons who permit it, of all units",
    "answered": "answers, of invitations delivered (of active persons where a source tells of none)",
    "complete": "everything there is",
    "weight": "weight of the components that are there, of all weight",
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Per cell: the share (NaN where nothing is known), and the number of units left out."""

    share: Numbers
    excluded: Numbers


def coverage_of(
    metric: Metric, session: Session, keys: Keys, units: Units, of_cells: tuple[Numbers, Flags]
) -> Coverage:
    """Coverage of each cell, which is that of its period over all slices: what is left out has no topic.

    The number left out is rounded up to a multiple of the metric's k, so that it never tells of few persons. Where
    the total of a period is hidden its coverage is too: the total could be calculated from it.

    Args:
        metric: What is covered.
        session: Where to ask what was left out.
        keys: The cells.
        units: All units read, those that cannot be followed among them.
        of_cells: Per cell, its units, and whether it is hidden.
    """
    if metric.eligible is None:
        return Coverage(np.ones(len(keys)), np.zeros(len(keys)))
    n, hidden = of_cells
    total = _of_period(keys, np.where(hidden, np.nan, n), ALL, ALL)
    running = metric.membership == "state"
    excluded = _summed(keys, *_excluded(session, metric.eligible), running=running)
    step = max(metric.k, 1)
    excluded = np.ceil(excluded / step) * step
    if metric.invited is not None:
        known, due = _answered(metric.invited, session, keys, n)
    elif metric.linked or metric.counted is not None:
        known, lost = (_summed(keys, *_by_day(metric, units, kept), running=running) for kept in (True, False))
        due = known + excluded + lost
    else:
        known, due = total, total + excluded
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where((due > 0) & ~np.isnan(total), np.minimum(known / due, 1), np.nan)
    return Coverage(share, np.where(np.isnan(total), np.nan, excluded))


def _by_day(metric: Metric, units: Units, kept: bool) -> tuple[Days, Numbers]:  # noqa: FBT001 - one of two halves
    """By day, what the units stand for that count, or that do not because nobody can follow them."""
    chosen = np.full(len(units), kept) if not metric.linked else (units.persons != NOBODY) == kept
    weights = np.ones(len(units)) if metric.counted is None else units.values[metric.counted]
    return units.days[chosen], weights[chosen]


def _answered(instrument: str, session: Session, keys: Keys, n: Numbers) -> tuple[Numbers, Numbers]:
    """Answers, and what they are measured against: each source by its own, so that none stands in for another.

    A source that tells of invitations is measured against these, any other against the persons who were active in
    the 90 days up to the end of the period; a source counts no more answers than that.
    """
    invitations = _invitations(session, instrument)
    answers, due = np.zeros(len(keys)), np.zeros(len(keys))
    for source in sorted({*invitations, *keys.slice_value[keys.slice_name == "source"]} - {None}):
        of_source = _of_period(keys, n, "source", source)
        asked = (
            _summed(keys, *invitations[source], running=False)
            if source in invitations
            else _summed(keys, *_active(session), running=True)
        )
        answers += np.minimum(of_source, asked)
        due += asked
    return answers, due


def _of_period(keys: Keys, n: Numbers, slice_name: str, slice_value: str) -> Numbers:
    """Of each cell, the units of its period in one slice."""
    chosen = (keys.channel == ALL) & (keys.slice_name == slice_name) & (keys.slice_value == slice_value)
    totals = dict(zip(_periods(keys, chosen), n[chosen], strict=True))
    return np.array([totals.get(period, 0.0) for period in _periods(keys, np.ones(len(keys), bool))])


def _periods(keys: Keys, chosen: Flags) -> list[tuple[str, int]]:
    start = keys.start[chosen].astype("datetime64[D]").astype(np.int64).tolist()
    return list(zip(keys.grain[chosen], start, strict=True))


def _summed(keys: Keys, days: Days, counts: Numbers, *, running: bool) -> Numbers:
    """Per cell, the sum of daily counts over its period; up to its end if they are ``running``."""
    order = np.argsort(days)
    summed = np.append(0.0, np.cumsum(counts[order]))
    before_end = summed[np.searchsorted(days[order], keys.end, side="left")]
    return before_end if running else before_end - summed[np.searchsorted(days[order], keys.start, side="left")]


def _excluded(session: Session, table: str) -> tuple[Days, Numbers]:
    return _daily(
        session.query(
            f"select day, sum(n) as n from excluded where \"table\" = '{table}' and day is not null group by day",  # noqa: S608 - a declared name
            doing="Counting what is left out",
        )
    )


def _invitations(session: Session, instrument: str) -> dict[str, tuple[Days, Numbers]]:
    """Per source that tells of any: the invitations delivered each day."""
    counts = session.query(
        "select source, cast(timezone(clock.time_zone, delivered_at) as date) as day, count(*) as n "  # noqa: S608 - a declared name
        f"from survey_invitation cross join clock where instrument = '{instrument}' group by all",
        doing="Counting invitations",
    )
    return {
        source: _daily(counts.filter(pc.equal(counts["source"], source)))
        for source in pc.unique(counts["source"]).to_pylist()
    }


def _active(session: Session) -> tuple[Days, Numbers]:
    """How many active persons there are more or less each day."""
    for name in ("active_spell", "active_change"):
        session.derive(name, transform(name))
    return _daily(session.query("select day, n from active_change", doing="Counting active persons"))


def _daily(counts: pa.Table) -> tuple[Days, Numbers]:
    days = counts["day"].cast(pa.date32()).to_numpy().astype("datetime64[D]")
    return days, counts["n"].cast(pa.float64()).to_numpy()
