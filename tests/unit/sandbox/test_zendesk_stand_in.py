"""The traps of Zendesk's API that a connector must survive."""

import httpx
import pytest

from sandbox import World, running

AUTH = ("agent@example.com/token", "sandbox-token")


@pytest.fixture(scope="module")
def world():
    return World(seed=4, customers=700)


@pytest.fixture(scope="module")
def stand_ins(world):
    with running(world) as state:
        yield state


@pytest.fixture(scope="module")
def desk(stand_ins):
    with httpx.Client(base_url=stand_ins.urls["zendesk"] + "/api/v2/", auth=AUTH) as client:
        yield client


def test_start_time_within_the_last_minute_is_refused(desk, world):
    assert desk.get("incremental/tickets/cursor", params={"start_time": world.clock - 59}).status_code == 400
    answer = desk.get("incremental/tickets/cursor.json", params={"start_time": world.clock - 60}).json()
    assert (answer["tickets"], answer["end_of_stream"]) == ([], True)
    again = desk.get("incremental/tickets/cursor", params={"cursor": answer["after_cursor"]}).json()
    assert (again["tickets"], again["after_cursor"]) == ([], answer["after_cursor"])


def test_cursor_pages_are_disjoint_and_complete_for_any_size(desk, world):
    for size in (7, 100, 1000):
        found, url = [], f"incremental/tickets/cursor?start_time=0&per_page={size}"
        while True:
            page = desk.get(url).json()
            found += [t["id"] for t in page["tickets"]]
            if page["end_of_stream"]:
                break
            url = page["after_url"]
        assert found == [t.id for t in world.tickets.records]


def test_time_pages_start_with_the_end_of_the_last_one(desk, world):
    start, seen = 0, set()
    while True:
        page = desk.get("incremental/organizations", params={"start_time": start, "per_page": 5}).json()
        stamps = [o["updated_at"] for o in page["organizations"]]
        seen |= {o["id"] for o in page["organizations"]}
        assert stamps == sorted(stamps)
        if page["end_of_stream"]:
            break
        assert page["end_time"] > start
        assert f"start_time={page['end_time']}" in page["next_page"]
        start = page["end_time"]
    assert seen == set(world.zendesk.organizations)
    assert page["next_page"] is not None


def test_page_grows_when_many_records_share_a_second(desk, world):
    """All organizations were made in one second: a page of five holds them all rather than repeat itself for ever."""
    page = desk.get("incremental/organizations?start_time=0&per_page=5").json()
    assert page["count"] == len(world.zendesk.organizations) > 5


def test_metric_sets_agree_with_the_audits(desk, world):
    page = desk.get("incremental/tickets/cursor?start_time=0&include=metric_sets,users").json()
    for row in page["tickets"]:
        ticket = world.zendesk.tickets[row["id"]]
        if row["status"] == "deleted":
            assert row["metric_set"] is None
            continue
        solved = [a.at for a in ticket.audits if a.after == "solved"]
        minutes = (solved[-1] - ticket.created) // 60 if solved else None
        assert row["metric_set"]["full_resolution_time_in_minutes"] == {"calendar": minutes, "business": minutes}
    assert {row["requester_id"] for row in page["tickets"]} <= {user["id"] for user in page["users"]}


def test_agents_open_one_ticket_in_25_on_their_own_initiative(desk, world):
    shown = desk.get("incremental/tickets/cursor?start_time=0&per_page=1000").json()["tickets"]
    opened = {row["id"]: row for row in shown if row["submitter_id"] != row["requester_id"]}
    assert set(opened) == {row["id"] for row in shown if row["id"] % 25 == 0}
    for ticket_id, row in opened.items():
        first = world.zendesk.tickets[ticket_id].audits[0]
        assert row["submitter_id"] == first.author_id in world.zendesk.agents
        assert row["description"] == first.body
        assert row["via"]["channel"] == "web"


def test_events_tell_each_status_change(desk, world):
    changes, url = [], "incremental/ticket_events?start_time=0&include=comment_events&per_page=200"
    while True:
        page = desk.get(url).json()
        changes += [
            (event["id"], child["previous_value"], child["status"])
            for event in page["ticket_events"]
            for child in event["child_events"]
            if child["event_type"] == "Change"
        ]
        if page["end_of_stream"]:
            break
        url = page["next_page"]
    assert set(changes) == {(a.id, a.before, a.after) for a in world.zendesk.audits if a.after}


def test_deleted_tickets_answer_404_and_are_left_out_of_show_many(desk, world):
    deleted = next(t.id for t in world.zendesk.tickets.values() if t.status == "deleted")
    present = next(t.id for t in world.zendesk.tickets.values() if t.status != "deleted")
    assert desk.get(f"tickets/{deleted}/comments.json").json() == {
        "error": "RecordNotFound",
        "description": "Not found",
    }
    found = desk.get("tickets/show_many", params={"ids": f"{deleted},{present},1"}).json()["tickets"]
    assert [t["id"] for t in found] == [present]


def test_permanently_deleted_users_have_lost_their_values(desk, world):
    number = next(u.id for u in world.zendesk.users.values() if u.permanently_deleted)
    gone = next(u for u in desk.get("deleted_users").json()["deleted_users"] if u["id"] == number)
    assert (gone["name"], gone["email"], gone["phone"]) == ("Permanently Deleted User", None, None)


def test_offset_paging_ends_at_ten_thousand_and_search_at_a_thousand(desk):
    assert desk.get("tickets?page=101").status_code == 400
    assert desk.get("search?query=type:ticket&page=10").status_code == 200
    assert desk.get("search?query=type:ticket&page=11").status_code == 422


def test_cursor_list_says_when_there_is_more(desk, world):
    page = desk.get("satisfaction_ratings", params={"page[size]": 100}).json()
    assert page["meta"]["has_more"] is True
    following = desk.get(page["links"]["next"]).json()
    ordered = sorted(world.zendesk.ratings, key=lambda r: (r.created, r.id))
    assert [r["id"] for r in following["satisfaction_ratings"]] == [r.id for r in ordered[100:200]]


def test_rating_filters_find_late_answers(desk, world):
    since = world.clock - 20 * 86_400
    page = desk.get("satisfaction_ratings", params={"page[size]": 100, "start_time": since, "score": "good"}).json()
    wanted = [r for r in world.zendesk.ratings if r.score == "good" and r.updated >= since]
    assert {r["id"] for r in page["satisfaction_ratings"]} == {r.id for r in wanted}
    assert any(r.created < since for r in wanted)


def test_the_new_csat_replaces_the_old_one():
    world = World(seed=4, customers=120, csat="new")
    with running(world) as state, httpx.Client(base_url=state.urls["zendesk"] + "/api/v2/", auth=AUTH) as client:
        page = client.get("guide/survey_responses", params={"page[size]": 100}).json()
        half = sorted(r.updated for r in world.zendesk.ratings)[len(world.zendesk.ratings) // 2]
        in_seconds, in_millis = (
            client.get("guide/survey_responses", params={"filter[created_at_start]": start}).json()["survey_responses"]
            for start in (half, half * 1000)
        )
        assert client.get("satisfaction_ratings").json()["satisfaction_ratings"] == []
    stars = {r["subject_zrns"][0]: r["answers"][0]["rating"] for r in page["survey_responses"]}
    assert stars == {f"zen:ticket:{r.ticket_id}": r.stars for r in world.zendesk.ratings}
    assert in_seconds == in_millis
    assert 0 < len(in_seconds) < len(stars)


def test_identities_come_beside_the_users(desk, world):
    page = desk.get("incremental/users/cursor?start_time=0&include=identities").json()
    assert {i["value"] for i in page["identities"]} == {
        i.value for u in world.zendesk.users.values() for i in u.identities
    }


def test_single_records(desk, world):
    ticket = next(t for t in world.zendesk.tickets.values() if t.status == "solved")
    user, organization = world.zendesk.users[ticket.requester_id], next(iter(world.zendesk.organizations))
    assert desk.get(f"tickets/{ticket.id}.json").json()["ticket"]["subject"] == ticket.subject
    assert desk.get(f"tickets/{ticket.id}/metrics").json()["ticket_metric"]["ticket_id"] == ticket.id
    assert desk.get(f"users/{user.id}").json()["user"]["name"] == user.name
    assert [u["id"] for u in desk.get(f"users/show_many?ids={user.id},1").json()["users"]] == [user.id]
    assert desk.get(f"organizations/{organization}").json()["organization"]["id"] == organization
    assert {desk.get(f"{kind}/1").status_code for kind in ("tickets", "users", "organizations")} == {404}


def test_lists_sort_and_filter(desk, world):
    newest = desk.get("tickets", params={"page[size]": 3, "sort": "-updated_at"}).json()["tickets"]
    assert [t["updated_at"] for t in newest] == sorted((t["updated_at"] for t in newest), reverse=True)
    metrics = desk.get("ticket_metrics", params={"page[size]": 1}).json()["ticket_metrics"]
    last = max(t.id for t in world.zendesk.tickets.values() if t.status not in {"deleted", "closed"})
    assert metrics[0]["ticket_id"] >= last
    admins = desk.get("users", params={"role": "admin"}).json()["users"]
    assert [u["id"] for u in admins] == world.zendesk.agents[:1]
    assert len(desk.get("ticket_fields").json()["ticket_fields"]) == 3


def test_offset_pages_link_to_each_other(desk, world):
    first = desk.get("users?per_page=50").json()
    second = desk.get(first["next_page"]).json()
    active = [u.id for u in world.zendesk.users.values() if u.active]
    assert [u["id"] for u in first["users"] + second["users"]] == active[:100]
    assert (first["count"], first["previous_page"]) == (len(active), None)
    assert second["previous_page"].endswith("page=1")


@pytest.mark.parametrize(
    "query",
    [
        "incremental/tickets/cursor?cursor=nonsense",
        "incremental/tickets/cursor",
        "incremental/users?start_time=soon",
        "tickets?page[size]=101",
        "tickets?page[size]=10&page[after]=nonsense",
    ],
)
def test_bad_parameters_are_refused(desk, query):
    assert desk.get(query).status_code == 400


def test_deleted_tickets_can_be_left_out_of_the_export(desk):
    page = desk.get("incremental/tickets/cursor?start_time=0&exclude_deleted=true").json()
    assert "deleted" not in {t["status"] for t in page["tickets"]}


def test_unknown_path_has_the_object_form_of_error(desk):
    answer = desk.get("community/posts")
    assert (answer.status_code, sorted(answer.json()["error"])) == (404, ["message", "title"])
