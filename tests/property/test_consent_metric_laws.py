"""The consent rates agree, person by person, with the rules that decide what is permitted."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from small_worlds import SmallWorld, at

from cdp_pipelines.metrics.declarations.consent import CONSENT_OPT_OUT_RATE
from cdp_pipelines.transforms import transform
from privacy.consent import Decision, Policy, effective_state

BEGIN = at("2026-01-01")
POLICY = Policy.for_jurisdiction("EU")

decisions = st.lists(
    st.builds(
        Decision,
        purpose=st.sampled_from(["marketing", "research"]),
        channel=st.sampled_from(["all", "email"]),
        scope=st.sampled_from(["all", "news"]),
        state=st.sampled_from(["granted", "denied", "withdrawn"]),
        at=st.integers(0, 6).map(lambda day: BEGIN + timedelta(days=day)),
        source=st.just("hubspot"),
    ),
    max_size=7,
)


def holds(made, purpose):
    """Whether any decision of the purpose stands at granted."""
    keys = {(decision.channel, decision.scope) for decision in made if decision.purpose == purpose}
    states = [effective_state(made, purpose, channel=key[0], scope=key[1], policy=POLICY) for key in keys]
    return any(state.state == "granted" for state in states)


def in_the_end(world):
    """By profile and purpose, whether consent stands at granted after the last change."""
    with world.session(tables=["consent_event"]) as session:
        session.derive("consent_change", transform("consent_change"))
        changes = session.query(
            "select profile_id, slice_value, changed_at, granted from consent_change where slice_name = 'purpose'"
        ).to_pylist()
    ordered = sorted(changes, key=lambda row: row["changed_at"])
    return {(row["profile_id"], row["slice_value"]): bool(row["granted"]) for row in ordered}


def bearing(made, purpose, channel, scope):
    """The decisions that bear on one: its own, and refusals at least as general."""
    for one in made:
        own = (one.channel, one.scope) == (channel, scope)
        general = one.channel in ("all", channel) and one.scope in ("all", scope)
        if one.purpose == purpose and (own or (one.state != "granted" and general)):
            yield one


def withdrawals(made, purpose):
    """Days on which any decision of the purpose went from granted to withdrawn."""
    for channel, scope in {(one.channel, one.scope) for one in made if one.purpose == purpose}:
        was_granted = False
        chosen = list(bearing(made, purpose, channel, scope))
        for moment in sorted({one.at for one in chosen}):
            states = {one.state for one in chosen if one.at == moment}
            if was_granted and "withdrawn" in states:
                yield moment
            was_granted = states == {"granted"}


def withdrawn_by(world):
    """By profile and purpose, when a withdrawal ended a stretch of consent."""
    with world.session(tables=["consent_event"]) as session:
        session.derive("consent_change", transform("consent_change"))
        rows = session.query(CONSENT_OPT_OUT_RATE.sql).to_pylist()
    assert all(row["until"] is None or row["at"] < row["until"] for row in rows)
    return {
        (row["profile_id"], row["slice_value"], row["until"])
        for row in rows
        if row["x"] and row["slice_name"] == "purpose"
    }


def written_down(folder, people):
    world = SmallWorld(Path(folder))
    world.people(len(people))
    for number, made in enumerate(people):
        for decision in made:
            where = {"channel": decision.channel, "scope": decision.scope}
            moment = decision.at.replace(tzinfo=None).isoformat()
            world.consent(f"p-{number}", decision.purpose, decision.state, moment, **where)
    return world


@given(st.lists(decisions, min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_who_counts_as_granted_is_who_the_rules_say(people):
    with TemporaryDirectory() as folder:
        found = in_the_end(written_down(folder, people))
    assert found == {
        (f"p-{number}", purpose): holds(made, purpose)
        for number, made in enumerate(people)
        for purpose in {decision.purpose for decision in made}
    }


@given(st.lists(decisions, min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_who_withdrew_is_who_took_back_any_grant(people):
    with TemporaryDirectory() as folder:
        found = withdrawn_by(written_down(folder, people))
    assert found == {
        (f"p-{number}", purpose, moment)
        for number, made in enumerate(people)
        for purpose in ("marketing", "research")
        for moment in withdrawals(made, purpose)
    }
