"""The four stores: opening, upgrading, and everything that is read from or written to them.

SQLite files by default, PostgreSQL schemas in production; every function works on both.
"""

from cdp_pipelines.database.audit import record_audit, verify_audit
from cdp_pipelines.database.copies import write_copies
from cdp_pipelines.database.cursors import (
    commit_cursor,
    end_whole,
    forget_whole,
    is_read_whole,
    load_cursor,
    whole_place,
)
from cdp_pipelines.database.keys import delete_credential, get_credential, has_ring, load_ring, set_credential
from cdp_pipelines.database.leases import Held, lease
from cdp_pipelines.database.ledger import append_ledger, read_ledger, without_idle_clears
from cdp_pipelines.database.limits import SharedLedger, forget_limits
from cdp_pipelines.database.overviews import (
    metric_history,
    metric_overview,
    profile_exists,
    profile_facts,
    resolve_profile,
    source_overview,
)
from cdp_pipelines.database.publish import publish_mart, publish_profile
from cdp_pipelines.database.quarantine import (
    quarantine_attempts,
    quarantine_clear,
    quarantine_count,
    quarantine_counts,
    quarantine_list,
    quarantine_pending,
    quarantine_put,
)
from cdp_pipelines.database.register import IdRegister
from cdp_pipelines.database.runs import (
    Run,
    finish_run,
    first_start,
    keep_in_newest,
    last_counts,
    list_runs,
    read_to_end,
    start_run,
)
from cdp_pipelines.database.segments import forget_segments, publish_segments
from cdp_pipelines.database.stores import Stores, open_stores, writing
from cdp_pipelines.database.upgrade import upgrade_stores
from cdp_pipelines.database.vault import SubjectVault

__all__ = [
    "Held",
    "IdRegister",
    "Run",
    "SharedLedger",
    "Stores",
    "SubjectVault",
    "append_ledger",
    "commit_cursor",
    "delete_credential",
    "end_whole",
    "finish_run",
    "first_start",
    "forget_limits",
    "forget_segments",
    "forget_whole",
    "get_credential",
    "has_ring",
    "is_read_whole",
    "keep_in_newest",
    "last_counts",
    "lease",
    "list_runs",
    "load_cursor",
    "load_ring",
    "metric_history",
    "metric_overview",
    "open_stores",
    "profile_exists",
    "profile_facts",
    "publish_mart",
    "publish_profile",
    "publish_segments",
    "quarantine_attempts",
    "quarantine_clear",
    "quarantine_count",
    "quarantine_counts",
    "quarantine_list",
    "quarantine_pending",
    "quarantine_put",
    "read_ledger",
    "read_to_end",
    "record_audit",
    "resolve_profile",
    "set_credential",
    "source_overview",
    "start_run",
    "upgrade_stores",
    "verify_audit",
    "whole_place",
    "without_idle_clears",
    "write_copies",
    "writing",
]
