"""Calls within a budget, inside one process."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator

from connectors.spec import Budget, Window

_MARGIN_SECONDS = 0.05
"""Calls arrive later than they leave, and not all equally late: without it a vendor's window may see one too many."""


class LocalLimiter:
    """Rolling windows: a call gets the first free moment and books it, so that waiting calls keep their order."""

    def __init__(
        self,
        budget: Budget,
        rate_scale: float,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lanes = [_Lane(window, max(1, int(window.limit * rate_scale))) for window in budget.windows]
        self._sleep, self._clock = sleep, clock

    async def wait(self, path: str) -> float:
        """Wait until a call of ``path`` is allowed and count it. Returns the seconds waited."""
        now = self._clock()
        at = max([now, *(lane.free_at() for lane in self._of(path))])
        for lane in self._of(path):
            lane.times.append(at)
        if at > now:
            await self._sleep(at - now)
        return at - now

    def pause(self, path: str, seconds: float) -> None:
        """Allow no call that shares a window with ``path`` for ``seconds``: the vendor said so."""
        for lane in self._of(path):
            lane.closed_until = max(lane.closed_until, self._clock() + seconds)

    def _of(self, path: str) -> Iterator["_Lane"]:
        return (lane for lane in self._lanes if lane.window.within in path)


class _Lane:
    """One window and the calls it has booked."""

    def __init__(self, window: Window, limit: int) -> None:
        self.window = window
        self.times: deque[float] = deque(maxlen=limit)
        self.closed_until = 0.0

    def free_at(self) -> float:
        if len(self.times) < (self.times.maxlen or 0):
            return self.closed_until
        return max(self.closed_until, self.times[0] + self.window.seconds + _MARGIN_SECONDS)
