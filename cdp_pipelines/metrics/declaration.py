"""What a metric declares. Everything else (intervals, status, catalogue, documentation) follows from it."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.resources import files
from typing import Literal

from cdp_pipelines.metrics.cells import Membership
from cdp_pipelines.metrics.classes import Composite, MetricClass
from cdp_pipelines.metrics.periods import Grain

Coverage = Literal["consented", "answered", "complete", "weight"]

PERIODS: tuple[Grain, ...] = ("day", "week", "month")


@dataclass(frozen=True)
class Metric:
    """One metric. The statement in ``<id>.sql`` beside the declarations returns one row per unit.

    Attributes:
        id: Name; never changes.
        name, definition, numerator, denominator: In words, for readers.
        family, tier: Where it stands in the catalogue.
        measures: Its numbers, the headline first; their class says how they are made.
        unit, better: Of the headline. ``better`` is up, down or ctx (judge in context).
        purpose: What the data must be permitted for.
        k: Smallest number of persons a cell may rest on; 0 where the metric is not about persons.
        grains, slices: Periods it is published for, and labels it is sliced by, one at a time.
        sources: Names of the sources that can feed it; ``cdp`` is the platform itself.
        entities: Tables it needs.
        lag_hours: A value may still change until so long after its period.
        membership: How a unit is in a period (see ``cells``).
        latest_only: A person counts once per cell, with the latest unit.
        transforms: Derived tables it needs, in the order they rest on each other.
        linked: Its units have to be followed from one to the next, so those of nobody identifiable do not count;
            they lower its coverage.
        margin: The margin rate of the settings applies: its units get a column ``margin`` beside ``value``.
        eligible: Table whose excluded rows lower its coverage.
        counted: Column that says how many rows of that table a unit stands for; each stands for one unless given.
        invited: For surveys: the instrument whose invitations its coverage is measured against.
        window, external_ref, seed_refs, guardrail: For the catalogue.
        version, valid_from: Of the definition.
    """

    id: str
    name: str
    family: str
    tier: int
    definition: str
    numerator: str
    denominator: str
    measures: tuple[MetricClass, ...]
    unit: str
    better: str
    purpose: str
    k: int
    sources: tuple[str, ...]
    entities: tuple[str, ...]
    grains: tuple[Grain, ...] = PERIODS
    slices: tuple[str, ...] = ()
    lag_hours: int = 0
    membership: Membership = "period"
    latest_only: bool = False
    transforms: tuple[str, ...] = ()
    linked: bool = False
    margin: bool = False
    eligible: str | None = None
    counted: str | None = None
    invited: str | None = None
    window: str = "period"
    external_ref: str | None = None
    seed_refs: tuple[str, ...] = ()
    guardrail: str | None = None
    version: int = 1
    valid_from: date = date(2026, 1, 1)

    @property
    def headline(self) -> MetricClass:
        """The class of its first number."""
        return self.measures[0]

    @property
    def tables(self) -> set[str]:
        """The tables its numbers and their coverage are made from."""
        return {"person", *self.entities, *(("ticket", "message", "order") if self.invited else ())}

    @property
    def coverage(self) -> Coverage:
        """What its coverage says: units that may be used, answers to invitations, weight present, or all there is."""
        if isinstance(self.headline, Composite):
            return "weight"
        if self.invited is not None:
            return "answered"
        return "complete" if self.eligible is None else "consented"

    @cached_property
    def sql(self) -> str:
        """The statement of its units.

        Raises:
            FileNotFoundError: There is none: nothing that is collected can feed the metric yet.
        """
        return files(f"{__package__}.declarations").joinpath(f"{self.id}.sql").read_text(encoding="utf-8")
