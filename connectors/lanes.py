"""The sockets: calls that are under way at once each have a connection of their own.

The HTTP library's pool looks at all of its connections, and asks the system about each, whenever a call begins or
ends: with the dozens of calls at once that a vendor's budget allows, that cost as much as the rest of the call. A pool
of one connection has nothing to look through.
"""

from collections.abc import AsyncIterator

import httpx

_ONE = httpx.Limits(max_connections=1)


class Lanes(httpx.AsyncBaseTransport):
    """Sends every call through the connection that became free last, or through a new one."""

    def __init__(self) -> None:
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._all: list[httpx.AsyncHTTPTransport] = []
        self._free: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one call; its connection is free again once the answer is read or closed."""
        lane = self._free.pop() if self._free else self._another()
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            self._free.append(lane)
            raise
        response.stream = _Taken(response.stream, lane, self._free)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for lane in self._all:
            await lane.aclose()

    def _another(self) -> httpx.AsyncHTTPTransport:
        lane = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, limits=_ONE)
        self._all.append(lane)
        return lane


class _Taken(httpx.AsyncByteStream):
    """The body of an answer; frees the connection it comes through when it is closed."""

    def __init__(
        self,
        body: httpx.SyncByteStream | httpx.AsyncByteStream,
        lane: httpx.AsyncHTTPTransport,
        free: list[httpx.AsyncHTTPTransport],
    ) -> None:
        if not isinstance(body, httpx.AsyncByteStream):
            raise TypeError("An asynchronous transport answers with an asynchronous body.")
        self._body, self._lane, self._free = body, lane, free
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._body)

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            if not self._is_closed:
                self._is_closed = True
                self._free.append(self._lane)
