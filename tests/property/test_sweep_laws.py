"""A sweep finds what is gone and what was missed, whatever the listing leaves out and wherever it was stopped."""

import asyncio
from datetime import UTC, datetime
from unittest.mock import patch

import httpx
import orjson
from hypothesis import given
from hypothesis import strategies as st

from connectors import Connection, source
from connectors.client import Wiring
from connectors.spec import Budget
from connectors.sweeping import part_of
from connectors.windows import Window

HUBSPOT = source("hubspot")
AT = "2026-01-02T03:04:05Z"
numbers = st.sets(st.integers(1, 60), max_size=40)


class Portal:
    """Companies by number. Its search shows ``page`` of them at once and, for a while, not those that are ``late``."""

    def __init__(self, there, late, page):
        self.there, self.late, self.page = there, late, page

    def handle(self, request):
        body = orjson.loads(request.content)
        if request.url.path.endswith("/batch/read"):
            asked = [int(entry["id"]) for entry in body["inputs"]]
            return httpx.Response(207, json={"results": [company(n) for n in asked if n in self.there]})
        above = int(body["filterGroups"][0]["filters"][0]["value"])
        shown = sorted(n for n in self.there - self.late if n > above)
        paging = {"paging": {"next": {"after": "1"}}} if len(shown) > self.page else {}
        return httpx.Response(200, json={"results": [company(n) for n in shown[: self.page]], **paging})


def company(number):
    return {"id": str(number), "properties": {"hs_lastmodifieddate": AT}, "createdAt": AT, "updatedAt": AT}


def swept(portal, ours, *, after=0, until=None, parts=None):
    """The parts of a sweep, no more than ``parts``."""

    async def run():
        wiring = Wiring(transport=httpx.MockTransport(portal.handle))
        given = {"account": None, "base_url": None, "rate_scale": 10_000, "options": {}}
        found = []
        async with Connection(
            HUBSPOT, token="pat-x", clock=lambda: datetime(2026, 3, 1, tzinfo=UTC), wiring=wiring, **given
        ) as connection:
            async for part in connection.sweep(HUBSPOT.stream("companies"), sorted(ours), after=after, until=until):
                found.append(part)
                if len(found) == parts:
                    break
        return found

    with patch("connectors.sweeping.PART", 5):
        return asyncio.run(run())


def outcome(parts):
    gone = {int(id_) for part in parts for id_ in part.gone}
    read = {
        int(row["source_id"]) for part in parts for page in part.pages for rows in page.rows.values() for row in rows
    }
    return gone, read, sum(part.compared for part in parts)


@given(numbers, numbers, numbers, st.integers(1, 9))
def test_what_is_gone_and_what_was_missed_is_found_and_nothing_else(there, ours, late, page):
    gone, read, compared = outcome(swept(Portal(there, late, page), ours))
    assert gone == ours - there
    assert there - ours - late <= read <= there
    assert read <= (there - ours) | late
    assert compared == len(ours)


@given(numbers, numbers, st.integers(1, 9), st.integers(1, 5))
def test_stopped_after_any_part_and_gone_on_it_is_one_sweep(there, ours, page, parts):
    portal = Portal(there, set(), page)
    done, after = [], 0
    while after is not None:
        done += swept(portal, ours, after=after, parts=parts)
        after = done[-1].reached
    assert outcome(done) == outcome(swept(portal, ours))


@given(numbers, numbers, st.integers(1, 9))
def test_a_part_that_is_looked_at_alone_shows_what_it_showed_before(there, ours, page):
    portal = Portal(there, set(), page)
    for part in swept(portal, ours):
        alone = swept(portal, ours, after=part.after, until=part.reached)
        assert outcome(alone) == outcome([part])


@given(st.integers(1, 500), st.floats(1, 90_000), st.floats(0.001, 1))
def test_a_share_of_a_budget_is_never_more_than_that(limit, seconds, share):
    windows = part_of(Budget((Window(limit, seconds),)), share).windows
    slowest = min(window.limit / window.seconds for window in windows)
    assert Window(limit, seconds) in windows
    assert slowest <= limit / seconds * share * (1 + 1e-9) or len(windows) == 1
