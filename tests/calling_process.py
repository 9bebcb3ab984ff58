"""A process that calls within a shared limit; started by tests/integration/database/test_limits.py.

Arguments: settings file, limit, seconds, calls. Prints the ledger's time of each call.
"""

import asyncio
import sys
from pathlib import Path

from cdp_pipelines.config import load_settings
from cdp_pipelines.database import SharedLedger, open_stores
from connectors import Budget
from connectors.limiter import Limiter
from connectors.limits import Terms
from connectors.windows import Window


class Noting(SharedLedger):
    """Notes the ledger's time of every change that was made."""

    async def change(self, names, step):
        moments = []

        def noted(states, now):
            moments[:] = [now]
            return step(states, now)

        found = await super().change(names, noted)
        self.last = moments[0]
        return found


async def main(settings, limit, seconds, calls):
    with open_stores(settings) as stores:
        ledger = Noting(stores.limits, "acme/default")
        limiter = Limiter(Budget((Window(limit, seconds),)), ledger, terms=Terms(), name="acme")
        for _ in range(calls):
            async with limiter.call("/x"):
                sys.stdout.write(f"[{ledger.last}]\n")
                sys.stdout.flush()


asyncio.run(main(load_settings(Path(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
