"""Re-typing a field at random loses no record and touches no other one."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from connectors import registry
from connectors.reading import Reading
from connectors.spec import Context
from models import Account

ORGANIZATIONS = registry.source("zendesk").stream("organizations")
TIME = "2026-01-02T03:04:05Z"
RECORD = {
    "url": "https://acme.example/1",
    "name": "Foo",
    "domain_names": ["foo.example"],
    "external_id": None,
    "group_id": 4,
    "shared_tickets": False,
    "created_at": TIME,
    "updated_at": TIME,
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
CHANGES = st.lists(st.dictionaries(st.sampled_from([*RECORD, "hat", "shoe size"]), ODD, max_size=3), max_size=12)


class _Client:
    source = registry.source("zendesk")


def read(records):
    reading = Reading(
        ORGANIZATIONS,
        _Client(),
        context=Context(),
        state=None,
        since=None,
        retry_ids=(),  # type: ignore[arg-type]
    )
    return reading.page(records, cursor=None)


@given(CHANGES)
def test_rows_and_records_set_aside_are_all_there_is_and_others_are_untouched(changes):
    records = [{"id": number, **RECORD, **change} for number, change in enumerate(changes)]
    page = read(records)
    mapped = {row["source_id"]: row for row in page.rows[Account]}
    aside = {item.record_id for item in page.rejected}
    assert mapped.keys() | aside == {str(number) for number in range(len(changes))}
    assert not mapped.keys() & aside
    assert (len(mapped) + len(aside), page.records) == (len(changes), len(changes))
    [clean] = read([{"id": 0, **RECORD}]).rows[Account]
    for number, change in enumerate(changes):
        if not change.keys() - {"hat", "shoe size", "url", "external_id", "group_id", "shared_tickets"}:
            assert mapped[str(number)] == {**clean, "source_id": str(number)}
    assert "shoe size" not in str(page.seen)


@given(st.integers(0, 4_000_000_000), st.sampled_from([1, 1000]))
def test_an_epoch_time_is_the_moment_its_text_would_be(seconds, unit):
    moment = datetime.fromtimestamp(seconds, UTC)
    as_number = {"id": 1, **RECORD, "updated_at": seconds * unit}
    as_text = {"id": 1, **RECORD, "updated_at": moment.isoformat()}
    if unit == 1 or seconds * unit >= 100_000_000_000:
        assert read([as_number]).rows == read([as_text]).rows
