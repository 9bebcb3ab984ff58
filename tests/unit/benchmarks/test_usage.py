"""What the benchmark says about a limit is counted right."""

import pytest

from benchmarks.extract.limits import CASES, judged
from benchmarks.extract.usage import Answered, serial_ceiling, usage
from benchmarks.processes import PartFailedError


def every(seconds, until, spent=1.0):
    return [Answered(1000 + step * seconds, spent) for step in range(round(until / seconds))]


@pytest.mark.parametrize(("gap", "percent"), [(0.125, 100), (0.25, 50), (0.0625, 200)])
def test_use_is_what_came_through_in_whole_windows_after_the_first(gap, percent):
    used = usage(every(gap, 47), limit=80, seconds=10)
    assert (used.percent, used.windows, used.mean) == (percent, 3, 1)


def test_a_full_bucket_at_the_start_and_the_tail_at_the_end_do_not_count():
    burst = [Answered(1000, 50) for _ in range(30)]
    tail = [Answered(1040, 1), Answered(1048, 1)]
    assert usage([*burst, *every(0.125, 40), *tail], limit=80, seconds=10).percent == 100


def test_refusals_of_the_first_window_are_forgiven_and_take_nothing():
    log = [Answered(1001, 0, is_refused=True), Answered(1025, 0, is_refused=True), *every(0.125, 41)]
    used = usage(log, limit=80, seconds=10)
    assert (used.refused, used.percent) == (1, 100)


@pytest.mark.parametrize("log", [[], every(1, 15), [Answered(5, 0, is_refused=True)]])
def test_without_a_whole_window_nothing_is_claimed(log):
    assert usage(log, limit=10, seconds=10).percent is None


def test_a_reader_that_waits_takes_a_request_per_answer():
    assert serial_ceiling(50, seconds=20, latency_seconds=0.1) == 10_000


def line(at, *, template="/admin/api/{version}/graphql", points=200, status=200):
    return {"at": at, "template": template, "points": points, "status": status}


def test_what_binds_is_named_and_an_unpaid_query_is_a_refusal():
    result = judged(CASES["shopify_paged"], [*(line(2 * n) for n in range(40)), line(50, points=None)], {})
    percent, refused = result.figures[:2]
    assert (percent.value, percent.verdict, refused.value, refused.verdict) == (100, "yes", 1, "**no**")
    assert "100 points a second" in result.notes[0]


def test_a_serial_reader_of_cheap_pages_is_measured_by_its_latency():
    result = judged(CASES["shopify_paged"], [line(n / 5, points=1) for n in range(400)], {})
    assert "one answer at a time" in result.notes[0]
    assert result.figures[0].value == 50  # five answers a second, where a tenth of a second each allows ten


def test_a_load_that_ends_too_early_says_so_instead_of_a_figure():
    with pytest.raises(PartFailedError, match="no whole window"):
        judged(CASES["zendesk_tickets"], [line(n, template="/api/v2/incremental/x", points=None) for n in range(9)], {})


def test_only_calls_of_the_limit_are_counted():
    case = CASES["hubspot_contacts"]
    log = [line(n / 19, template="/crm/v3/objects/contacts", points=None) for n in range(600)]
    searches = [line(20 + n, template="/crm/v3/objects/{kind}/search", points=None, status=429) for n in range(5)]
    assert judged(case, sorted(log + searches, key=lambda one: one["at"]), {}).figures[1].value == 0
