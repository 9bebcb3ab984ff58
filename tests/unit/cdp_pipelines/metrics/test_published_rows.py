"""What is in a published row when something is missing, late, small or broken."""

from dataclasses import replace
from datetime import timedelta

import pytest
from small_worlds import NOW, SmallWorld, at, feeds_read_until

from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.feeds import Feed

METRIC = {metric.id: metric for metric in METRICS}
VOLUME = METRIC["support_ticket_volume"]
ALL = ("all", "all", "all")
NUMBERS = ("value", "numerator", "denominator", "n", "n_persons", "ci_low", "ci_high", "coverage", "n_excluded_consent")


@pytest.fixture
def world(tmp_path):
    return SmallWorld(tmp_path)


def add_tickets(world, count, day, *, channel="email", person=None):
    start = len(world.rows["ticket"])
    for number in range(start, start + count):
        moment = at(day) + timedelta(hours=1)
        who = str(number) if person is None else person
        world.add("ticket", str(number), created_at=moment, status="open", channel=channel, requester_id=who)


def volume(rows, day, channel="all", grain="day"):
    return rows["support_ticket_volume", grain, day, channel, "all", "all", "value"]


def test_a_suppressed_cell_says_nothing_else(world):
    world.people(30)
    for channel, count in (("email", 12), ("chat", 3), ("phone", 9), ("web", 6)):
        add_tickets(world, count, "2026-03-02", channel=channel)
    rows = world.published([VOLUME], k=5)
    found = {channel: volume(rows, "2026-03-02", channel) for channel in ("all", "email", "chat", "phone", "web")}
    assert {channel: row["status"] for channel, row in found.items()} == {
        "all": "ok",
        "email": "ok",
        "chat": "suppressed",
        "phone": "ok",
        "web": "suppressed",
    }
    assert {found["chat"][name] for name in (*NUMBERS, "status_reason", "ci_method")} == {None}


def test_which_of_two_equally_small_cells_is_hidden_does_not_depend_on_the_order_of_rows(tmp_path):
    shown = []
    for number, channels in enumerate((("chat", "email", "web"), ("email", "chat", "web"))):
        world = SmallWorld(tmp_path / str(number))
        world.people(30)
        for channel in channels:
            add_tickets(world, {"web": 2}.get(channel, 6), "2026-03-02", channel=channel)
        rows = world.published([VOLUME], k=5)
        shown.append([volume(rows, "2026-03-02", channel)["status"] for channel in ("chat", "email", "web")])
    assert shown[0] == shown[1] == ["suppressed", "ok", "suppressed"]


def test_the_company_may_demand_more_persons_but_never_fewer(world):
    world.people(30)
    add_tickets(world, 6, "2026-03-02")
    assert volume(world.published([VOLUME], k=1), "2026-03-02")["value"] == 6
    assert volume(world.published([VOLUME], k=7), "2026-03-02")["status"] == "suppressed"


def test_many_units_of_few_persons_are_a_small_cell(world):
    world.people(1)
    add_tickets(world, 20, "2026-03-02", person="0")
    assert volume(world.published([VOLUME], k=5), "2026-03-02")["status"] == "suppressed"


def test_a_day_without_tickets_is_zero_only_if_somebody_looked(world):
    world.people(10)
    add_tickets(world, 5, "2026-03-27")
    add_tickets(world, 5, "2026-03-30")
    until = at("2026-03-29T12:00")
    stale = feeds_read_until(until)
    rows = world.published([VOLUME], feeds=stale, now=at("2026-03-31T12:00"))
    found = [volume(rows, day) for day in ("2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31")]
    assert [(row["value"], row["status"], row["status_reason"], row["is_final"]) for row in found] == [
        (0, "ok", None, True),
        (None, "insufficient_data", "missing_input", False),
        (5, "ok", None, False),
        (None, "insufficient_data", "missing_input", False),
    ]
    assert all(row["is_stale"] for row in found)


def test_a_source_never_read_to_the_end_gives_no_zero(world):
    world.people(5)
    add_tickets(world, 5, "2026-03-27")
    feeds = [Feed("zendesk", read_until=None, interval=timedelta(hours=1))]
    assert volume(world.published([VOLUME], feeds=feeds), "2026-03-28")["status_reason"] == "missing_input"


def test_a_source_whose_tickets_were_never_read_gives_no_zero(world):
    world.people(5)
    add_tickets(world, 5, "2026-03-27")
    read = Feed("zendesk", read_until=NOW, interval=timedelta(hours=1), tables={"ticket": None, "person": NOW})
    row = volume(world.published([VOLUME], feeds=[read]), "2026-03-28")
    assert [row["status_reason"], row["is_final"]] == ["missing_input", False]


def test_without_a_source_that_can_feed_it_a_metric_says_so(world):
    rows = world.published([VOLUME], feeds=feeds_read_until(NOW, ["cdp", "hubspot"]))
    assert {(row["status"], row["status_reason"]) for row in rows.values()} == {("insufficient_data", "no_source")}
    assert not world.reads


def test_a_broken_statement_marks_its_metric_and_stops_no_other(world):
    world.people(5)
    add_tickets(world, 5, "2026-03-27")
    broken = replace(METRIC["csat"], transforms=())
    rows = world.published([broken, VOLUME])
    assert {row["status"] for key, row in rows.items() if key[0] == "csat"} == {"error"}
    assert volume(rows, "2026-03-27")["value"] == 5


def test_coverage_counts_people_who_refuse_in_steps_of_k(world):
    world.people(40)
    for number in range(3):
        world.refused.add((f"p-{number}", "service_delivery"))
    add_tickets(world, 40, "2026-03-02")
    row = volume(world.published([VOLUME], k=5), "2026-03-02")
    assert [row["value"], row["n_excluded_consent"], row["coverage"]] == [37, 5, pytest.approx(37 / 42)]


def test_the_coverage_of_a_hidden_total_is_hidden_too(world):
    """A small Monday takes Tuesday with it; Tuesday's chats are shown, but not what they are a part of."""
    world.people(40)
    add_tickets(world, 3, "2026-03-02")
    for channel, count, day in (("email", 8, 3), ("chat", 6, 3), ("email", 20, 4)):
        add_tickets(world, count, f"2026-03-{day:02}", channel=channel)
    rows = world.published([VOLUME], k=5)
    shown = volume(rows, "2026-03-03", "chat")
    assert [volume(rows, "2026-03-03")["status"], volume(rows, "2026-03-03", "email")["status"]] == ["suppressed"] * 2
    assert [shown[name] for name in ("value", "coverage", "n_excluded_consent")] == [6, None, None]


def test_survey_coverage_is_answers_by_invitations(world):
    world.people(100)
    for number in range(100):
        values = {"instrument": "CSAT", "person_id": str(number)}
        world.add("survey_invitation", str(number), delivered_at=at("2026-03-02"), **values)
        if number < 30:
            moment = at("2026-03-02T10:00")
            world.add("survey_response", str(number), answered_at=moment, category="good", **values)
    row = world.published([METRIC["csat"]])["csat", "month", "2026-03-01", *ALL, "value"]
    assert [row["coverage"], row["status"], row["n"]] == [0.3, "ok", 30]


def test_answers_of_one_source_do_not_stand_in_for_invitations_of_another(world):
    """40 unanswered invitations by Zendesk, 40 answers in HubSpot by 40 of 80 active persons: 40 of 40 + 80."""
    world.people(120)
    for number in range(40):
        asked = {"instrument": "CSAT", "person_id": str(number)}
        world.add("survey_invitation", str(number), delivered_at=at("2026-03-02"), **asked)
    for number in range(40, 80):
        add_tickets(world, 1, "2026-03-02", person=str(number))
        world.person(f"h{number}", source="hubspot", profile=f"p-{number + 40}")
        answer = {"instrument": "CSAT", "person_id": f"h{number}", "answered_at": at("2026-03-02"), "category": "good"}
        world.add("survey_response", str(number), source="hubspot", **answer)
    row = world.published([METRIC["csat"]])["csat", "month", "2026-03-01", *ALL, "value"]
    assert [row["coverage"], row["n"]] == [pytest.approx(40 / 120), 40]


@pytest.mark.parametrize(("spoke", "coverage"), [("2025-12-31", 1.0), ("2026-01-01", 0.5)])
def test_answers_nobody_was_invited_to_are_measured_against_who_was_active_in_90_days(world, spoke, coverage):
    """The 90 days up to the last of March begin on the first of January."""
    world.people(40)
    for number in range(20):
        answer = {"instrument": "NPS", "score": 9, "scale_min": 0, "scale_max": 10, "answered_at": at("2026-03-20")}
        world.add("survey_response", str(number), source="zendesk", person_id=str(number), **answer)
        add_tickets(world, 1, spoke, person=str(number + 20))
    nps = replace(METRIC["nps"], sources=("zendesk",))
    assert world.published([nps])["nps", "month", "2026-03-01", *ALL, "value"]["coverage"] == coverage


def test_survey_answers_are_sliced_by_the_language_of_the_person(world):
    for number in range(30):
        world.person(str(number), locale="de" if number < 12 else "en")
        answer = {"instrument": "CSAT", "person_id": str(number), "category": "good" if number % 2 else "bad"}
        world.add("survey_response", str(number), answered_at=at("2026-03-02"), **answer)
    rows = world.published([METRIC["csat"]])
    found = {
        key[5]: row["n"] for key, row in rows.items() if key[1:3] == ("month", "2026-03-01") and key[4] == "locale"
    }
    assert found == {"de": 12, "en": 18}


def test_a_day_that_differs_from_the_last_shown_by_few_persons_is_hidden(world):
    """Three withdraw on the 20th, two more on the 22nd: together they are enough."""
    world.people(20)
    for number in range(20):
        world.consent(f"p-{number}", "marketing", "granted", "2026-03-10")
    for number in range(5):
        world.consent(f"p-{number}", "marketing", "withdrawn", "2026-03-20" if number < 3 else "2026-03-22")
    rows = world.published([METRIC["consent_opt_in_rate"]])
    shown = {
        day: rows["consent_opt_in_rate", "asof", f"2026-03-{day}", *ALL, "value"]["numerator"]
        for day in (19, 20, 21, 22, 31)
    }
    assert shown == {19: 20, 20: None, 21: None, 22: 15, 31: 15}


def test_tickets_staff_opened_of_their_own_accord_are_not_the_customers(world):
    world.people(30)
    world.person("agent", kind="staff", linked=False)
    world.person("friend")
    how = [("agent", "web"), ("agent", "email"), ("agent", "phone"), ("friend", "web"), ("gone", "web"), (None, "web")]
    for number in range(30):
        submitter, channel = how[number % 6]
        values = {"status": "open", "requester_id": str(number), "submitter_id": submitter, "channel": channel}
        world.add("ticket", str(number), created_at=at("2026-03-02T01:00"), **values)
    assert volume(world.published([VOLUME]), "2026-03-02")["value"] == 20


def test_a_rerun_gives_the_same_rows(world):
    world.people(30)
    add_tickets(world, 30, "2026-03-02")
    assert world.published(METRICS) == world.published(METRICS)


def test_days_are_those_of_the_company(world):
    world.people(6)
    world.rows["ticket"] = []
    for number in range(6):
        moment = at("2026-03-02T23:30")
        world.add("ticket", str(number), created_at=moment, status="open", requester_id=str(number))
    assert volume(world.published([VOLUME], time_zone="Europe/Berlin"), "2026-03-03")["value"] == 6


def test_states_stand_until_they_change(world):
    world.people(20)
    for number in range(20):
        world.consent(f"p-{number}", "marketing", "granted", "2026-03-10")
    for number in range(5):
        world.consent(f"p-{number}", "marketing", "withdrawn", "2026-03-20")
    rows = world.published([METRIC["consent_opt_in_rate"]])
    share = {
        day: rows["consent_opt_in_rate", "asof", f"2026-03-{day}", "all", "purpose", "marketing", "value"]["value"]
        for day in (10, 19, 20, 31)
    }
    assert share == {10: 1.0, 19: 1.0, 20: 0.75, 31: 0.75}


def test_who_leaves_and_comes_back_in_a_month_is_one_person_of_that_month(world):
    world.people(6)
    for number in range(6):
        world.consent(f"p-{number}", "marketing", "granted", "2026-01-10")
    for state, day in (("withdrawn", 3), ("granted", 5), ("withdrawn", 9)):
        world.consent("p-0", "marketing", state, f"2026-02-{day:02}")
    rows = world.published([METRIC["consent_opt_out_rate"]])
    found = {
        month: rows["consent_opt_out_rate", "month", month, "all", "purpose", "marketing", "value"]
        for month in ("2026-01-01", "2026-02-01", "2026-03-01")
    }
    assert {month: (row["numerator"], row["denominator"]) for month, row in found.items()} == {
        "2026-01-01": (0, 6),
        "2026-02-01": (1, 6),
        "2026-03-01": (0, 5),
    }


def test_a_refusal_of_everything_covers_each_subscription(world):
    world.people(10)
    for number in range(10):
        world.consent(f"p-{number}", "marketing", "granted", "2026-01-10", channel="email", scope="news")
    for number in range(5):
        world.consent(f"p-{number}", "marketing", "withdrawn", "2026-02-10")
    row = world.published([METRIC["consent_opt_in_rate"]])[
        "consent_opt_in_rate", "asof", "2026-03-31", "email", "all", "all", "value"
    ]
    assert [row["numerator"], row["denominator"]] == [5, 10]


@pytest.mark.parametrize("merged_into", ["0", None])
def test_records_the_source_no_longer_has_are_neither_duplicates_nor_matched(world, merged_into):
    world.person("0", profile="p-0")
    world.person("1", profile="p-0", deleted=True, merged_into=merged_into)
    rows = world.published([METRIC["crm_duplicate_rate"], METRIC["identity_match_rate"]])
    for metric in ("crm_duplicate_rate", "identity_match_rate"):
        assert rows[metric, "asof", "2026-03-31", *ALL, "value"]["n"] == 1
    assert rows["crm_duplicate_rate", "asof", "2026-03-31", *ALL, "value"]["numerator"] == 0


@pytest.mark.parametrize("scores", [(9, 0), (0, 9)])
def test_of_two_answers_of_one_moment_it_is_always_the_same_that_counts(world, scores):
    scale = {"scale_min": 0, "scale_max": 10, "instrument": "NPS", "item_id": "nps", "source": "hubspot"}
    for number in range(10):
        world.person(str(number), source="hubspot")
        for score in scores:
            moment = {"person_id": str(number), "answered_at": at("2026-03-02")}
            world.add("survey_response", f"{number}/{score}", score=score, **moment, **scale)
    assert world.published([METRIC["nps"]])["nps", "month", "2026-03-01", *ALL, "value"]["value"] == -100


def test_what_has_no_label_is_not_found_by_subtracting_those_that_have(world):
    for number in range(31):
        world.person(str(number), source="hubspot", locale="en" if number else None, created_at=at("2026-01-02"))
        answer = {"item_id": "csat", "instrument": "CSAT", "category": "good" if number else "bad"}
        whose = {"source": "hubspot", "person_id": str(number), "answered_at": at("2026-03-02")}
        world.add("survey_response", str(number), **answer, **whose)
        world.consent(f"p-{number}", "marketing", "granted" if number else "denied", "2026-03-02")
    rows = world.published([METRIC["csat"], METRIC["consent_opt_in_rate"]], k=5)
    for key in (("csat", "month", "2026-03-01"), ("consent_opt_in_rate", "asof", "2026-03-02")):
        assert rows[*key, *ALL, "value"]["numerator"] == 30
        assert rows[*key, "all", "locale", "en", "value"]["status"] == "suppressed"
