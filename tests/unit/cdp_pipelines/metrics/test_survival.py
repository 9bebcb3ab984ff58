"""The interval of a median with times still running, against the person bootstrap it stands in for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_pipelines.metrics import survival
from cdp_pipelines.metrics.survival import ended_by, kaplan_meier

REPEATS = 400


def median_interval(times, observed, person):
    return survival.median_interval(kaplan_meier(times, observed), times, observed, person)


def sample(seed, persons, each):
    """Waiting times that persons have in common to a degree, some still running."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(persons), each)
    times = rng.exponential(10, persons * each) * np.repeat(rng.lognormal(0, 0.7, persons), each)
    limit = rng.uniform(5, 60, persons * each)
    return np.minimum(times, limit), (times <= limit).astype(float), person


def bootstrap(times, observed, person):
    rng = np.random.default_rng(1)
    members = [np.flatnonzero(person == number) for number in np.unique(person)]
    medians = []
    for _ in range(REPEATS):
        drawn = np.concatenate([members[number] for number in rng.integers(0, len(members), len(members))])
        medians.append(kaplan_meier(times[drawn], observed[drawn]).quantile(0.5))
    return np.nanquantile(medians, [0.025, 0.975])


@pytest.mark.parametrize(("persons", "each"), [(60, 1), (200, 1), (60, 4)])
def test_it_is_close_to_the_person_bootstrap(persons, each):
    data = sample(7, persons, each)
    low, high = median_interval(*data)
    expected_low, expected_high = bootstrap(*data)
    width = expected_high - expected_low
    assert [low, high] == pytest.approx([expected_low, expected_high], abs=0.25 * width)


@given(st.lists(st.integers(0, 40), max_size=200), st.sampled_from([0.5, 0.9]))
def test_where_nothing_is_running_the_curve_is_not_needed(times, share):
    numbers = np.array(times, np.float64)
    expected = kaplan_meier(numbers, np.ones(len(numbers))).quantile(share)
    assert ended_by(np.sort(numbers), share) == pytest.approx(expected, abs=0, nan_ok=True)


def test_persons_with_many_times_widen_it():
    times, observed, person = sample(3, 40, 6)
    low, high = median_interval(times, observed, person)
    alone_low, alone_high = median_interval(times, observed, np.arange(len(times)))
    assert high - low > 1.2 * (alone_high - alone_low)


def test_an_upper_end_the_data_do_not_reach_is_missing():
    times = np.arange(1.0, 13.0)
    observed = (times < 7).astype(float)
    low, high = median_interval(times, observed, np.arange(12))
    assert low < 7
    assert np.isnan(high)


def test_nothing_observed_gives_no_interval():
    assert np.isnan(median_interval(np.array([1.0, 2.0]), np.zeros(2), np.arange(2))).all()
