"""Tables of the stores: which there are, and the one column type that is ours."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import create_engine, insert, select
from sqlalchemy.exc import StatementError

from models import STORES, SyncState
from models.tables import ControlTable


@pytest.fixture
def engine():
    engine = create_engine("sqlite://")
    ControlTable.metadata.create_all(engine)
    yield engine
    engine.dispose()


def stored(engine, at):
    row = {"source": "hubspot", "stream": "contacts", "cursor": {}, "run_id": "r1", "updated_at": at}
    with engine.begin() as connection:
        connection.execute(insert(SyncState.__table__), row)
        return connection.execute(select(SyncState.__table__.c.updated_at)).scalar()


def test_each_store_has_its_tables_and_no_other():
    assert {store: sorted(metadata.tables) for store, metadata in STORES.items()} == {
        "control": [
            "audit_entry",
            "consent_ledger",
            "id_register",
            "lease",
            "match_answer",
            "match_pair",
            "quarantine",
            "stream_field",
            "sync_run",
            "sync_state",
        ],
        "vault": ["credential", "key_ring", "subject_alias", "subject_key", "suppression"],
        "profile": ["consent_state", "customer_360", "identity_link", "segment_membership"],
        "mart": ["dim_metric", "index_sensitivity", "metric_component", "metric_value"],
    }


def test_a_time_comes_back_aware_and_in_utc(engine):
    berlin = datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert stored(engine, berlin).isoformat() == "2026-07-01T12:00:00+00:00"


def test_a_naive_time_is_refused(engine):
    with pytest.raises(StatementError, match="without a time zone"):
        stored(engine, datetime(2026, 7, 1, 14, tzinfo=UTC).replace(tzinfo=None))
