"""What all processes of an account count together: nothing is lost to a kill, a lock or a damaged file."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from cdp_pipelines.config import Settings
from cdp_pipelines.database import SharedLedger, Stores, forget_limits, open_stores

CALLER = Path(__file__).parents[2] / "calling_process.py"
LIMIT, SECONDS = 40, 2.0


def counting(states, now):
    return [{"calls": states[0].get("calls", 0) + 1}], now


def change(ledger, step=counting, names=("x",)):
    return asyncio.run(ledger.change(names, step))


def test_what_one_process_counts_the_others_see(stores: Stores, settings: Settings) -> None:
    before = time.time()
    change(SharedLedger(stores.limits, "acme/default"))
    with open_stores(settings) as again:
        ledger = SharedLedger(again.limits, "acme/default")
        now = change(ledger)
        assert change(ledger, lambda states, _: (None, states), ("x", "y")) == [{"calls": 2}, {}]
        assert change(SharedLedger(again.limits, "acme/other"), lambda states, _: (None, states)) == [{}]
    assert abs(now - before) < 60


def test_what_was_counted_for_a_source_is_forgotten_and_nothing_else(stores: Stores) -> None:
    forget_limits(stores.limits, "acme")  # before anything was counted
    for account in ("acme/default", "acme/other", "acme_two/default"):
        change(SharedLedger(stores.limits, account))
    forget_limits(stores.limits, "acme")
    left = {
        account: change(SharedLedger(stores.limits, account), lambda states, _: (None, states))
        for account in ("acme/default", "acme/other", "acme_two/default")
    }
    assert left == {"acme/default": [{}], "acme/other": [{}], "acme_two/default": [{"calls": 1}]}


def test_a_step_that_fails_changes_nothing(stores: Stores) -> None:
    ledger = SharedLedger(stores.limits, "acme/default")
    change(ledger)

    def fails(_states, _now):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change(ledger, fails)
    assert change(ledger, lambda states, _: (None, states)) == [{"calls": 1}]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_damaged_file_is_begun_anew(stores: Stores, settings: Settings) -> None:
    file = settings.data / "limits.db"
    file.write_bytes(b"no database" * 1000)

    change(SharedLedger(stores.limits, "acme/default"))
    assert change(SharedLedger(stores.limits, "acme/default"), lambda states, _: (None, states)) == [{"calls": 1}]
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_while_another_process_holds_it_the_others_go_on(stores: Stores, settings: Settings) -> None:
    ledger = SharedLedger(stores.limits, "acme/default")
    change(ledger)

    async def run():
        with open_stores(settings) as other, other.limits.connect() as connection:
            connection.execute(text("update limit_use set state = state"))
            waiting = asyncio.ensure_future(ledger.change(["x"], counting))
            await asyncio.sleep(0.1)  # the loop is free although the file is not
            assert not waiting.done()
            connection.rollback()
        await waiting

    asyncio.run(run())
    assert change(ledger, lambda states, _: (None, states)) == [{"calls": 2}]


def calling(settings: Settings, calls: int) -> "subprocess.Popen[bytes]":
    """A process that makes so many calls and prints when, by the ledger's clock."""
    arguments = [sys.executable, str(CALLER), str(settings.path), str(LIMIT), str(SECONDS), str(calls)]
    database = {"CDP_DATABASE_URL": settings.database_url} if settings.database_url else {}
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, env={**os.environ, **database})


def test_processes_of_one_account_keep_its_limit_together_and_a_kill_takes_nothing_away(settings: Settings) -> None:
    victim, *others = calling(settings, 10**6), calling(settings, 2 * LIMIT), calling(settings, 2 * LIMIT)
    assert victim.stdout is not None
    times = [orjson.loads(victim.stdout.readline()) for _ in range(LIMIT // 4)]
    victim.kill()
    for process in (victim, *others):
        out, _ = process.communicate(timeout=120)
        times += [orjson.loads(line) for line in out.splitlines() if line.endswith(b"]")]
        assert process.returncode == (-9 if process is victim else 0)

    allowed = sorted(at for (at,) in times)
    assert len(allowed) >= 4 * LIMIT
    assert all(b - a > SECONDS for a, b in zip(allowed, allowed[LIMIT:], strict=False))
