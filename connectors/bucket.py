"""Limits that are not calls per time: a bucket of points that fills by itself, and calls at the same time.

Both know which calls are on their way. A process that is killed gives nothing back, so what it held lapses.
"""

import math
from dataclasses import dataclass

from connectors.limits import Answer, Ask, Json, Terms, View

_LAPSES_SECONDS = 330.0
"""Longer than any call waits for its answer (``bounds.Bounds``)."""
_POLL_SECONDS = 0.05
"""Time between two looks whether a call that is on its way has been answered."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Points that every call takes its price from.

    The state: ``level`` at the time ``at``; ``size`` and ``rate`` as the vendor told; ``flying`` the price and time of
    calls that are on their way.

    Attributes:
        size: What it holds at most.
        per_second: How fast it fills.
        dearest: Price taken for a call whose price is not known yet: the highest the vendor accepts.
    """

    size: float
    per_second: float
    dearest: float
    name: str = "points"

    def holds(self, path: str) -> bool:  # noqa: ARG002 - the signature is that of limits
        """See ``limits.Limit``."""
        return True

    def free(self, state: Json, now: float, ask: Ask) -> tuple[int, float]:
        """See ``limits.Limit``."""
        size, rate = self._shape(state, ask.terms)
        lacking = min(self._price(ask), size) - self._level(state, now, ask.terms)
        if lacking <= _A_LITTLE:
            return 1, 0.0
        # An answer that is on its way may give points back.
        return 0, min(lacking / rate, _POLL_SECONDS if _live(state.get("flying"), now) else math.inf)

    def book(self, state: Json, now: float, ask: Ask, calls: int) -> Json:  # noqa: ARG002
        """See ``limits.Limit``."""
        level, price = self._level(state, now, ask.terms), self._price(ask)
        flying = {**_live(state.get("flying"), now), ask.id: [now, price]}
        return {**state, "level": level - price, "at": now, "flying": flying}

    def view(self, state: Json, now: float, ask: Ask) -> View | None:  # noqa: ARG002
        """See ``limits.Limit``."""
        return None

    def has_news(self, answer: Answer, view: View | None) -> bool:  # noqa: ARG002
        """See ``limits.Limit``."""
        return True

    def settle(self, state: Json, now: float, ask: Ask, answer: Answer, view: View | None) -> Json:  # noqa: ARG002
        """See ``limits.Limit``. Without a word about points nothing counts as paid; the next answer corrects it."""
        level, flying = self._level(state, now, ask.terms), _live(state.get("flying"), now)
        begun, reserved = flying.pop(ask.id, (now, 0.0))
        settled, points = {**state, "at": now, "flying": flying}, answer.points
        if points is None:
            return {**settled, "level": level + reserved}
        told = {**settled, "size": points.size, "rate": points.per_second}
        (size, _), (size_before, _) = self._shape(told, ask.terms), self._shape(state, ask.terms)
        # The vendor's figure may hold calls that left after this one or not; the lower reading is the safe one. Calls
        # that left before it are in it, or will never come: a process that was killed left them.
        later = sum(price for left_at, price in flying.values() if left_at >= begun)
        theirs = max(0.0, points.available - later)
        ours = level + reserved - points.paid + size - size_before if ask.terms.share < 1 else theirs
        return {**told, "level": min(ours, theirs, size)}

    def _price(self, ask: Ask) -> float:
        return self.dearest if ask.price is None else ask.price

    def _shape(self, state: Json, terms: Terms) -> tuple[float, float]:
        size = state.get("size") or self.size * terms.rate_scale
        rate = state.get("rate") or self.per_second * terms.rate_scale
        return size * terms.share, rate * terms.share

    def _level(self, state: Json, now: float, terms: Terms) -> float:
        """Points there are now. What lapsed is back: it was never spent, or the next answer corrects us."""
        size, rate = self._shape(state, terms)
        flying = state.get("flying") or {}
        lapsed = sum(price for call, (_, price) in flying.items() if call not in _live(flying, now))
        passed = max(0.0, now - state.get("at", now))
        return float(min(size, state.get("level", size) + lapsed + passed * rate))


@dataclass(frozen=True, slots=True)
class Concurrency:
    """At most ``limit`` calls at the same time; only paths that contain ``within`` count, if it is given.

    The state: ``flying`` is when each call that is on its way began.
    """

    limit: int
    within: str = ""

    @property
    def name(self) -> str:
        """See ``limits.Limit``."""
        return f"{self.within + ' ' if self.within else ''}calls at once"

    def holds(self, path: str) -> bool:
        """See ``limits.Limit``."""
        return self.within in path

    def free(self, state: Json, now: float, ask: Ask) -> tuple[int, float]:
        """See ``limits.Limit``."""
        limit = max(1, int(self.limit * ask.terms.rate_scale * ask.terms.share))
        return (1, 0.0) if len(_live(state.get("flying"), now)) < limit else (0, _POLL_SECONDS)

    def book(self, state: Json, now: float, ask: Ask, calls: int) -> Json:  # noqa: ARG002
        """See ``limits.Limit``."""
        return {"flying": {**_live(state.get("flying"), now), ask.id: [now]}}

    def view(self, state: Json, now: float, ask: Ask) -> View | None:  # noqa: ARG002
        """See ``limits.Limit``."""
        return None

    def has_news(self, answer: Answer, view: View | None) -> bool:  # noqa: ARG002
        """See ``limits.Limit``."""
        return True

    def settle(self, state: Json, now: float, ask: Ask, answer: Answer, view: View | None) -> Json:  # noqa: ARG002
        """See ``limits.Limit``."""
        return {"flying": {call: held for call, held in _live(state.get("flying"), now).items() if call != ask.id}}


_A_LITTLE = 1e-6
"""Points by which a wait may be rounded too short."""


def _live(flying: Json | None, now: float) -> Json:
    """The calls that are on their way, without those that lapsed or are from before the clock was set back."""
    return {call: held for call, held in (flying or {}).items() if abs(now - held[0]) < _LAPSES_SECONDS}
