"""HubSpot's JSON in, canonical rows out."""

from datetime import UTC, datetime

import pytest

from connectors.hubspot.maps import map_company, map_contact, map_deal, map_feedback, map_timeline
from connectors.spec import Context
from models import Account, ConsentEvent, Deal, Person, SurveyResponse
from models.derive import validator

CREATED, MODIFIED = "2025-01-02T03:04:05.006Z", "2026-01-02T03:04:05Z"
CONTEXT = Context({}, {"optout_properties": ("hs_email_optout_31", "hs_email_optout_32")})
MAPPED = Context(
    {"subscription_purposes": {"32": "research"}}, {"optout_properties": ("hs_email_optout_31", "hs_email_optout_32")}
)


def contact(**props):
    times = {"createdate": CREATED, "lastmodifieddate": MODIFIED}
    return {"id": "7", "properties": {**times, **props}, "createdAt": CREATED, "updatedAt": MODIFIED, "archived": False}


def rows_of(entity, mapped):
    """The rows of one entity, validated as the reader does, without what is not set."""
    check = validator(entity)
    found = [check({"source": "hubspot", **row}) for kind, row in mapped if kind is entity]
    return [{key: value for key, value in row.items() if value is not None and key != "source"} for row in found]


def at(text):
    return datetime.fromisoformat(text)


def test_a_contact_with_everything():
    record = contact(
        email="foo@example.com",
        hs_additional_emails="bar@example.com; baz@example.com;",
        firstname="Foo",
        lastname="Bar",
        phone="030 123",
        mobilephone="0170 1",
        hs_calculated_phone_number="+4930123",
        address="Weg 1",
        zip="10115",
        city="Berlin",
        country="Germany",
        hs_language="de",
        hs_analytics_source="OFFLINE",
        lifecyclestage="customer",
        associatedcompanyid="9",
        message="call me",
        date_of_birth="1.1.1990",
    )
    assert rows_of(Person, map_contact(record, CONTEXT)) == [
        {
            "source_id": "7",
            "version_at": at(MODIFIED),
            "deleted": False,
            "kind": "customer",
            "account_id": "9",
            "created_at": at(CREATED),
            "given_name": "Foo",
            "family_name": "Bar",
            "email": "foo@example.com",
            "other_emails": ["bar@example.com", "baz@example.com"],
            "phone": "030 123",
            "other_phones": ["0170 1", "+4930123"],
            "street": "Weg 1",
            "postal_code": "10115",
            "city": "Berlin",
            "region": "Germany",
            "locale": "de",
            "acquisition_channel": "OFFLINE",
            "lifecycle_stage": "customer",
            "is_test": False,
            "is_guest": False,
        }
    ]


def test_a_cleared_property_is_not_a_value():
    record = contact(email="", firstname=None, phone="", mobilephone="", hs_additional_emails=";")
    assert rows_of(Person, map_contact(record, CONTEXT)) == [
        {
            "source_id": "7",
            "version_at": at(MODIFIED),
            "deleted": False,
            "kind": "customer",
            "created_at": at(CREATED),
            "is_test": False,
            "is_guest": False,
        }
    ]


def test_an_archived_contact_is_a_tombstone_of_the_day_it_was_archived():
    record = {**contact(), "archived": True, "archivedAt": "2026-02-01T00:00:00Z"}
    (row,) = rows_of(Person, map_contact(record, CONTEXT))
    assert (row["deleted"], row["version_at"]) == (True, at("2026-02-01T00:00:00Z"))


def test_contacts_merged_away_are_tombstones_that_point_at_the_survivor():
    record = contact(hs_merged_object_ids="5;6", hs_calculated_merged_vids="5:1767225600000;bad")
    merged = rows_of(Person, map_contact(record, CONTEXT))[:2]
    assert [(r["source_id"], r["merged_into"], r["deleted"], r["version_at"]) for r in merged] == [
        ("5", "7", True, datetime(2026, 1, 1, 0, 1, tzinfo=UTC)),
        ("6", "7", True, at(MODIFIED)),
    ]


def decisions(mapped):
    keys = ("source_id", "purpose", "channel", "scope", "state", "inferred")
    return [tuple(row[key] for key in keys) for row in rows_of(ConsentEvent, mapped)]


def test_an_opt_out_flag_is_a_withdrawal_first_seen_when_the_contact_changed():
    mapped = map_contact(contact(hs_email_optout_31="true"), CONTEXT)
    assert decisions(mapped) == [("contact/7/optout/31", "marketing", "email", "31", "withdrawn", True)]
    (row,) = rows_of(ConsentEvent, mapped)
    assert (row["at"], row["version_at"], row["person_id"]) == (at(MODIFIED), at(MODIFIED), "7")


def test_a_flag_that_is_false_ends_its_own_refusal_and_grants_nothing():
    mapped = map_contact(contact(hs_email_optout="false", hs_email_optout_32="false"), MAPPED)
    assert decisions(mapped) == [
        ("contact/7/optout/all", "marketing", "email", "all", "cleared", True),
        ("contact/7/optout/all/research", "research", "email", "all", "cleared", True),
        ("contact/7/optout/32", "research", "email", "32", "cleared", True),
    ]


@pytest.mark.parametrize("value", ["", None, "TRUE?"])
def test_the_absence_of_an_opt_out_is_no_decision(value):
    props = {"hs_email_optout": value, "hs_email_optout_31": value, "hs_email_optout_32": value}
    assert decisions(map_contact(contact(**props), MAPPED)) == []


def test_an_opt_out_of_everything_withdraws_every_purpose_a_subscription_serves():
    assert decisions(map_contact(contact(hs_email_optout="true", hs_email_optout_32="true"), MAPPED)) == [
        ("contact/7/optout/all", "marketing", "email", "all", "withdrawn", True),
        ("contact/7/optout/all/research", "research", "email", "all", "withdrawn", True),
        ("contact/7/optout/32", "research", "email", "32", "withdrawn", True),
    ]


def test_freely_given_consent_is_a_grant_as_old_as_the_contact():
    basis = "Legitimate interest – existing customer;Freely given consent from contact"  # noqa: RUF001 - as HubSpot writes it
    mapped = map_contact(contact(hs_legal_basis=basis), CONTEXT)
    assert decisions(mapped) == [("contact/7/legal_basis", "marketing", "email", "all", "granted", True)]
    (row,) = rows_of(ConsentEvent, mapped)
    assert (row["at"], row["lawful_basis"]) == (at(CREATED), "consent")


@pytest.mark.parametrize("basis", ["Legitimate interest - other", "Performance of a contract", "Not applicable", None])
def test_no_other_basis_is_a_grant(basis):
    assert decisions(map_contact(contact(hs_legal_basis=basis), CONTEXT)) == []


def test_a_company():
    props = {"name": "Foo", "domain": "foo.example", "numberofemployees": "12.0", "hs_lastmodifieddate": MODIFIED}
    record = {"id": "9", "properties": {**props, "hs_merged_object_ids": "8"}, "createdAt": CREATED, "archived": False}
    merged, row = rows_of(Account, map_company(record, CONTEXT))
    assert merged == {"source_id": "8", "version_at": at(MODIFIED), "deleted": True, "merged_into": "9"}
    assert row == {
        "source_id": "9",
        "version_at": at(MODIFIED),
        "deleted": False,
        "name": "Foo",
        "domain": "foo.example",
        "created_at": at(CREATED),
        "employees": 12,
    }


def test_a_number_no_column_holds_is_the_records_own_problem():
    """Let through, it would stop the batch the record is in, at every sync."""
    props = {"numberofemployees": "9" * 20, "hs_lastmodifieddate": MODIFIED}
    with pytest.raises(ValueError, match="too large to be kept") as refused:
        rows_of(Account, map_company({"id": "1", "properties": props}, CONTEXT))
    assert "999" not in str(refused.value)


def entry(**change):
    filled = {"change": "UNSUBSCRIBED", "changeType": "SUBSCRIPTION_STATUS", "source": "SOURCE_RECIPIENT", **change}
    return {"id": "timeline/1/n1", "timestamp": 1767225600000, "recipient": "foo@example.com", "changes": [filled]}


def test_a_change_of_a_subscription_is_a_dated_decision_by_address():
    assert rows_of(ConsentEvent, map_timeline(entry(subscriptionId=31), CONTEXT)) == [
        {
            "source_id": "timeline/1/n1/0",
            "version_at": datetime(2026, 1, 1, tzinfo=UTC),
            "deleted": False,
            "address": "foo@example.com",
            "purpose": "marketing",
            "channel": "email",
            "scope": "31",
            "state": "withdrawn",
            "at": datetime(2026, 1, 1, tzinfo=UTC),
            "inferred": False,
            "evidence": "SOURCE_RECIPIENT",
        }
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"change": "SUBSCRIBED", "subscriptionId": 32}, [("research", "32", "granted")]),
        ({"changeType": "PORTAL_STATUS"}, [("marketing", "all", "withdrawn"), ("research", "all", "withdrawn")]),
        ({"change": "SUBSCRIBED", "changeType": "PORTAL_STATUS"}, [("marketing", "all", "granted")]),
        (
            {"change": "REPORTED", "changeType": "SUBSCRIPTION_SPAM_REPORT", "subscriptionId": 31},
            [("marketing", "31", "withdrawn")],
        ),
        ({"change": "BOUNCED", "changeType": "PORTAL_BOUNCE"}, []),
    ],
    ids=["grant", "opt-out of everything", "back in", "spam report", "bounce"],
)  # fmt: skip
def test_what_a_change_decides(change, expected):
    rows = rows_of(ConsentEvent, map_timeline(entry(**change), MAPPED))
    assert [(row["purpose"], row["scope"], row["state"]) for row in rows] == expected
    assert len({row["source_id"] for row in rows}) == len(rows)


def test_a_change_nobody_knows_is_not_guessed():
    with pytest.raises(ValueError, match="unknown change"):
        map_timeline(entry(change="PAUSED", subscriptionId=31), CONTEXT)


def feedback(**props):
    return {
        "id": "3",
        "properties": {"hs_lastmodifieddate": MODIFIED, **props},
        "createdAt": CREATED,
        "associations": {"contacts": {"results": [{"id": 7, "type": "x"}, {"id": 7, "type": "y"}]}},
    }


def test_an_answer_to_a_survey():
    props = {
        "hs_survey_type": "NPS",
        "hs_survey_id": "901",
        "hs_survey_channel": "EMAIL",
        "hs_value": "9",
        "hs_response_group": "PROMOTER",
        "hs_content": "Fine",
        "hs_submission_timestamp": "1767225600000",
    }
    assert rows_of(SurveyResponse, map_feedback(feedback(**props), CONTEXT)) == [
        {
            "source_id": "3",
            "version_at": at(MODIFIED),
            "deleted": False,
            "person_id": "7",
            "answered_at": datetime(2026, 1, 1, tzinfo=UTC),
            "instrument": "NPS",
            "item_id": "901",
            "scale_min": 0.0,
            "scale_max": 10.0,
            "orientation": "high_good",
            "score": 9.0,
            "category": "good",
            "channel": "email",
            "comment": "Fine",
        }
    ]


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ({}, ("custom", None, None, None)),
        ({"hs_survey_type": "CSAT", "hs_value": ""}, ("CSAT", None, 5.0, None)),
        ({"hs_survey_type": "CES", "hs_value": "7.0"}, ("CES", 7.0, 7.0, None)),
        ({"hs_survey_type": "CUSTOM", "hs_value": "88"}, ("custom", 88.0, None, None)),
        ({"hs_survey_type": "CSAT", "hs_sentiment": "NEGATIVE"}, ("CSAT", None, 5.0, "bad")),
    ],
)
def test_answers_with_less(props, expected):
    record = {**feedback(**props), "associations": None}
    (row,) = rows_of(SurveyResponse, map_feedback(record, CONTEXT))
    assert tuple(row.get(k) for k in ("instrument", "score", "scale_max", "category")) == expected
    assert row["answered_at"] == at(CREATED)


@pytest.mark.parametrize(
    ("kind", "value"), [("NPS", "11"), ("CES", "0"), ("CSAT", "good"), ("NPS", "nan"), ("CUSTOM", "inf")]
)
def test_a_score_outside_its_scale_is_refused(kind, value):
    with pytest.raises(ValueError, match=r"score|float"):
        map_feedback(feedback(hs_survey_type=kind, hs_value=value), CONTEXT)


PIPELINES = {
    "default": {
        "label": "Sales",
        "stages": {
            "new": {"label": "New", "closed": False, "won": False},
            "won": {"label": "Won", "closed": True, "won": True},
            "lost": {"label": "Lost", "closed": True, "won": False},
        },
    }
}
DEALS = Context({}, {"deal_pipelines": PIPELINES, "home_currency": "EUR"})


def deal(*, associations=None, **props):
    times = {"createdate": CREATED, "hs_lastmodifieddate": MODIFIED, "pipeline": "default", "dealstage": "new"}
    record = {"id": "5", "properties": {**times, **props}, "createdAt": CREATED, "updatedAt": MODIFIED}
    return {**record, **({"associations": associations} if associations else {})}


def deal_row(record, context=DEALS):
    (row,) = rows_of(Deal, map_deal(record, context))
    return row


def linked_to(*links):
    return {"results": [{"id": number, "type": kind} for number, kind in links]}


def test_a_deal_with_everything():
    record = deal(
        dealname="Offer for Foo Bar",
        description="Foo wants it in blue",
        closed_lost_reason="no",
        dealstage="won",
        hs_is_closed="true",
        hs_is_closed_won="true",
        closedate="2025-03-01T00:00:00Z",
        amount="1200.5",
        deal_currency_code="CHF",
        dealtype="newbusiness",
        hubspot_owner_id="51",
        associations={
            "contacts": linked_to(("8", "deal_to_contact"), ("9", "deal_to_contact"), ("8", "x_unlabeled")),
            "companies": linked_to(
                ("1", "deal_to_company_unlabeled"), ("2", "deal_to_company"), ("2", "deal_to_company_unlabeled")
            ),
        },
    )
    assert deal_row(record) == {
        "source_id": "5",
        "version_at": at(MODIFIED),
        "deleted": False,
        "person_id": "8",
        "person_ids": ["8", "9"],
        "account_id": "2",
        "owner_id": "51",
        "pipeline": "Sales",
        "stage": "Won",
        "deal_type": "newbusiness",
        "created_at": at(CREATED),
        "closed_at": at("2025-03-01T00:00:00Z"),
        "is_closed": True,
        "is_won": True,
        "amount_micros": 1_200_500_000,
        "currency": "CHF",
    }


def test_the_close_date_of_an_open_deal_is_a_hope_and_stays_outside():
    row = deal_row(deal(closedate="2027-01-01T00:00:00Z", hs_is_closed="false", hs_is_closed_won="false"))
    assert ("closed_at" in row, row["is_closed"], row["is_won"]) == (False, False, False)


@pytest.mark.parametrize(
    ("props", "state"),
    [
        ({"dealstage": "won"}, (True, True)),
        ({"dealstage": "lost"}, (True, False)),
        ({"dealstage": "new"}, (False, False)),
        ({"dealstage": "won", "hs_is_closed": "false"}, (False, False)),
        ({"dealstage": "gone", "hs_is_closed": "true", "hs_is_closed_won": "true"}, (True, True)),
        ({"dealstage": "gone", "hs_is_closed": ""}, (False, False)),
    ],
)
def test_whether_a_deal_is_won_is_read_from_the_deal_and_else_from_its_stage(props, state):
    row = deal_row(deal(**props))
    assert (row["is_closed"], row["is_won"]) == state


def test_a_stage_the_account_no_longer_has_keeps_its_id():
    row = deal_row(deal(pipeline="77", dealstage="78"))
    assert (row["pipeline"], row["stage"]) == ("77", "78")


@pytest.mark.parametrize(
    ("props", "money"),
    [
        ({"amount": "12"}, (12_000_000, "EUR")),
        ({"amount": "0"}, (0, "EUR")),
        ({"amount": "0.1000000000000000055", "deal_currency_code": "JPY"}, (100_000, "JPY")),
        ({"amount": "", "deal_currency_code": "JPY"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_an_amount_without_a_currency_is_in_the_accounts_own(props, money):
    row = deal_row(deal(**props))
    assert (row.get("amount_micros"), row.get("currency")) == money


@pytest.mark.parametrize("amount", ["12 EUR", "NaN", "1e30"])
def test_an_amount_that_is_none_is_refused(amount):
    with pytest.raises(ValueError, match="amount of money"):
        map_deal(deal(amount=amount), DEALS)


def test_an_archived_deal_is_deleted():
    archived = {**deal(), "archived": True, "archivedAt": "2026-02-01T00:00:00Z"}
    row = deal_row(archived)
    assert (row["deleted"], row["version_at"]) == (True, at("2026-02-01T00:00:00Z"))
