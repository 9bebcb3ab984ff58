"""Where a stream goes on: by the vendor's cursor, by the export's time, by a filter with overlap, or not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.cursors import ChangedSince, Everything, ExportCursor, ExportTime

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
LONG_AGO = datetime(2025, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("cursor", [ExportCursor(), ExportTime()])
@pytest.mark.parametrize(
    ("since", "start"),
    [(None, 1), (LONG_AGO, int(LONG_AGO.timestamp())), (NOW, SECONDS - 61), (NOW + timedelta(days=1), SECONDS - 61)],
    ids=["first load", "backfill", "too recent", "in the future"],
)
def test_exports_never_start_in_the_vendors_last_minute(cursor, since, start):
    assert cursor.first(None, since, NOW) == {"start_time": str(start)}


def test_an_export_cursor_goes_on_where_the_page_said():
    cursor = ExportCursor()
    assert cursor.after_page({"after_cursor": "c"}) == {"cursor": "c"}
    assert cursor.after_page({"after_cursor": None}) is None
    assert cursor.first({"cursor": "c"}, None, NOW) == {"cursor": "c"}
    assert cursor.first({"cursor": "c"}, LONG_AGO, NOW) == {"start_time": str(int(LONG_AGO.timestamp()))}
    assert cursor.after_all(NOW) is None


def test_an_export_time_goes_on_at_the_end_of_the_page():
    cursor = ExportTime()
    assert cursor.after_page({"end_time": 99}) == {"start_time": 99}
    assert cursor.after_page({"end_time": None}) is None
    assert cursor.first({"start_time": 99}, None, NOW) == {"start_time": "99"}
    assert cursor.first({"start_time": SECONDS}, None, NOW) == {"start_time": str(SECONDS - 61)}
    assert cursor.after_all(NOW) is None


def test_a_filter_looks_back_further_than_the_last_read():
    cursor = ChangedSince("since", overlap=timedelta(hours=1))
    state = cursor.after_all(NOW)
    assert state == {"since": "2026-03-01T00:00:00+00:00"}
    assert cursor.first(state, None, NOW) == {"since": str(SECONDS - 3600)}
    assert cursor.first(state, LONG_AGO, NOW) == {"since": str(int(LONG_AGO.timestamp()))}
    assert cursor.first(None, None, NOW) == {}
    assert cursor.start({"phase": "live"}, None) is None
    assert cursor.after_page({}) is None


def test_a_filter_without_overlap_is_refused():
    with pytest.raises(ValueError, match="needs an overlap"):
        ChangedSince("since", overlap=timedelta())


def test_everything_remembers_only_that_it_was_read():
    cursor = Everything()
    assert (cursor.first({"read": "…"}, NOW, NOW), cursor.after_page({})) == ({}, None)
    assert cursor.after_all(NOW) == {"read": NOW.isoformat()}
