"""What can go wrong on purpose, and how fast the stand-ins allow themselves to be asked."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

FAULTS: Mapping[str, str] = {
    # an answer instead of the vendor's
    "expired_token": "401: the token has ended",
    "forbidden": "403: this may not be read",
    "not_found": "404: this does not exist",
    "conflict": "409",
    "too_large": "413",
    "expired_cursor": "400: the vendor no longer knows the place to go on from",
    "429": "429 without a word on how long to wait",
    "429_retry_after": "429 with `Retry-After` in seconds",
    "429_retry_date": "429 with `Retry-After` as a date",
    "500": "500",
    "502_html": "502 with a page of HTML",
    "503": "503",
    "503_retry_after": "503 with `Retry-After` in seconds",
    "login_page": "a page of HTML under a 200",
    "empty_200": "nothing at all under a 200",
    "redirect": "a redirect to `location`",
    "throttled": "GraphQL's 429 under a 200",
    "internal_error": "GraphQL's 500 under a 200",
    # what happens to an answer on its way
    "slow_first_byte": "`seconds` of silence before the answer",
    "slow_drip": "`seconds` of silence before each twentieth of the body",
    "cut_before_body": "the connection ends behind the headers",
    "cut_in_body": "the connection ends in the middle of the body",
    "truncated_json": "correct length, half the text",
    "cut_at_line": "correct length, half the lines: for files of JSON lines",
    "invalid_utf8": "a byte that no UTF-8 has",
    "wrong_content_type": "JSON that is called HTML",
    "huge_body": "`megabytes` of white space behind the text",
    "gzip_bomb": "the same, compressed to a thousandth",
    "clock_skew": "a `Date` header that is wrong by `seconds`",
    # what is wrong with the page itself
    "repeated_page": "the answer before this one once more, and with it the place to go on from",
    "duplicated_records": "every record of the page twice",
    "skipped_page": "a page without its records but the last",
    "out_of_order": "the records of the page backwards",
    "late_update": "the records called `ids` are not on the page yet",
    "silent_delete": "the records called `ids` are on no page",
    "local_times": "times as they are in Berlin, with their offset",
    "naive_times": "times as they are in Berlin, without a word on where",
    "numbers_as_strings": "every number in the page's records as text",
    "nulls": "null in `name` of each record",
    "retyped": "a list in `name` of each record",
}
"""What can be switched on, and what it is."""


@dataclass(slots=True)
class Fault:
    """Break requests of one vendor whose path starts with ``path`` and whose body holds ``body``.

    The first ``after`` matching requests pass, the next ``times`` fail (None: all of them). What the other settings
    mean is in ``FAULTS``; ``retry_after`` is in seconds, ``name`` is a key at any depth of a record, and ``ids``, where
    it is given, names the only records that suffer.

    Raises:
        ValueError: There is no such kind.
    """

    vendor: str
    path: str
    kind: str
    times: int | None = 1
    after: int = 0
    body: str = ""
    retry_after: int = 1
    location: str = "https://elsewhere.example/"
    seconds: float = 1.0
    megabytes: int = 50
    name: str = ""
    ids: Sequence[str] = ()
    seen: int = 0

    def __post_init__(self) -> None:
        """Refuse what would never strike."""
        if self.kind not in FAULTS:
            message = f"there is no fault {self.kind!r}; these there are: {', '.join(FAULTS)}"
            raise ValueError(message)

    def strikes(self, vendor: str, path: str, body: bytes) -> bool:
        """Count a request; True when this one is to fail."""
        if vendor != self.vendor or not path.startswith(self.path) or self.body.encode() not in body:
            return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


@dataclass(slots=True)
class Switches:
    """Changeable while the stand-ins run.

    ``latency_ms`` is added to every answer; ``rate_scale`` multiplies the vendor's real limits, None or 0 turns them
    off. Both are one number for all, or a mapping from vendor to number. ``page_size`` is the most records a page
    holds, where the vendors would give more. ``bulk`` is how Shopify's bulk operations go, ``bulk_polls`` how often
    they are still running when somebody looks.
    """

    latency_ms: float | Mapping[str, float] = 0.0
    rate_scale: float | Mapping[str, float] | None = None
    faults: list[Fault] = field(default_factory=list)
    bulk: Literal["ok", "stuck", "fails"] = "ok"
    bulk_polls: int = 1
    page_size: int | None = None

    def latency(self, vendor: str) -> float:
        """Milliseconds to wait before answering for ``vendor``."""
        return self.latency_ms.get(vendor, 0.0) if isinstance(self.latency_ms, Mapping) else self.latency_ms

    def scale(self, vendor: str) -> float:
        """What to multiply the limits of ``vendor`` by; 0 means no limits."""
        scale = self.rate_scale
        return (scale.get(vendor, 0.0) if isinstance(scale, Mapping) else scale) or 0.0

    def strike(self, vendor: str, path: str, body: bytes) -> Fault | None:
        """The first fault that hits this request; all of them count it."""
        hits = [fault for fault in self.faults if fault.strikes(vendor, path, body)]
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
