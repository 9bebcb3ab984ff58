"""What is permitted, decision by decision."""

from datetime import UTC, datetime
from typing import Any

import pytest

from privacy.consent import JURISDICTIONS, Decision, EffectiveState, Policy, effective_state, permitted, purposes
from privacy.errors import UnknownJurisdictionError, UnknownPurposeError

EU = Policy.for_jurisdiction("EU")
JAN, FEB, MAR, APR = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4))


def decision(state: Any, at: datetime = JAN, **values: Any) -> Decision:
    return Decision(**{"purpose": "profiling", "source": "hubspot", **values, "state": state, "at": at})


def state_of(*decisions: Decision, **question: Any) -> str:
    return effective_state(decisions, "profiling", policy=EU, **question).state


def test_the_latest_decision_holds_with_its_origin() -> None:
    decisions = [decision("granted", FEB, policy_version="v2", inferred=True), decision("granted", JAN)]
    assert effective_state(decisions, "profiling", policy=EU) == EffectiveState(
        purpose="profiling",
        channel="all",
        scope="all",
        state="granted",
        since=FEB,
        source="hubspot",
        inferred=True,
        permitted=True,
        is_default=False,
        policy_version="v2",
    )


def test_no_decision_is_the_policy_and_never_a_grant() -> None:
    assert effective_state([], "analytics", channel="email", scope="news", policy=EU) == EffectiveState(
        purpose="analytics",
        channel="email",
        scope="news",
        state="default",
        since=None,
        source=None,
        inferred=False,
        permitted=True,
        is_default=True,
        policy_version=None,
    )


def test_a_refusal_that_was_taken_back_leaves_no_decision_and_brings_no_grant_back() -> None:
    ended = decision("withdrawn", FEB, ended_at=MAR)
    assert state_of(ended) == "default"
    assert state_of(decision("granted", JAN), ended) == "default"
    assert state_of(ended, decision("granted", APR)) == "granted"
    assert state_of(ended, decision("withdrawn", APR)) == "withdrawn"
    assert [state_of(ended, as_of=moment) for moment in (JAN, FEB, MAR)] == ["default", "withdrawn", "default"]


def test_a_purpose_is_permitted_again_by_the_policy_once_its_refusal_was_taken_back() -> None:
    objection = decision("withdrawn", FEB, purpose="analytics", ended_at=MAR)
    assert [permitted([objection], "analytics", EU, moment) for moment in (JAN, FEB, MAR)] == [True, False, True]
    grants = [decision("granted", at, purpose="marketing") for at in (JAN, APR)]
    objection = decision("withdrawn", FEB, purpose="marketing", ended_at=MAR)
    assert [permitted([grant, objection], "marketing", EU) for grant in grants] == [False, True]


@pytest.mark.parametrize("jurisdiction", JURISDICTIONS)
def test_the_shipped_policy(jurisdiction: str) -> None:
    policy = Policy.for_jurisdiction(jurisdiction)
    asked = ("service_delivery", "analytics", "profiling", "marketing", "research")
    assert [policy.permits_unknown(purpose) for purpose in asked] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        pytest.param([decision("granted"), decision("withdrawn", MAR)], "withdrawn", id="withdrawn later"),
        pytest.param([decision("withdrawn"), decision("granted", MAR)], "granted", id="granted again"),
        pytest.param([decision("granted"), decision("withdrawn")], "withdrawn", id="withdrawal wins a tie"),
        pytest.param([decision("granted"), decision("denied")], "denied", id="denial wins a tie"),
        pytest.param([decision("denied"), decision("withdrawn")], "withdrawn", id="withdrawal before denial"),
        pytest.param([decision("withdrawn"), decision("denied", FEB)], "denied", id="latest refusal"),
        pytest.param([decision("granted", purpose="marketing")], "default", id="another purpose"),
        pytest.param([decision("granted", channel="email")], "default", id="a grant for one channel is not general"),
        pytest.param([decision("granted"), decision("withdrawn", MAR, scope="news")], "granted", id="one newsletter"),
        pytest.param(
            [decision("withdrawn"), decision("granted", MAR, inferred=True)], "granted", id="inferred, same source"
        ),
        pytest.param(
            [decision("withdrawn"), decision("granted", MAR, inferred=True, source="zendesk")],
            "withdrawn",
            id="inferred, another source",
        ),
        pytest.param(
            [decision("withdrawn", record="1"), decision("granted", MAR, inferred=True, record="2")],
            "withdrawn",
            id="inferred, another record",
        ),
    ],
)
def test_the_general_state(decisions: list[Decision], expected: str) -> None:
    assert state_of(*decisions) == expected
    assert state_of(*reversed(decisions)) == expected


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        pytest.param([decision("granted")], "granted", id="general grant"),
        pytest.param(
            [decision("granted", scope="news"), decision("withdrawn", MAR)], "withdrawn", id="general refusal"
        ),
        pytest.param([decision("withdrawn"), decision("granted", MAR, scope="news")], "granted", id="asked again"),
        pytest.param([decision("withdrawn", scope="news"), decision("granted", MAR)], "withdrawn", id="not said so"),
        pytest.param(
            [decision("withdrawn", channel="email"), decision("granted", MAR, scope="news")],
            "withdrawn",
            id="undecidable",
        ),
        pytest.param([decision("withdrawn", scope="offers")], "default", id="another newsletter"),
        pytest.param([decision("withdrawn", channel="sms")], "default", id="another channel"),
    ],
)
def test_the_state_of_one_newsletter(decisions: list[Decision], expected: str) -> None:
    assert state_of(*decisions, channel="email", scope="news") == expected


def test_a_decision_holds_from_its_own_instant() -> None:
    assert state_of(decision("granted", MAR), as_of=MAR) == "granted"
    assert state_of(decision("granted", MAR), as_of=FEB) == "default"


def test_known_answer_i7() -> None:
    """Catalogue of metrics, I-7: opt-in 2 of 4 asked and 2 of 5 persons; opt-out 1 of 3."""
    persons = [
        [decision("granted")],
        [decision("granted"), decision("withdrawn", MAR)],
        [decision("denied")],
        [],
        [decision("granted")],
    ]
    end = [effective_state(one, "profiling", policy=EU, as_of=datetime(2026, 3, 31, tzinfo=UTC)) for one in persons]
    before = [effective_state(one, "profiling", policy=EU, as_of=FEB) for one in persons]
    assert [one.state for one in end] == ["granted", "withdrawn", "denied", "default", "granted"]
    assert [one.permitted for one in end] == [True, False, False, False, True]
    assert [one.state for one in before].count("granted") == 3


def test_joined_purposes_need_both() -> None:
    both = [decision("granted"), decision("granted", purpose="marketing")]
    assert permitted(both, "profiling+marketing", EU)
    assert not permitted(both[:1], "profiling+marketing", EU)
    assert not permitted(both, "profiling+marketing", EU, datetime(2025, 1, 1, tzinfo=UTC))
    assert purposes("profiling+marketing") == ("profiling", "marketing")


EMAIL = {"channel": "email"}
NEWS = {"channel": "email", "scope": "news"}


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        pytest.param([decision("granted", **NEWS)], True, id="one subscription"),
        pytest.param([decision("granted", **NEWS), decision("withdrawn", MAR, **NEWS)], False, id="taken back"),
        pytest.param(
            [decision("granted", **NEWS), decision("granted", **EMAIL), decision("withdrawn", MAR, **NEWS)],
            True,
            id="only that scope",
        ),
        pytest.param(
            [decision("granted", **NEWS), decision("withdrawn", MAR, channel="email", scope="offers")],
            True,
            id="another scope",
        ),
        pytest.param([decision("granted", **NEWS), decision("withdrawn", MAR, **EMAIL)], False, id="no more mail"),
        pytest.param([decision("granted", **NEWS), decision("withdrawn", **EMAIL)], False, id="refusal wins a tie"),
        pytest.param([decision("granted"), decision("denied", MAR, channel="sms")], False, id="any channel refuses"),
        pytest.param([decision("withdrawn", **EMAIL), decision("granted", MAR, **NEWS)], True, id="subscribed again"),
        pytest.param([decision("withdrawn", **EMAIL), decision("granted", MAR)], True, id="granted in general"),
        pytest.param(
            [decision("withdrawn", **EMAIL), decision("granted", MAR, channel="sms")], False, id="undecidable channel"
        ),
        pytest.param(
            [decision("withdrawn", **EMAIL), decision("granted", MAR, source="zendesk", inferred=True, **NEWS)],
            False,
            id="undecidable time",
        ),
        pytest.param(
            [decision("withdrawn", record="1"), decision("granted", MAR, inferred=True, record="2")],
            False,
            id="undecidable time of a duplicate",
        ),
    ],
)
def test_data_may_be_used(decisions: list[Decision], expected: bool) -> None:  # noqa: FBT001
    assert permitted(decisions, "profiling", EU) is expected
    assert permitted(decisions[::-1], "profiling", EU) is expected


def test_an_objection_to_one_scope_leaves_the_policy_as_it_is() -> None:
    assert permitted([decision("withdrawn", purpose="analytics", **NEWS)], "analytics", EU)
    assert not permitted([decision("withdrawn", purpose="analytics", **EMAIL)], "analytics", EU)


def test_objecting_stops_what_is_permitted_by_default() -> None:
    assert permitted([], "analytics", EU)
    assert not permitted([decision("withdrawn", purpose="analytics")], "analytics", EU)


@pytest.mark.parametrize("expression", ["", "spying", "profiling+", "profiling,marketing", "Profiling"])
def test_an_unknown_purpose_is_an_error(expression: str) -> None:
    with pytest.raises(UnknownPurposeError, match="service_delivery, analytics"):
        permitted([], expression, EU)


def test_an_unknown_purpose_has_no_default() -> None:
    with pytest.raises(UnknownPurposeError):
        EU.permits_unknown("spying")


def test_an_unknown_jurisdiction_is_an_error() -> None:
    with pytest.raises(UnknownJurisdictionError, match="EU, UK"):
        Policy.for_jurisdiction("Atlantis")
