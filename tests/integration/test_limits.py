"""A vendor that refuses what is too much, over real HTTP: its limit is learned from the headers and never passed."""

import asyncio
from datetime import UTC, datetime

from installations import HUBSPOT_TOKEN

from connectors import Connection, source
from connectors.spec import Request
from sandbox import World, running

STREAMS, CALLS = 4, 6


def test_a_limit_below_the_published_one_is_learned_in_time() -> None:
    with running(World(seed=4, customers=5), rate_scale=0.1) as vendors:  # 19 calls in ten seconds instead of 190

        async def stream(connection: Connection) -> None:
            for _ in range(CALLS):
                await connection._client.send(Request("/crm/v3/objects/contacts", {"limit": "1"}))

        async def run() -> str | None:
            async with Connection(
                source("hubspot"),
                token=HUBSPOT_TOKEN,
                account=None,
                base_url=vendors.urls["hubspot"],
                rate_scale=1,
                options={},
                clock=lambda: datetime.now(UTC),
            ) as connection:
                await asyncio.gather(*(stream(connection) for _ in range(STREAMS)))
                return connection.stats.binding

        assert asyncio.run(run()) == "calls in 10 s"
        assert [line.status for line in vendors.requests] == [200] * STREAMS * CALLS
