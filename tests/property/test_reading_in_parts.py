"""Parts that are read side by side are the whole, whatever lies where and whenever reading stops."""

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import IncompleteError
from connectors.spans import CappedError, Piece, Span, read_in_parts

CAP = 5
DENSE = 1_000
clusters = st.lists(st.integers(0, 60) | st.integers(10_000, 10_060) | st.integers(0, 1_000_000), max_size=60)


class Capped:
    """A vendor with one record per moment listed, who shows no more than ``CAP`` of a window."""

    def __init__(self, moments):
        self.moments, self.windows = sorted(moments), []

    async def read(self, span):
        self.windows.append(span)
        found = [moment for moment in self.moments if span.start <= moment < span.end]
        for start in range(0, min(len(found), CAP) or 1, 2):
            await asyncio.sleep(0)
            is_last = start + 2 >= len(found) <= CAP
            page = found[start : start + 2]
            yield Piece(page, span if is_last else None, len(page))
        if len(found) > CAP:
            raise CappedError("no more than five")


class Ascending:
    """A vendor who lists by id from anywhere on, read two pages at a stretch."""

    def __init__(self, ids):
        self.ids, self.requests = sorted(set(ids)), 0

    async def read(self, span):
        at = span.start
        for _ in range(2):
            self.requests += 1
            await asyncio.sleep(0)
            page = [i for i in self.ids if i >= at][:3]
            inside = [i for i in page if span.end is None or i < span.end]
            beyond = [i for i in page if i not in inside]
            reached = beyond[0] if beyond else page[-1] + 1 if len(page) == 3 else None
            yield Piece(inside, Span(at, reached), len(inside))
            if reached is None or (span.end is not None and reached >= span.end):
                return
            at = reached


async def found_in(read, left, most=None, length=50, **further):
    """What is found, and what is left if reading stops after ``most`` items."""
    items, remaining, count = [], left, 0
    async with aclosing(read_in_parts(read, left, length=length, few=2, width=3, **further)) as parts:
        async for item, behind in parts:
            if count == most:
                break
            items += item
            remaining, count = behind, count + 1
    return items, remaining


@given(clusters, st.integers(0, 30), st.integers(1, 1000))
def test_windows_before_a_cap_bring_every_record_whatever_was_killed(moments, most, length):
    moments = [moment for moment in moments if moments.count(moment) <= CAP]
    vendor, whole = Capped(moments), [Span(0, 1_000_001)]
    before, left = asyncio.run(found_in(vendor.read, whole, most, length))
    after, rest = asyncio.run(found_in(vendor.read, left, None, length))
    assert set(before + after) == set(moments)
    assert rest == []


@given(clusters, st.integers(0, 30), st.integers(1, 1000))
def test_ranges_of_ids_bring_every_record_once_whatever_was_killed(ids, most, length):
    vendor, whole = Ascending(ids), [Span(0, 500_000), Span(500_000, None)]
    before, left = asyncio.run(found_in(vendor.read, whole, most, length))
    after, rest = asyncio.run(found_in(vendor.read, left, None, length))
    assert sorted(before + after) == sorted(set(ids))
    assert rest == []


def test_what_lies_empty_costs_a_request_and_what_is_dense_is_not_read_by_one_alone():
    vendor = Ascending([*range(30), 10**9, 10**9 + 1])
    asyncio.run(found_in(vendor.read, [Span(0, 10**10)], length=10))
    assert vendor.requests < 30


@pytest.mark.parametrize("is_held_back", [False, True])
def test_what_one_alone_is_left_with_is_shared_with_those_who_wait(is_held_back):
    """All records lie in the first of three parts: who finds nothing in the others helps, if the limit lets them."""
    readers = {}

    async def read(span):
        at = span.start
        while at < span.end:
            readers[asyncio.current_task()] = readers.get(asyncio.current_task(), 0) + 1
            for _ in range(10):  # an answer takes longer than handing one over
                await asyncio.sleep(0)
            reached = at + 10 if at < DENSE else span.end
            yield Piece([at], Span(at, reached), 1)
            at = reached

    dense = DENSE // 10
    items, _ = asyncio.run(found_in(read, [Span(0, 3 * DENSE)], length=DENSE, is_held_back=lambda: is_held_back))
    assert len({item for item in items if item < DENSE}) >= dense
    assert (max(readers.values()) < dense / 2) is not is_held_back


def test_windows_grow_where_little_is_and_shrink_at_the_cap():
    vendor = Capped([*range(1000, 1030)])
    asyncio.run(found_in(vendor.read, [Span(0, 100_000)], length=100))
    lengths = [span.end - span.start for span in vendor.windows]
    assert max(lengths) > 1000
    assert min(lengths) < 20


def test_more_in_one_moment_than_the_vendor_shows_is_an_error():
    vendor = Capped([7] * (CAP + 1))
    with pytest.raises(CappedError):
        asyncio.run(found_in(vendor.read, [Span(0, 100)]))


def test_a_part_of_which_nothing_can_be_called_done_is_an_error():
    async def read(_span):
        yield Piece([1], None, 1)

    with pytest.raises(IncompleteError, match="never end"):
        asyncio.run(found_in(read, [Span(0, 100)]))


ends = st.none() | st.integers(1, 10)
spans = st.builds(lambda start, size: Span(start, None if size is None else start + size), st.integers(0, 30), ends)


@given(spans, spans)
def test_a_span_without_another_holds_the_numbers_of_the_one_and_not_of_the_other(one, other):
    def numbers(span):
        return set(range(span.start, 60 if span.end is None else span.end))

    rest = one.without(other)
    assert [n for span in rest for n in sorted(numbers(span))] == sorted(numbers(one) - numbers(other))
