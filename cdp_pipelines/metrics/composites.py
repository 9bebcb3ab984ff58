"""Composite indices: several metrics on one scale from 0 to 100, weighted; and how much that depends on the weights.

Each component is moved to 0 to 100 between two fixed goalposts, never between sample extremes, so that periods and
companies can be compared. The interval follows from the components' own by the delta method, as if they were
independent. What is missing is left out and the weights of the rest are scaled up, as long as enough is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import Any

import numpy as np

from cdp_pipelines.metrics.statistics import Z

MIN_WEIGHT = 0.60
MIN_COMPONENTS = 2
USABLE = ("ok", "low_sample", "low_coverage")
_DRAWS, _CONCENTRATION, _SEED = 1000, 50.0, 20260101
_SHIFTS = (0.75, 1.25)
_BOUND_SHIFTS = (-0.10, 0.10)


@dataclass(frozen=True, slots=True)
class Component:
    """One part of an index: a metric, its weight, and the goalposts between which it counts from 0 to 100."""

    metric_id: str
    weight: float
    low: float
    high: float
    is_better_low: bool = False

    def normalised(self, value: float) -> float:
        """``value`` on the scale from 0 to 100; beyond a goalpost it counts as on it."""
        share = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)
        return 100 * (1 - share if self.is_better_low else share)


@dataclass(frozen=True, slots=True)
class Part:
    """A component that has a number: its value, its interval (None without one), and its share of the weights."""

    component: Component
    value: float
    low: float | None
    high: float | None
    weight: float

    @property
    def normalised(self) -> float:
        """The value from 0 to 100."""
        return self.component.normalised(self.value)

    @property
    def variance(self) -> float:
        """Variance of the normalised value, from the width of its interval."""
        if self.low is None or self.high is None:
            return 0.0
        scale = 100 / (self.component.high - self.component.low)
        return float((scale * (self.high - self.low) / (2 * Z)) ** 2)


@dataclass(frozen=True, slots=True)
class Index:
    """An index of one period.

    Attributes:
        parts: What it is made of; their weights add up to 1.
        coverage: Share of all weights that is there.
    """

    parts: tuple[Part, ...]
    coverage: float

    @property
    def is_enough(self) -> bool:
        """Whether enough is there to state it."""
        return self.coverage >= MIN_WEIGHT - 1e-9 and len(self.parts) >= MIN_COMPONENTS

    @property
    def value(self) -> float:
        """The weighted mean of the parts, 0 to 100."""
        return sum(part.weight * part.normalised for part in self.parts)

    @property
    def interval(self) -> tuple[float, float]:
        """Delta interval, cut to 0 to 100."""
        half = Z * sqrt(sum(part.weight**2 * part.variance for part in self.parts))
        return max(self.value - half, 0.0), min(self.value + half, 100.0)

    @property
    def basis(self) -> frozenset[str]:
        """The metrics it is made of."""
        return frozenset(part.component.metric_id for part in self.parts)

    def among(self, metric_ids: frozenset[str]) -> "Index":
        """The same index of these components only."""
        kept = [part for part in self.parts if part.component.metric_id in metric_ids]
        return Index(_scaled(kept), self.coverage * sum(part.weight for part in kept))


def index_of(components: Sequence[Component], found: Mapping[str, Mapping[str, Any]]) -> Index:
    """The index of one period.

    Args:
        components: What it should be made of.
        found: By metric id, the published row of that period.
    """
    parts = [
        Part(component, row["value"], row["ci_low"], row["ci_high"], component.weight)
        for component in components
        if (row := found.get(component.metric_id)) is not None and row["status"] in USABLE
    ]
    total = sum(component.weight for component in components)
    return Index(_scaled(parts), sum(part.weight for part in parts) / total)


def _scaled(parts: Sequence[Part]) -> tuple[Part, ...]:
    total = sum(part.weight for part in parts)
    return tuple(replace(part, weight=part.weight / total) for part in parts) if total else ()


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What the index would be if it were made otherwise.

    Attributes:
        method: weight, leave_out, bounds, equal, geometric or dirichlet.
        target: The component concerned and how it was changed; all for all of them.
        value, delta: The other index, and how far it is from the index itself.
        p5, p50, p95: Of random weights around the chosen ones.
        sign_flip_share: Share of random weights under which the change since the period before has the other sign.
    """

    method: str
    target: str
    value: float | None = None
    delta: float | None = None
    p5: float | None = None
    p50: float | None = None
    p95: float | None = None
    sign_flip_share: float | None = None


def sensitivities(index: Index, before: Index | None = None) -> list[Sensitivity]:
    """The index made otherwise: other weights, other goalposts, a part left out, a geometric mean.

    Args:
        index: The index.
        before: The index of the period before, to see whether the direction of the change depends on the weights.
    """
    weights = np.array([part.weight for part in index.parts])
    scores = np.array([part.normalised for part in index.parts])
    named = [part.component.metric_id for part in index.parts]
    found: list[tuple[str, str, float]] = []
    for place, name in enumerate(named):
        found += [
            ("weight", f"{name} x {factor:g}", _mean(_changed(weights, place, factor), scores)) for factor in _SHIFTS
        ]
        if len(named) > 1:
            found.append(("leave_out", name, _mean(_changed(weights, place, 0.0), scores)))
        found += _other_bounds(index, place)
    found.append(("equal", "all", float(scores.mean())))
    found.append(("geometric", "all", exp(float(weights @ [log(max(score, 1.0)) for score in scores]))))
    rows = [Sensitivity(method, target, value, value - index.value) for method, target, value in found]
    return [*rows, _random_weights(weights, scores, index, before)]


def _mean(weights: np.ndarray[Any, Any], scores: np.ndarray[Any, Any]) -> float:
    return float(weights @ scores / weights.sum())


def _changed(weights: np.ndarray[Any, Any], place: int, factor: float) -> np.ndarray[Any, Any]:
    changed = weights.copy()
    changed[place] *= factor
    return changed


def _other_bounds(index: Index, place: int) -> list[tuple[str, str, float]]:
    """The index with the goalposts of one part a tenth of their distance further out or in."""
    part = index.parts[place]
    found = []
    for shift in _BOUND_SHIFTS:
        margin = shift * (part.component.high - part.component.low)
        moved = replace(part.component, low=part.component.low - margin, high=part.component.high + margin)
        value = index.value + part.weight * (moved.normalised(part.value) - part.normalised)
        found.append(("bounds", f"{part.component.metric_id} {shift:+.0%}", value))
    return found


def _random_weights(
    weights: np.ndarray[Any, Any], scores: np.ndarray[Any, Any], index: Index, before: Index | None
) -> Sensitivity:
    draws = np.random.default_rng(_SEED).dirichlet(_CONCENTRATION * weights, _DRAWS)
    p5, p50, p95 = (float(value) for value in np.quantile(draws @ scores, [0.05, 0.5, 0.95]))
    return Sensitivity("dirichlet", "all", p5=p5, p50=p50, p95=p95, sign_flip_share=_flips(draws, index, before))


def _flips(draws: np.ndarray[Any, Any], index: Index, before: Index | None) -> float | None:
    """Share of ``draws`` that turn the direction of the change; None if the parts are not the same."""
    if before is None or before.basis != index.basis:
        return None
    earlier = {part.component.metric_id: part.normalised for part in before.parts}
    steps = np.array([part.normalised - earlier[part.component.metric_id] for part in index.parts])
    chosen = np.sign(np.array([part.weight for part in index.parts]) @ steps)
    return float(np.mean(np.sign(draws @ steps) != chosen))
