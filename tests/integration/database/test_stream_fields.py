"""What is remembered of a stream's fields from run to run."""

from datetime import UTC, datetime, timedelta

import pytest

from cdp_pipelines.database.stream_fields import load_fields
from cdp_pipelines.drift import MOST_KEPT, note_fields
from connectors.registry import source
from connectors.shapes import OTHER, Seen

CONTACTS = source("hubspot").stream("contacts")
FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def control(stores):
    return stores.control


def note(control, seen, records, *, day=0):
    found = note_fields(control, "hubspot", CONTACTS, seen, records=records, now=FIRST + timedelta(days=day))
    return [
        (change.field, change.what, change.came_as, change.records, (change.since - FIRST).days) for change in found
    ]


def test_a_field_that_stops_coming_is_missed_until_it_comes_again(control):
    with_zip = Seen({"id": 150, "properties.zip": 150, "archivedAt": 20})
    without = Seen({"id": 150})
    assert note(control, with_zip, 150) == []
    assert note(control, without, 150, day=1) == [("properties.zip", "missing", "", 150, 0)]
    assert note(control, Seen({"id": 10}), 10, day=2) == []
    assert note(control, without, 150, day=3) == [("properties.zip", "missing", "", 150, 0)]
    assert note(control, with_zip, 150, day=4) == []
    assert note(control, without, 150, day=5) == [("properties.zip", "missing", "", 150, 4)]


def test_what_is_odd_is_told_each_time_with_its_first_day(control):
    odd = Seen({"id": 2}, {("id", "integer"): 2, ("hat", "string"): 1})
    for day in (0, 3):
        assert note(control, odd, 2, day=day) == [
            ("hat", "new", "string", 1, 0),
            ("id", "retyped", "integer", 2, 0),
        ]
    assert note(control, Seen({"id": 2}), 2, day=4) == []
    assert load_fields(control, "hubspot", "contacts")["hat", "string"].records == 2


def test_a_run_that_read_nothing_says_nothing(control):
    assert note(control, Seen(), 0) == []
    assert load_fields(control, "hubspot", "contacts") == {}


def test_names_are_kept_up_to_a_number(control):
    for run in range(3):
        names = {(f"f{run}_{number}", "string"): 1 for number in range(MOST_KEPT // 2)}
        note(control, Seen({"id": 1}, names), 1)
    kept = {name for name, came_as in load_fields(control, "hubspot", "contacts") if came_as}
    assert (len(kept), OTHER in kept) == (MOST_KEPT + 1, True)
