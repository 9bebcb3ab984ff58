"""The one HTTP client: credentials, budget, retry, redirects, the vendor's clock, and what may be logged.

It logs the path template, status, attempt and duration of each call: never a query, header or body.
"""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urljoin

import httpx
import orjson
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
)

from connectors.addresses import checked_base, checked_file
from connectors.answers import as_object, flaw, http_date, retry_after, vendor_code
from connectors.auth import Renewing
from connectors.bounds import ENCODING, MOST_BYTES, BoundedTransport, Bounds, TooLargeError, steadily
from connectors.errors import (
    ConnectorError,
    QuotaSpentError,
    RejectedError,
    RetriableError,
    UnreachableError,
)
from connectors.lanes import Lanes
from connectors.limiter import Limiter, LocalLedger, Turn
from connectors.limits import Ledger, Refused, Terms
from connectors.side_by_side import width_for
from connectors.spec import Json, Purpose, Request, Source, Tokens

log = logging.getLogger(__name__)

# Both log whole addresses, and one of them headers, for anyone who turns on their levels.
for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)

_MAX_REDIRECTS = 3
_CONNECTION_ATTEMPTS = 3
_VERSION = re.compile(r"[0-9A-Za-z.-]{1,20}")
_TOO_LARGE, _TOO_MANY = 413, 429


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may be repeated: bounded in attempts and in total seconds."""

    attempts: int = 7
    total_seconds: float = 900.0
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an observer is told, and what is logged, of one call."""

    path: str
    status: int | None
    number: int
    seconds: float
    purpose: Purpose = "read"


@dataclass(slots=True)
class Stats:
    """What a connection has done so far.

    Attributes:
        requests: Calls made.
        answer_seconds: How long answers took, all together.
        retries: Calls that had to be repeated.
        throttled_seconds: Time waited because the vendor allowed no more.
        waited: The same by limit; refusals without a limit of ours are left out.
        absent: Streams whose feature the account does not have.
        served_version: Version of the API that answered, if it is not the pinned one.
    """

    requests: int = 0
    answer_seconds: float = 0.0
    retries: int = 0
    throttled_seconds: float = 0.0
    waited: dict[str, float] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    served_version: str | None = None

    @property
    def binding(self) -> str | None:
        """The limit that was waited for longest, if any was."""
        return max(self.waited, key=lambda name: self.waited[name], default=None)

    def wait(self, waited: Mapping[str, float]) -> None:
        """Count the seconds one call waited, by limit."""
        for name, seconds in waited.items():
            self.waited[name] = self.waited.get(name, 0.0) + seconds
            self.throttled_seconds += seconds


Observer = Callable[[Attempt], None]


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a connection stands on; a ledger for all processes, or a test, brings its own.

    Attributes:
        ledger: Where it is counted what was used of the budget; by default within this connection.
        share: Share of the vendor's limits that is ours; the rest is for other tools.
        patience: How long calls are repeated.
        bounds: What one answer may cost.
        sleep: Waits.
        transport: Carries the calls; by default sockets.
    """

    ledger: Ledger | None = None
    share: float = 1.0
    patience: Patience = field(default_factory=Patience)
    bounds: Bounds = field(default_factory=Bounds)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    transport: httpx.AsyncBaseTransport | None = None


def is_retriable(status: int) -> bool:
    """Whether the same call may succeed later.

    Timeouts (408), locks (423), limits (429), a moving account (477) and faults of the server. Not every status
    that isn't 4xx: 530 is what an edge answers to a malformed token, and stays wrong.
    """
    return status in {408, 423, 429, 477} or 500 <= status < 530  # noqa: PLR2004


class Client:
    """Calls one vendor. Made by ``Connection``, which closes it."""

    def __init__(
        self,
        source: Source,
        *,
        token: str | Tokens,
        base_url: str,
        terms: Terms,
        clock: Callable[[], datetime],
        observer: Observer | None,
        wiring: Wiring,
    ) -> None:
        self.source, self.stats = source, Stats()
        self._base = checked_base(source.name, base_url)
        # A stand-in or proxy serves them all.
        self._hosts = source.hosts if base_url == source.base_url else {}
        self._observer, self._clock, self._wiring = observer, clock, wiring
        self._limiter = Limiter(
            source.budget, wiring.ledger or LocalLedger(), terms=terms, name=source.name, sleep=wiring.sleep
        )
        self._skew = timedelta()
        self._meter = source.meter() if source.meter else None
        self._http = httpx.AsyncClient(
            auth=source.auth(token) if isinstance(token, str) else Renewing(source.auth, token),
            headers={"Accept": "application/json", "Accept-Encoding": ENCODING},
            timeout=wiring.bounds.timeout,
            transport=BoundedTransport(wiring.transport or Lanes()),
            trust_env=False,  # else ~/.netrc could send other credentials than the configured ones
        )

    async def close(self) -> None:
        """Close the sockets."""
        await self._http.aclose()

    def vendor_now(self) -> datetime:
        """The time by the vendor's clock, as far as its last answer told, or by ours if that is earlier.

        A cursor made of too early a time only costs; one made of too late a time loses what changed before it.
        """
        return self._clock().astimezone(UTC) + min(self._skew, timedelta())

    def width(self, path: str) -> int:
        """How many calls of ``path`` must be under way for the vendor's limit, and not its slowness, to bind."""
        answer_seconds = self.stats.answer_seconds / max(1, self.stats.requests)
        return width_for(self._limiter.per_second(path), answer_seconds)

    def is_held_back(self, path: str) -> bool:
        """Whether calls of ``path`` wait for the vendor's limit now."""
        return self._limiter.is_waited_for(path)

    async def send(
        self, request: Request, *, absent_on: Collection[int] = (), patience: Patience | None = None
    ) -> Json | None:
        """Call until there is an answer.

        Args:
            request: What to ask.
            absent_on: Statuses that mean "there is no such feature here" and give None, unless a scope is missing.
            patience: How long to repeat, if not the usual.

        Raises:
            UnreachableError: No connection after a few attempts; a host that is not there does not come by waiting.
            RetriableError: No answer within the patience.
            RejectedError: The vendor refuses, or points to another host.
        """
        patience = patience or self._wiring.patience
        spent = stop_after_attempt(patience.attempts) | stop_before_delay(patience.total_seconds)
        retrying = AsyncRetrying(
            sleep=self._wiring.sleep,
            retry=retry_if_exception(lambda error: isinstance(error, RetriableError) and error.wait_here),
            wait=lambda state: _wait_seconds(state, patience),
            stop=lambda state: spent(state) or _nobody_there(state),
            before_sleep=self._count_retry,
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                return await self._once(request, absent_on, attempt.retry_state.attempt_number)
        raise AssertionError("tenacity ends by returning or raising")  # pragma: no cover

    def _count_retry(self, state: RetryCallState) -> None:
        self.stats.retries += 1
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RetriableError) and error.status == _TOO_MANY and state.next_action:
            self.stats.throttled_seconds += state.next_action.sleep

    async def rest(self, seconds: float) -> None:
        """Wait, as long as the vendor works on something."""
        await self._wiring.sleep(seconds)

    @asynccontextmanager
    async def file(self, url: str, label: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The content of a file the vendor has put elsewhere, as it arrives. Its address is a secret; the token stays.

        Args:
            url: Where it is.
            label: What to call it in the log and in errors.

        Raises:
            RetriableError: It did not come whole.
            RejectedError: It is not there.
        """
        started, status = time.perf_counter(), None
        self.stats.requests += 1
        try:
            async with self._http.stream("GET", checked_file(self.source.name, url), auth=None) as response:
                status = response.status_code
                if not response.is_success:
                    raise self._error(Request(label), response)
                yield steadily(response.aiter_bytes(), self._wiring.bounds)
        except httpx.RequestError as error:
            raise RetriableError(
                f"{self.source.name} {label}: {type(error).__name__} while reading the file, so it ended early. "
                "Run again."
            ) from None
        finally:
            self._report(Attempt(label, status, 1, time.perf_counter() - started))

    async def _once(self, request: Request, absent_on: Collection[int], number: int) -> Json | None:
        """One attempt, following redirects within the host; each call of it waits for its turn."""
        price = self._meter.price(request) if self._meter else None
        # Put together here: the HTTP library would parse the address twice, letter by letter, at every page.
        base = self._base_of(request.path)
        url = base + request.path + (f"?{urlencode(request.params)}" if request.params else "")
        for _ in range(_MAX_REDIRECTS + 1):
            async with self._limiter.call(request.path, price) as turn:
                self.stats.wait(turn.waited)
                response = await self._exchange(request, url, number)
                self._heed(response, turn)
                if not response.has_redirect_location:
                    return self._judge(request, response, absent_on, turn)
            url = urljoin(url, response.headers["Location"])
            if not url.startswith(base + "/"):
                raise RejectedError(
                    f"{self._what(request)}: redirected to another host, which must not see the token. "
                    "Check the account or base_url in the configuration.",
                    status=response.status_code,
                )
        raise RejectedError(f"{self._what(request)}: more than {_MAX_REDIRECTS} redirects, so it leads nowhere.")

    def _judge(self, request: Request, response: httpx.Response, absent_on: Collection[int], turn: Turn) -> Json | None:
        if response.is_success:
            return self._answer(request, self._json(request, response), turn)
        error = self._error(request, response)
        if response.status_code == _TOO_MANY:
            turn.answer.refused = Refused(error.retry_after_seconds, as_object(response.content).get("policyName"))
        if response.status_code in absent_on and isinstance(error, RejectedError) and not error.missing_scopes:
            return None
        raise error

    def _base_of(self, path: str) -> str:
        beginnings = [beginning for beginning in self._hosts if path.startswith(beginning)]
        return self._hosts[max(beginnings, key=len)] if beginnings else self._base

    async def _exchange(self, request: Request, url: str, number: int) -> httpx.Response:
        started = time.perf_counter()
        status = None
        self.stats.requests += 1
        bounds = self._wiring.bounds
        try:
            content = None if request.json is None else orjson.dumps(request.json)
            headers = {} if content is None else {"Content-Type": "application/json"}
            # The HTTP library's own timeouts begin again with every byte.
            async with asyncio.timeout(bounds.answer_seconds):
                response = await self._http.request(
                    "GET" if content is None else "POST",
                    url,
                    content=content,
                    headers=headers,
                    extensions={MOST_BYTES: bounds.page_bytes},
                )
            status = response.status_code
            # It is read. The stream and the answer hold each other, and with them a page until garbage is collected.
            response.stream = httpx.ByteStream(b"")
        except (httpx.RequestError, TimeoutError, TooLargeError) as error:
            # from None: messages of the HTTP library may quote the address that was called.
            raise self._unanswered(request, url, error) from None
        else:
            return response
        finally:
            seconds = time.perf_counter() - started
            self.stats.answer_seconds += seconds
            self._report(Attempt(request.path, status, number, seconds, request.purpose))

    def _unanswered(self, request: Request, url: str, error: Exception) -> ConnectorError:
        """What it means that no whole answer came."""
        what, bounds = self._what(request), self._wiring.bounds
        if isinstance(error, TooLargeError):
            return RejectedError(
                f"{what}: the answer is longer than {bounds.page_bytes >> 20} MB, so it was not read to its end. "
                f"Compare docs/connectors/{self.source.name}.md with the vendor's changelog.",
                status=_TOO_LARGE,
            )
        if isinstance(error, TimeoutError):
            return RetriableError(
                f"{what}: the answer had not ended after {bounds.answer_seconds:.0f} s, so it was given up. Check the "
                "network, then run again."
            )
        unconnected = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        return (UnreachableError if unconnected else RetriableError)(
            f"{what}: {type(error).__name__} while talking to {httpx.URL(url).host}, so there is no answer. Check the "
            "network and the account or base_url in the configuration, then run again."
        )

    def _report(self, attempt: Attempt) -> None:
        log.info(
            "%s %s status=%s attempt=%d %.3fs",
            self.source.name,
            attempt.path,
            attempt.status,
            attempt.number,
            attempt.seconds,
        )
        if self._observer:
            self._observer(attempt)

    def _heed(self, response: httpx.Response, turn: Turn) -> None:
        """Take the vendor's clock and its limits from the headers."""
        if date := http_date(response.headers.get("Date")):
            self._skew = date - self._clock().astimezone(UTC)
        turn.answer.headers = response.headers
        self._notice_version(response)

    def _notice_version(self, response: httpx.Response) -> None:
        """Vendors answer with another version when the pinned one is no longer served."""
        version = self.source.version
        served = response.headers.get(version.header) if version else None
        if not version or not served or served == version.pinned or not _VERSION.fullmatch(served):
            return
        if self.stats.served_version != served:
            self.stats.served_version = served
            log.warning(
                "%s answers with version %s of its API instead of %s: update this program.",
                self.source.name,
                served,
                version.pinned,
            )

    def _answer(self, request: Request, body: Json, turn: Turn) -> Json:
        """The body, unless it says that it is none."""
        if self._meter:
            turn.answer.points = self._meter.read(request, body)
        refused = self.source.refusal(body) if self.source.refusal else None
        if refused is None:
            return body
        seen = f"{self._what(request)}: answered with the error {refused.code or 'without a code'}"
        raise self._judged(seen, refused.status, body, refused.retry_after_seconds)

    def _json(self, request: Request, response: httpx.Response) -> Json:
        """The body, whatever the headers call it."""
        try:
            body = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            raise RetriableError(
                f"{self._what(request)}: {flaw(response)}, so the answer was cut short or is not the vendor's. Run "
                "again; if it stays, look for a proxy.",
                status=response.status_code,
            )
        return body

    def _error(self, request: Request, response: httpx.Response) -> ConnectorError:
        status, body = response.status_code, as_object(response.content)
        code = vendor_code(body)
        seen = f"{self._what(request)}: status {status}{f' ({code})' if code else ''}"
        if status == _TOO_MANY and body.get("policyName") == "DAILY":
            return QuotaSpentError(
                f"{seen}. The vendor's quota of the day is spent; run again after its midnight.", status=status
            )
        if self.source.hopeless and (advice := self.source.hopeless(body)):
            general = RejectedError(f"{seen}: {advice}", status=status)
            general.is_general = True
            return general
        return self._judged(seen, status, body, retry_after(response, body))

    def _judged(self, seen: str, status: int, body: Json, wait: float | None) -> ConnectorError:
        if is_retriable(status):
            hint = f" The vendor asks to wait {wait:.0f} s." if wait is not None else ""
            sentence = f"{seen}: the vendor cannot answer now.{hint} Run again later."
            return RetriableError(sentence, status=status, retry_after_seconds=wait)
        return self._refusal(seen, status, body)

    def _refusal(self, seen: str, status: int, body: Json) -> RejectedError:
        missing = self.source.missing_scopes(body)
        if missing:
            advice = f"the token lacks the permission {', '.join(missing)}"
        elif status in self.source.advice:
            advice = self.source.advice[status]
        elif status in {401, 530}:
            advice = "the token is wrong, expired or withdrawn"
        elif status == 403:  # noqa: PLR2004
            advice = "the token's owner may not read this"
        else:
            page = f"docs/connectors/{self.source.name}.md"
            advice = f"asking again would not help; compare {page} with the vendor's changelog"
        if self.stats.served_version and self.source.version:
            served, pinned = self.stats.served_version, self.source.version.pinned
            advice += f"; version {served} answered instead of {pinned}, so this program may be too old"
        help_ = f" {self.source.credential_help}" if missing or status in {401, 403, 530} else ""
        error = RejectedError(f"{seen}: {advice}.{help_}", status=status)
        error.missing_scopes = missing
        return error

    def _what(self, request: Request) -> str:
        return f"{self.source.name} {request.path}"


def _nobody_there(state: RetryCallState) -> bool:
    """Whether a few attempts have shown that nothing listens at the address."""
    error = state.outcome.exception() if state.outcome else None
    return isinstance(error, UnreachableError) and state.attempt_number >= _CONNECTION_ATTEMPTS


def _wait_seconds(state: RetryCallState, patience: Patience) -> float:
    """Exactly what the vendor asks for; else twice as long each time, with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RetriableError) and error.retry_after_seconds is not None:
        return error.retry_after_seconds
    longest = float(min(patience.longest_wait_seconds, patience.first_wait_seconds * 2 ** (state.attempt_number - 1)))
    # Between half and all of it, from the clock: spreading clients apart needs no better randomness.
    return longest * (0.5 + time.monotonic() % 1 / 2)
