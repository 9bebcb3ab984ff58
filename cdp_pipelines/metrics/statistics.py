"""Intervals and estimates as plain functions over arrays; nothing here knows a metric or a period.

All intervals are at 95 %. An impossible one (too few values) is NaN.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]

Z = 1.959964


def wilson(share: Numbers, n: Numbers) -> tuple[Numbers, Numbers]:
    """Wilson's interval of a proportion ``share`` observed on ``n`` (effective) units."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1 + Z**2 / n
        centre = (share + Z**2 / (2 * n)) / scale
        half = Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / scale
    return np.maximum(centre - half, 0), np.minimum(centre + half, 1)


def design_effect(x: Numbers, n: Numbers, spread: Numbers, clusters: Numbers) -> Numbers:
    """How many times more the proportion x / n varies than if its units were independent; at least 1.

    Args:
        x: Successes per cell.
        n: Units per cell.
        spread: Sum over the persons of a cell of (x_g - p n_g)^2.
        clusters: Persons per cell.

    A cell where all units agree says nothing about how alike a person's units are, and neither does a cell of
    one person: its units then count as many times as it has persons.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = x / n
        clustered = clusters / (clusters - 1) * spread / n**2
        effect = np.maximum(1, clustered / (share * (1 - share) / n))
        unknown = (clusters <= 1) | (share == 0) | (share == 1)
        effect = np.where(unknown, n / clusters, effect)
    return np.where(n > 1.2 * clusters, effect, 1.0)


def student(total: Numbers, squares: Numbers, n: Numbers) -> tuple[Numbers, Numbers]:
    """Student's interval of a mean, from the sum and the sum of squares of ``n`` values."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        variance = np.maximum(squares - n * mean**2, 0) / (n - 1)
        half = special.stdtrit(n - 1, 0.975) * np.sqrt(variance / n)
    half = np.where(n > 1, half, np.nan)
    return mean - half, mean + half


def net(up: Numbers, down: Numbers, n: Numbers) -> tuple[Numbers, Numbers]:
    """Delta interval of the difference of two shares of the same ``n`` answers."""
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = up / n, down / n
        half = Z * np.sqrt((a + b - (a - b) ** 2) / n)
    return a - b - half, a - b + half


def linearised(ratio: Numbers, exposure: Numbers, spread: Numbers, clusters: Numbers) -> tuple[Numbers, Numbers]:
    """Delta interval of a ratio of sums over persons (Cochran's ratio estimator, persons as clusters).

    Args:
        ratio: Sum of y by sum of x, per cell.
        exposure: Sum of x.
        spread: Sum over persons of (y_g - ratio x_g)^2.
        clusters: Persons.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        half = Z * np.sqrt(clusters / (clusters - 1) * spread) / exposure
    half = np.where(clusters > 1, half, np.nan)
    return ratio - half, ratio + half


def garwood(events: Numbers, exposure: Numbers) -> tuple[Numbers, Numbers]:
    """Exact Poisson interval of events per unit of exposure."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(events > 0, special.gammaincinv(np.maximum(events, 1), 0.025), 0.0)
        return low / exposure, special.gammaincinv(events + 1, 0.975) / exposure


@lru_cache(maxsize=4096)
def median_ranks(n: int) -> tuple[int, int] | None:
    """Ranks (from 1) of the ordered values that bound the median of ``n`` values; None below six."""
    if n < 6:  # noqa: PLR2004 - no two of five values bound a median at 95 %
        return None
    ranks = np.arange(0, n // 2 + 1, dtype=np.float64)
    r = int(np.searchsorted(special.bdtr(ranks, n, 0.5), 0.025, side="right"))
    return r, n + 1 - r


def ordered_median_interval(ordered: Numbers) -> tuple[float, float]:
    """Interval of the median of ordered values, by rank."""
    ranks = median_ranks(len(ordered))
    if ranks is None:
        return float("nan"), float("nan")
    return float(ordered[ranks[0] - 1]), float(ordered[ranks[1] - 1])


def quantile(ordered: Numbers, share: float) -> float:
    """The ``share`` quantile of ordered values, by linear interpolation."""
    return float(np.quantile(ordered, share)) if len(ordered) else float("nan")
