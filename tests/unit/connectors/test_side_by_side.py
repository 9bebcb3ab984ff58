"""Doing several things at once, and stopping all of them at the first failure."""

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.side_by_side import merged, together, width_for


async def value(number, pauses=0):
    for _ in range(pauses):
        await asyncio.sleep(0)
    return number


@given(st.lists(st.integers(0, 5), max_size=8), st.integers(1, 4))
def test_results_come_in_the_order_of_the_work(pauses, width):
    work = [value(number, count) for number, count in enumerate(pauses)]
    assert asyncio.run(together(work, width=width)) == list(range(len(pauses)))


@pytest.mark.parametrize(
    ("per_second", "answer_seconds", "width"), [(19, 0.1, 16), (19, 1, 29), (200, 0.1, 30), (19, 0, 16), (19, 60, 32)]
)
def test_so_many_calls_are_under_way_that_the_limit_binds_and_not_the_latency(per_second, answer_seconds, width):
    assert width_for(per_second, answer_seconds) == width


def test_never_more_is_under_way_than_asked_for():
    under_way, most = set(), []

    async def one(number):
        under_way.add(number)
        most.append(len(under_way))
        await asyncio.sleep(0)
        under_way.remove(number)

    asyncio.run(together(map(one, range(10)), width=3))
    assert max(most) == 3


def test_the_first_failure_stops_the_rest_and_is_raised_as_it_is():
    ended = []

    async def endless():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    async def failing():
        await asyncio.sleep(0)
        raise ValueError("the first") from KeyError("its cause")

    with pytest.raises(ValueError, match="the first") as caught:
        asyncio.run(together([endless(), failing(), value(1)], width=2))
    assert ended == ["endless"]
    assert isinstance(caught.value.__cause__, KeyError)


def counting(name, count, log, fails=None):
    async def items():
        try:
            for number in range(count):
                await asyncio.sleep(0)
                if number == fails:
                    raise ValueError(name)
                log.append((name, number))
                yield name, number
        finally:
            log.append(f"{name} closed")

    return items


async def taken(readers, width, most=None):
    found = []
    async with aclosing(merged(readers, width=width)) as items:
        async for item in items:
            found.append(item)
            if len(found) == most:
                break
    return found


@given(st.lists(st.integers(0, 5), max_size=6), st.integers(1, 4))
def test_every_item_comes_once_and_those_of_a_reader_in_order(counts, width):
    readers = [counting(name, count, []) for name, count in enumerate(counts)]
    found = asyncio.run(taken(readers, width))
    assert sorted(found) == [(name, number) for name, count in enumerate(counts) for number in range(count)]
    for name in range(len(counts)):
        assert [item for item in found if item[0] == name] == sorted(item for item in found if item[0] == name)


def test_readers_that_nobody_takes_from_wait():
    log = []

    async def run():
        async with aclosing(merged([counting(name, 100, log) for name in "abc"], width=3)) as items:
            await anext(items)
            for _ in range(1000):
                await asyncio.sleep(0)
            return len(log)

    # One was taken, one lies ready, and each reader holds one.
    assert asyncio.run(run()) <= 5


@pytest.mark.parametrize("most", [1, 4])
def test_whoever_stops_taking_stops_the_readers(most):
    log = []
    assert len(asyncio.run(taken([counting(name, 100, log) for name in "abc"], 2, most=most))) == most
    assert {entry for entry in log if "closed" in entry} == {"a closed", "b closed"}


def test_a_reader_that_fails_stops_the_others_before_its_error_is_seen():
    log = []
    with pytest.raises(ValueError, match="b"):
        asyncio.run(taken([counting("a", 100, log), counting("b", 100, log, fails=3)], 2))
    assert log[-1] in {"a closed", "b closed"}
    assert {"a closed", "b closed"} <= set(log)
