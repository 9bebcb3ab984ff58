from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from cdp_pipelines.identity import golden_record, read_consents
from models import (
    PURPOSES,
    Match,
    Message,
    Order,
    OrderLine,
    Refund,
    RefundLine,
    Review,
    SegmentMembership,
    SurveyResponse,
    Ticket,
    micros,
)
from privacy.consent import Decision, Policy, effective_state
from tests.unit.cdp_pipelines.identity.conftest import START, Installation

ANNA: dict[str, Any] = {
    "source": "crm",
    "source_id": "1",
    "given_name": "Anna",
    "family_name": "Sand",
    "email": "anna@a.example",
    "account_id": "c1",
    "locale": "de",
    "acquisition_channel": "fair",
    "created_at": START - timedelta(days=9),
}
DESK: dict[str, Any] = {
    "source": "desk",
    "source_id": "7",
    "full_name": "Anna Sand",
    "email": "anna@a.example",
    "phone": "030 123456",
    "locale": "en",
    "region": "Germany",
    "created_at": START - timedelta(days=3),
}
TICKET: dict[str, Any] = {
    "source": "desk", "source_id": "t1", "requester_id": "7", "created_at": START, "status": "open",
}  # fmt: skip


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")


def permitted(installation: Installation) -> dict[str, set[str]]:
    """Purposes permitted by record of the profile."""
    table = read_consents(**installation.given()).permissions()
    allowed: dict[str, set[str]] = {profile: set() for profile in table["profile_id"].to_pylist()}
    for row in table.to_pylist():
        if row["permitted"]:
            allowed[row["profile_id"]].add(row["purpose"])
    return {" ".join(key): allowed[profile] for key, profile in installation.links().items()}


def test_describes_a_profile_from_all_of_its_records(installation: Installation) -> None:
    installation.people(ANNA, DESK)
    installation.put(Ticket, TICKET, TICKET | {"source_id": "t2", "status": "solved"})
    later = START + timedelta(minutes=5)
    message = {"source": "desk", "source_id": "m1", "ticket_id": "t1", "author_id": "7", "at": later}
    installation.put(Message, message, message | {"source_id": "m2", "is_public": False, "at": later + timedelta(1)})
    answer = {
        "source": "desk",
        "source_id": "s1",
        "ticket_id": "t1",
        "instrument": "CSAT",
        "answered_at": START,
        "score": 2.0,
        "scale_min": 1.0,
        "scale_max": 5.0,
    }
    newest = {"source_id": "s2", "answered_at": later, "score": 4.0}
    nps = {"source": "crm", "source_id": "s3", "person_id": "1", "ticket_id": None, "instrument": "NPS", "score": 9.0}
    nps |= {"scale_min": 0.0, "scale_max": 10.0}
    installation.put(SurveyResponse, answer, answer | newest, answer | nps)
    installation.resolve()
    report = installation.build()
    (row,) = installation.published("customer_360")
    assert {name: value for name, value in row.items() if value is not None} == {
        "profile_id": installation.links()["crm", "1"],
        "account_id": "c1",
        "first_seen": text(START - timedelta(days=9)),
        "locale": "de",
        "region": "Germany",
        "acquisition_channel": "fair",
        "source_count": 2,
        "last_contact_at": text(later),
        "open_tickets": 1,
        "issues_90": 1,
        "last_nps": 9.0,
        "last_csat": 1.0,
        "consent_analytics": 1,
        "consent_profiling": 0,
        "consent_marketing": 0,
        "consent_research": 0,
        "completeness": 1.0,
        "refreshed_at": text(installation.now),
    }
    assert (report.customers, report.consent_states, report.links) == (1, len(PURPOSES), 2)


def buy(installation: Installation, number: str, person: str | None, *, days: int, amount: str = "10") -> None:
    """An order of one line, so many days before the start."""
    facts = {"source": "crm", "currency": "EUR"}
    placed = {"placed_at": START - timedelta(days=days), "is_valid": True}
    installation.put(Order, facts | placed | {"source_id": number, "person_id": person})
    line = {"source_id": f"{number}-1", "order_id": number, "quantity": 1, "unit_price_micros": micros(amount)}
    installation.put(OrderLine, facts | line)


def give_back(installation: Installation, order: str, *, days: int, amount: str) -> None:
    facts = {"source": "crm", "currency": "EUR", "order_id": order, "amount_micros": micros(amount)}
    paid = {"source_id": f"r{order}", "refunded_at": START - timedelta(days=days)}
    installation.put(Refund, facts | paid)
    line = {"source_id": f"l{order}", "refund_id": f"r{order}", "order_line_id": f"{order}-1", "quantity": 1}
    installation.put(RefundLine, facts | line)


def built(installation: Installation) -> dict[str, dict[str, Any]]:
    """Rows of customer_360 by one of the records of the profile."""
    installation.resolve()
    installation.build()
    records = {profile: record for (_, record), profile in installation.links().items()}
    return {records[row["profile_id"]]: row for row in installation.published("customer_360")}


SALES = ("first_order_at", "last_order_at", "orders_365", "net_revenue_365", "aov", "clv_historical")


def test_what_customers_bought_is_described_once_it_is_connected(installation: Installation) -> None:
    company = installation.settings.company.model_copy(update={"margin_rate": 0.4})
    installation.settings = installation.settings.model_copy(update={"company": company})
    installation.people(ANNA, DESK | {"email": "else@a.example"})
    rows = built(installation)
    assert [rows[name][column] for name in ("1", "7") for column in SALES] == [None] * 12
    buy(installation, "o1", "1", days=400, amount="100")
    buy(installation, "o2", "1", days=10, amount="50")
    buy(installation, "o3", "1", days=5, amount="30")
    buy(installation, "guest", None, days=1)
    give_back(installation, "o1", days=3, amount="20")
    rows = built(installation)
    first, last = (text(START - timedelta(days=days)) for days in (400, 5))
    assert [rows["1"][column] for column in SALES] == [first, last, 2, 60.0, 60.0, pytest.approx(64.0)]
    assert [rows["7"][column] for column in SALES] == [None, None, 0, 0.0, None, None]


def test_without_a_rate_an_amount_is_unknown_and_the_number_of_orders_is_not(installation: Installation) -> None:
    company = installation.settings.company.model_copy(update={"base_currency": "USD", "margin_rate": 0.5})
    installation.settings = installation.settings.model_copy(update={"company": company})
    installation.people(ANNA)
    buy(installation, "o1", "1", days=400)
    row = built(installation)["1"]
    assert [row[column] for column in SALES[2:]] == [0, 0.0, None, None]
    buy(installation, "o2", "1", days=5)
    row = built(installation)["1"]
    assert [row[column] for column in SALES[2:]] == [1, None, None, None]


def test_without_a_margin_rate_there_is_no_historical_value(installation: Installation) -> None:
    installation.people(ANNA)
    buy(installation, "o1", "1", days=5)
    row = built(installation)["1"]
    assert (row["aov"], row["clv_historical"]) == (10.0, None)


def test_what_customers_did_is_null_where_they_object_to_its_use(installation: Installation) -> None:
    installation.people(ANNA, DESK | {"email": "else@a.example"})
    buy(installation, "o1", "1", days=5)
    installation.put(Ticket, TICKET | {"source": "crm", "requester_id": "1"})
    installation.put(Review, {"source": "crm", "source_id": "r", "person_id": "1", "platform": "shop", "at": START})
    row = built(installation)["1"]
    columns = (*SALES[:5], "last_contact_at", "open_tickets", "issues_90", "reviews", "completeness")
    assert None not in [row[column] for column in columns]
    refusal = {"source": "crm", "person_id": "1", "purpose": "service_delivery", "state": "denied", "at": START}
    installation.decide(refusal)
    rows = built(installation)
    assert [rows["1"][column] for column in columns] == [None] * len(columns)
    assert rows["7"]["reviews"] == 0


def test_reviews_that_name_nobody_are_nobodys(installation: Installation) -> None:
    installation.people(ANNA)
    installation.put(Review, {"source": "crm", "source_id": "r", "platform": "google", "at": START})
    assert built(installation)["1"]["reviews"] is None


def test_completeness_counts_the_blocks_that_anybody_has(installation: Installation) -> None:
    installation.people(ANNA, DESK | {"email": None, "is_guest": True, "source_id": "guest-order:1"})
    assert {name: row["completeness"] for name, row in built(installation).items()} == {"1": 1.0, "guest-order:1": 0.0}
    buy(installation, "o1", "guest-order:1", days=5)
    installation.put(
        Order,
        {"source": "desk", "source_id": "o2", "person_id": "guest-order:1", "placed_at": START}
        | {"is_valid": True, "currency": "EUR"},
    )
    installation.decide({"source": "crm", "person_id": "1", "purpose": "research", "state": "granted", "at": START})
    found = {name: row["completeness"] for name, row in built(installation).items()}
    assert found == {"1": pytest.approx(2 / 3), "guest-order:1": pytest.approx(1 / 3)}


def test_the_code_of_a_group_is_shown_to_whom_profiling_is_permitted(installation: Installation) -> None:
    installation.people(ANNA, DESK | {"email": "else@a.example"})
    installation.resolve()
    profiles = {record: profile for (_, record), profile in installation.links().items()}
    rows = [
        {
            "profile_id": profiles["1"],
            "segment": "new",
            "valid_from": date(2026, 2, 1),
            "valid_to": None,
            "score": 511.0,
        },
        {"profile_id": profiles["1"], "segment": "lost", "valid_from": date(2026, 1, 1), "valid_to": date(2026, 2, 1)},
        {
            "profile_id": profiles["7"],
            "segment": "new",
            "valid_from": date(2026, 2, 1),
            "valid_to": None,
            "score": 522.0,
        },
    ]
    with installation.stores.profile.begin() as connection:
        for row in rows:
            held = {"scheme": "rfm", "rule_version": 1, "score": 111.0} | row
            connection.execute(insert(SegmentMembership), held)
    installation.decide({"source": "crm", "person_id": "1", "purpose": "profiling", "state": "granted", "at": START})
    assert {name: row["rfm"] for name, row in built(installation).items()} == {"1": "511", "7": None}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"instrument": "CSAT", "category": "good"}, (1.0, None, None)),
        ({"instrument": "CSAT", "score": 3.0, "scale_min": 1.0, "scale_max": 5.0}, (0.0, None, None)),
        ({"instrument": "CSAT", "score": 3.0}, (None, None, None)),
        ({"instrument": "CES", "score": 5.0, "scale_min": 1.0, "scale_max": 5.0}, (None, 7.0, None)),
        (
            {"instrument": "CES", "score": 2.0, "scale_min": 1.0, "scale_max": 7.0, "orientation": "high_bad"},
            (None, 6.0, None),
        ),
        ({"instrument": "NPS", "score": 9.0, "scale_min": 0.0, "scale_max": 10.0}, (None, None, 9.0)),
        ({"instrument": "NPS", "score": 4.0, "scale_min": 1.0, "scale_max": 5.0}, (None, None, None)),
    ],
)
def test_last_scores_are_on_one_scale(
    installation: Installation, answer: dict[str, Any], expected: tuple[float | None, ...]
) -> None:
    installation.people(ANNA)
    said = {"source": "crm", "source_id": "s1", "person_id": "1", "answered_at": START}
    installation.put(SurveyResponse, said | answer)
    installation.resolve()
    installation.build()
    (row,) = installation.published("customer_360")
    assert (row["last_csat"], row["last_ease"], row["last_nps"]) == expected


def test_the_golden_record_points_at_records(installation: Installation) -> None:
    installation.people(ANNA, DESK)
    installation.resolve()
    given = {name: value for name, value in installation.given().items() if name not in ("stores", "now")}
    assert golden_record(installation.links()["crm", "1"], **given) == {
        **dict.fromkeys(("given_name", "family_name", "email", "locale", "account_id"), ("crm", "1")),
        "acquisition_channel": ("crm", "1"),
        **dict.fromkeys(("full_name", "phone", "region"), ("desk", "7")),
    }


def test_of_one_source_the_record_changed_last_wins(installation: Installation) -> None:
    second = ANNA | {"source_id": "0", "locale": "fr"}
    installation.people(ANNA)
    installation.people(second)
    installation.resolve()
    installation.build()
    assert [row["locale"] for row in installation.published("customer_360")] == ["fr"]
    installation.people(ANNA | {"locale": None})
    installation.build()
    assert [row["locale"] for row in installation.published("customer_360")] == ["fr"]
    installation.people(ANNA | {"locale": "it"})
    installation.build()
    assert [row["locale"] for row in installation.published("customer_360")] == ["it"]


def test_columns_whose_purpose_is_refused_are_null(installation: Installation) -> None:
    installation.people(ANNA)
    installation.decide({"source": "crm", "person_id": "1", "purpose": "analytics", "state": "denied", "at": START})
    installation.resolve()
    installation.build()
    (row,) = installation.published("customer_360")
    assert (row["locale"], row["acquisition_channel"], row["consent_analytics"]) == ("de", None, 0)


def test_staff_test_and_deleted_records_are_no_customers(installation: Installation) -> None:
    others = ({"kind": "staff"}, {"is_test": True}, {"deleted": True})
    installation.people(ANNA, *({"source": "desk", "source_id": f"{i}", **other} for i, other in enumerate(others)))
    installation.resolve()
    installation.build()
    assert [row["profile_id"] for row in installation.published("customer_360")] == [installation.links()["crm", "1"]]


def test_without_a_decision_the_policy_answers(installation: Installation) -> None:
    installation.people(ANNA)
    installation.resolve()
    installation.build()
    assert permitted(installation) == {"crm 1": {"service_delivery", "analytics"}}
    states = {
        (row["purpose"], row["scope"], row["state"], row["is_default"])
        for row in installation.published("consent_state")
    }
    assert states == {(purpose, "all", "default", 1) for purpose in PURPOSES}


def test_a_decision_about_one_record_holds_for_the_person(installation: Installation) -> None:
    installation.people(ANNA, DESK)
    grant = {"source": "desk", "person_id": "7", "purpose": "profiling", "state": "granted", "at": START}
    installation.decide(grant)
    installation.resolve()
    assert permitted(installation)["crm 1"] == {"service_delivery", "analytics", "profiling"}
    installation.decide(grant | {"source": "crm", "person_id": "1", "state": "withdrawn"})
    assert permitted(installation)["crm 1"] == {"service_delivery", "analytics"}


def test_an_undated_grant_of_a_duplicate_does_not_lift_what_the_person_withdrew(installation: Installation) -> None:
    installation.people(ANNA, ANNA | {"source_id": "2"})
    said = {"source": "crm", "purpose": "marketing", "channel": "email"}
    installation.decide(
        said | {"person_id": "1", "state": "withdrawn", "at": START},
        said | {"person_id": "2", "state": "granted", "at": START + timedelta(hours=1), "inferred": True},
    )
    installation.resolve()
    consents = read_consents(**installation.given())
    assert not consents.permitted()["marketing"].any()
    assert {row["state"] for row in consents.states().to_pylist() if not row["is_default"]} == {"withdrawn"}


def test_a_later_decision_than_now_does_not_count(installation: Installation) -> None:
    installation.people(ANNA)
    future = START + timedelta(days=90)
    installation.decide({"source": "crm", "person_id": "1", "purpose": "analytics", "state": "denied", "at": future})
    installation.resolve()
    assert permitted(installation) == {"crm 1": {"service_delivery", "analytics"}}
    installation.build()
    assert len(installation.published("consent_state")) == len(PURPOSES)


@pytest.mark.parametrize(
    ("state", "purpose", "expected"),
    [("granted", "marketing", set()), ("withdrawn", "analytics", {"service_delivery"})],
)
def test_of_an_address_of_two_people_only_refusals_count(
    installation: Installation, state: str, purpose: str, expected: set[str]
) -> None:
    installation.people(
        *({"source": "crm", "source_id": f"{i}", "full_name": f"Person {i}", "email": "info@a.example"} for i in (1, 2))
    )
    token = installation.protector.token(Match.EMAIL, "info@a.example")
    assert token is not None
    installation.decide(
        {"source": "crm", "address_token": token.stored, "purpose": purpose, "state": state, "at": START}
    )
    installation.resolve()
    wanted = expected or {"service_delivery", "analytics"}
    assert permitted(installation) == {"crm 1": wanted, "crm 2": wanted}


def test_an_address_of_one_person_counts_in_full(installation: Installation) -> None:
    installation.people(ANNA)
    token = installation.protector.token(Match.EMAIL, "Anna@A.example")
    assert token is not None
    decision = {
        "source": "news",
        "address_token": token.stored,
        "purpose": "marketing",
        "state": "granted",
        "at": START,
    }
    installation.decide(decision, decision | {"scope": "letter", "channel": "email", "state": "withdrawn"})
    installation.resolve()
    installation.build()
    rows = installation.published("consent_state")
    states = {(row["scope"], row["state"], row["source"]) for row in rows if row["purpose"] == "marketing"}
    assert states == {("all", "granted", "news"), ("letter", "withdrawn", "news")}
    history = read_consents(**installation.given()).history
    assert history.select(["profile_id", "scope"]).num_rows == 2


def test_a_general_withdrawal_covers_what_was_granted_before(installation: Installation) -> None:
    installation.people(ANNA)
    said = {"source": "crm", "person_id": "1", "purpose": "marketing", "channel": "email", "state": "granted"}
    later = {"at": START + timedelta(hours=1)}
    installation.decide(
        said | {"scope": "letter", "at": START},
        said | {"scope": "news", "at": START, "purpose": "research"},
        said | {"state": "withdrawn", "channel": "all", **later},
    )
    installation.resolve()
    installation.build()
    rows = installation.published("consent_state")
    states = {(row["purpose"], row["scope"]): row["state"] for row in rows if not row["is_default"]}
    assert states == {
        ("marketing", "all"): "withdrawn",
        ("marketing", "letter"): "withdrawn",
        ("research", "news"): "granted",
    }


def test_the_quick_way_to_a_state_agrees_with_the_rules(installation: Installation) -> None:
    """Decisions that stand alone are not weighed; weighing them must give the same."""
    installation.people(ANNA, DESK | {"email": None, "source_id": "8"})
    decisions = [
        {"purpose": purpose, "channel": channel, "scope": scope, "state": state, "at": START + timedelta(hours=at)}
        for purpose, channel, scope, state, at in (
            ("marketing", "email", "letter", "granted", 0),
            ("marketing", "email", "news", "denied", 1),
            ("marketing", "sms", "news", "granted", 2),
            ("profiling", "all", "all", "granted", 0),
            ("research", "all", "all", "granted", 0),
            ("research", "email", "letter", "withdrawn", 1),
            ("analytics", "email", "all", "withdrawn", 0),
        )
    ]
    installation.decide(*({"source": "crm", "person_id": "1", **decision} for decision in decisions))
    installation.resolve()
    installation.build()
    policy = Policy.for_jurisdiction("EU")
    made = [Decision(source="crm", **decision) for decision in decisions]
    expected = {}
    for decision in made:
        asked = {"channel": decision.channel, "scope": decision.scope, "policy": policy}
        state = effective_state(made, decision.purpose, **asked)
        refused = expected.get((decision.purpose, decision.scope)) in ("denied", "withdrawn")
        expected[decision.purpose, decision.scope] = "denied" if refused else state.state
    rows = installation.published("consent_state")
    assert {(r["purpose"], r["scope"]): r["state"] for r in rows if not r["is_default"]} == expected
