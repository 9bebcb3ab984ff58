"""What every kind of limit has in common: what is asked of it, and what an answer tells about it.

A limit is a frozen declaration; what was used of it is a state, JSON that a ledger keeps. All arithmetic is pure: a
state and the ledger's time in, a state out.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Protocol, TypeAlias, TypeVar

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")
Step: TypeAlias = Callable[[Sequence[Json], float], tuple[Sequence[Json] | None, T]]

LONGEST_WAIT_SECONDS = 86_400.0
"""No limit is longer than a day. A vendor that says more means something else, such as a moment in seconds since 1970;
believed, it would close the account for decades, as what is known of limits is kept for all processes."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What of the limits is ours.

    Attributes:
        rate_scale: Factor on published limits, for accounts that have others; what the vendor tells is not scaled.
        share: Share of the limits, told or published, that is ours. The rest is for other tools.
    """

    rate_scale: float = 1.0
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks for calls: names the call while it is on its way, with its price in points if that is known."""

    id: str
    terms: Terms = field(default_factory=Terms)
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Points:
    """What an answer said about its price and the bucket.

    Attributes:
        paid: Points the call cost in the end.
        available: Points left in the bucket.
        size: What it holds at most.
        per_second: How fast it fills.
    """

    paid: float
    available: float
    size: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The call was one too many: seconds to wait and the vendor's name of the limit, as far as it tells."""

    seconds: float | None = None
    policy: str | None = None


@dataclass(slots=True)
class Answer:
    """What an answer says about limits."""

    headers: Mapping[str, str] = field(default_factory=dict)
    points: Points | None = None
    refused: Refused | None = None

    def number(self, header: str | None) -> float | None:
        """The number in a header, if there is one."""
        with suppress(ValueError):
            number = float(self.headers.get(header or "", ""))
            return max(0.0, number) if isfinite(number) else None
        return None


@dataclass(frozen=True, slots=True)
class View:
    """What a window looked like when a call was allowed: calls left, the whole limit, calls of ours ever allowed."""

    room: int
    total: int
    granted: int


class Limit(Protocol):
    """One thing the vendor limits."""

    @property
    def name(self) -> str:
        """Names it in the ledger and in reports; the same whatever the account's plan is."""

    def holds(self, path: str) -> bool:
        """Whether calls of ``path`` count."""

    def free(self, state: Json, now: float, ask: Ask) -> tuple[int, float]:
        """How many calls may go now, and if none, in how many seconds to ask again."""

    def book(self, state: Json, now: float, ask: Ask, calls: int) -> Json:
        """The state after ``calls`` were allowed."""

    def view(self, state: Json, now: float, ask: Ask) -> View | None:
        """What to compare the answer with."""

    def has_news(self, answer: Answer, view: View | None) -> bool:
        """Whether the ledger has to hear of the answer."""

    def settle(self, state: Json, now: float, ask: Ask, answer: Answer, view: View | None) -> Json:
        """The state after the answer."""


class Ledger(Protocol):
    """What was used of the limits of one account. ``limiter.LocalLedger`` is for one process alone."""

    async def change(self, names: Sequence[str], step: Step[T]) -> T:
        """Change the states of some limits as one step that nobody else can come between.

        Args:
            names: The limits.
            step: Gets their states, empty at first, and the ledger's time in seconds; gives the new states, or None
                if nothing changes, and what to return. May be called again if the step could not be kept.
        """
