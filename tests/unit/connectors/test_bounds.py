"""What one answer may cost: bytes, pieces, seconds; and that bounding it changes no byte of a sound one."""

import asyncio
import gzip
import itertools

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import IncompleteError, Patience, RejectedError, RetriableError, Wiring
from connectors.bounds import MOST_BYTES, BoundedTransport, Bounds, TooLargeError, steadily

MEGABYTE = 1 << 20


class Chunks(httpx.AsyncByteStream):
    """A body in chunks; counts those that were asked for."""

    def __init__(self, chunks):
        self._chunks, self.asked = chunks, 0

    async def __aiter__(self):
        for chunk in self._chunks:
            self.asked += 1
            yield chunk


def answered(stream, *, encoding="gzip", most=None):
    """The pieces a client gets of such an answer."""

    def answer(_request):
        return httpx.Response(200, headers={"Content-Encoding": encoding}, stream=stream)

    async def run():
        async with httpx.AsyncClient(transport=BoundedTransport(httpx.MockTransport(answer))) as client:
            extensions = {} if most is None else {MOST_BYTES: most}
            async with client.stream("GET", "https://acme.example/", extensions=extensions) as response:
                return [piece async for piece in response.aiter_bytes()]

    return asyncio.run(run())


def cut(body, places):
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:stop] for start, stop in itertools.pairwise(edges)]


@given(st.lists(st.binary(max_size=300), max_size=3), st.lists(st.integers(0, 2000), max_size=4))
def test_content_is_the_same_however_it_is_compressed_and_cut(members, places):
    body = b"".join(gzip.compress(member) for member in members)
    assert b"".join(answered(Chunks(cut(body, places)))) == b"".join(members)


@given(st.binary(min_size=1, max_size=300), st.integers(1, 20))
def test_a_compressed_body_without_its_end_is_noticed(content, missing):
    with pytest.raises(httpx.DecodingError):
        answered(Chunks([gzip.compress(content)[:-missing]]))


def test_what_is_not_gzip_although_it_says_so_is_noticed():
    with pytest.raises(httpx.DecodingError, match="not what gzip writes"):
        answered(Chunks([b'{"plain": 1}']))


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_a_compression_nobody_asked_for_is_refused_unread(encoding):
    stream = Chunks([b"x"])
    with pytest.raises(httpx.DecodingError, match="not asked for"):
        answered(stream, encoding=encoding)
    assert stream.asked == 0


def test_a_bomb_goes_off_in_small_pieces_and_only_up_to_the_limit():
    bomb = gzip.compress(b" " * (24 * MEGABYTE))
    stream = Chunks(cut(bomb, range(0, len(bomb), 1024)))
    with pytest.raises(TooLargeError):
        answered(stream, most=4 * MEGABYTE)
    assert stream.asked < 7
    assert max(len(piece) for piece in answered(Chunks([bomb]))) == MEGABYTE


def test_a_long_body_is_read_up_to_the_limit_and_not_on():
    stream = Chunks([b" " * MEGABYTE] * 50)
    with pytest.raises(TooLargeError):
        answered(stream, encoding="identity", most=3 * MEGABYTE)
    assert stream.asked == 4


def test_a_body_as_long_as_the_limit_is_fine():
    content = bytes(range(250)) * 4
    assert b"".join(answered(Chunks([gzip.compress(content)]), most=1000)) == content


class Clock:
    """Time that passes when a chunk is waited for, or when somebody works on one."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    async def chunks(self, *waits, size):
        for wait in waits:
            self.now += wait
            yield b"x" * size


async def taken(clock, chunks, *, work=0.0):
    count = 0
    async for _ in steadily(chunks, Bounds(answer_seconds=10, file_bytes_per_second=100), clock):
        count += 1
        clock.now += work
    return count


def test_a_file_that_drips_is_given_up():
    clock = Clock()
    with pytest.raises(httpx.ReadTimeout):
        asyncio.run(taken(clock, clock.chunks(*[1] * 50, size=99)))
    assert clock.now == 10


@pytest.mark.parametrize(("waits", "work"), [([1] * 50, 0), ([9, *[0.1] * 500], 0), ([0.1] * 30, 1000)])
def test_a_file_that_comes_steadily_may_take_long_and_so_may_its_reader(waits, work):
    clock = Clock()
    assert asyncio.run(taken(clock, clock.chunks(*waits, size=200), work=work)) == len(waits)


async def _never(_request):
    await asyncio.Event().wait()


def test_an_answer_that_does_not_end_is_given_up_and_asked_for_again(vendor):
    there = vendor({})
    wiring = Wiring(
        sleep=there.sleep,
        transport=httpx.MockTransport(_never),
        patience=Patience(attempts=3),
        bounds=Bounds(answer_seconds=0.001),
    )
    with pytest.raises(
        RetriableError, match=r"acme /companies: the answer had not ended after 0 s, so it was given up"
    ):
        there.read(wiring=wiring)
    assert [attempt.number for attempt in there.attempts] == [1, 2, 3]


SIZED = {"per_page": "8"}


@pytest.mark.parametrize("answer", [httpx.Response(413), TooLargeError()], ids=["refused", "not read to its end"])
def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones(vendor, vary, company, answer):
    whole = {"companies": [company(1)], "after_cursor": "end", "end_of_stream": True}
    there = vendor(answer, answer, whole, source=vary(params=SIZED))
    assert [page.records for page in there.read()] == [1]
    assert [query["per_page"] for query in there.queries] == ["8", "4", "2"]


def test_a_single_record_that_is_too_large_is_said(vendor, vary):
    there = vendor(TooLargeError(), source=vary(params=SIZED))
    with pytest.raises(RejectedError, match="longer than 32 MB, so it was not read to its end") as caught:
        there.read()
    assert [query["per_page"] for query in there.queries] == ["8", "4", "2", "1"]
    assert caught.value.status == 413
    assert not isinstance(caught.value, IncompleteError)
