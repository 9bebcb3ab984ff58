"""Times with some still running (right-censored): the Kaplan-Meier curve, its quantiles and their interval.

The interval of the median is Brookmeyer and Crowley's on the log-log scale. Its variance lets a person's times
move together (docs/decisions/0002-unit-rows.md says why it is not a bootstrap, with figures).
"""

from dataclasses import dataclass

import numpy as np

from cdp_pipelines.metrics.statistics import Codes, Numbers, Z


@dataclass(frozen=True, slots=True)
class Curve:
    """The share still running after each distinct time at which something ended.

    Attributes:
        times: Distinct times of events, rising.
        surviving: Share still running just after each.
        at_risk: Units that had not ended or left before each.
        ended: Events at each.
    """

    times: Numbers
    surviving: Numbers
    at_risk: Numbers
    ended: Numbers

    def quantile(self, share: float) -> float:
        """The smallest time by which ``share`` of the units have ended; NaN if that is never reached."""
        reached = np.flatnonzero(self.surviving <= 1 - share + 1e-12)
        return float(self.times[reached[0]]) if len(reached) else float("nan")


def kaplan_meier(times: Numbers, observed: Numbers) -> Curve:
    """The curve of ``times``, of which those with ``observed`` = 0 are still running."""
    ordered = np.sort(times)
    distinct, ended = np.unique(times[observed > 0], return_counts=True)
    at_risk = (len(ordered) - np.searchsorted(ordered, distinct, side="left")).astype(np.float64)
    surviving = np.cumprod(1 - ended / at_risk).astype(np.float64)
    return Curve(distinct, surviving, at_risk, ended.astype(np.float64))


def ended_by(ordered: Numbers, share: float) -> float:
    """The quantile of the curve of ``ordered`` times where nothing is running, without the curve.

    It is the smallest of them by which ``share`` of the units have ended.
    """
    rank = int(np.ceil((share - 1e-12) * len(ordered)))
    return float(ordered[max(rank, 1) - 1]) if len(ordered) else float("nan")


def median_interval(curve: Curve, times: Numbers, observed: Numbers, persons: Codes) -> tuple[float, float]:
    """Interval of the median of ``curve``, the one of ``times``; an end that the data do not reach is NaN."""
    inside = (curve.surviving > 0) & (curve.surviving < 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(curve.ended / (curve.at_risk * (curve.at_risk - curve.ended)))
        error = np.sqrt(greenwood * _inflation(curve, times, observed, persons))
        logs = np.log(curve.surviving)
        distance = (np.log(-logs) - np.log(np.log(2))) / (error / np.abs(logs))
    # The curve falls, so the distance rises: the interval runs from the first time that is not clearly too early
    # to the first that is clearly too late.
    early = np.where(inside, distance, np.where(curve.surviving <= 0, np.inf, -np.inf))
    return _first(curve.times, early >= -Z), _first(curve.times, early > Z)


def _first(times: Numbers, reached: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    found = np.flatnonzero(reached)
    return float(times[found[0]]) if len(found) else float("nan")


def _inflation(curve: Curve, times: Numbers, observed: Numbers, persons: Codes) -> float:
    """How much more the curve varies at its median because some persons have several times; at least 1."""
    _, person = np.unique(persons, return_inverse=True)
    clusters = int(person.max()) + 1 if len(person) else 0
    if clusters < 2 or len(times) <= 1.2 * clusters or not len(curve.times):  # noqa: PLR2004 - one person cannot vary
        return 1.0
    middle = min(int(np.searchsorted(-curve.surviving, -0.5, side="left")), len(curve.times) - 1)
    influence = _influence(curve, times, observed, middle)
    together = np.bincount(person, weights=influence)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = clusters / (clusters - 1) * np.sum(together**2) / np.sum(influence**2)
    return float(max(1.0, ratio)) if np.isfinite(ratio) else 1.0


def _influence(curve: Curve, times: Numbers, observed: Numbers, at: int) -> Numbers:
    """What each unit adds to the cumulative hazard at event time number ``at``, less what is expected of it."""
    horizon = curve.times[at]
    passed = np.minimum(np.searchsorted(curve.times, times, side="right"), at + 1)
    hazard = np.concatenate([[0.0], np.cumsum(curve.ended / curve.at_risk**2)])
    own = (observed > 0) & (times <= horizon)
    place = np.clip(np.searchsorted(curve.times, times, side="left"), 0, len(curve.times) - 1)
    added: Numbers = np.where(own, 1 / curve.at_risk[place], 0.0) - hazard[passed]
    return added
