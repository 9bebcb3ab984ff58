"""What a first load would cost: known, unknown, and the limit that decides."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from connectors import Budget
from connectors.spec import Request, Window


def counting(path="/count"):
    async def count(fetch):
        return (await fetch(Request(path)))["total"]

    return count


@pytest.fixture
def estimate(vendor):
    def run(*script, source, **changes):
        async def ask(answering):
            async with answering.connection(**changes) as connection:
                return await connection.estimate()

        return asyncio.run(ask(vendor(*script, source=source)))

    return run


def test_records_become_requests_and_hours_under_the_slowest_limit(vary, estimate):
    source = replace(
        vary(count=counting(), per_request=50),
        budget=Budget(windows=(Window(100, 1), Window(10, 60, within="/companies"), Window(1, 3600, within="/search"))),
    )

    found = estimate({"total": 1201}, source=source)

    assert (found.records, found.requests, found.unknown) == (1201, 25, ())
    assert found.hours == pytest.approx(25 / 10 / 60)
    assert estimate({"total": 1201}, source=source, rate_scale=2).hours == pytest.approx(25 / 20 / 60)


def test_an_empty_stream_takes_one_request_all_the_same(vary, estimate):
    assert estimate({"total": 0}, source=vary(count=counting())).requests == 1


@pytest.mark.parametrize("answer", [httpx.Response(404, json={}), httpx.Response(403, json={}), {"total": None}])
def test_what_the_vendor_does_not_say_is_unknown(vary, estimate, answer):
    found = estimate(answer, source=vary(count=counting()))

    assert (found.records, found.requests, found.unknown, found.hours) == (0, 0, ("companies",), 0)


def test_a_stream_that_cannot_be_counted_is_not_asked_for(vary, estimate):
    assert estimate(AssertionError("asked"), source=vary()).unknown == ("companies",)
