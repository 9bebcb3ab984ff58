"""The sockets: calls that are under way at once each have a connection of their own.

The HTTP library's pool looks at all of its connections, and asks the system about each, whenever a call begins or
ends: with the dozens of calls at once that a vendor's budget allows, that cost as much as the rest of the call. A pool
of one connection has nothing to look through.
"""

from collections.abc import AsyncIterator

import httpx

_ONE = httpx.Limits(max_connections=1)


class Lanes(httpx.AsyncBaseTransport):
    """Sends every call through the connection that became free last, or through a new one.

    A connection whose call was given up or failed is closed: given up in the last moments of an answer, its pool would
    hold it for taken, and whoever came next would wait for it in vain.
    """

    def __init__(self) -> None:
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._free: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one call; its connection is free again once the answer is read to its end."""
        lane = self._free.pop() if self._free else self._another()
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            await lane.aclose()
            raise
        response.stream = _Taken(response.stream, lane, self._free)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        while self._free:
            await self._free.pop().aclose()

    def _another(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, limits=_ONE)


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
        self._is_read = self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._body:
            yield piece
        self._is_read = True

    async def aclose(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        is_free = False
        try:
            await self._body.aclose()
            is_free = self._is_read
        finally:
            if is_free:
                self._free.append(self._lane)
            else:
                await self._lane.aclose()
