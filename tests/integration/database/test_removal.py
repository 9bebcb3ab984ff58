"""Taking a source out of the stores, on both databases: its keys and rows, and nobody else's."""

import os
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from cdp_pipelines.database import (
    Stores,
    SubjectVault,
    commit_cursor,
    finish_run,
    quarantine_put,
    start_run,
)
from cdp_pipelines.database.removal import count_source, remove_keys, remove_rows
from cdp_pipelines.errors import StoreError
from privacy.subjects import StoredSubject, SubjectRef


def subject() -> StoredSubject:
    return StoredSubject(os.urandom(16), os.urandom(62), 1)


@pytest.fixture
def two_sources(stores: Stores) -> Stores:
    """The same kinds of rows of two systems, one ledger entry each."""
    for source in ("hubspot", "zendesk"):
        commit_cursor(stores.control, source, "contacts", {"at": 1}, "r")
        finish_run(stores.control, start_run(stores.control, f"sync/{source}", source=source), "success", counts={})
        quarantine_put(stores.control, source, "contacts", [("7", "invalid:x")])
        with stores.control.begin() as connection:
            connection.execute(
                text(
                    "insert into consent_ledger (source, event_id, state, at, purpose, channel, scope, inferred, "
                    "run_id, recorded_at) "
                    "values (:source, 'e', 'granted', :at, 'marketing', 'all', 'all', :no, 'r', :at)"
                ),
                {"source": source, "at": datetime(2026, 1, 1, tzinfo=UTC), "no": False},
            )
    return stores


def test_rows_of_the_source_go_and_the_others_stay(two_sources: Stores) -> None:
    remove_rows(two_sources, "hubspot")

    assert set(count_source(two_sources, "hubspot").values()) == {0}
    kept = {what: count for what, count in count_source(two_sources, "zendesk").items() if count}
    assert kept == {f"control: {name}": 1 for name in ("consent_ledger", "quarantine", "sync_run", "sync_state")}


def test_the_ledger_is_append_only_again(two_sources: Stores) -> None:
    remove_rows(two_sources, "hubspot")

    for act in ("delete from consent_ledger", "update consent_ledger set state = 'denied'"):
        with pytest.raises(StoreError), two_sources.control.begin() as connection:
            connection.execute(text(act))


def test_only_keys_that_no_other_source_leads_to_are_destroyed(stores: Stores) -> None:
    vault = SubjectVault(stores.vault)
    own, shared, other = subject(), subject(), subject()
    refs = [SubjectRef("hubspot", "person", str(number)) for number in (1, 2)]
    theirs = [SubjectRef("zendesk", "person", str(number)) for number in (2, 3)]
    found = (own, shared, shared, other)
    vault.create([own, shared, other], [(ref, s.subject_id) for ref, s in zip([*refs, *theirs], found, strict=True)])
    assert count_source(stores, "hubspot")["keys"] == 1

    remove_keys(stores.vault, "hubspot")
    remove_keys(stores.vault, "hubspot")

    assert vault.find(refs) == {}
    assert vault.find(theirs) == dict(zip(theirs, (shared, other), strict=True))
    assert vault.by_id([own.subject_id]) == {}
