"""Generated inputs shared by the property tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import phonenumbers
from hypothesis import strategies as st

from models import Person
from models.derive import fields, validator
from models.fields import Personal
from privacy.consent import PURPOSES, Decision

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
values = texts | st.lists(texts, max_size=4)
instants = st.integers(0, 6).map(lambda day: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day))
source_ids = texts.filter(bool)


@st.composite
def persons(draw: st.DrawFn) -> dict[str, object]:
    """A validated person with any of its personal fields set."""
    row: dict[str, object] = {"source": draw(st.sampled_from(["a", "b"])), "source_id": draw(source_ids)}
    for plan in fields(Person):
        if isinstance(plan.mark, Personal):
            row[plan.name] = draw(st.none() | (st.lists(texts, max_size=3) if plan.is_list else texts))
    return validator(Person)({**row, "version_at": draw(instants)})


_said = st.builds(
    Decision,
    purpose=st.sampled_from(PURPOSES[:3]),
    channel=st.sampled_from(["all", "email", "sms"]),
    scope=st.sampled_from(["all", "news", "offers"]),
    state=st.sampled_from(["granted", "denied", "withdrawn"]),
    at=instants,
    source=st.sampled_from(["hubspot", "zendesk"]),
    record=st.sampled_from([None, "1", "2"]),
    inferred=st.booleans(),
    policy_version=st.none(),
)


def _ended(decision: Decision) -> st.SearchStrategy[Decision]:
    """The decision; if it is a refusal, sometimes with the moment its source took it back."""
    if decision.state == "granted":
        return st.just(decision)
    days = st.none() | st.integers(0, 4)
    return days.map(lambda n: decision if n is None else replace(decision, ended_at=decision.at + timedelta(days=n)))


decisions = _said.flatmap(_ended)
refusals = decisions.filter(lambda decision: decision.state != "granted")

addresses = st.one_of(
    st.emails(),
    st.builds("{}@{}.{}".format, texts, texts, texts),
    st.builds(" {}@Bücher.{}".format, texts, st.sampled_from(["de", "COM"])),
    texts,
)

regions = st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS))
_EXAMPLES = [
    (region, example)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in range(11)
    if (example := phonenumbers.example_number_for_type(region, kind)) is not None
]
_PUNCTUATION = st.sampled_from([""] * 12 + [" ", "-", "(", ")", "  ", ") ", " (", "/", ".", "x"])


@st.composite
def phones(draw: st.DrawFn) -> tuple[str, str]:
    """A number near a valid one, as people write numbers, and a region to read it in."""
    region, example = draw(st.sampled_from(_EXAMPLES))
    digits = list(phonenumbers.national_significant_number(example))
    if draw(st.booleans()):
        digits[draw(st.integers(0, len(digits) - 1))] = draw(st.sampled_from("0123456789"))
    national = draw(st.sampled_from(["", "0"])) + "".join(digits) + draw(st.sampled_from(["", "", "7"]))
    code = str(example.country_code)
    prefix = draw(st.sampled_from([f"+{code}", f"+{code}", "", "", "0", "1", "00", f"00{code}", code, f"011{code}"]))
    spelled = "".join(character + draw(_PUNCTUATION) for character in prefix + national)
    return draw(st.sampled_from(["", "", "", " ", "(", "-"])) + spelled, draw(st.just(region) | regions)
