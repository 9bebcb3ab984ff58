"""How much of what should be known is known, per cell, and how many units people's choices left out."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cdp_pipelines.metrics.cells import ALL, Keys
from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.periods import Days
from cdp_pipelines.metrics.statistics import Numbers
from cdp_pipelines.metrics.status import Flags
from cdp_pipelines.views import Session

BASIS = {
    "consented": "units of identified persons who permit it, of all units",
    "answered": "answers, of invitations delivered (of persons where none are known)",
    "complete": "everything there is",
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Per cell: the share (NaN where nothing is known), and the number of units left out."""

    share: Numbers
    excluded: Numbers


def coverage_of(metric: Metric, session: Session, keys: Keys, n: Numbers, hidden: Flags) -> Coverage:
    """Coverage of each cell, which is that of its period over all slices: what is left out has no topic.

    The number left out is rounded up to a multiple of the metric's k, so that it never tells of few persons. Where
    the total of a period is hidden its coverage is too: the total could be calculated from it.
    """
    if metric.eligible is None:
        return Coverage(np.ones(len(keys)), np.zeros(len(keys)))
    total = _of_period(keys, np.where(hidden, np.nan, n))
    excluded = _summed(keys, *_excluded(session, metric.eligible), running=metric.membership == "state")
    step = max(metric.k, 1)
    excluded = np.ceil(excluded / step) * step
    if metric.invited is None:
        due = total + excluded
    else:
        invited = _summed(keys, *_invitations(session, metric.invited), running=False)
        due = np.where(invited > 0, invited, _persons(session))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(due > 0, np.minimum(total / due, 1), np.nan)
    return Coverage(share, np.where(np.isnan(total), np.nan, excluded))


def _of_period(keys: Keys, n: Numbers) -> Numbers:
    """Of each cell, the units of its period over all slices."""
    is_total = (keys.channel == ALL) & (keys.slice_name == ALL)
    totals = dict(zip(_periods(keys, is_total), n[is_total], strict=True))
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


def _invitations(session: Session, instrument: str) -> tuple[Days, Numbers]:
    return _daily(
        session.query(
            "select cast(timezone(clock.time_zone, delivered_at) as date) as day, count(*) as n "  # noqa: S608 - a declared name
            f"from survey_invitation cross join clock where instrument = '{instrument}' "
            "group by cast(timezone(clock.time_zone, delivered_at) as date)",
            doing="Counting invitations",
        )
    )


def _daily(counts: pa.Table) -> tuple[Days, Numbers]:
    days = counts["day"].cast(pa.date32()).to_numpy().astype("datetime64[D]")
    return days, counts["n"].cast(pa.float64()).to_numpy()


def _persons(session: Session) -> float:
    return float(session.query("select count(distinct profile_id) as n from person")["n"][0].as_py())
