"""The classes of metrics: what follows from "this is a proportion" or "this is a median", whatever it counts.

A class turns a tally into estimates: one value per cell with what it rests on and an interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from cdp_pipelines.metrics import statistics
from cdp_pipelines.metrics.cells import Tally
from cdp_pipelines.metrics.statistics import Numbers
from cdp_pipelines.metrics.survival import kaplan_meier, median_interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number per cell.

    Attributes:
        stat: Which number of the metric it is.
        value, numerator, denominator: NaN where there is none.
        enough: What the minimum sample of the class is compared with.
        low, high: Ends of the interval, NaN where there is none.
        method: How the interval was made, per cell; None where there is none.
    """

    stat: str
    value: Numbers
    numerator: Numbers
    denominator: Numbers
    enough: Numbers
    low: Numbers
    high: Numbers
    method: NDArray[np.object_]


class MetricClass(Protocol):
    """What a class of metrics has to say."""

    code: ClassVar[str]
    roll_up: ClassVar[str]
    zero_is_a_claim: ClassVar[bool]
    """Whether nothing counted is a number: then somebody must have been there to count."""

    @property
    def n_min(self) -> int: ...  # noqa: D102
    @property
    def n_ok(self) -> int: ...  # noqa: D102
    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Lowest and highest possible value; None where there is none."""
        ...

    @property
    def interval(self) -> str | None:
        """Name of the interval's method."""
        ...

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """The numbers of every cell."""
        ...


@dataclass(frozen=True, slots=True)
class Count:
    """C: how many units."""

    code: ClassVar[str] = "C"
    zero_is_a_claim: ClassVar[bool] = True
    roll_up: ClassVar[str] = "additive"
    n_min: int = 0
    n_ok: int = 0
    bounds: tuple[float | None, float | None] = (0.0, None)
    interval: str | None = None

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """The units of each cell."""
        yield _plain("value", tally.n, tally.n, np.full(len(tally.n), np.nan), tally.n)


@dataclass(frozen=True, slots=True)
class Proportion:
    """P: share of units with ``x`` = 1.

    Attributes:
        n: Column the units of the denominator are summed from; None counts units.
        census: The units are all there are, so there is nothing to infer and no interval.
        n_min, n_ok: Smallest denominator that may be shown, and that needs no flag.
    """

    code: ClassVar[str] = "P"
    zero_is_a_claim: ClassVar[bool] = False
    roll_up: ClassVar[str] = "sum parts"
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, 1.0)
    stat: str = "value"
    x: str = "x"
    n: str | None = None
    census: bool = False
    n_min: int = 5
    n_ok: int = 30

    @property
    def interval(self) -> str | None:
        """Wilson's, unless it is a census."""
        return None if self.census else "wilson"

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """Shares with Wilson's interval on the effective number of units."""
        x, n = tally.sum(self.x), tally.n if self.n is None else tally.sum(self.n)
        share = _ratio(x, n)
        effective = _effective(tally, self.x, x, n)
        low, high = statistics.wilson(share, effective)
        if self.census:
            yield _plain(self.stat, share, x, n, n)
        else:
            yield Estimate(self.stat, share, x, n, effective, low, high, _method(tally, "wilson"))


@dataclass(frozen=True, slots=True)
class TopBox(Proportion):
    """T: share of survey answers in a box."""

    code: ClassVar[str] = "T"
    n_min: int = 10


@dataclass(frozen=True, slots=True)
class Mean:
    """M: mean of a score between ``low`` and ``high``."""

    code: ClassVar[str] = "M"
    zero_is_a_claim: ClassVar[bool] = False
    roll_up: ClassVar[str] = "keep n, sum and sum of squares"
    interval: ClassVar[str | None] = "t"
    low: float
    high: float
    stat: str = "value"
    column: str = "value"
    n_min: int = 10
    n_ok: int = 30

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The range of the score."""
        return self.low, self.high

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """Means with Student's interval, cut to the range."""
        total, n = tally.sum(self.column), tally.n
        low, high = statistics.student(total, tally.sum(self.column, 2), n)
        low, high = np.clip(low, self.low, self.high), np.clip(high, self.low, self.high)
        yield Estimate(self.stat, _ratio(total, n), total, n, n, low, high, _method(tally, "t"))


@dataclass(frozen=True, slots=True)
class Net:
    """NET: share of ``up`` less share of ``down``, times ``scale``."""

    code: ClassVar[str] = "NET"
    zero_is_a_claim: ClassVar[bool] = False
    roll_up: ClassVar[str] = "sum parts"
    interval: ClassVar[str | None] = "delta"
    scale: float
    n_min: int = 10
    n_ok: int = 30

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Nobody up, nobody down."""
        return -self.scale, self.scale

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """Differences with the delta interval, cut to the range."""
        up, down, n = tally.sum("up"), tally.sum("down"), tally.n
        low, high = (np.clip(self.scale * end, -self.scale, self.scale) for end in statistics.net(up, down, n))
        value = self.scale * _ratio(up - down, n)
        yield Estimate("value", value, up - down, n, n, low, high, _method(tally, "delta"))


@dataclass(frozen=True, slots=True)
class Rate:
    """E: units per hour that has passed."""

    code: ClassVar[str] = "E"
    zero_is_a_claim: ClassVar[bool] = True
    roll_up: ClassVar[str] = "sum parts"
    interval: ClassVar[str | None] = "garwood"
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, None)
    n_min: int = 30
    n_ok: int = 100

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """Rates with Garwood's interval."""
        events, hours = tally.n, tally.exposure
        low, high = statistics.garwood(events, hours)
        yield Estimate("value", _ratio(events, hours), events, hours, hours, low, high, _method(tally, "garwood"))


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Q: median and 90th percentile of ``value``."""

    code: ClassVar[str] = "Q"
    zero_is_a_claim: ClassVar[bool] = False
    roll_up: ClassVar[str] = "recompute"
    interval: ClassVar[str | None] = "order"
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, None)
    n_min: int = 5
    n_ok: int = 30

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """The median with its interval by ranks; the 90th percentile without one."""
        found = np.full((len(tally.keys), 4), np.nan)
        for cell, members in _members(tally):
            ordered = np.sort(tally.of_cells("value")[members])
            found[cell, :2] = statistics.quantile(ordered, 0.5), statistics.quantile(ordered, 0.9)
            found[cell, 2:] = statistics.ordered_median_interval(ordered)
        yield from _median_and_p90(tally, found, tally.n, _method(tally, "order"))


@dataclass(frozen=True, slots=True)
class Survival:
    """Q(KM): median and 90th percentile of ``value`` where some units (``observed`` = 0) are still running."""

    code: ClassVar[str] = "Q(KM)"
    zero_is_a_claim: ClassVar[bool] = False
    roll_up: ClassVar[str] = "recompute"
    interval: ClassVar[str | None] = "greenwood"
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, None)
    n_min: int = 5
    n_ok: int = 30

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """Kaplan-Meier quantiles; by ranks where nothing is running and units are persons."""
        found = np.full((len(tally.keys), 4), np.nan)
        method = _method(tally, "greenwood")
        values, observed = tally.of_cells("value"), tally.of_cells("observed")
        for cell, members in _members(tally):
            times, over, persons = values[members], observed[members], tally.persons[members]
            curve = kaplan_meier(times, over)
            found[cell, :2] = curve.quantile(0.5), curve.quantile(0.9)
            if over.all() and len(times) <= 1.2 * tally.is_first[members].sum():
                found[cell, 2:] = statistics.ordered_median_interval(np.sort(times))
                method[cell] = "order"
            else:
                found[cell, 2:] = median_interval(times, over, persons)
        yield from _median_and_p90(tally, found, tally.sum("observed"), method)


def _median_and_p90(
    tally: Tally, found: NDArray[np.float64], enough: Numbers, method: NDArray[np.object_]
) -> Iterator[Estimate]:
    yield Estimate("p50", found[:, 0], enough, tally.n, enough, found[:, 2], found[:, 3], method)
    yield _plain("p90", found[:, 1], enough, tally.n, enough)


def _members(tally: Tally) -> Iterator[tuple[int, slice]]:
    """Each cell that has units, with the positions of its pairs."""
    cells, first = np.unique(tally.cell, return_index=True)
    yield from zip(cells.tolist(), map(slice, first, [*first[1:], len(tally.cell)]), strict=True)


def _effective(tally: Tally, column: str, x: Numbers, n: Numbers) -> Numbers:
    """Units a sample of independent ones would need to say as much."""
    if not len(tally.cell):
        return n
    first = np.flatnonzero(tally.is_first)
    cell = tally.cell[first]
    of_person = np.add.reduceat(tally.of_cells(column), first)
    units = np.diff(np.append(first, len(tally.cell)))
    residual = of_person - _ratio(x, n)[cell] * units
    spread = np.bincount(cell, residual**2, minlength=len(n)).astype(np.float64)
    clusters = np.bincount(cell, minlength=len(n)).astype(np.float64)
    return _ratio(n, statistics.design_effect(x, n, spread, clusters))


def _ratio(top: Numbers, bottom: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: Numbers = np.where(bottom > 0, top / bottom, np.nan)
    return quotient


def _plain(stat: str, value: Numbers, numerator: Numbers, denominator: Numbers, enough: Numbers) -> Estimate:
    none = np.full(len(value), np.nan)
    return Estimate(stat, value, numerator, denominator, enough, none, none, np.full(len(value), None, object))


def _method(tally: Tally, name: str) -> NDArray[np.object_]:
    return np.full(len(tally.keys), name, object)
