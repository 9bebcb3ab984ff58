"""A decision made in HubSpot or in the shop changes what the next run may use."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from installations import FOUR_SYSTEMS, Home, with_shop_and_reviews

from cdp_pipelines import database
from cdp_pipelines.installation import clock
from cdp_pipelines.refresh import refresh_profiles
from sandbox.hubspot_records import record_consent
from sandbox.records import ConsentChange
from sandbox.server import Running
from sandbox.shop_customers import decide as tell_the_shop

RESEARCH = 311_003


def decide(vendors: Running, contact: Any, state: str, subscription: int | None) -> None:
    """Say so now: a sync asks for what happened since the one before."""
    kind = "SUBSCRIPTION_STATUS" if subscription else "PORTAL_STATUS"
    at = int(clock().timestamp() * 1000)
    change = ConsentChange(at, contact.props["email"].lower(), state, kind, "SOURCE_RECIPIENT", subscription)
    record_consent(vendors.world.hubspot, contact, change)
    vendors.world._index()


def consents(home: Home, contact: Any, source: str = "hubspot") -> dict[str, bool]:
    """What ``customer_360`` says of the contact after the next run."""
    home.sync(source)
    with home.opened() as opened:
        refresh_profiles(opened, now=clock())
        link = next(
            row
            for row in opened.lake.current("identity_link").to_pylist()
            if (row["source"], row["source_id"]) == (source, str(contact.id))
        )
        with opened.stores.profile.connect() as connection:
            rows = connection.exec_driver_sql(
                "select consent_research, consent_marketing, consent_analytics from customer_360 where profile_id = ?",
                (link["profile_id"],),
            )
            return {name: bool(value) for name, value in rows.mappings().one().items()}


@pytest.fixture
def contact(vendors: Running) -> Any:
    """A contact with an address of its own that nobody decided anything about."""
    timeline = {change.email for change in vendors.world.hubspot.timeline}
    contacts = [one for one in vendors.world.hubspot.contacts.values() if not one.archived and one.props.get("email")]
    addresses = [one.props["email"].lower() for one in contacts]
    return next(
        one
        for one, address in zip(contacts, addresses, strict=True)
        if address not in timeline and addresses.count(address) == 1 and not one.props.get("hs_legal_basis")
    )


def test_each_decision_holds_from_the_next_run_on(home: Home, vendors: Running, contact: Any) -> None:
    said = [consents(home, contact)]
    for state, subscription in [
        ("SUBSCRIBED", RESEARCH),
        ("UNSUBSCRIBED", RESEARCH),
        ("SUBSCRIBED", RESEARCH),
        ("SUBSCRIBED", 311_001),
        ("UNSUBSCRIBED", None),
    ]:
        decide(vendors, contact, state, subscription)
        said.append(consents(home, contact))

    assert [one["consent_research"] for one in said] == [False, True, False, True, True, False]
    assert [one["consent_marketing"] for one in said] == [False, False, False, False, True, False]
    assert {one["consent_analytics"] for one in said} == {True}


NEWS = 311_001


def flag(vendors: Running, contact: Any, value: str) -> None:
    """Set the contact's opt-out property now, without an entry in the timeline."""
    contact.props[f"hs_email_optout_{NEWS}"] = value
    contact.updated = int(clock().timestamp() * 1000)
    vendors.world._index()


def test_a_second_opt_out_by_flag_alone_counts_like_the_first(home: Home, vendors: Running, contact: Any) -> None:
    said = []
    for act, value in [
        (decide, "SUBSCRIBED"),
        (flag, "true"),
        (flag, "false"),  # no longer refused, and not a grant: nobody said yes again
        (decide, "SUBSCRIBED"),
        (flag, "true"),
    ]:
        act(vendors, contact, value, *([NEWS] if act is decide else []))
        said.append(consents(home, contact)["consent_marketing"])

    assert said == [True, False, False, True, False]
    with home.opened() as opened:
        ledger = database.read_ledger(opened.stores.control).to_pylist()
    flags = [row for row in ledger if row["event_id"] == f"contact/{contact.id}/optout/{NEWS}"]
    assert [row["state"] for row in flags] == ["withdrawn", "cleared", "withdrawn"]
    assert len({row["at"] for row in flags}) == len(flags)


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_a_customer_of_the_shop_who_withdraws_leaves_marketing_with_the_next_run(
    home: Home, vendors: Running, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    for name, token in FOUR_SYSTEMS.items():
        monkeypatch.setenv(name, token)
    home = with_shop_and_reviews(home, vendors.urls)
    asked = {"email": "email_consent", "sms": "sms_consent"}
    customer = next(
        one
        for one in vendors.world.shop.customers.values()
        if one.present and one.email and one.phone and all(getattr(one, c).at is None for c in asked.values())
    )
    said = [consents(home, customer, "shopify")]
    for state in ("SUBSCRIBED", "UNSUBSCRIBED"):
        vendors.world.now += timedelta(hours=1)
        tell_the_shop(Random(1), customer, vendors.world.clock, channel=channel, state=state)  # noqa: S311
        vendors.world._index()
        said.append(consents(home, customer, "shopify"))

    assert [one["consent_marketing"] for one in said] == [False, True, False]


def test_a_flag_that_was_never_set_is_no_decision(home: Home) -> None:
    home.sync("hubspot")

    with home.opened() as opened:
        states = opened.lake.current("consent_event")["state"].to_pylist()
    assert states
    assert "cleared" not in states
