"""Calls within a budget: in order, spread, no sooner than the vendor says, and what answers teach."""

import asyncio

import pytest

from connectors import Budget, QuotaSpentError
from connectors.bucket import Bucket, Concurrency
from connectors.limiter import Limiter, LocalLedger
from connectors.limits import Ask, Points, Refused, Terms
from connectors.windows import Told, Window

TOLD = Told("Left", limit="Max", reset="Reset", milliseconds="Length")


class Time:
    """A clock that moves only by sleeping, and never backwards however many sleep."""

    def __init__(self):
        self.now = 1200.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def limited(time):
    ledger = LocalLedger(time)

    def make(*limits, rate_scale=1.0, share=1.0, own_ledger=False):
        windows = tuple(limit for limit in limits if isinstance(limit, Window)) or (Window(10**9, 1),)
        bucket = next((limit for limit in limits if isinstance(limit, Bucket)), None)
        at_once = tuple(limit for limit in limits if isinstance(limit, Concurrency))
        return Limiter(
            Budget(windows, bucket, at_once),
            LocalLedger(time) if own_ledger else ledger,
            terms=Terms(rate_scale, share),
            name="acme",
            sleep=time.sleep,
            clock=time,
        )

    return make


@pytest.fixture
def moments(time):
    """When calls of these paths, one after the other, were allowed; each answer with the same headers."""

    def run(limiter, *paths, headers=None, refused=None):
        async def all_of_them():
            found = []
            for path in paths:
                async with limiter.call(path) as turn:
                    found.append(round(time.now - 1200, 2))
                    turn.answer.headers, turn.answer.refused = headers or {}, refused
            return found

        return asyncio.run(all_of_them())

    return run


def test_half_a_window_goes_at_once_and_the_rest_at_its_pace(limited, moments):
    assert moments(limited(Window(4, 10)), *["/x"] * 8) == [0, 0, 2.58, 5.15, 10.3, 12.88, 15.45, 18.03]


def test_a_tighter_window_counts_its_own_paths_only(limited, moments):
    limiter = limited(Window(100, 10), Window(1, 60, within="/search"))

    assert moments(limiter, "/a/search", "/a", "/b/search", "/a") == [0, 0, 61.8, 61.8]


def test_limits_scale_and_never_reach_zero(limited, moments):
    assert moments(limited(Window(2, 10), rate_scale=1.5), *["/x"] * 3) == [0, 0, 3.43]
    assert moments(limited(Window(2, 10), rate_scale=0.01, own_ledger=True), "/x", "/x") == [3.43, 13.7]


def test_a_share_leaves_the_rest_to_other_tools(limited, moments):
    assert moments(limited(Window(8, 10), share=0.25), *["/x"] * 4) == [0, 2.65, 10.3, 15.45]


def test_others_use_is_believed_and_ours_is_not_counted_twice(limited, moments):
    limiter = limited(Window(100, 10, told=TOLD))

    # The vendor has counted 40 calls of somebody else before our first.
    found = [moments(limiter, "/x", headers={"Left": str(left)})[0] for left in range(59, -1, -1)]
    assert max(found) < 10
    assert moments(limiter, "/x")[0] >= 10


def test_what_the_vendor_does_not_see_yet_is_not_given_away(limited, moments):
    limiter = limited(Window(4, 10, told=TOLD))

    assert moments(limiter, *["/x"] * 5, headers={"Left": "100"})[-1] == 10.3


def test_a_larger_plan_is_learned_and_a_smaller_one_too(limited, moments):
    limiter = limited(Window(4, 10, told=TOLD))
    told = {"Max": "8", "Left": "7", "Length": "10000"}

    assert moments(limiter, *["/x"] * 5, headers=told) == [0, 0, 0, 0, 1.29]
    limiter = limited(Window(4, 10, told=TOLD), own_ledger=True)
    assert moments(limiter, *["/x"] * 3, headers={"Max": "1", "Left": "0"})[1] >= 10


def test_a_limit_of_another_window_is_not_taken_for_ours(limited, moments):
    limiter = limited(Window(4, 10, told=TOLD))

    assert moments(limiter, *["/x"] * 3, headers={"Max": "1", "Left": "0", "Length": "1000"})[:2] == [0, 0]


def test_nothing_goes_before_the_reset_the_vendor_tells(limited, moments):
    limiter = limited(Window(4, 10, told=TOLD))

    assert moments(limiter, "/x", "/x", headers={"Left": "0", "Reset": "40"}) == [0, 40]


@pytest.mark.parametrize("reset", ["1763830000", "inf", "nan"])
def test_a_reset_in_years_is_not_what_the_vendor_means(limited, moments, reset):
    limiter = limited(Window(4, 10, told=TOLD))

    assert moments(limiter, "/x", "/x", headers={"Left": "0", "Reset": reset}) == [0, 10.3]


def test_a_refusal_closes_the_limit_it_names_for_exactly_as_long(limited, moments):
    ten, search = Window(100, 10, policy="TEN"), Window(5, 1, within="/search", policy="SECOND")
    limiter = limited(ten, search)

    assert moments(limiter, "/search", refused=Refused(7, "SECOND")) == [0]
    assert moments(limiter, "/x", "/search") == [0, 7]


def test_a_refusal_without_a_name_is_about_the_limits_that_are_not_said_to_have_calls_left(limited, moments):
    limiter = limited(Window(200, 60, told=TOLD), Window(10, 60, within="/export"))

    assert moments(limiter, "/export", headers={"Left": "150"}, refused=Refused(30)) == [0]
    assert moments(limiter, "/x", "/export") == [0, 30]


def test_a_refusal_that_does_not_say_how_long_holds_back_a_tenth_of_the_window(limited, moments):
    assert moments(limited(Window(10, 60)), "/x", refused=Refused()) == [0]
    assert moments(limited(Window(10, 60)), "/x") == [6]


def test_a_quota_that_is_spent_is_left_to_a_later_run(limited, moments):
    limiter = limited(Window(100, 86_400, told=TOLD, policy="DAILY"))

    with pytest.raises(QuotaSpentError, match=r"acme: the calls in 1 d are used up, .* in \d+ minutes"):
        moments(limiter, "/x", "/x", headers={"Left": "0"})


def test_a_quota_is_new_when_the_vendor_says_so(limited, moments, time):
    limiter = limited(Window(100, 86_400, told=TOLD))
    assert moments(limiter, "/x", headers={"Left": "2"}) == [0]
    time.now += 40_000
    assert moments(limiter, "/x", headers={"Left": "99"}) == [40_000]
    assert moments(limiter, *["/x"] * 40) == [40_000] * 40


def test_calls_keep_their_order_and_the_first_waits_for_all(limited, time):
    limiter, done, waited = limited(Window(4, 10)), [], []

    async def call(number):
        async with limiter.call("/x") as turn:
            done.append(number)
            waited.append(turn.waited)

    async def run():
        await asyncio.gather(*(call(number) for number in range(5)))

    asyncio.run(run())
    assert done == [0, 1, 2, 3, 4]
    assert sum(sum(seconds.values()) for seconds in waited) == pytest.approx(time.now - 1200)
    assert set().union(*waited) == {"calls in 10 s"}


def test_calls_that_wait_together_ask_the_ledger_once(time):
    asked = []

    class Counting(LocalLedger):
        async def change(self, names, step):
            asked.append(names)
            await asyncio.sleep(0)  # while the store answers, others come
            return await super().change(names, step)

    limiter = Limiter(Budget((Window(100, 10),)), Counting(time), terms=Terms(), name="acme", sleep=time.sleep)

    async def call():
        async with limiter.call("/x"):
            pass

    async def run():
        await asyncio.gather(*(call() for _ in range(20)))

    asyncio.run(run())
    assert len(asked) == 2  # the first one before anybody stood behind it


def test_what_was_allowed_but_not_used_in_time_is_given_back(limited, time):
    limiter, stall = limited(Window(20, 10)), [0.0, 9.0]

    async def call():
        async with limiter.call("/x"):
            time.now += stall.pop() if stall else 0

    async def run():
        await asyncio.gather(*(call() for _ in range(10)))
        return time.now

    # Ten may go at once. One of those that were allowed together held the others up for nine seconds.
    assert asyncio.run(run()) == 1209
    assert sum(own for _, own, _ in limiter._ledger._states["calls in 10 s"]["slots"]) == 10


def test_calls_at_once(limited):
    limiter, flying, most = limited(Concurrency(3)), [], []

    async def call():
        async with limiter.call("/x"):
            flying.append(1)
            most.append(len(flying))
            await asyncio.sleep(0)
            flying.pop()

    async def run():
        await asyncio.gather(*(call() for _ in range(10)))

    asyncio.run(run())
    assert max(most) == 3


def test_a_call_that_never_came_back_holds_its_place_for_a_while_only(limited, moments):
    limit, limiter = Concurrency(1), limited(Concurrency(1))

    async def killed():
        step = lambda states, now: ([limit.book(states[0], now, Ask("other"), 1)], None)  # noqa: E731
        await limiter._ledger.change([limit.name], step)

    asyncio.run(killed())
    assert 330 <= moments(limiter, "/x")[0] < 331


class Shop:
    """The vendor's side of a bucket."""

    def __init__(self, time, size=1000, rate=50, level=None):
        self.time, self.size, self.rate, self.at = time, size, rate, time.now
        self.level = size if level is None else level

    def charge(self, price, actual):
        self.level = min(self.size, self.level + (self.time.now - self.at) * self.rate)
        self.at = self.time.now
        assert self.level >= price, "throttled"
        self.level -= actual
        return Points(actual, self.level, self.size, self.rate)


@pytest.fixture
def buy(time):
    """When queries of these prices were allowed."""

    def run(limiter, shop, *prices, actual=None):
        async def all_of_them():
            found = []
            for price in prices:
                async with limiter.call("/x", price) as turn:
                    found.append(round(time.now - 1200, 2))
                    turn.answer.points = shop.charge(price or 0, price or 0 if actual is None else actual)
            return found

        return asyncio.run(all_of_them())

    return run


def test_points_are_spent_and_come_back(limited, time, buy):
    assert buy(limited(Bucket(1000, 50, dearest=500)), Shop(time), 800, 100, 600, None) == [0, 0, 10, 20]


def test_the_vendors_bucket_is_the_one_that_counts(limited, time, buy):
    assert buy(limited(Bucket(1000, 50, dearest=500)), Shop(time, level=600, rate=100), 500, 500) == [0, 4]
    plus = limited(Bucket(1000, 50, dearest=500), own_ledger=True)
    assert buy(plus, Shop(time, 10_000), 10, *[990] * 10) == [4] * 11


def test_what_a_query_did_not_cost_is_given_back(limited, time, buy):
    assert buy(limited(Bucket(1000, 50, dearest=500)), Shop(time), *[900] * 3, actual=10) == [0, 0, 0]


def test_what_an_answer_gives_back_is_not_waited_for_longer_than_the_answer(limited, time):
    limiter, shop = limited(Bucket(1000, 50, dearest=1000)), Shop(time)

    async def call():
        async with limiter.call("/x") as turn:
            await time.sleep(0.1)
            turn.answer.points = shop.charge(10, 10)

    async def run():
        await asyncio.gather(*(call() for _ in range(4)))

    asyncio.run(run())
    assert time.now < 1201  # not twenty seconds for each price that was not known


def test_a_share_of_the_points_leaves_the_rest_to_other_tools(limited, time, buy):
    assert buy(limited(Bucket(1000, 50, dearest=500), share=0.5), Shop(time), 500, 100, 100) == [0, 4, 8]


def test_a_price_above_what_our_share_can_hold_waits_for_a_full_one_only(limited, time, buy):
    assert buy(limited(Bucket(1000, 50, dearest=500), share=0.5), Shop(time), 900, 100) == [0, 20]


def test_after_a_refusal_calls_keep_a_longer_distance_for_an_hour(limited, moments, time):
    """A search limit of five a second, of which one in a hundred arrived too early."""
    limiter = limited(Window(5, 1, within="/search"))
    before = moments(limiter, *["/search"] * 20)
    moments(limiter, "/search", refused=Refused(0.1))
    time.now += 60
    after = moments(limiter, *["/search"] * 20)
    assert round(before[-1] - before[-6], 2) == 1.04
    assert round(after[-1] - after[-6], 2) == 1.07
    for _ in range(10):
        moments(limiter, "/search", refused=Refused(0.1))
    time.now += 60
    careful = moments(limiter, *["/search"] * 20)
    assert round(careful[-1] - careful[-6], 2) == 1.26
    time.now += 3600
    again = moments(limiter, *["/search"] * 20)
    assert round(again[-1] - again[-6], 2) == 1.04


def test_the_pace_is_that_of_the_tightest_window_as_told_and_of_no_quota(limited, moments):
    limiter = limited(Window(100, 10, told=TOLD), Window(500, 20), Window(2, 1, within="/search"), Window(9, 86_400))
    assert (limiter.per_second("/x"), limiter.per_second("/search")) == (10, 2)
    moments(limiter, "/x", "/x", headers={"Max": "190", "Left": "180", "Length": "10000"})
    assert (limiter.per_second("/x"), limiter.per_second("/search")) == (19, 2)
    assert limited(Window(100, 10), rate_scale=3, share=0.5).per_second("/x") == 15
