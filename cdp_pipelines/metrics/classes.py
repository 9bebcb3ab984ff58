"""The classes of metrics: what follows from "this is a proportion" or "this is a median", whatever it counts.

A class turns a tally into estimates: one value per cell with what it rests on and an interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from cdp_pipelines.metrics import statistics
from cdp_pipelines.metrics.cells import Tally
from cdp_pipelines.metrics.composites import MIN_COMPONENTS, Component
from cdp_pipelines.metrics.statistics import Numbers
from cdp_pipelines.metrics.survival import ended_by, kaplan_meier, median_interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number per cell.

    Attributes:
        stat: Which number of the metric it is.
        value, numerator, denominator: NaN where there is none.
        enough: What the minimum sample of the class is compared with.
        low, high: Ends of the interval, NaN where there is none.
        method: How the interval was made, per cell; None where there is none.
        variant: Which way of counting, where a number is published in several.
        unset: Cells with a part that cannot be valued because the settings lack something; None for none.
    """

    stat: str
    value: Numbers
    numerator: Numbers
    denominator: Numbers
    enough: Numbers
    low: Numbers
    high: Numbers
    method: NDArray[np.object_]
    variant: str = "default"
    unset: NDArray[np.bool_] | None = None


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
        whole: Slices that sort only what is counted; there the denominator is that of the whole period.
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
    whole: tuple[str, ...] = ()
    n_min: int = 5
    n_ok: int = 30

    @property
    def interval(self) -> str | None:
        """Wilson's, unless it is a census."""
        return None if self.census else "wilson"

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """Shares with Wilson's interval on the effective number of units."""
        x, n = tally.sum(self.x), tally.n if self.n is None else tally.sum(self.n)
        effective = tally.of_whole(_effective(tally, self, x, n), self.whole)
        n = tally.of_whole(n, self.whole)
        share = _ratio(x, n)
        low, high = statistics.wilson(share, effective)
        if self.census:
            yield _plain(self.stat, share, x, n, n)
        else:
            yield Estimate(self.stat, share, x, n, effective, low, high, _method(tally, "wilson"))


@dataclass(frozen=True, slots=True)
class PersonShare:
    """P: share of the persons with a unit who have at least ``least`` of them.

    Units of nobody identifiable cannot be followed, so its metrics leave them out (``Metric.linked``).
    """

    code: ClassVar[str] = "P"
    zero_is_a_claim: ClassVar[bool] = False
    roll_up: ClassVar[str] = "recompute"
    interval: ClassVar[str | None] = "wilson"
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, 1.0)
    least: int = 2
    n_min: int = 5
    n_ok: int = 30

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """Shares with Wilson's interval; a person is one unit of it."""
        units, cell = tally.by_person(np.ones(len(tally.cell)))
        x = np.bincount(cell[units >= self.least], minlength=len(tally.keys)).astype(np.float64)
        n = np.bincount(cell, minlength=len(tally.keys)).astype(np.float64)
        share = _ratio(x, n)
        low, high = statistics.wilson(share, n)
        yield Estimate("value", share, x, n, n, low, high, _method(tally, "wilson"))


@dataclass(frozen=True, slots=True)
class TopBox(Proportion):
    """T: share of survey answers in a box."""

    code: ClassVar[str] = "T"
    n_min: int = 10


@dataclass(frozen=True, slots=True)
class Checklist(Proportion):
    """K: share of what should be there that is there. Everything is looked at, so there is no interval."""

    code: ClassVar[str] = "K"
    census: bool = True
    n_min: int = 1
    n_ok: int = 1


@dataclass(frozen=True, slots=True)
class Mean:
    """M: mean of a score between ``low`` and ``high`` (None: without end)."""

    code: ClassVar[str] = "M"
    zero_is_a_claim: ClassVar[bool] = False
    roll_up: ClassVar[str] = "keep n, sum and sum of squares"
    interval: ClassVar[str | None] = "t"
    low: float
    high: float | None
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


def _exact(total: Numbers) -> Numbers:
    """Sums of amounts to the millionth they are kept in: what lies beyond is the order of adding up."""
    return total.round(6)


@dataclass(frozen=True, slots=True)
class Amount:
    """A: sum of ``value``, money or hours. A unit without a value (no rate for its currency) leaves no sum at all."""

    code: ClassVar[str] = "A"
    zero_is_a_claim: ClassVar[bool] = True
    roll_up: ClassVar[str] = "additive"
    interval: ClassVar[str | None] = None
    bounds: ClassVar[tuple[float | None, float | None]] = (None, None)
    n_min: int = 0
    n_ok: int = 0

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """The sum of each cell."""
        total = _exact(tally.sum("value"))
        plain = _plain("value", total, total, np.full(len(total), np.nan), tally.n)
        yield replace(plain, unset=np.isnan(total))


@dataclass(frozen=True, slots=True)
class PersonSum:
    """F(sum): what all persons together have been worth by the end of a day; the parts are per person.

    Attributes:
        column: What is added up.
        variant: Which way of counting that is.
    """

    code: ClassVar[str] = "F(sum)"
    zero_is_a_claim: ClassVar[bool] = False
    roll_up: ClassVar[str] = "not summed"
    interval: ClassVar[str | None] = None
    bounds: ClassVar[tuple[float | None, float | None]] = (None, None)
    column: str = "value"
    variant: str = "default"
    n_min: int = 1
    n_ok: int = 1

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """The sum over the persons of each cell."""
        total = _exact(tally.sum(self.column))
        plain = _plain("value", total, total, np.full(len(total), np.nan), tally.n)
        yield replace(plain, variant=self.variant, unset=np.isnan(total) & (tally.n > 0))


@dataclass(frozen=True, slots=True)
class Ratio:
    """R: sum of ``y`` by the number of units, or of distinct persons.

    The interval is the delta method's on linearised residuals per person: with R = Y / X and e = y - R x of each of
    the G persons, Var(R) = G / (G - 1) * sum of e^2 / X^2. Units of one person move together, so persons are what
    varies.

    Attributes:
        y: Column summed; None counts units.
        per_person: The denominator counts persons, not units.
    """

    code: ClassVar[str] = "R"
    zero_is_a_claim: ClassVar[bool] = False
    roll_up: ClassVar[str] = "sum parts"
    interval: ClassVar[str | None] = "delta"
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, None)
    y: str | None = None
    per_person: bool = False
    n_min: int = 5
    n_ok: int = 30

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """Ratios with the delta interval, which does not go below 0."""
        values = np.ones(len(tally.cell)) if self.y is None else tally.of_cells(self.y)
        weights = tally.is_first.astype(np.float64) if self.per_person else np.ones(len(tally.cell))
        (y, cell), (x, _) = tally.by_person(values), tally.by_person(weights)
        count = len(tally.keys)
        top, bottom = (np.bincount(cell, part, minlength=count).astype(np.float64) for part in (y, x))
        ratio = _ratio(top, bottom)
        spread = np.bincount(cell, (y - ratio[cell] * x) ** 2, minlength=count).astype(np.float64)
        clusters = np.bincount(cell, minlength=count).astype(np.float64)
        low, high = statistics.linearised(ratio, bottom, spread, clusters)
        method = _method(tally, "delta")
        yield Estimate("value", ratio, top, bottom, bottom, np.maximum(low, 0), high, method, unset=np.isnan(top))


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
        found, values = np.full((len(tally.keys), 4), np.nan), tally.of_cells("value")
        for cell, members in _members(tally):
            ordered = np.sort(values[members])
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
            if over.all() and len(times) <= 1.2 * tally.is_first[members].sum():
                ordered = np.sort(times)
                found[cell, :2] = ended_by(ordered, 0.5), ended_by(ordered, 0.9)
                found[cell, 2:] = statistics.ordered_median_interval(ordered)
                method[cell] = "order"
            else:
                curve = kaplan_meier(times, over)
                found[cell, :2] = curve.quantile(0.5), curve.quantile(0.9)
                found[cell, 2:] = median_interval(curve, times, over, persons)
        yield from _median_and_p90(tally, found, tally.sum("observed"), method)


@dataclass(frozen=True, slots=True)
class Segmentation:
    """S: how many persons are in each group of a segmentation (see ``segments``)."""

    code: ClassVar[str] = "S"
    zero_is_a_claim: ClassVar[bool] = True
    roll_up: ClassVar[str] = "recompute"
    interval: ClassVar[str | None] = None
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, None)
    n_min: int = 0
    n_ok: int = 0

    def estimates(self, tally: Tally) -> Iterator[Estimate]:
        """The persons of each cell; none where the amounts that ranks rest on are not known."""
        plain = _plain("value", tally.n, tally.n, np.full(len(tally.n), np.nan), tally.n)
        yield replace(plain, unset=np.isnan(tally.sum("amount")))


@dataclass(frozen=True, slots=True)
class Composite:
    """X: an index of other metrics, from 0 to 100 (see ``composites``). Its numbers come from their rows."""

    code: ClassVar[str] = "X"
    zero_is_a_claim: ClassVar[bool] = False
    roll_up: ClassVar[str] = "recompute"
    interval: ClassVar[str | None] = "delta"
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, 100.0)
    components: tuple[Component, ...]
    n_min: int = MIN_COMPONENTS
    n_ok: int = MIN_COMPONENTS

    def estimates(self, tally: Tally) -> Iterator[Estimate]:  # noqa: ARG002 - it has no units of its own
        """Nothing."""
        yield from ()


def _median_and_p90(
    tally: Tally, found: NDArray[np.float64], enough: Numbers, method: NDArray[np.object_]
) -> Iterator[Estimate]:
    yield Estimate("p50", found[:, 0], enough, tally.n, enough, found[:, 2], found[:, 3], method)
    yield _plain("p90", found[:, 1], enough, tally.n, enough)


def _members(tally: Tally) -> Iterator[tuple[int, slice]]:
    """Each cell that has units, with the positions of its pairs."""
    cells, first = np.unique(tally.cell, return_index=True)
    yield from zip(cells.tolist(), map(slice, first, [*first[1:], len(tally.cell)]), strict=True)


def _effective(tally: Tally, measure: Proportion, x: Numbers, n: Numbers) -> Numbers:
    """Units a sample of independent ones would need to say as much."""
    if not len(tally.cell):
        return n
    due = np.ones(len(tally.cell)) if measure.n is None else tally.of_cells(measure.n)
    (of_person, cell), (units, _) = tally.by_person(tally.of_cells(measure.x)), tally.by_person(due)
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
