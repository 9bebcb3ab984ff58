"""A connection to one account of one source: check it, and read its streams page by page."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from connectors.client import Client, Observer, Patience, Stats, Wiring
from connectors.errors import ConnectorError, RejectedError, RetriableError, SettingsError
from connectors.estimate import Estimate, estimate_first_load
from connectors.limits import Terms
from connectors.reading import Page, Reading, read_stream
from connectors.spec import Context, Json, Request, Source, Stream, Tokens
from connectors.sweeping import Part, sweep

_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_IMPATIENT = Patience(attempts=2, total_seconds=20.0)
"""For ``check``: a person is waiting."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether a source can be read.

    Attributes:
        ok: Everything the streams need may be read.
        sentence: What is wrong and where to repair it, or that all is well.
        scopes: Permissions that were found missing.
        details: Lines that help to configure the source.
        warnings: Sentences about what will not be read although nothing is wrong.
        rerun_helps: Nothing answered, which may be different later.
    """

    ok: bool
    sentence: str
    scopes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rerun_helps: bool = False


class Connection:
    """One account of ``source``. Use it as an async context manager.

    Args:
        source: What to connect to.
        token: The credential, in the form the source's page in docs/connectors describes, or where to get it anew.
        account: Subdomain or portal, where the address needs one.
        base_url: Scheme and host to use instead of the vendor's.
        rate_scale: Multiplies the vendor's published limits; above 1 only for stand-ins.
        options: What the operator configured for this source.
        clock: Gives the current time, with a zone.
        observer: Told of every call.
        wiring: What it stands on, where that is not the usual.

    Raises:
        SettingsError: The address cannot be made or would send the token in clear.
    """

    def __init__(
        self,
        source: Source,
        *,
        token: str | Tokens,
        account: str | None,
        base_url: str | None,
        rate_scale: float,
        options: Mapping[str, Any],
        clock: Callable[[], datetime],
        observer: Observer | None = None,
        wiring: Wiring | None = None,
    ) -> None:
        wiring = wiring or Wiring()
        self.source = source
        self._options = _checked_options(source, options)
        self._lookups: dict[str, Any] = {}
        self._terms = Terms(rate_scale, wiring.share)
        self._looking_up = asyncio.Lock()
        self._client = Client(
            source,
            token=_checked_token(source, token) if isinstance(token, str) else token,
            base_url=base_url or _address(source, account),
            terms=self._terms,
            clock=clock,
            observer=observer,
            wiring=wiring,
        )

    @property
    def stats(self) -> Stats:
        """Requests, retries, seconds throttled, absent features."""
        return self._client.stats

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def check(self) -> CheckResult:
        """Call each probe of the source once and say in one sentence what is wrong, if anything is."""
        missing: list[str] = []
        for probe in self.source.probes:
            try:
                await self._client.send(probe.request, absent_on=probe.absent_on, patience=_IMPATIENT)
            except RejectedError as error:
                if error.status == 403:  # noqa: PLR2004
                    missing += error.missing_scopes or (probe.scope,)
                    continue
                return _failed(error)
            except ConnectorError as error:
                return _failed(error)
        if missing:
            scopes = tuple(dict.fromkeys(missing))
            sentence = (
                f"{self.source.name}: the token lacks the permission {', '.join(scopes)}. {self.source.credential_help}"
            )
            return CheckResult(ok=False, sentence=sentence, scopes=scopes)
        return await self._described()

    async def _described(self) -> CheckResult:
        describe = self.source.describe
        try:
            lookups = {name: await self._lookup(name) for name in self.source.lookups}
        except ConnectorError as error:
            return _failed(error)
        warnings = self._warnings(lookups)
        return CheckResult(
            ok=True,
            sentence=" ".join([f"{self.source.name}: the token may read everything the streams need.", *warnings]),
            details=describe(lookups) if describe else (),
            warnings=warnings,
        )

    def _warnings(self, lookups: Mapping[str, Any]) -> tuple[str, ...]:
        warnings = self.source.warn(lookups) if self.source.warn else ()
        served, version = self._client.stats.served_version, self.source.version
        if served is None or version is None:
            return warnings
        sentence = f"{self.source.name} answers with version {served} of its API instead of {version.pinned}: update."
        return (*warnings, sentence)

    async def estimate(self) -> Estimate:
        """Ask, with one cheap call per stream, how much a first load would read."""
        return await estimate_first_load(self.source, self._fetch, terms=self._terms)

    async def read(
        self,
        stream: Stream,
        *,
        cursor: Json | None,
        since: datetime | None = None,
        retry_ids: Sequence[str] = (),
    ) -> AsyncGenerator[Page]:
        """Read ``stream`` from its cursor on. Several streams may be read at once, each within ``aclosing``.

        Args:
            stream: One of the source's streams.
            cursor: What the last committed page carried, or None for everything.
            since: Read from this moment regardless of the cursor, which then stays where it is.
            retry_ids: Quarantined records to ask for again first, where the vendor allows it.

        Raises:
            RetriableError: The vendor gave no answer within the patience.
            RejectedError: The vendor refuses.
            IncompleteError: Going on would lose records.
        """
        reading = await self._reading(stream, cursor=cursor, since=since, retry_ids=retry_ids)
        for part in (reading.again(retry_ids), (stream.read or read_stream)(reading)):
            async with aclosing(part) as pages:
                async for page in pages:
                    yield page

    async def again(self, stream: Stream, ids: Sequence[str]) -> AsyncGenerator[Page]:
        """Ask for quarantined records of ``stream`` again and for nothing else. Raises what ``read`` does."""
        reading = await self._reading(stream, retry_ids=ids)
        async for page in reading.again(ids):
            yield page

    async def sweep(
        self, stream: Stream, stored: Sequence[int], *, after: int = 0, until: int | None = None
    ) -> AsyncGenerator[Part]:
        """Find out what is gone from ``stream`` and what was never seen (see ``connectors.sweeping``).

        Args:
            stream: One of the source's streams, which declares a sweep.
            stored: Numbers of all records we have, ascending.
            after: Begin above this number.
            until: End with this number; by default with the last there is.
        """
        reading = await self._reading(stream)
        async for part in sweep(reading, stored, after=after, until=until):
            yield part

    async def _reading(
        self,
        stream: Stream,
        *,
        cursor: Json | None = None,
        since: datetime | None = None,
        retry_ids: Sequence[str] = (),
    ) -> Reading:
        context = Context(self._options, {name: await self._lookup(name) for name in stream.lookups})
        return Reading(stream, self._client, context=context, state=cursor, since=since, retry_ids=retry_ids)

    async def _lookup(self, name: str) -> Any:  # noqa: ANN401 - each lookup has its own type
        async with self._looking_up:  # streams that begin together ask for the same ones
            if name not in self._lookups:
                self._lookups[name] = await self.source.lookups[name](self._fetch, self._options)
        return self._lookups[name]

    async def _fetch(self, request: Request) -> Json:
        return await self._client.send(replace(request, purpose="setup")) or {}


def _checked_token(source: Source, token: str) -> str:
    if not token.isascii() or not token.isprintable() or not token.strip():
        raise SettingsError(
            f"{source.name}: the token is empty or holds characters no token has. {source.credential_help}"
        )
    return token.strip()


def _checked_options(source: Source, options: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := sorted(options.keys() - source.options):
        raise SettingsError(
            f"{source.name}: unknown options {', '.join(unknown)}; they would be ignored without a word. "
            f"Known: {', '.join(sorted(source.options)) or 'none'}. Correct them for this source in cdp.toml."
        )
    return dict(options)


def _address(source: Source, account: str | None) -> str:
    if "{account}" not in source.base_url:
        return source.base_url
    if account is None or not _ACCOUNT.fullmatch(account):
        raise SettingsError(
            f"{source.name}: account must be the part of your address before the vendor's domain, letters, digits and "
            f"hyphens only ({source.base_url}). Set it for this source in cdp.toml."
        )
    return source.base_url.replace("{account}", account)


def _failed(error: ConnectorError) -> CheckResult:
    return CheckResult(ok=False, sentence=str(error), rerun_helps=isinstance(error, RetriableError))
