"""How far a source has been read, as the runs of its syncs tell."""

from datetime import timedelta

import numpy as np
import pytest
from small_worlds import at
from sqlalchemy import insert

from cdp_pipelines.config import Settings, SourceSettings
from cdp_pipelines.database.rows import table_of
from cdp_pipelines.metrics.periods import midnights
from cdp_pipelines.metrics.refreshing import feeds_of
from models import SyncRun

EARLY, LATE = at("2026-03-01T06:00"), at("2026-03-02T06:00")
STREAMS = [
    *("organizations", "users", "deleted_users", "tickets"),
    *("ticket_events", "satisfaction_ratings", "survey_responses"),
]
TABLES = ("account", "person", "ticket", "message", "ticket_event", "survey_response", "survey_invitation")


def run(started_at, read_to_end, *, status="success"):
    same = {"process": "sync/zendesk", "source": "zendesk", "retry_of": None, "retry_kind": "none", "holder": "h"}
    run_id = f"{started_at}{read_to_end}"
    counts = {} if read_to_end is None else {"read_to_end": read_to_end}
    times = {"started_at": started_at, "stopped_at": started_at}
    return {"run_id": run_id, "root_run_id": run_id, "status": status, "counts": counts, **times, **same}


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], dict.fromkeys(TABLES)),
        ([run(EARLY, STREAMS)], dict.fromkeys(TABLES, EARLY)),
        # One stream alone moves only its own tables.
        ([run(LATE, ["tickets"]), run(EARLY, STREAMS)], {**dict.fromkeys(TABLES, EARLY), "ticket": LATE}),
        ([run(EARLY, ["tickets"])], {**dict.fromkeys(TABLES), "ticket": EARLY}),
        # A table that several streams fill is read when all of them are.
        ([run(EARLY, ["users", "survey_responses"])], dict.fromkeys(TABLES)),
        # A backfill, and a run that was killed, read nothing to its end.
        ([run(LATE, []), run(LATE, None, status="crashed"), run(EARLY, STREAMS)], dict.fromkeys(TABLES, EARLY)),
        # What finished in a run that failed later is read.
        ([run(EARLY, ["organizations"], status="error")], {**dict.fromkeys(TABLES), "account": EARLY}),
    ],
)
def test_a_table_is_read_until_the_least_recent_read_of_its_streams(stores, runs, expected):
    with stores.control.begin() as connection:
        for row in runs:
            connection.execute(insert(table_of(SyncRun)), row)
    settings = Settings(sources={"zendesk": SourceSettings(enabled=True, schedule="0 * * * *")})
    ours, feed = feeds_of(settings, stores.control, at("2026-03-03"))
    assert [feed.source, feed.interval, feed.tables] == ["zendesk", timedelta(hours=1), expected]
    assert ours.complete_from == min((row["started_at"] for row in runs), default=at("2026-03-03"))


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Europe/Berlin", "UTC", "America/New_York"])
def test_days_begin_even_in_the_year_one(zone):
    begin, later = midnights(np.array(["0001-01-01", "2026-01-01"], "datetime64[D]"), zone)
    assert begin < -62_000_000_000 < 0 < later
