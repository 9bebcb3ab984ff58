"""Issues: what SQL folds out of tickets is what a plain walk over every touch gives."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from small_worlds import NOW, SmallWorld, at

from cdp_pipelines.transforms import transform

BEGIN = at("2026-03-01")
DAY = timedelta(days=1)
VIEWS = ("customer_ticket", "solve", "public_message", "interaction", "contact", "touch", "issue_ticket", "issue")
TABLES = ("ticket", "message", "ticket_event", "survey_response", "person")
SURVEYED = ("person_locale", "survey_answer", "issue_signal")
HOURS = st.integers(0, 500).map(lambda half: half / 2)
ACTORS = ("customer", "agent", "bot", "note")
ANSWERS = ("good", "bad", "hard", "easy", None)


@st.composite
def some_tickets(draw):
    """Tickets of two persons and of nobody: opened, topic, messages, changes of state, assignee, an answer."""
    messages = st.lists(st.tuples(HOURS, st.sampled_from(ACTORS)), max_size=4)
    change = st.tuples(HOURS, st.sampled_from(["solved", "open"]))
    states = st.just([(1.0, "solved")]) | st.lists(change, max_size=4, unique_by=lambda one: one[0])
    ticket = st.fixed_dictionaries(
        {
            "person": st.sampled_from(["a", "a", "b", None]),
            "opened": HOURS.map(lambda hours: 2 * hours),
            "topic": st.sampled_from([None, "shipping", "billing"]),
            "messages": messages,
            "states": states,
            "assigned": st.sampled_from([None, "staff", "robot"]),
            "answer": st.sampled_from(ANSWERS),
        }
    )
    return draw(st.lists(ticket, max_size=8, unique_by=lambda one: one["opened"]))


def moment(hours):
    return BEGIN + timedelta(hours=hours)


def build(folder, tickets):
    world = SmallWorld(Path(folder))
    for name in ("a", "b"):
        world.person(name)
    world.person("staff", kind="staff", linked=False)
    world.person("robot", kind="bot", linked=False)
    for number, ticket in enumerate(tickets):
        own = {"requester_id": ticket["person"], "topic": ticket["topic"], "assignee_id": ticket["assigned"]}
        world.add("ticket", str(number), created_at=moment(ticket["opened"]), status="open", **own)
        for place, (after, actor) in enumerate(ticket["messages"]):
            said = {"actor": "agent" if actor == "note" else actor, "is_public": actor != "note"}
            written = moment(ticket["opened"] + after / 4)
            world.add("message", f"{number}-{place}", ticket_id=str(number), at=written, **said)
        for place, (after, state) in enumerate(ticket["states"]):
            change = {"kind": "status", "status_to": state, "at": moment(ticket["opened"] + after)}
            world.add("ticket_event", f"{number}-{place}", ticket_id=str(number), **change)
        answer(world, number, ticket["answer"])
    return world


def answer(world, number, kind):
    given = {"ticket_id": str(number), "answered_at": NOW - DAY}
    if kind in ("good", "bad"):
        world.add("survey_response", str(number), instrument="CSAT", category=kind, **given)
    elif kind is not None:
        scale = {"instrument": "CES", "scale_min": 1, "scale_max": 5, "score": 2 if kind == "hard" else 3}
        world.add("survey_response", str(number), **scale, **given)


def touches_of(ticket):
    """When its person turned to us: opening it, and every public message after that."""
    written = [moment(ticket["opened"] + after / 4) for after, actor in ticket["messages"] if actor == "customer"]
    return sorted([moment(ticket["opened"]), *written])


def contacts_of(ticket):
    """Runs of words not more than half an hour apart."""
    times = touches_of(ticket)
    return 1 + sum(later - earlier > timedelta(minutes=30) for earlier, later in pairwise(times))


def lasting_solve(ticket):
    """The last change to solved that was not undone within seven days."""
    solved, lasting = None, None
    for after, state in sorted(ticket["states"]):
        when = moment(ticket["opened"] + after)
        if state == "solved" and solved is None:
            solved = when
        elif state == "open" and solved is not None:
            lasting = solved if when > solved + 7 * DAY else lasting
            solved = None
    return solved or lasting


def folded(tickets):
    """The tickets of each issue, by the definition: every touch in time order joins or opens one."""
    found = []
    for person in {ticket["person"] for ticket in tickets} - {None}:
        found += fold([number for number, ticket in enumerate(tickets) if ticket["person"] == person], tickets)
    return found + [[number] for number, ticket in enumerate(tickets) if ticket["person"] is None]


def fold(numbers, tickets):
    touches = [(when, when == moment(tickets[n]["opened"]), n) for n in numbers for when in touches_of(tickets[n])]
    issues, last = [], {}
    for when, _, number in sorted(touches):
        home = next((place for place, issue in enumerate(issues) if number in issue), None)
        if home is None:
            topics = [tickets[n]["topic"] for n in issues[-1] if tickets[n]["topic"]] if issues else []
            fits = not topics or tickets[number]["topic"] in (None, topics[0])
            if not (issues and fits and when <= last[len(issues) - 1] + 3 * DAY):
                issues.append([])
            home = len(issues) - 1
            issues[home].append(number)
        last[home] = when
    return issues


def described(issue, tickets):
    """One issue as the view has it, without what depends on other issues."""
    own = [tickets[number] for number in issue]
    solves = [lasting_solve(ticket) for ticket in own]
    staff = any(actor in ("agent", "note") for ticket in own for _, actor in ticket["messages"])
    return {
        "opened_at": moment(own[0]["opened"]),
        "last_touch_at": max(touches_of(ticket)[-1] for ticket in own),
        "profile_id": own[0]["person"] and f"p-{own[0]['person']}",
        "topic": next((ticket["topic"] for ticket in own if ticket["topic"]), None),
        "resolved_at": None if None in solves else max(solves),
        "n_tickets": len(own),
        "n_contacts": sum(contacts_of(ticket) for ticket in own),
        "agent_touched": int(staff or any(ticket["assigned"] == "staff" for ticket in own)),
        "complained": any(ticket["answer"] in ("bad", "hard") for ticket in own),
    }


def followed(issue, others):
    """When the person came back about the same or an unknown topic, and whether anything speaks against it."""
    until = (issue["resolved_at"] or issue["last_touch_at"]) + 7 * DAY
    later = [
        other
        for other in others
        if other["profile_id"] == issue["profile_id"] is not None and issue["opened_at"] < other["opened_at"] <= until
    ]
    same = [one["opened_at"] for one in later if one["topic"] == issue["topic"] is not None]
    related = same + [one["opened_at"] for one in later if None in (one["topic"], issue["topic"])]
    negative = int(issue["complained"] or bool(same))
    again = min(related, default=None) if issue["resolved_at"] else None
    return {name: value for name, value in issue.items() if name != "complained"} | {
        "related_at": again,
        "negative_signal": negative,
    }


@given(some_tickets())
@settings(max_examples=25, deadline=None)
def test_issues_equal_a_plain_walk_over_every_touch(tickets):
    with TemporaryDirectory() as folder, build(folder, tickets).session(tables=TABLES) as session:
        for name in (*VIEWS, *SURVEYED):
            session.derive(name, transform(name))
        rows = session.query("""
            select issue.opened_at, issue.last_touch_at, issue.profile_id, issue.topic, issue.resolved_at,
                issue.n_tickets, cast(issue.n_contacts as bigint) as n_contacts, issue.agent_touched, issue.related_at,
                issue_signal.negative_signal
            from issue join issue_signal on issue_signal.issue_id = issue.issue_id
        """).to_pylist()
    issues = [described(issue, tickets) for issue in folded(tickets)]
    expected = [followed(issue, issues) for issue in issues if issue["opened_at"] <= NOW]
    assert sorted(rows, key=str) == sorted((in_order(one, rows) for one in expected), key=str)


def in_order(issue, rows):
    """Columns in the order of the view, so that both sides sort alike."""
    return {name: issue[name] for name in rows[0]} if rows else issue


@given(some_tickets())
@settings(max_examples=15, deadline=None)
def test_every_word_of_a_customer_is_one_interaction(tickets):
    with TemporaryDirectory() as folder, build(folder, tickets).session(tables=TABLES) as session:
        for name in VIEWS[:4]:
            session.derive(name, transform(name))
        rows = session.query("select ticket_id, interaction.at, direction from interaction").to_pylist()
    inbound = sorted((row["ticket_id"], row["at"]) for row in rows if row["direction"] == "inbound")
    expected = []
    for number, ticket in enumerate(tickets):
        opened, *written = touches_of(ticket)
        silent = not written or written[0] > opened + timedelta(minutes=30)
        expected += [(str(number), when) for when in ([opened] if silent else []) + written]
    assert inbound == sorted(expected)
    outbound = sum(actor in ("agent", "bot") for ticket in tickets for _, actor in ticket["messages"])
    assert sum(row["direction"] == "outbound" for row in rows) == outbound
