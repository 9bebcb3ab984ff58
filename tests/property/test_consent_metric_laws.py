"""The opt-in rate agrees, person by person, with the rules that decide what is permitted."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from small_worlds import SmallWorld, at

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


@given(st.lists(decisions, min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_who_counts_as_granted_is_who_the_rules_say(people):
    with TemporaryDirectory() as folder:
        world = SmallWorld(Path(folder))
        world.people(len(people))
        for number, made in enumerate(people):
            for decision in made:
                where = {"channel": decision.channel, "scope": decision.scope}
                moment = decision.at.replace(tzinfo=None).isoformat()
                world.consent(f"p-{number}", decision.purpose, decision.state, moment, **where)
        found = in_the_end(world)
    assert found == {
        (f"p-{number}", purpose): holds(made, purpose)
        for number, made in enumerate(people)
        for purpose in {decision.purpose for decision in made}
    }
