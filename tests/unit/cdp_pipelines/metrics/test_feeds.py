"""How far a source has been read, as the runs of its syncs tell."""

from datetime import timedelta

import pytest
from small_worlds import at

from cdp_pipelines.config import Settings, SourceSettings
from cdp_pipelines.database import Run
from cdp_pipelines.metrics.refreshing import feeds_of

EARLY, LATE = at("2026-03-01T06:00"), at("2026-03-02T06:00")
STREAMS = [
    *("organizations", "users", "deleted_users", "tickets"),
    *("ticket_events", "satisfaction_ratings", "survey_responses"),
]
TABLES = ("account", "person", "ticket", "message", "ticket_event", "survey_response", "survey_invitation")


def run(started_at, read_to_end, *, status="success"):
    same = {"retry_of": None, "root_run_id": "1", "retry_kind": "none", "error_class": None, "holder": "h"}
    counts = {} if read_to_end is None else {"read_to_end": read_to_end}
    return Run("1", "sync/zendesk", "zendesk", started_at, started_at, status=status, counts=counts, **same)


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
def test_a_table_is_read_until_the_least_recent_read_of_its_streams(runs, expected):
    settings = Settings(sources={"zendesk": SourceSettings(enabled=True, schedule="0 * * * *")})
    _, feed = feeds_of(settings, runs, at("2026-03-03"))
    assert [feed.source, feed.interval, feed.tables] == ["zendesk", timedelta(hours=1), expected]
