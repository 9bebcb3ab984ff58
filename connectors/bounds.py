"""What one answer may cost at most, in bytes and in seconds, whatever is at the other end.

Compression is undone here, a piece at a time, and not by the HTTP library: a few kilobytes can stand for gigabytes,
and the library hands on all that a chunk holds at once. So only gzip is asked for and taken.
"""

import time
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx

ENCODING = "gzip"
_MEGABYTE = 1 << 20
_PIECE = _MEGABYTE
_GZIP_HEADER = 31
"""``wbits`` of zlib for a stream with a gzip header."""
MOST_BYTES = "cdp_most_bytes"
"""Extension of a request that says how long its answer may be."""


class TooLargeError(Exception):
    """The answer is longer than the request allows."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much an answer may hold and how long it may take.

    Attributes:
        connect_seconds: Until there is a connection.
        silence_seconds: Without a byte.
        answer_seconds: From the call to the last byte of a page.
        page_bytes: Length of a page, after decompression.
        file_bytes_per_second: Slowest that a file may come, on the average of ``answer_seconds``; files have no length.
    """

    connect_seconds: float = 10.0
    silence_seconds: float = 60.0
    answer_seconds: float = 300.0
    page_bytes: int = 32 * _MEGABYTE
    file_bytes_per_second: int = 1024

    @property
    def timeout(self) -> httpx.Timeout:
        """As the HTTP library takes it."""
        return httpx.Timeout(self.silence_seconds, connect=self.connect_seconds)


class BoundedTransport(httpx.AsyncBaseTransport):
    """Decompresses answers and ends those that get longer than their request allows.

    Args:
        inner: Carries the calls.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one call.

        Raises:
            DecodingError: The answer is compressed in a way that was not asked for.
        """
        response = await self._inner.handle_async_request(request)
        encoding = response.headers.pop("Content-Encoding", "identity").strip().lower()
        if encoding not in {"identity", ENCODING, ""}:
            await response.aclose()
            raise httpx.DecodingError("compressed in a way that was not asked for", request=request)
        if isinstance(response.stream, httpx.AsyncByteStream):
            most = request.extensions.get(MOST_BYTES)
            response.stream = _Bounded(response.stream, most, is_gzip=encoding == ENCODING)
        return response

    async def aclose(self) -> None:
        """Close what carries the calls."""
        await self._inner.aclose()


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, most: int | None, *, is_gzip: bool) -> None:
        self._stream, self._most, self._is_gzip = stream, most, is_gzip

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most
        async for piece in _inflated(self._stream) if self._is_gzip else self._stream:
            if left is not None:
                left -= len(piece)
                if left < 0:
                    raise TooLargeError
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _inflated(chunks: AsyncIterator[bytes] | httpx.AsyncByteStream) -> AsyncIterator[bytes]:
    """The content of a gzip stream, of one member or several, in pieces of at most a megabyte.

    Raises:
        DecodingError: It is no such stream, or its end is missing.
    """
    inflater, is_whole = zlib.decompressobj(_GZIP_HEADER), True
    try:
        async for chunk in chunks:
            rest = chunk
            while rest:
                if inflater.eof:
                    inflater = zlib.decompressobj(_GZIP_HEADER)
                yield inflater.decompress(rest, _PIECE)
                rest, is_whole = inflater.unused_data or inflater.unconsumed_tail, inflater.eof
    except zlib.error:
        raise httpx.DecodingError("not what gzip writes") from None
    if not is_whole:
        raise httpx.DecodingError("the end of the compressed body is missing")


async def steadily(
    chunks: AsyncIterator[bytes], bounds: Bounds, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[bytes]:
    """A file as it comes, as long as it comes fast enough. Only waiting counts, not what the reader does meanwhile.

    Raises:
        ReadTimeout: It drips.
    """
    waited, came = 0.0, 0
    while True:
        began = clock()
        chunk = await anext(chunks, b"")
        if not chunk:
            return
        waited, came = waited + clock() - began, came + len(chunk)
        if waited >= bounds.answer_seconds:
            if came < waited * bounds.file_bytes_per_second:
                raise httpx.ReadTimeout("the file drips")
            waited, came = 0.0, 0
        yield chunk
