"""Zendesk's JSON in, canonical rows out."""

from datetime import UTC, datetime

import pytest

from connectors.spec import Context
from connectors.zendesk.maps import (
    map_deleted_user,
    map_organization,
    map_rating,
    map_survey,
    map_ticket,
    map_ticket_event,
    map_user,
)
from models import Account, Message, Person, SurveyInvitation, SurveyResponse, Ticket, TicketEvent
from models.derive import validator

PLAIN = Context()
AT, LATER = "2026-01-02T03:04:05Z", "2026-02-03T04:05:06Z"
MOMENT, LATER_MOMENT = datetime.fromisoformat(AT), datetime.fromisoformat(LATER)


def rows_of(entity, mapped):
    check = validator(entity)
    found = [check({"source": "zendesk", **row}) for kind, row in mapped if kind is entity]
    return [{key: value for key, value in row.items() if value is not None and key != "source"} for row in found]


def user(**changes):
    return {
        "id": 7,
        "name": "Foo Bar",
        "email": "foo@example.com",
        "role": "end-user",
        "active": True,
        "created_at": AT,
        "updated_at": LATER,
        **changes,
    }


def person(record, context=PLAIN):
    (row,) = rows_of(Person, map_user(record, context))
    return row


def test_a_user_with_everything():
    identities = [
        {"type": "email", "value": "foo@example.com"},
        {"type": "email", "value": "old@example.com"},
        {"type": "phone_number", "value": "+491"},
        {"type": "phone_number", "value": "+492"},
        {"type": "twitter", "value": "foo"},
    ]
    record = user(
        phone="+491", locale="de", organization_id=3, external_id="55", notes="Weg 1", identities=identities, tags=["x"]
    )
    assert person(record, Context({"external_id_is": "hubspot"})) == {
        "source_id": "7",
        "version_at": LATER_MOMENT,
        "deleted": False,
        "kind": "customer",
        "account_id": "3",
        "created_at": MOMENT,
        "full_name": "Foo Bar",
        "email": "foo@example.com",
        "other_emails": ["old@example.com"],
        "phone": "+491",
        "other_phones": ["+492"],
        "locale": "de",
        "notes": "Weg 1",
        "cross_source": "hubspot",
        "cross_id": "55",
        "is_test": False,
        "is_guest": False,
    }


def test_an_external_id_means_nothing_until_somebody_says_what():
    assert {"cross_source", "cross_id"}.isdisjoint(person(user(external_id="55")))
    assert "cross_source" not in person(user(external_id=None), Context({"external_id_is": "hubspot"}))


@pytest.mark.parametrize(
    ("role", "options", "kind"),
    [
        ("end-user", {}, "customer"),
        ("agent", {}, "staff"),
        ("admin", {}, "staff"),
        ("agent", {"bot_user_ids": [7]}, "bot"),
        ("agent", {"bot_user_ids": ["7"]}, "bot"),
        ("agent", {"bot_user_ids": [77]}, "staff"),
    ],
)
def test_who_is_who(role, options, kind):
    assert person(user(role=role), Context(options))["kind"] == kind


def test_a_deleted_user_is_a_tombstone_and_keeps_its_values():
    row = person(user(active=False))
    assert (row["deleted"], row["email"]) == (True, "foo@example.com")


def test_a_user_deleted_for_good_has_no_values_in_either_listing():
    gone = user(name="Permanently Deleted User", email=None, active=False)
    expected = {
        "source_id": "7",
        "version_at": LATER_MOMENT,
        "deleted": True,
        "kind": "customer",
        "created_at": MOMENT,
        "is_test": False,
        "is_guest": False,
    }
    assert person(gone) == expected
    assert rows_of(Person, map_deleted_user({**gone, "active": None}, PLAIN)) == [expected]


def test_users_deleted_for_now_are_left_to_the_export():
    assert map_deleted_user(user(active=False), PLAIN) == []


@pytest.mark.parametrize(("domains", "domain"), [(["foo.example", "x.example"], "foo.example"), ([], None)])
def test_an_organization(domains, domain):
    record = {"id": 3, "name": "Foo", "domain_names": domains, "created_at": AT, "updated_at": LATER}
    (row,) = rows_of(Account, map_organization(record, PLAIN))
    assert row == {
        "source_id": "3",
        "version_at": LATER_MOMENT,
        "deleted": False,
        "name": "Foo",
        "created_at": MOMENT,
        **({"domain": domain} if domain else {}),
    }


def ticket(**changes):
    return {
        "id": 77,
        "generated_timestamp": 1767225600,
        "created_at": AT,
        "updated_at": AT,
        "requester_id": 7,
        "submitter_id": 8,
        "assignee_id": None,
        "organization_id": 3,
        "group_id": 4,
        "status": "solved",
        "via": {"channel": "native_messaging"},
        "priority": "high",
        "tags": [],
        "subject": "Help",
        "metric_set": {"solved_at": LATER, "reopens": 2},
        **changes,
    }


def test_a_ticket():
    assert rows_of(Ticket, map_ticket(ticket(), PLAIN)) == [
        {
            "source_id": "77",
            "version_at": datetime(2026, 1, 1, tzinfo=UTC),
            "deleted": False,
            "requester_id": "7",
            "submitter_id": "8",
            "account_id": "3",
            "group_id": "4",
            "created_at": MOMENT,
            "status": "solved",
            "channel": "chat",
            "priority": "high",
            "solved_at": LATER_MOMENT,
            "reopen_count": 2,
            "is_spam": False,
            "title": "Help",
        }
    ]


def test_a_reopened_ticket_is_not_solved():
    (row,) = rows_of(Ticket, map_ticket(ticket(status="open"), PLAIN))
    assert "solved_at" not in row


def test_a_deleted_ticket_is_a_tombstone_without_metrics():
    (row,) = rows_of(Ticket, map_ticket(ticket(status="deleted", metric_set=None), PLAIN))
    assert (row["deleted"], row["status"], "reopen_count" in row) == (True, "deleted", False)


def test_a_merged_ticket_says_so_by_its_tag():
    (row,) = rows_of(Ticket, map_ticket(ticket(status="closed", tags=["closed_by_merge"]), PLAIN))
    assert row["merged_into"] == "unknown"


def test_a_ticket_read_alone_has_no_generated_time():
    record = ticket()
    del record["generated_timestamp"]
    (row,) = rows_of(Ticket, map_ticket(record, PLAIN))
    assert row["version_at"] == MOMENT


@pytest.mark.parametrize(
    ("via", "channel"),
    [
        ({"channel": "email"}, "email"),
        ({"channel": "Web"}, "web"),
        ("Web form", "web"),
        ({"channel": "voice"}, "phone"),
        ({"channel": "api"}, "other"),
        ({"channel": 7}, "other"),
        (None, "other"),
    ],
)
def test_channels(via, channel):
    (row,) = rows_of(Ticket, map_ticket(ticket(via=via), PLAIN))
    assert row["channel"] == channel


def event(*children, **changes):
    return {
        "id": 500,
        "ticket_id": 77,
        "timestamp": 1767225600,
        "via": {"channel": "email"},
        "child_events": list(children),
        **changes,
    }


def comment(**changes):
    return {"id": 501, "event_type": "Comment", "author_id": 7, "body": "Hello", "public": True, **changes}


def test_a_comment_is_a_message_of_its_ticket():
    metadata = {"system": {"ip_address": "192.0.2.1", "location": "Berlin"}}
    mapped = map_ticket_event(event(comment(created_at=AT, via={"channel": "web"}, metadata=metadata)), PLAIN)
    assert rows_of(Message, mapped) == [
        {
            "source_id": "501",
            "version_at": MOMENT,
            "deleted": False,
            "ticket_id": "77",
            "author_id": "7",
            "at": MOMENT,
            "is_public": True,
            "channel": "web",
            "body": "Hello",
            "ip_address": "192.0.2.1",
        }
    ]


@pytest.mark.parametrize(
    ("changes", "options", "actor"),
    [
        ({}, {}, None),
        ({"author_id": -1}, {}, "system"),
        ({"via": {"channel": "rule", "source": {"rel": "trigger"}}}, {}, "system"),
        ({"author_id": 8}, {"bot_user_ids": ["8"]}, "bot"),
    ],
)
def test_who_wrote(changes, options, actor):
    (row,) = rows_of(Message, map_ticket_event(event(comment(**changes)), Context(options)))
    assert row.get("actor") == actor


def test_changes_of_state():
    merge = {"channel": "web", "source": {"rel": "merge"}}
    mapped = map_ticket_event(
        event(
            {"id": 502, "event_type": "Create", "status": "new", "via": "Web form"},
            {"id": 503, "event_type": "Change", "status": "closed", "previous_value": "open", "via": merge},
            {"id": 504, "event_type": "Change", "priority": "high", "previous_value": None},
            {"id": 505, "event_type": "Notification"},
        ),
        PLAIN,
    )
    assert [
        tuple(row.get(key) for key in ("source_id", "kind", "status_from", "status_to", "ticket_id", "at"))
        for row in rows_of(TicketEvent, mapped)
    ] == [
        ("502", "created", None, "new", "77", datetime(2026, 1, 1, tzinfo=UTC)),
        ("503", "status", "open", "closed", "77", datetime(2026, 1, 1, tzinfo=UTC)),
        ("503/merged", "merged", "open", "closed", "77", datetime(2026, 1, 1, tzinfo=UTC)),
    ]


def test_the_ticket_that_stays_open_was_not_merged_away():
    merge = {"channel": "web", "source": {"rel": "merge"}}
    change = {"id": 503, "event_type": "Change", "status": "open", "previous_value": "pending", "via": merge}
    assert [row["kind"] for row in rows_of(TicketEvent, map_ticket_event(event(change, via=merge), PLAIN))] == [
        "status"
    ]


def rating(score, **changes):
    return {
        "id": 9,
        "ticket_id": 77,
        "requester_id": 7,
        "score": score,
        "created_at": AT,
        "updated_at": LATER,
        **changes,
    }


def test_an_offered_rating_is_an_invitation():
    mapped = map_rating(rating("offered"), PLAIN)
    assert rows_of(SurveyInvitation, mapped) == [
        {
            "source_id": "rating/9",
            "version_at": LATER_MOMENT,
            "deleted": False,
            "person_id": "7",
            "ticket_id": "77",
            "instrument": "CSAT",
            "delivered_at": MOMENT,
            "request_channel": "email",
            "trigger": "ticket_solved",
        }
    ]
    assert rows_of(SurveyResponse, mapped) == []


@pytest.mark.parametrize(
    ("score", "value", "category"), [("good", 1, "good"), ("bad", 0, "bad"), ("good_with_comment", 1, "good")]
)
def test_a_given_rating_is_an_answer_to_its_invitation(score, value, category):
    mapped = map_rating(rating(score, comment="Thanks"), PLAIN)
    assert len(rows_of(SurveyInvitation, mapped)) == 1
    assert rows_of(SurveyResponse, mapped) == [
        {
            "source_id": "rating/9",
            "version_at": LATER_MOMENT,
            "deleted": False,
            "person_id": "7",
            "ticket_id": "77",
            "invitation_id": "rating/9",
            "answered_at": LATER_MOMENT,
            "instrument": "CSAT",
            "item_id": "rating",
            "scale_min": 0.0,
            "scale_max": 1.0,
            "orientation": "high_good",
            "score": value,
            "category": category,
            "channel": "email",
            "comment": "Thanks",
        }
    ]


def test_a_rating_never_offered_is_nothing_and_an_unknown_score_is_refused():
    assert map_rating(rating("unoffered"), PLAIN) == []
    with pytest.raises(ValueError, match="unknown score"):
        map_rating(rating("superb"), PLAIN)


def test_a_survey_gives_one_row_per_rated_question_and_its_words_to_the_first():
    times = {"created_at": AT, "updated_at": LATER}
    record = {
        "id": "abc",
        "responder_id": 7,
        "subject_zrns": ["zen:conversation:x", "zen:ticket:77"],
        "answers": [
            {"type": "rating_scale", "rating": 5, "rating_category": "good", "question": {"id": "q1"}, **times},
            {"type": "open_ended", "value": "Nice", **times},
            {"type": "skipped", **times},
            {"type": "rating_scale", "rating": 2, "rating_category": "bad", **times},
        ],
    }
    shared = {
        "version_at": LATER_MOMENT,
        "deleted": False,
        "person_id": "7",
        "ticket_id": "77",
        "answered_at": MOMENT,
        "instrument": "CSAT",
        "scale_min": 1.0,
        "orientation": "high_good",
        "channel": "other",
    }
    assert rows_of(SurveyResponse, map_survey(record, PLAIN)) == [
        {**shared, "source_id": "survey/abc", "item_id": "q1", "score": 5.0, "category": "good", "comment": "Nice"},
        {**shared, "source_id": "survey/abc/1", "item_id": "1", "score": 2.0, "category": "bad"},
    ]


def test_a_survey_about_no_ticket():
    answer = {"type": "rating_scale", "rating": 3, "rating_category": "neutral", "created_at": AT, "updated_at": AT}
    (row,) = rows_of(SurveyResponse, map_survey({"id": "x", "responder_id": None, "answers": [answer]}, PLAIN))
    assert {"person_id", "ticket_id", "comment"}.isdisjoint(row)
