"""What data may be used for: the statement for all profiles agrees with the rules, and a refusal only narrows."""

from dataclasses import asdict

import duckdb
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from property.strategies import decisions, instants, refusals

from cdp_pipelines.identity.consents import Consents
from cdp_pipelines.transforms import transform
from privacy.consent import PURPOSES, Policy, permitted

EU = Policy.for_jurisdiction("EU")
COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("profile_id", "purpose", "channel", "scope", "state", "source", "record")),
        ("at", pa.timestamp("us", tz="UTC")),
        ("ended_at", pa.timestamp("us", tz="UTC")),
        ("inferred", pa.bool_()),
    ]
)


def judged(people: list[list]) -> Consents:
    rows = [{"profile_id": f"p-{number}", **asdict(one)} for number, made in enumerate(people) for one in made]
    history = pa.Table.from_pylist(rows, schema=COLUMNS)
    with duckdb.connect() as connection:
        connection.register("profile_decision", history)
        found = connection.sql(transform("profile_permission")).to_arrow_table()
    return Consents(pa.array([f"p-{number}" for number in range(len(people))]), history, found, EU)


@given(st.lists(st.lists(decisions, max_size=6), min_size=1, max_size=12))
def test_all_profiles_at_once_permit_what_each_permits(people: list[list]) -> None:
    found = {purpose: flags.tolist() for purpose, flags in judged(people).permitted().items()}
    assert found == {purpose: [permitted(made, purpose, EU) for made in people] for purpose in PURPOSES}


@given(st.lists(decisions, max_size=8), refusals, st.none() | instants)
def test_a_refusal_added_permits_no_further_use(known: list, refusal: object, as_of: object) -> None:
    for purpose in PURPOSES:
        assert permitted(known, purpose, EU, as_of) or not permitted([*known, refusal], purpose, EU, as_of)
