"""A process that was held up and replaced stops before it moves a cursor."""

import functools
import time

import pytest
from installations import Home

from cdp_pipelines import database
from cdp_pipelines.errors import LeaseError


def test_a_sync_whose_lease_was_taken_over_commits_no_cursor(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "lease", functools.partial(database.lease, ttl_seconds=0.3))
    with home.opened() as opened:
        control = opened.stores.control

    def taken_over(_stream: str, _records: int) -> None:
        with control.begin() as connection:
            connection.exec_driver_sql("update lease set holder = 'other'")
        time.sleep(0.4)

    with pytest.raises(LeaseError, match="another one may have taken over"):
        home.sync("hubspot", streams=["companies"], progress=taken_over)
    assert database.load_cursor(control, "hubspot", "companies") is None
