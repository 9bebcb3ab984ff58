"""What can go wrong on purpose, and how fast the stand-ins allow themselves to be asked."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FaultKind = Literal[
    "429",
    "429_retry_after",
    "500",
    "503_retry_after",
    "cut_before_body",
    "cut_in_body",
    "truncated_json",
    "expired_token",
    "redirect",
    "cut_at_line",
    "throttled",
    "internal_error",
]


@dataclass(slots=True)
class Fault:
    """Break requests of one vendor whose path starts with ``path``.

    The first ``after`` matching requests pass, the next ``times`` fail (None: all of them). ``retry_after`` is in
    seconds and used by the kinds named after it; ``location`` is where ``redirect`` points. ``throttled`` and
    ``internal_error`` are GraphQL's: an error under a 200.
    """

    vendor: str
    path: str
    kind: FaultKind
    times: int | None = 1
    after: int = 0
    retry_after: int = 1
    location: str = "https://elsewhere.example/"
    seen: int = 0

    def strikes(self, vendor: str, path: str) -> bool:
        """Count a request; True when this one is to fail."""
        if vendor != self.vendor or not path.startswith(self.path):
            return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


@dataclass(slots=True)
class Switches:
    """Changeable while the stand-ins run.

    ``latency_ms`` is added to every answer; ``rate_scale`` multiplies the vendor's real limits, None or 0 turns them
    off. Both are one number for all, or a mapping from vendor to number. ``bulk`` is how Shopify's bulk operations go,
    ``bulk_polls`` how often they are still running when somebody looks.
    """

    latency_ms: float | Mapping[str, float] = 0.0
    rate_scale: float | Mapping[str, float] | None = None
    faults: list[Fault] = field(default_factory=list)
    bulk: Literal["ok", "stuck", "fails"] = "ok"
    bulk_polls: int = 1

    def latency(self, vendor: str) -> float:
        """Milliseconds to wait before answering for ``vendor``."""
        return self.latency_ms.get(vendor, 0.0) if isinstance(self.latency_ms, Mapping) else self.latency_ms

    def scale(self, vendor: str) -> float:
        """What to multiply the limits of ``vendor`` by; 0 means no limits."""
        scale = self.rate_scale
        return (scale.get(vendor, 0.0) if isinstance(scale, Mapping) else scale) or 0.0

    def strike(self, vendor: str, path: str) -> Fault | None:
        """The first fault that hits this request; all of them count it."""
        hits = [fault for fault in self.faults if fault.strikes(vendor, path)]
        return hits[0] if hits else None


class Window:
    """A rolling limit: ``limit`` requests in ``seconds``."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self._times: deque[float] = deque()

    def take(self, scale: float) -> float | None:
        """Count a request; the seconds to wait when it is one too many, else None. Refused requests are not counted."""
        now = time.monotonic()
        while self._times and self._times[0] <= now - self.seconds:
            self._times.popleft()
        if len(self._times) >= self.scaled(scale):
            return self._times[0] + self.seconds - now
        self._times.append(now)
        return None

    def scaled(self, scale: float) -> int:
        """The limit in force."""
        return max(1, int(self.limit * scale))

    def remaining(self, scale: float) -> int:
        """Requests left in the current window."""
        return max(0, self.scaled(scale) - len(self._times))
