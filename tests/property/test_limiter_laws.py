"""The limiter against a vendor that counts every single call: never one too many, and nearly none too few."""

import asyncio
import heapq
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import Budget
from connectors.limiter import Limiter, LocalLedger
from connectors.limits import Ask, Terms
from connectors.windows import Window

LIMITS = st.tuples(st.integers(1, 40), st.sampled_from([1.0, 10.0, 60.0]))


def most_in_a_window(times, seconds):
    """The largest number of calls in any rolling window, whoever slides it."""
    times, most, first = sorted(times), 0, 0
    for last, moment in enumerate(times):
        while times[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


class Clocks:
    """Simulated time for several streams of several processes: whoever sleeps shortest goes on first."""

    def __init__(self):
        self.now, self._sleeping, self._number = 1e9, [], 0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self._number += 1
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleeping, (self.now + seconds, self._number, woken))
        await woken

    async def run(self, *tasks):
        """Until the tasks end; time passes when all of them sleep."""
        running = [asyncio.ensure_future(task) for task in tasks]
        while not all(task.done() for task in running):
            for _ in range(5 + 2 * len(running)):
                await asyncio.sleep(0)
            if self._sleeping:
                self.now, _, woken = heapq.heappop(self._sleeping)
                woken.set_result(None)
        await asyncio.gather(*running)


@settings(max_examples=20, deadline=None)
@given(
    limit=LIMITS,
    processes=st.integers(1, 3),
    streams=st.integers(1, 5),
    jitter=st.lists(st.floats(0, 1), min_size=1, max_size=20),
    idle=st.lists(st.floats(0, 1), min_size=1, max_size=7),
)
def test_whoever_calls_and_however_late_calls_arrive_the_vendor_sees_no_more_than_its_limit(
    limit, processes, streams, jitter, idle
):
    window, clocks = Window(*limit), Clocks()
    ledger, arrived = LocalLedger(clocks), []

    async def stream(limiter, number):
        for call in range(3 * window.limit // (processes * streams) + 2):
            await clocks.sleep(idle[(call + number) % len(idle)] * window.seconds * 2 / window.limit)
            async with limiter.call("/x"):
                late = jitter[(call * 7 + number) % len(jitter)] * window.margin
                arrived.append(clocks.now + late)

    limiters = [
        Limiter(Budget((window,)), ledger, terms=Terms(), name="acme", sleep=clocks.sleep, clock=clocks)
        for _ in range(processes)
    ]
    asyncio.run(clocks.run(*(stream(one, number) for number in range(streams) for one in limiters)))
    assert most_in_a_window(arrived, window.seconds) <= window.limit


@settings(max_examples=25, deadline=None)
@given(limit=LIMITS, share=st.sampled_from([1.0, 0.5]), busy=st.integers(0, 1000))
def test_when_there_is_always_somebody_waiting_nearly_all_of_the_limit_is_used(limit, share, busy):
    window, ask, state = Window(*limit), Ask("x", Terms(share=share)), {}
    ours = max(1, int(window.limit * share))
    now = began = 1e9 + busy / 7
    made, gaps = 0, []
    while made < 6 * ours:
        calls, wait = window.free(state, now, ask)
        if calls:
            state, made = window.book(state, now, ask, calls), made + calls
            gaps.append(now)
        else:
            now += wait + busy % 5 / 1000 * window.seconds / ours  # timers are late
    steady = [moment for moment in gaps if moment - began >= 2.2 * window.seconds]
    assert (now - began) / window.seconds <= 6 / 0.95
    # From the third window on there are no bursts left: calls come one by one.
    assert max((b - a for a, b in pairwise(steady)), default=0) <= 2.2 * window.seconds / ours


@settings(max_examples=4, deadline=None)
@given(at_first=st.integers(0, 400))
def test_a_quota_never_leaves_hours_dark(at_first):
    day, ask, state, now = Window(400, 86_400.0), Ask("x"), {}, 1e9
    ends, gap, last, made = now + 2 * 86_400, 0.0, now, []
    while now < ends:
        calls, wait = day.free(state, now, ask)
        calls = min(calls, at_first) if len(made) < at_first else min(calls, 1)
        if calls:
            state = day.book(state, now, ask, calls)
            made += [now] * calls
            gap, last = max(gap, now - last), now
        now += wait or 1.0
    assert most_in_a_window(made, 86_400) <= 400
    assert gap <= 3600
