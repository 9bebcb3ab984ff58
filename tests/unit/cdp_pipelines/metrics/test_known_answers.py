"""Worked examples with known results: formulas first, then whole metrics on small worlds, n_min and k aside."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from small_worlds import NOW, SmallWorld, at

from cdp_pipelines.metrics.cells import Keys, Tally, tally
from cdp_pipelines.metrics.classes import Mean, Net, Proportion, Quantiles, Rate, Survival
from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.periods import local_day, number_of, start_of
from cdp_pipelines.metrics.rows import SCHEMA
from cdp_pipelines.metrics.statistics import median_ranks, wilson
from cdp_pipelines.metrics.status import Circumstances, status_of
from cdp_pipelines.metrics.suppression import Family, hidden_cells
from cdp_pipelines.metrics.survival import kaplan_meier
from cdp_pipelines.metrics.units import Units
from cdp_pipelines.transforms import transform
from models.marts import MetricValue

DAY = np.datetime64("2026-03-02")
METRIC = {metric.id: metric for metric in METRICS}
NEAR = pytest.approx


def of_one_cell(persons=None, **columns):
    """A tally of one cell with these columns, one unit per person unless persons are given."""
    count = len(next(iter(columns.values())))
    persons = np.arange(count) if persons is None else np.array(persons)
    units = Units(
        days=np.full(count, DAY),
        until=None,
        order=np.zeros(count),
        persons=persons,
        labels={},
        values={name: np.array(column, dtype=float) for name, column in columns.items()},
    )
    return tally(units, membership="period", grains=["day"], slices=[], today=DAY)


def first(measure, counted):
    estimate = next(iter(measure.estimates(counted)))
    return [float(column[0]) for column in (estimate.value, estimate.low, estimate.high)]


def zeros_and_ones(ones, total):
    return [1] * ones + [0] * (total - ones)


@pytest.fixture
def world(tmp_path):
    return SmallWorld(tmp_path)


def relaxed(metric_id):
    """The metric with minimum sample 1 and k 1, as formulas are checked."""
    metric = METRIC[metric_id]
    return replace(metric, k=min(metric.k, 1), measures=tuple(replace(m, n_min=1) for m in metric.measures))


def test_a_late_event_belongs_to_the_local_day_week_and_month():
    day = local_day(datetime(2025, 3, 1, 2, 30, tzinfo=UTC), "America/New_York")
    starts = [str(start_of(number_of(np.array([day]), grain), grain)[0]) for grain in ("day", "week", "month")]
    assert starts == ["2025-02-28", "2025-02-24", "2025-02-01"]


def test_a_month_is_computed_from_sums_not_from_the_rates_of_its_weeks(world):
    world.people(12)
    for number, (day, clean) in enumerate(
        [("2026-03-02", 1), ("2026-03-03", 0)] + [("2026-03-10", int(n > 0)) for n in range(10)]
    ):
        score = {"score": 5.0 if clean else 1.0, "scale_min": 1.0, "scale_max": 5.0}
        world.add(
            "survey_response", str(number), person_id=str(number), answered_at=at(day), instrument="CSAT", **score
        )
    rows = world.published([relaxed("csat")])
    value = {key[1:3]: row["value"] for key, row in rows.items() if key[3:6] == ("all", "all", "all")}
    assert [value["week", "2026-03-02"], value["week", "2026-03-09"]] == [0.5, 0.9]
    assert value["month", "2026-03-01"] == NEAR(10 / 12)


def test_status_depends_on_sample_and_coverage():
    enough = np.array([4.0, 12.0, 30.0, 30.0, 0.0])
    no = np.zeros(5, bool)
    status, reason = status_of(
        Circumstances(
            missing_input=no,
            needs_config=no,
            hidden=no,
            enough=enough,
            unreached=no,
            n_min=10,
            n_ok=30,
            coverage=np.array([1, 1, 0.8, 0.08, 1]),
            floor=0.10,
        )
    )
    assert list(zip(status, reason, strict=True)) == [
        ("insufficient_data", "below_minimum"),
        ("low_sample", None),
        ("ok", None),
        ("low_coverage", None),
        ("insufficient_data", "below_minimum"),
    ]


def test_one_small_cell_takes_the_next_smallest_with_it():
    persons = np.array([12.0, 3.0, 9.0, 40.0, 64.0])
    hidden = hidden_cells(persons, persons, [Family(np.arange(4), 4)], 5)
    assert hidden.tolist() == [False, True, True, False, False]


LOGICAL_RUNS = (
    ("r1", "r1", "error", "none"),
    ("r2", "r1", "success", "auto"),
    ("r3", "r3", "success", "none"),
    ("r4", "r4", "error", "none"),
    ("r5", "r4", "success", "manual"),
    ("r6", "r6", "running", "none"),
)


def add_runs(world, runs, *, seconds=60):
    for number, (run, root, status, retry_kind) in enumerate(runs):
        start = at("2026-03-02") + timedelta(minutes=number)
        world.add(
            "automation_run",
            run,
            source="cdp",
            process="sync/zendesk",
            root_run_id=root,
            retry_kind=retry_kind,
            status=status,
            started_at=start,
            stopped_at=None if status == "running" else start + timedelta(seconds=seconds),
        )


def flags_of_runs(world):
    with world.session(tables=["automation_run"]) as session:
        session.derive("logical_run", transform("logical_run"))
        query = (
            "select count(*) as runs, sum(is_clean) as clean, sum(is_success) as success, sum(has_error) as error, "
            "sum(is_manual) as manual from logical_run"
        )
        return {name: int(value) for name, value in session.query(query).to_pylist()[0].items()}


def test_attempts_of_one_run_are_one_logical_run(world):
    add_runs(world, LOGICAL_RUNS)
    assert flags_of_runs(world) == {"runs": 3, "clean": 1, "success": 3, "error": 2, "manual": 1}


def test_consent_states_and_withdrawals_of_five_persons(world):
    world.people(6)
    for number in range(6):
        world.rows["person"][number]["created_at"] = at("2026-01-01")
    world.rows["person"].pop(0)
    world.rows["identity_link"].pop(0)
    world.consent("p-1", "profiling", "granted", "2026-01-05")
    world.consent("p-2", "profiling", "granted", "2026-01-05")
    world.consent("p-2", "profiling", "withdrawn", "2026-03-10")
    world.consent("p-3", "profiling", "denied", "2026-01-05")
    world.consent("p-5", "profiling", "granted", "2026-01-05")
    rows = world.published([relaxed("consent_opt_in_rate"), relaxed("consent_opt_out_rate")])
    opt_in = rows["consent_opt_in_rate", "asof", "2026-03-31", "all", "purpose", "profiling", "value"]
    of_all = rows["consent_opt_in_rate", "asof", "2026-03-31", "all", "purpose", "profiling", "of_all_persons"]
    opt_out = rows["consent_opt_out_rate", "month", "2026-03-01", "all", "purpose", "profiling", "value"]
    assert [opt_in["value"], opt_in["ci_low"], opt_in["ci_high"]] == NEAR([0.5, 0.15, 0.85], abs=1e-4)
    assert of_all["value"] == NEAR(0.4)
    assert [opt_out["numerator"], opt_out["denominator"]] == [1, 3]


def test_who_takes_back_one_of_two_grants_has_opted_out(world):
    world.people(1)
    for scope in ("news", "offers"):
        world.consent("p-0", "marketing", "granted", "2026-01-05", channel="email", scope=scope)
    world.consent("p-0", "marketing", "withdrawn", "2026-03-10", channel="email", scope="news")
    rows = world.published([relaxed("consent_opt_out_rate")])
    slices = [("all", "all", "all"), ("all", "purpose", "marketing"), ("email", "all", "all")]
    found = {where: rows["consent_opt_out_rate", "month", "2026-03-01", *where, "value"] for where in slices}
    assert {where: (row["numerator"], row["denominator"]) for where, row in found.items()} == dict.fromkeys(
        slices, (1, 1)
    )
    before = rows["consent_opt_out_rate", "month", "2026-02-01", *slices[0], "value"]
    assert (before["numerator"], before["denominator"]) == (0, 1)


def test_units_of_one_person_count_for_less():
    persons = [0] * 3 + [1] * 2 + [2] + [3] * 2 + [4] * 2
    x = [1, 1, 1, 0, 0, 1, 1, 1, 0, 0]
    estimate = next(Proportion().estimates(of_one_cell(persons, x=x)))
    assert [estimate.value[0], estimate.enough[0], estimate.low[0], estimate.high[0]] == NEAR(
        [0.6, 3.75, 0.1973, 0.9015], abs=1e-4
    )


@pytest.mark.parametrize(
    ("x", "n", "expected"),
    [
        (3, 8, [0.3750, 0.1368, 0.6943]),
        (42, 60, [0.7000, 0.5749, 0.8010]),
        (36, 60, [0.6000, 0.4737, 0.7143]),
        (40, 60, [0.6667, 0.5406, 0.7727]),
        (7, 10, [0.7000, 0.3968, 0.8922]),
        (130, 200, [0.6500, 0.5816, 0.7127]),
        (112, 200, [0.5600, 0.4907, 0.6270]),
        (18, 130, [0.1385, 0.0894, 0.2083]),
        (45, 60, [0.7500, 0.6277, 0.8422]),
        (60, 240, [0.2500, 0.1994, 0.3084]),
        (90, 100, [0.9000, 0.8256, 0.9448]),
        (8, 100, [0.0800, 0.0411, 0.1500]),
        (170, 200, [0.8500, 0.7939, 0.8929]),
        (1, 3, [0.3333, 0.0615, 0.7923]),
    ],
)
def test_proportions_have_wilson_intervals(x, n, expected):
    assert first(Proportion(), of_one_cell(x=zeros_and_ones(x, n))) == NEAR(expected, abs=1e-4)


def test_wilson_of_arrays_matches_single_values():
    low, high = wilson(np.array([0.5, 0.5]), np.array([4.0, 400.0]))
    assert list(zip(low.round(4), high.round(4), strict=True)) == [(0.15, 0.85), (0.4512, 0.5488)]


@pytest.mark.parametrize(
    ("low", "high", "answers", "expected"),
    [
        (1, 7, [7, 6, 5, 7, 4, 6, 3, 7, 6, 5], [5.60, 4.6343, 6.5657]),
        (1, 5, [5, 4, 5, 3, 1, 5, 4, 4, 5, 4], [4.00, 3.1078, 4.8922]),
    ],
)
def test_means_have_student_intervals(low, high, answers, expected):
    assert first(Mean(low=low, high=high), of_one_cell(value=answers)) == NEAR(expected, abs=1e-4)


def test_intervals_of_means_stay_in_the_range():
    assert first(Mean(low=1, high=5), of_one_cell(value=[5, 5, 5, 1]))[2] == 5


@pytest.mark.parametrize(
    ("scale", "up", "down", "n", "expected"),
    [(100, 9, 5, 20, [20.0, -15.60, 55.60]), (1, 4, 3, 10, [0.1, -0.4148, 0.6148])],
)
def test_net_scores_have_delta_intervals(scale, up, down, n, expected):
    answers = of_one_cell(up=zeros_and_ones(up, n), down=[0] * up + [1] * down + [0] * (n - up - down))
    assert first(Net(scale=scale), answers) == NEAR(expected, abs=0.005 if scale == 100 else 1e-4)


def test_rates_have_garwood_intervals():
    none = np.empty(0, np.int64)
    names = [np.array(["all"], object)] * 3
    keys = Keys(np.array(["month"], object), np.array([DAY]), np.array([DAY]), *names)
    counted = Tally(
        keys, np.array([1200.0]), np.array([0.0]), none, none, none, none.astype(bool), {}, {}, np.array([720.0])
    )
    assert first(Rate(), counted) == NEAR([1.6667, 1.5737, 1.7637], abs=1e-4)


def test_kaplan_meier_steps_and_median():
    curve = kaplan_meier(np.array([1.0, 2, 3, 5, 4, 6]), np.array([1.0, 1, 1, 1, 0, 0]))
    assert curve.surviving.tolist() == NEAR([0.8333, 0.6667, 0.5, 0.25], abs=1e-4)
    assert [curve.quantile(0.5), curve.times.tolist()] == [3, [1, 2, 3, 5]]


def test_a_median_that_is_not_reached_is_no_number():
    assert np.isnan(kaplan_meier(np.array([1.0, 2, 3]), np.array([1.0, 0, 0])).quantile(0.5))


def test_first_response_time_of_answered_tickets_has_ranks():
    minutes = [4, 7, 9, 12, 15, 18, 25, 31, 40, 65, 120]
    counted = of_one_cell(value=minutes, observed=[1] * 11)
    median, p90 = Survival().estimates(counted)
    assert [median.value[0], median.low[0], median.high[0], p90.value[0]] == [18, 7, 65, 65]
    assert median_ranks(11) == (2, 10)
    assert median.method[0] == "order"


def test_processing_time_has_median_ranks_and_p90():
    median, p90 = Quantiles().estimates(of_one_cell(value=[2, 3, 3, 4, 5, 6, 7, 8, 9, 40]))
    assert [median.value[0], median.low[0], median.high[0], p90.value[0]] == NEAR([5.5, 3, 9, 12.1])
    assert median_ranks(10) == (2, 9)


def test_five_values_bound_no_median():
    assert [median_ranks(5), median_ranks(6)] == [None, (1, 6)]


CSAT_ANSWERS = {
    "freshdesk": [{"category": c} for c in ("good", "good", "neutral", "bad", "good")],
    "zendesk": [{"category": c} for c in ("good", "good", "bad")],
    "helpscout": [{"category": c} for c in ("good", "neutral", "bad", "good")],
    "intercom": [{"score": s, "scale_min": 1, "scale_max": 5} for s in (5, 4, 3, 2, 5)],
    "seven points": [{"score": s, "scale_min": 1, "scale_max": 7} for s in (7, 6, 5)],
    "eleven points": [{"score": s, "scale_min": 0, "scale_max": 10} for s in (10, 9, 8)],
    "yes or no": [{"score": s, "scale_min": 0, "scale_max": 1} for s in (1, 0)],
    "three points": [{"score": s, "scale_min": 1, "scale_max": 3} for s in (3, 2)],
    "turned": [{"score": s, "scale_min": 1, "scale_max": 5, "orientation": "high_bad"} for s in (1, 2, 5)],
    "no answer": [{"score": None}],
}


def test_satisfied_is_mapped_by_source_and_scale(world):
    for source, answers in CSAT_ANSWERS.items():
        for number, answer in enumerate(answers):
            world.add(
                "survey_response", str(number), source=source, instrument="CSAT", answered_at=at("2026-03-02"), **answer
            )
    with world.session(tables=["person", "survey_response"]) as session:
        for name in ("person_locale", "survey_answer"):
            session.derive(name, transform(name))
        query = "select source, sum(satisfied) as x, count(satisfied) as n from survey_answer group by source"
        found = {row["source"]: (int(row["x"] or 0), row["n"]) for row in session.query(query).to_pylist()}
    assert found == {
        "freshdesk": (3, 5),
        "zendesk": (2, 3),
        "helpscout": (2, 4),
        "intercom": (3, 5),
        "seven points": (2, 3),
        "eleven points": (2, 3),
        "yes or no": (1, 2),
        "three points": (1, 2),
        "turned": (2, 3),
        "no answer": (0, 0),
    }


def answer(world, instrument, scores, low, high, **values):
    for number, score in enumerate(scores):
        world.person(f"{instrument}{number}")
        world.add(
            "survey_response",
            f"{instrument}{number}",
            source=values.get("source", "zendesk"),
            person_id=f"{instrument}{number}",
            instrument=instrument,
            answered_at=at("2026-03-02"),
            score=score,
            scale_min=low,
            scale_max=high,
            **{key: value for key, value in values.items() if key != "source"},
        )


def test_ease_has_its_companions(world):
    answer(world, "CES", [7, 6, 5, 7, 4, 6, 3, 7, 6, 5], 1, 7)
    rows = world.published([METRIC["ces"]])
    found = {key[6]: row for key, row in rows.items() if key[1:6] == ("month", "2026-03-01", "all", "all", "all")}
    assert {stat: row["value"] for stat, row in found.items()} == NEAR(
        {"value": 5.6, "ease_share": 0.8, "effort_display": 2.4}
    )
    assert [found["value"]["ci_low"], found["value"]["ci_high"]] == NEAR([4.6343, 6.5657], abs=1e-4)


@pytest.mark.parametrize(("score", "orientation"), [(2, "high_bad"), (4, "high_good")])
def test_effort_on_five_points_becomes_ease_on_seven(world, score, orientation):
    answer(world, "CES", [score], 1, 5, orientation=orientation)
    row = world.published([relaxed("ces")])["ces", "month", "2026-03-01", "all", "all", "all", "value"]
    assert row["value"] == NEAR(5.5)


def test_nps_of_twenty_answers(world):
    answer(world, "NPS", [9] * 9 + [7] * 6 + [3] * 5, 0, 10)
    row = world.published([METRIC["nps"]])["nps", "month", "2026-03-01", "all", "all", "all", "value"]
    assert [row["value"], row["ci_low"], row["ci_high"]] == NEAR([20, -15.60, 55.60], abs=0.005)
    assert row["status"] == "low_sample"


def test_nps_refuses_other_scales_and_counts_a_person_once(world):
    answer(world, "NPS", [5] * 3, 1, 5)
    for number, (day, score) in enumerate([("2026-01-10", 10), ("2026-03-01", 0), ("2026-03-20", 9)]):
        values = {"score": score, "scale_min": 0, "scale_max": 10, "answered_at": at(day)}
        world.add("survey_response", f"again{number}", person_id="NPS0", instrument="NPS", **values)
    rows = world.published([relaxed("nps")])
    march = rows["nps", "month", "2026-03-01", "all", "all", "all", "value"]
    trailing = rows["nps", "roll90", "2026-01-01", "all", "all", "all", "value"]
    assert [(row["n"], row["value"]) for row in (march, trailing)] == [(1, 100), (1, 100)]


def test_runs_give_completion_and_throughput(world):
    chain = [(f"clean{n}", f"clean{n}", "success", "none") for n in range(90)]
    for n in range(4):
        chain += [(f"auto{n}", f"auto{n}", "error", "none"), (f"auto{n}b", f"auto{n}", "success", "auto")]
    chain += [(f"failed{n}", f"failed{n}", "error", "none") for n in range(4)]
    add_runs(world, chain)
    for n in range(2):
        values = {"process": "sync/zendesk", "status": "success", "manual_touch": True, "root_run_id": f"hand{n}"}
        world.add("automation_run", f"hand{n}", source="cdp", started_at=at("2026-03-02"), **values)
    assert flags_of_runs(world) == {"runs": 100, "clean": 90, "success": 96, "error": 8, "manual": 2}
    row = world.published([METRIC["automation_completion_rate"]])[
        "automation_completion_rate", "month", "2026-03-01", "all", "all", "all", "value"
    ]
    assert [row["value"], row["ci_low"], row["ci_high"]] == NEAR([0.9, 0.8256, 0.9448], abs=1e-4)


def test_issues_fold_tickets_by_time_and_topic(world):
    """First three: 72 h apart at most, topic unknown or the same. Then another topic; then too late."""
    world.person("a")
    tickets = [
        ("1", "2026-03-02T09:00", None),
        ("2", "2026-03-05T08:00", "shipping"),
        ("3", "2026-03-09T09:00", "shipping"),
        ("4", "2026-03-09T10:00", "billing"),
        ("5", "2026-03-20T10:00", "billing"),
    ]
    for number, moment, topic in tickets:
        values = {"created_at": at(moment), "topic": topic, "status": "open", "requester_id": "a"}
        world.add("ticket", number, **values)
    # The customer writes on ticket 2 on the 7th, so the issue is still warm when ticket 3 comes on the 9th.
    world.add("message", "m", ticket_id="2", author_id="a", at=at("2026-03-07T09:00"))
    assert issues(world) == [
        ("2026-03-02T09:00", "shipping", 3, False),
        ("2026-03-09T10:00", "billing", 1, False),
        ("2026-03-20T10:00", "billing", 1, False),
    ]


def issues(world):
    with world.session(tables=["ticket", "message", "ticket_event"]) as session:
        for name in METRIC["ttr_median"].transforms:
            session.derive(name, transform(name))
        rows = session.query("select opened_at, topic, n_tickets, is_resolved, hours from issue").to_pylist()
    return sorted(
        (row["opened_at"].isoformat()[:16], row["topic"], row["n_tickets"], bool(row["is_resolved"])) for row in rows
    )


def test_a_solve_undone_within_seven_days_resolves_nothing(world):
    world.person("a")
    world.person("b")
    for ticket, person, reopened in (("1", "a", "2026-03-05"), ("2", "b", "2026-03-15")):
        created = at("2026-03-02")
        world.add("ticket", ticket, created_at=created, status="open", requester_id=person, topic=person)
        steps = [("new", "solved", "2026-03-03"), ("solved", "open", reopened)]
        for number, (before, after, day) in enumerate(steps):
            values = {"kind": "status", "status_from": before, "status_to": after, "at": at(day)}
            world.add("ticket_event", f"{ticket}-{number}", ticket_id=ticket, **values)
    assert [issue[1::2] for issue in issues(world)] == [("a", False), ("b", True)]


def test_bots_and_notes_are_no_first_reply(world):
    world.person("a")
    world.person("staff", kind="staff", linked=False)
    world.person("robot", kind="bot", linked=False)
    world.add("ticket", "1", created_at=at("2026-03-02T10:00"), status="open", requester_id="a")
    for number, (author, minute, public) in enumerate([("robot", 1, True), ("staff", 5, False), ("staff", 18, True)]):
        moment = at("2026-03-02T10:00") + timedelta(minutes=minute)
        world.add("message", str(number), ticket_id="1", author_id=author, at=moment, is_public=public)
    row = world.published([relaxed("first_response_time")])[
        "first_response_time", "day", "2026-03-02", "all", "all", "all", "p50"
    ]
    assert row["value"] == NEAR(18)


def test_metrics_nobody_feeds_say_so(world):
    rows = world.published([METRIC["self_service_containment_rate"], METRIC["chatbot_resolution_rate"]])
    said = {(row["status"], row["status_reason"], row["value"]) for row in rows.values()}
    assert said == {("insufficient_data", "no_source", None)}
    assert sorted(key[:3] for key in rows) == [
        (name, grain, start)
        for name in ("chatbot_resolution_rate", "self_service_containment_rate")
        for grain, start in (("day", "2026-03-31"), ("month", "2026-03-01"), ("week", "2026-03-30"))
    ]


def test_answers_within_fourteen_days_count_as_answered(world):
    world.people(4)
    for number, answered in enumerate(["2026-03-03", "2026-03-15", "2026-03-17", None]):
        values = {"person_id": str(number), "instrument": "CSAT"}
        world.add("survey_invitation", str(number), delivered_at=at("2026-03-02"), request_channel="email", **values)
        if answered:
            values["invitation_id"] = str(number)
            world.add("survey_response", str(number), answered_at=at(answered), category="good", **values)
    row = world.published([relaxed("survey_response_rate")])[
        "survey_response_rate", "month", "2026-03-01", "email", "all", "all", "value"
    ]
    assert [row["numerator"], row["denominator"], row["is_final"]] == [2, 4, False]


def test_match_rate_counts_records_joined_by_a_key(world):
    for number in range(3):
        world.person(f"single{number}")
    world.person("z", linked=False)
    world.add(
        "identity_link",
        "z",
        profile_id="p-single0",
        method="deterministic",
        key_type="email",
        linked_at=at("2026-01-01"),
    )
    row = world.published([METRIC["identity_match_rate"]])[
        "identity_match_rate", "asof", "2026-03-31", "all", "all", "all", "value"
    ]
    assert [row["numerator"], row["denominator"], row["n_persons"], row["ci_low"]] == [1, 4, 3, None]


def test_as_of_now_is_the_last_period(world):
    world.people(1)
    world.add("ticket", "1", created_at=NOW - timedelta(hours=1), status="open", requester_id="0")
    rows = world.published([METRIC["support_ticket_volume"]])
    assert {key[1:3] for key in rows} == {("day", "2026-03-31"), ("week", "2026-03-30"), ("month", "2026-03-01")}
    assert not any(row["is_final"] for row in rows.values())


def test_columns_are_those_of_the_published_table():
    assert sorted(SCHEMA.names) == sorted(MetricValue.model_fields)
    assert pa.types.is_date(SCHEMA.field("period_start").type)
