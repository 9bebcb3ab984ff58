"""Named points at which a process can be made to die, for the kill tests and for nothing else.

The product promises that a run killed anywhere and then repeated ends like an undisturbed
one. The chaos tests prove it by starting a real process with ``CDP_KILL_AT=<name>`` or
``CDP_KILL_AT=<name>:<n>``: the process sends itself SIGKILL the first (or n-th) time it
reaches that point. Without the variable, ``reach`` only counts.
"""

import os
import signal
from collections import Counter

NAMES = (
    "fetch_page",
    "key_created",
    "row_protected",
    "append_before",
    "append_written",
    "append_after",
    "ledger_before",
    "ledger_after",
    "quarantine_written",
    "cursor_before",
    "cursor_after",
    "stream_done",
    "run_recorded",
    "compaction_before",
    "compaction_after",
    "maintenance_before",
    "maintenance_after",
    "identity_register",
    "identity_links",
    "identity_pairs",
    "profile_published",
    "mart_written",
    "mart_published",
    "lease_taken",
    "refresh_intended",
    "refresh_received",
    "refresh_stored",
    "purge_access",
    "purge_lake",
    "purge_keys",
    "purge_control",
    "sweep_part",
    "whole_ended",
)

reached: Counter[str] = Counter()
"""How often this process has come to each point."""

_VARIABLE = "CDP_KILL_AT"


def reach(name: str) -> None:
    """Say that the process has come to the point ``name``.

    Raises:
        ValueError: ``name``, or the name in ``CDP_KILL_AT``, is not in ``NAMES``: a kill test
            with a misspelt point would pass without having killed anything.
    """
    _check(name)
    reached[name] += 1
    wanted = os.environ.get(_VARIABLE)
    if wanted is None:
        return
    target, _, count = wanted.partition(":")
    _check(target)
    if name == target and reached[name] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)


def _check(name: str) -> None:
    if name not in NAMES:
        msg = f"Reaching barrier {name!r}: no such name. Known names: {', '.join(NAMES)}."
        raise ValueError(msg)
