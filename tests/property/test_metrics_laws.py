"""Laws of metrics: sums roll up, small cells stay hidden, and SQL agrees with a plain computation in pandas."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from small_worlds import NOW, SmallWorld, at

from cdp_pipelines.metrics.cells import tally
from cdp_pipelines.metrics.classes import Count, Mean, Net, Proportion
from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.suppression import Family, Series, families_of, hidden_cells
from cdp_pipelines.metrics.units import Labels, Units

METRIC = {metric.id: metric for metric in METRICS}
TODAY = np.datetime64("2026-03-31")
FIRST = np.datetime64("2026-01-12")
CHANNELS = ("email", "chat", "phone")


@st.composite
def some_units(draw, max_size=60):
    """Units of a few persons on days of a few weeks, with a channel and a yes or no."""
    row = st.tuples(st.integers(0, 40), st.integers(0, 12), st.integers(-1, 2), st.booleans())
    rows = np.array(draw(st.lists(row, max_size=max_size)), dtype=np.int64).reshape(-1, 4)
    yes = rows[:, 3].astype(float)
    return Units(
        days=FIRST + rows[:, 0],
        until=None,
        order=np.arange(len(rows), dtype=float),
        persons=rows[:, 1],
        labels={"channel": Labels(rows[:, 2], CHANNELS)},
        values={"x": yes, "value": yes * 4 + 1, "up": yes, "down": 1 - yes},
    )


def counted(units, grains=("day", "week", "month")):
    return tally(units, membership="period", grains=grains, slices=["channel"], today=TODAY)


def frame_of(cells, estimate):
    return pd.DataFrame(
        {
            "grain": cells.keys.grain,
            "start": cells.keys.start,
            "channel": cells.keys.channel,
            "numerator": estimate.numerator,
            "denominator": estimate.denominator,
            "n": cells.n,
        }
    )


@given(some_units(), st.sampled_from([Count(), Proportion(), Mean(low=1, high=5), Net(scale=100)]))
@settings(max_examples=60, deadline=None)
def test_longer_periods_hold_the_sums_of_their_days(units, measure):
    cells = counted(units)
    frame = frame_of(cells, next(measure.estimates(cells)))
    days = frame[frame.grain == "day"]
    for grain, period in (("week", "W-SUN"), ("month", "M")):
        starts = days.start.dt.to_period(period).dt.start_time
        summed = days.groupby([starts, days.channel])[["numerator", "denominator", "n"]].sum()
        whole = frame[frame.grain == grain].set_index(["start", "channel"])[["numerator", "denominator", "n"]]
        difference = summed.sub(whole.fillna(0), fill_value=0)
        assert np.allclose(difference.astype(float), 0)


@given(some_units(), st.integers(2, 8))
@settings(max_examples=100, deadline=None)
def test_what_is_shown_never_tells_of_few_persons(units, k):
    """Neither in a cell, nor as the difference of a total and the parts that are shown."""
    cells = counted(units)
    families = families_of(cells.keys, additive_days=True)
    hidden = hidden_cells(cells.n, cells.n_persons, families, k)
    assert not ((cells.n > 0) & (cells.n_persons < k) & ~hidden).any()
    for family in families:
        concealed = family.parts[hidden[family.parts]]
        if family.total is not None and hidden[family.total]:
            assert len(concealed) or not cells.n[family.parts].any()
        elif len(concealed) and cells.n[family.parts[~hidden[family.parts]]].any():
            # Where no part is shown, there is only the total to see, and that is large enough by itself.
            assert cells.n_persons[concealed].sum() >= k
            assert len(concealed) > 1


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(2, 10))
def test_hiding_hides_no_more_than_the_next_smallest(persons, k):
    counts = np.array([*persons, sum(persons)], dtype=float)
    hidden = hidden_cells(counts, counts, [Family(np.arange(len(persons)), len(persons))], k)[:-1]
    shown = counts[:-1][~hidden & (counts[:-1] > 0)]
    assert not len(shown) or counts[:-1][hidden].max(initial=0) <= shown.min()


@given(st.lists(st.tuples(st.integers(-4, 9), st.integers(-9, 9)), max_size=40), st.integers(0, 6), st.integers(2, 6))
@settings(max_examples=200, deadline=None)
def test_what_changed_between_two_states_shown_rests_on_nobody_or_on_k(steps, begin, k):
    """For two slices that are parts of nothing published, and their total, day by day."""
    moves = np.array([(begin, 0), *steps], dtype=float)
    first = np.maximum(np.cumsum(moves, axis=0), 0)
    second = first[::-1]
    counts = np.concatenate([first, second, first + second])
    days = len(first)
    series = [Series(np.arange(part * days, (part + 1) * days), counts[part * days :][:days]) for part in range(3)]
    families = [Family(np.array([day, days + day]), 2 * days + day) for day in range(days)]
    hidden = hidden_cells(counts[:, 0], counts[:, 0], families, k, series)
    for one in series:
        shown = one.counts[~hidden[one.cells]]
        step = np.abs(np.diff(shown, axis=0))
        rests_on_k = step[:, 0] >= k
        assert (rests_on_k | ((step[:, 0] == 0) & ((step[:, 1] == 0) | (step[:, 1] >= k)))).all()
    for family in families:
        assert hidden[family.total] or hidden[family.parts].sum() != 1 or not counts[family.parts, 0].all()


@st.composite
def some_company(draw):
    """Tickets, messages and answers of a few people, some of whom do not permit it or are staff."""
    people = draw(st.lists(st.sampled_from(["ok", "ok", "ok", "refuses", "staff", "unlinked"]), min_size=1, max_size=6))
    hour = st.integers(0, 24 * 60)
    ticket = st.tuples(
        st.integers(0, len(people) - 1),
        hour,
        st.integers(0, 200),
        st.integers(0, 30),
        st.sampled_from([None, "a", "b"]),
    )
    tickets = draw(st.lists(ticket, max_size=12))
    answer = st.tuples(st.integers(0, len(people) - 1), hour, st.integers(1, 5))
    return people, tickets, draw(st.lists(answer, max_size=12))


BEGIN = at("2026-01-20")


def build(folder, company):
    people, tickets, answers = company
    world = SmallWorld(Path(folder))
    for number, kind in enumerate(people):
        staff = {"kind": "staff"} if kind == "staff" else {}
        world.person(str(number), linked=kind != "unlinked", **staff)
        if kind == "refuses":
            world.refused.add((f"p-{number}", "service_delivery"))
    world.person("agent", kind="staff", linked=False)
    for number, (person, hour, wait, solve_days, topic) in enumerate(tickets):
        created = BEGIN + timedelta(hours=hour)
        values = {"created_at": created, "status": "open", "requester_id": str(person), "topic": topic}
        world.add("ticket", str(number), channel=CHANNELS[number % 3], **values)
        if wait % 3:
            moment = created + timedelta(minutes=wait)
            world.add("message", f"m{number}", ticket_id=str(number), author_id="agent", at=moment)
        if solve_days % 4:
            step = {"kind": "status", "status_from": "open", "status_to": "solved"}
            moment = created + timedelta(days=solve_days)
            world.add("ticket_event", f"e{number}", ticket_id=str(number), at=moment, **step)
    for number, (person, hour, score) in enumerate(answers):
        moment = BEGIN + timedelta(hours=hour)
        values = {"instrument": "CSAT", "score": score, "scale_min": 1, "scale_max": 5, "answered_at": moment}
        world.add("survey_response", f"s{number}", person_id=str(person), channel=CHANNELS[number % 3], **values)
    return world


def brute_force(company):
    """Numerator and denominator of three metrics by month and channel, from plain loops and pandas."""
    people, tickets, answers = company
    counts = {number for number, kind in enumerate(people) if kind == "ok"}
    rows = []
    for number, (person, hour, _, _, _) in enumerate(tickets):
        if person in counts and BEGIN + timedelta(hours=hour) <= NOW:
            rows.append(("support_ticket_volume", hour, CHANNELS[number % 3], 1, 1))
    for number, (person, hour, score) in enumerate(answers):
        if person in counts and BEGIN + timedelta(hours=hour) <= NOW:
            rows.append(("csat", hour, CHANNELS[number % 3], int(score >= 4), 1))
    frame = pd.DataFrame(rows, columns=["metric", "hour", "channel", "x", "n"])
    frame["month"] = [(BEGIN + timedelta(hours=hour)).strftime("%Y-%m-01") for hour in frame.hour]
    return frame.groupby(["metric", "month", "channel"])[["x", "n"]].sum().to_dict("index")


@given(some_company())
@settings(max_examples=12, deadline=None)
def test_metrics_equal_a_plain_computation(company):
    metrics = [replace(METRIC[name], k=1) for name in ("support_ticket_volume", "csat")]
    with TemporaryDirectory() as folder:
        rows = build(folder, company).published(metrics)
    found = {
        (metric, start, channel): {"x": row["numerator"], "n": row["n"]}
        for (metric, grain, start, channel, slice_name, _, _), row in rows.items()
        if grain == "month" and channel != "all" and slice_name == "all"
    }
    assert found == brute_force(company)


def folded(company):
    """Issues of the people who count, by the definition: (person, opened, tickets)."""
    people, tickets, _ = company
    found = []
    for person, kind in enumerate(people):
        own = [(BEGIN + timedelta(hours=t[1]), n, t[4]) for n, t in enumerate(tickets) if t[0] == person]
        issue = None
        for created, _, topic in sorted(own, key=lambda each: (each[0], str(each[1]))) if kind == "ok" else ():
            fits = issue and created - issue["last"] <= timedelta(hours=72)
            if fits and (topic is None or issue["topic"] in (None, topic)):
                issue |= {"last": created, "topic": issue["topic"] or topic, "n": issue["n"] + 1}
            else:
                issue = {"opened": created, "last": created, "topic": topic, "n": 1}
                found.append(issue)
    return sorted((issue["opened"], issue["n"]) for issue in found if issue["opened"] <= NOW)


@given(some_company())
@settings(max_examples=12, deadline=None)
def test_issues_equal_a_plain_folding(company):
    from cdp_pipelines.transforms import transform

    with TemporaryDirectory() as folder, build(folder, company).session() as session:
        for name in METRIC["ttr_median"].transforms:
            session.derive(name, transform(name))
        rows = session.query("select opened_at, n_tickets from issue").to_pylist()
    assert sorted((row["opened_at"], row["n_tickets"]) for row in rows) == folded(company)


def test_no_company_gives_the_same_number_twice_by_chance():
    """The plain computation can tell companies apart, so that agreeing with it means something."""
    one = brute_force((["ok"], [(0, 1, 1, 1, None)], []))
    assert one == {("support_ticket_volume", "2026-01-01", "email"): {"x": 1, "n": 1}}
    assert one != brute_force((["refuses"], [(0, 1, 1, 1, None)], []))
