"""The four stores: opening, upgrading, and everything that is read from or written to them.

SQLite files by default, PostgreSQL schemas in production; every function works on both.
"""

from cdp_pipelines.database.cursors import commit_cursor, load_cursor
from cdp_pipelines.database.leases import Held, lease
from cdp_pipelines.database.ledger import LedgerRow, append_ledger, read_ledger
from cdp_pipelines.database.quarantine import (
    quarantine_clear,
    quarantine_counts,
    quarantine_pending,
    quarantine_put,
)
from cdp_pipelines.database.runs import Run, finish_run, last_counts, list_runs, start_run
from cdp_pipelines.database.stores import Stores, open_stores, writing
from cdp_pipelines.database.upgrade import upgrade_stores
from cdp_pipelines.database.vault import SubjectVault

__all__ = [
    "Held",
    "LedgerRow",
    "Run",
    "Stores",
    "SubjectVault",
    "append_ledger",
    "commit_cursor",
    "finish_run",
    "last_counts",
    "lease",
    "list_runs",
    "load_cursor",
    "open_stores",
    "quarantine_clear",
    "quarantine_counts",
    "quarantine_pending",
    "quarantine_put",
    "read_ledger",
    "start_run",
    "upgrade_stores",
    "writing",
]
