"""What is told about fields: what differs from the declaration, and what has stopped coming."""

from datetime import UTC, datetime

import pytest

from cdp_pipelines.drift import Change, changes
from connectors.registry import source
from connectors.shapes import Seen
from models import StreamField

THEN, NOW = datetime(2026, 1, 5, 8, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTACTS = source("hubspot").stream("contacts")


def known(field, came_as="", *, records=1_000, of_records=1_000):
    named = {"source": "hubspot", "stream": "contacts", "field": field, "came_as": came_as}
    times = {"first_seen": THEN, "last_seen": THEN}
    return {(field, came_as): StreamField(**named, **times, records=records, of_records=of_records)}


def found(seen, before=None, *, records=100):
    return list(changes(CONTACTS, seen, before or {}, records=records, now=NOW))


def test_new_and_retyped_fields_are_told_with_their_first_day():
    seen = Seen({"id": 100}, {("hat", "string"): 3, ("id", "integer"): 1_200})
    assert found(seen) == [
        Change("hat", "new", "string", 3, NOW),
        Change("id", "retyped", "integer", 1_200, NOW),
    ]
    told = [change.sentence for change in found(seen, known("hat", "string") | known("id", "integer"))]
    assert told == [
        "hat is new, it came as string in 3 records, since 2026-01-05",
        "id came re-typed as integer in 1,200 records, since 2026-01-05",
    ]


@pytest.mark.parametrize("field", ["url", "properties.zip"])
def test_a_field_nearly_every_record_had_is_missed(field):
    [change] = found(Seen({"id": 100}), known(field, records=950))
    assert change == Change(field, "missing", "", 100, THEN)
    assert change.sentence == f"{field} is missing from all 100 records, it last came on 2026-01-05"


@pytest.mark.parametrize(
    ("seen", "before", "records"),
    [
        (Seen({"id": 100}), known("url", records=800), 100),  # its vendor leaves it out now and then
        (Seen({"id": 99}), known("url"), 99),  # too few were read
        (Seen({"id": 100}), known("url", records=50, of_records=50), 100),  # too few had been read
        (Seen({"id": 100}), known("nobody_declared_this"), 100),
        (Seen({"id": 100}), known("hat", "string"), 100),  # was odd, and is no more
        (Seen({"id": 100, "url": 1}), known("url"), 100),
        (Seen({"id": 100}), {}, 100),
    ],
)
def test_nothing_else_is_missed(seen, before, records):
    assert found(seen, before, records=records) == []
