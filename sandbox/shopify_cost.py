"""The bucket that queries are paid from, and the prices beside every answer."""

import time
from typing import Any

from sandbox.shopify_errors import DOCUMENTATION

CAPACITY, RESTORED_PER_SECOND, MOST_PER_QUERY = 2000, 100, 1000


class Bucket:
    """A leaky bucket of one app in one shop, in points or in calls; without a limit it is always full."""

    def __init__(self, size: int = CAPACITY, restored: int = RESTORED_PER_SECOND) -> None:
        """Full and without a limit; ``restored`` is what comes back in a second."""
        self._size, self._restored = size, restored
        self._scale, self._points, self._at = 0.0, float(size), time.monotonic()

    def limit(self, scale: float) -> None:
        """Let the limit be ``scale`` times the vendor's; 0 is none. A new scale starts with a full bucket."""
        if scale != self._scale:
            self._scale = scale
            self._points, self._at = self.capacity, time.monotonic()

    @property
    def capacity(self) -> float:
        """What the bucket holds."""
        return self._size * (self._scale or 1.0)

    @property
    def used(self) -> int:
        """What is missing in it."""
        return int(self.capacity - self._points)

    def take(self, points: int) -> bool:
        """Pay in advance; False when there is not enough."""
        now = time.monotonic()
        if self._scale:
            gained = (now - self._at) * self._restored * self._scale
            self._points = min(self.capacity, self._points + gained)
        self._at = now
        if self._scale and points > self._points:
            return False
        self._points -= points if self._scale else 0
        return True

    def give_back(self, points: int) -> None:
        """What turned out cheaper."""
        if self._scale:
            self._points = min(self.capacity, self._points + points)

    def status(self, requested: int, actual: int | None) -> dict[str, Any]:
        """The ``cost`` of ``extensions``."""
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": self.capacity,
                "currentlyAvailable": int(self._points),
                "restoreRate": self._restored * (self._scale or 1.0),
            },
        }


def throttled() -> dict[str, Any]:
    """The error of an empty bucket; its HTTP status is 200."""
    return {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": DOCUMENTATION}}


def too_dear(cost: int) -> dict[str, Any]:
    """The error of a query that no full bucket would pay for."""
    return {
        "message": f"Query cost is {cost}, which exceeds the single query max cost limit ({MOST_PER_QUERY}).",
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": cost,
            "maxCost": MOST_PER_QUERY,
            "documentation": DOCUMENTATION,
        },
    }
