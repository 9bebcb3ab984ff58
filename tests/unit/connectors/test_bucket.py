"""A bucket of points, and calls on their way that never come back."""

from connectors.bucket import Bucket
from connectors.limits import Answer, Ask, Points

BUCKET = Bucket(size=2000, per_second=100, dearest=1000)


def answered(state, ask, now, available):
    told = Answer(points=Points(paid=10, available=available, size=2000, per_second=100))
    return BUCKET.settle(state, now, ask, told, None)


def test_calls_of_a_killed_process_do_not_empty_the_bucket_for_the_next_one():
    lost, ours = Ask("killed", price=900), Ask("next", price=50)
    state = BUCKET.book({}, 0.0, lost, 1)
    state = BUCKET.book(state, 5.0, ours, 1)
    state = answered(state, ours, 5.1, available=1950)
    assert BUCKET.free(state, 5.1, Ask("third", price=1900)) == (1, 0.0)


def test_calls_that_left_later_are_kept_out_of_what_the_vendor_says_is_left():
    ours, later = Ask("ours", price=50), Ask("later", price=900)
    state = BUCKET.book({}, 0.0, ours, 1)
    state = BUCKET.book(state, 0.1, later, 1)
    state = answered(state, ours, 0.2, available=1000)
    calls, wait = BUCKET.free(state, 0.2, Ask("third", price=200))
    assert calls == 0
    assert wait > 0


def test_no_bucket_holds_less_than_nothing():
    asks = [Ask(name, price=1000) for name in "abc"]
    state = {}
    for second, ask in enumerate(asks):
        state = BUCKET.book(state, float(second), ask, 1)
    state = answered(state, asks[0], 3.0, available=500)
    assert state["level"] == 0
