"""The one limiter: every call waits here for all limits it falls under, whoever else is calling.

What was used is in a ledger, which all processes of an account may share; the arithmetic is in ``windows`` and
``bucket``. Calls that fall under the same limits queue up, and only the first asks the ledger, for all behind it.
"""

import asyncio
import math
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from connectors.errors import QuotaSpentError
from connectors.limits import Answer, Ask, Json, Ledger, Limit, Step, T, Terms, View
from connectors.spec import Budget
from connectors.windows import Window

_MOST_AT_ONCE = 16
"""Calls that are asked for at once: what a process that ends has not used is lost until its window has passed."""
_LONGEST_WAIT_SECONDS = 900.0
"""Who would have to wait longer leaves it to a later run."""


class LocalLedger:
    """What was used, within one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._states: dict[str, Json] = {}
        self._clock = clock

    async def change(self, names: Sequence[str], step: Step[T]) -> T:
        """See ``limits.Ledger``."""
        states, found = step([self._states.get(name, {}) for name in names], self._clock())
        if states is not None:
            self._states.update(zip(names, states, strict=True))
        return found


@dataclass(slots=True)
class Turn:
    """A call that is allowed.

    Attributes:
        waited: Seconds that were waited for it, by limit. Who only stood behind another call waited for that call.
        answer: What the vendor says about limits; to be filled in before the turn ends.
    """

    waited: dict[str, float] = field(default_factory=dict)
    answer: Answer = field(default_factory=Answer)


@dataclass(frozen=True, slots=True)
class _Grant:
    """What the ledger allowed at its time ``at``, or for how long and for which limit to wait."""

    calls: int
    at: float
    views: Sequence[View | None] = ()
    wait_seconds: float = 0.0
    waits_for: str = ""


class _Queue:
    """Calls that fall under the same limits, in order, and what was allowed to them together."""

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self.limits = limits
        self.names = [limit.name for limit in limits]
        windows = [limit for limit in limits if isinstance(limit, Window)]
        self.is_anonymous = len(windows) == len(limits)
        self.keeps_seconds = min((window.margin for window in windows), default=0.0) / 2
        self.head = asyncio.Lock()
        self.waiting = 0
        self.grant = _Grant(0, 0.0)
        self.left, self.asked_at = 0, 0.0
        self.stock = 1

    def wanted(self, now: float) -> int:
        """For how many calls to ask at once; one by one where the ledger knows each call.

        More than wait now, if those asked for last time were used before they lapsed: asking costs more than a call.
        """
        if not self.is_anonymous:
            return 1
        in_time = self.grant.calls > 0 and not self.left and now <= self.asked_at + self.keeps_seconds
        self.stock = min(_MOST_AT_ONCE, 2 * self.stock) if in_time else 1
        return max(self.waiting, self.stock)


class Limiter:
    """Keeps the calls of one account within a budget.

    Args:
        budget: What the vendor allows.
        ledger: Where it is counted.
        terms: How much of it is ours.
        name: Whose budget it is, for errors.
        sleep: Waits.
        clock: Seconds that pass here.
    """

    def __init__(
        self,
        budget: Budget,
        ledger: Ledger,
        *,
        terms: Terms,
        name: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget, self._ledger, self._terms, self._name = budget, ledger, terms, name
        self._sleep, self._clock = sleep, clock
        self._queues: dict[tuple[Limit, ...], _Queue] = {}
        self._holder, self._numbers = uuid.uuid4().hex[:8], count()

    def per_second(self, path: str) -> float:
        """Calls of ``path`` a second that its windows allow in the long run, as told or else as declared; no quotas."""
        limits = self._limits(path)
        queue = self._queues.get(limits)
        views = queue.grant.views if queue and queue.grant.views else [None] * len(limits)
        rates = [
            (view.total if view else limit.limit * self._terms.rate_scale) * self._terms.share / limit.seconds
            for limit, view in zip(limits, views, strict=True)
            if isinstance(limit, Window) and not limit.is_quota
        ]
        return min(rates, default=math.inf)

    def is_waited_for(self, path: str) -> bool:
        """Whether calls of ``path`` stand in line."""
        queue = self._queues.get(self._limits(path))
        return queue is not None and queue.waiting > 0

    def _limits(self, path: str) -> tuple[Limit, ...]:
        return tuple(limit for limit in self._budget.limits if limit.holds(path))

    @asynccontextmanager
    async def call(self, path: str, price: float | None = None) -> AsyncIterator[Turn]:
        """Wait until a call of ``path`` is allowed, and count it.

        Args:
            path: Path of the call.
            price: Points it costs, where the vendor counts them; None while that is not known.

        Raises:
            QuotaSpentError: It is not allowed for so long that a later run should make it.
        """
        limits = self._limits(path)
        queue = self._queues.get(limits) or self._queues.setdefault(limits, _Queue(limits))
        ask, turn = Ask(f"{self._holder}-{next(self._numbers)}", self._terms, price), Turn()
        views = await self._wait(queue, ask, turn.waited)
        try:
            yield turn
        finally:
            news = [limit.has_news(turn.answer, view) for limit, view in zip(limits, views, strict=True)]
            if any(news):
                await self._ledger.change(queue.names, partial(_settled, limits, ask, turn.answer, views))

    async def _wait(self, queue: _Queue, ask: Ask, waited: dict[str, float]) -> Sequence[View | None]:
        queue.waiting += 1
        try:
            async with queue.head:
                is_fresh = False  # what was allowed to us is used however long the ledger took, else it never would be
                while not queue.left or not (is_fresh or self._clock() <= queue.asked_at + queue.keeps_seconds):
                    await self._ask(queue, ask, waited)
                    is_fresh = True
                queue.left -= 1
                return queue.grant.views
        finally:
            queue.waiting -= 1

    async def _ask(self, queue: _Queue, ask: Ask, waited: dict[str, float]) -> None:
        """Ask the ledger for all who wait; if there is nothing, wait once."""
        now, unused = self._clock(), _Grant(queue.left, queue.grant.at)
        wanted = queue.wanted(now)
        queue.left, queue.asked_at = 0, now
        step = partial(_granted, queue.limits, ask, wanted, unused)
        queue.grant = grant = await self._ledger.change(queue.names, step)
        queue.left = grant.calls
        if grant.calls:
            return
        if grant.wait_seconds > _LONGEST_WAIT_SECONDS:
            raise QuotaSpentError(
                f"{self._name}: the {grant.waits_for} are used up, and the next one is allowed in "
                f"{grant.wait_seconds / 60:.0f} minutes. What was read is kept; run again after that.",
                retry_after_seconds=grant.wait_seconds,
            )
        await self._sleep(grant.wait_seconds)
        waited[grant.waits_for] = waited.get(grant.waits_for, 0.0) + grant.wait_seconds


def _granted(
    limits: Sequence[Limit], ask: Ask, wanted: int, unused: _Grant, states: Sequence[Json], now: float
) -> tuple[Sequence[Json] | None, _Grant]:
    """One step of the ledger: take back what was not used, and allow what all limits allow."""
    if unused.calls:
        states = [_taken_back(limit, state, unused) for limit, state in zip(limits, states, strict=True)]
    free = [limit.free(state, now, ask) for limit, state in zip(limits, states, strict=True)]
    calls = min(wanted, *(calls for calls, _ in free))
    if calls == 0:
        seconds, name = max((seconds, limit.name) for (n, seconds), limit in zip(free, limits, strict=True) if not n)
        return (states if unused.calls else None), _Grant(0, now, wait_seconds=seconds, waits_for=name)
    booked = [limit.book(state, now, ask, calls) for limit, state in zip(limits, states, strict=True)]
    views = [limit.view(state, now, ask) for limit, state in zip(limits, booked, strict=True)]
    return booked, _Grant(calls, now, views)


def _taken_back(limit: Limit, state: Json, unused: _Grant) -> Json:
    return limit.give_back(state, unused.at, unused.calls) if isinstance(limit, Window) else state


def _settled(
    limits: Sequence[Limit],
    ask: Ask,
    answer: Answer,
    views: Sequence[View | None],
    states: Sequence[Json],
    now: float,
) -> tuple[Sequence[Json] | None, None]:
    """One step of the ledger: take in what an answer said."""
    both = zip(limits, states, views, strict=True)
    return [limit.settle(state, now, ask, answer, view) for limit, state, view in both], None
