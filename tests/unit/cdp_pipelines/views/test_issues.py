"""What becomes of an issue: how often its person turned to us, whether it came back, what speaks against it."""

from datetime import timedelta

import pytest
from small_worlds import SmallWorld, at

from cdp_pipelines.transforms import transform

TABLES = ("ticket", "message", "ticket_event", "survey_response", "person")
VIEWS = (
    *("customer_ticket", "solve", "public_message", "contact", "touch", "issue_ticket", "issue"),
    *("person_locale", "survey_answer", "issue_signal"),
)
MONDAY = at("2026-03-02T09:00")


@pytest.fixture
def world(tmp_path):
    small = SmallWorld(tmp_path)
    small.person("a")
    small.person("staff", kind="staff", linked=False)
    return small


def ticket(world, number, *, after=timedelta(0), solved=None, topic="shipping", person="a", **values):
    created = MONDAY + after
    state = {"status": "solved", "solved_at": created + solved} if solved else {"status": "open"}
    world.add("ticket", number, requester_id=person, created_at=created, topic=topic, **state, **values)


def write(world, number, *minutes, actor="customer", **values):
    for place, minute in enumerate(minutes):
        written = MONDAY + timedelta(minutes=minute)
        world.add("message", f"{number}-{actor}-{place}", ticket_id=number, actor=actor, at=written, **values)


def read(world, *columns):
    with world.session(tables=TABLES) as session:
        for name in VIEWS:
            session.derive(name, transform(name))
        chosen = ", ".join(columns)
        rows = session.query(
            f"select {chosen} from issue join issue_signal on issue_signal.issue_id = issue.issue_id order by opened_at"  # noqa: S608
        )
    return [tuple(row.values()) for row in rows.to_pylist()]


@pytest.mark.parametrize(
    ("minutes", "contacts"),
    [([], 1), ([0], 1), ([0, 20, 50], 1), ([0, 30, 60], 1), ([0, 31], 2), ([0, 1440, 1450, 4000], 3)],
)
def test_words_half_an_hour_apart_are_another_contact(world, minutes, contacts):
    ticket(world, "1")
    write(world, "1", *minutes)
    write(world, "1", 5, 1430, actor="agent")
    assert read(world, "cast(n_contacts as bigint)") == [(contacts,)]


def test_staff_touch_an_issue_by_words_in_public_or_not_and_by_taking_it_on(world):
    world.person("robot", kind="bot", linked=False)
    for person in "bcdef":
        world.person(person)
    ticket(world, "1", person="b")
    write(world, "1", 5, actor="agent")
    ticket(world, "2", person="c", after=timedelta(minutes=1))
    write(world, "2", 5, actor="agent", is_public=False)
    ticket(world, "3", person="d", after=timedelta(minutes=2), assignee_id="staff")
    ticket(world, "4", person="e", after=timedelta(minutes=3), assignee_id="robot")
    write(world, "4", 5, actor="bot")
    ticket(world, "5", person="f", after=timedelta(minutes=4))
    assert read(world, "agent_touched") == [(1,), (1,), (1,), (0,), (0,)]


@pytest.mark.parametrize(
    ("topic", "hours", "related", "negative"),
    [
        ("shipping", 24 * 8, True, 1),
        ("shipping", 24 * 8 + 1, False, 0),
        ("billing", 24 * 8, False, 0),
        (None, 24 * 8, True, 0),
    ],
)
def test_coming_back_within_seven_days_of_the_resolution_counts(world, topic, hours, related, negative):
    """The first is solved after a day; the next one is opened so many hours after the first."""
    ticket(world, "1", solved=timedelta(days=1))
    ticket(world, "2", after=timedelta(hours=hours), topic=topic)
    first, second = read(world, "related_at is not null", "negative_signal")
    assert first == (related, negative)
    assert second == (False, 0)


def test_an_issue_that_is_open_is_not_resolved_and_therefore_has_no_return(world):
    ticket(world, "1")
    ticket(world, "2", after=timedelta(days=5))
    assert read(world, "is_resolved", "related_at", "negative_signal") == [(0, None, 1), (0, None, 0)]


def test_nobody_identifiable_never_comes_back(world):
    ticket(world, "1", person=None, solved=timedelta(days=1))
    ticket(world, "2", person=None, after=timedelta(days=5))
    assert read(world, "related_at", "negative_signal") == [(None, 0), (None, 0)]


@pytest.mark.parametrize(
    ("answer", "negative"),
    [
        ({"instrument": "CSAT", "category": "bad"}, 1),
        ({"instrument": "CSAT", "category": "good", "score": 1, "scale_min": 1, "scale_max": 5}, 0),
        ({"instrument": "CSAT", "score": 2, "scale_min": 1, "scale_max": 5}, 1),
        ({"instrument": "CSAT", "score": 3, "scale_min": 1, "scale_max": 5}, 0),
        ({"instrument": "CSAT", "score": 2, "scale_min": 1, "scale_max": 3}, 0),
        ({"instrument": "CES", "score": 3, "scale_min": 1, "scale_max": 7}, 1),
        ({"instrument": "CES", "score": 4, "scale_min": 1, "scale_max": 7}, 0),
        ({"instrument": "CES", "score": 7, "scale_min": 1, "scale_max": 7, "orientation": "high_bad"}, 1),
        ({"instrument": "NPS", "score": 0, "scale_min": 0, "scale_max": 10}, 0),
    ],
)
def test_a_bad_or_hard_answer_about_one_of_its_tickets_speaks_against_it(world, answer, negative):
    ticket(world, "1")
    world.add("survey_response", "r", ticket_id="1", answered_at=MONDAY + timedelta(days=1), **answer)
    assert read(world, "negative_signal") == [(negative,)]
