"""Calls within a budget: never more in any window, no sooner than the vendor says, in order."""

import asyncio

from connectors.limiter import LocalLimiter
from connectors.spec import Budget, Window


class Time:
    """A clock that moves only by sleeping."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


def limiter(*windows, rate_scale=1.0):
    time = Time()
    return LocalLimiter(Budget(windows=windows), rate_scale, sleep=time.sleep, clock=time), time


def moments(limited, time, *paths):
    async def run():
        found = []
        for path in paths:
            await limited.wait(path)
            found.append(round(time.now - 100, 2))
        return found

    return asyncio.run(run())


def test_a_window_lets_so_many_through_and_then_waits():
    limited, time = limiter(Window(2, 10))
    assert moments(limited, time, *["/x"] * 5) == [0, 0, 10.05, 10.05, 20.1]


def test_a_tighter_window_counts_its_own_paths_only():
    limited, time = limiter(Window(100, 10), Window(1, 60, within="/search"))
    assert moments(limited, time, "/a/search", "/a", "/b/search", "/a") == [0, 0, 60.05, 60.05]


def test_limits_scale_and_never_reach_zero():
    limited, time = limiter(Window(2, 10), rate_scale=1.5)
    assert moments(limited, time, *["/x"] * 4) == [0, 0, 0, 10.05]
    limited, time = limiter(Window(2, 10), rate_scale=0.01)
    assert moments(limited, time, "/x", "/x") == [0, 10.05]


def test_a_pause_holds_back_what_shares_a_window():
    limited, time = limiter(Window(9, 10), Window(9, 10, within="/search"))
    limited.pause("/a", 5)
    assert moments(limited, time, "/b/search", "/b") == [5, 5]


def test_waiting_calls_keep_their_order():
    async def run():
        limited = LocalLimiter(Budget(windows=(Window(1, 0.01),)), 1)
        done = []

        async def call(number):
            await limited.wait("/x")
            done.append(number)

        await asyncio.gather(*(call(number) for number in range(3)))
        return done

    assert asyncio.run(run()) == [0, 1, 2]
