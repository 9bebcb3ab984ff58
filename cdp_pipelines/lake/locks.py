"""File locks of the lake: many writers of a table, or one that compacts or maintains it.

flock belongs to an open file, so it works between threads and processes of one machine
and disappears with a killed process. It does not work on object stores: a lake there needs
another lock behind these two functions.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cdp_pipelines.lake.errors import LakeLockedError

_POLL_SECONDS = 0.02


@contextmanager
def shared(folder: Path, name: str, *, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock ``name`` together with other sharers; raises LakeLockedError."""
    with ExitStack() as held:
        deadline = time.monotonic() + timeout_seconds
        # Whoever wants the lock alone keeps the gate, so sharers that come later wait
        # behind it: otherwise busy writers would keep compaction out for ever.
        with _locked(folder / f"{name}.gate", fcntl.LOCK_SH, deadline):
            held.enter_context(_locked(folder / name, fcntl.LOCK_SH, deadline))
        yield


@contextmanager
def exclusive(folder: Path, name: str, *, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock ``name`` alone; raises LakeLockedError."""
    deadline = time.monotonic() + timeout_seconds
    with (
        _locked(folder / f"{name}.gate", fcntl.LOCK_EX, deadline),
        _locked(folder / name, fcntl.LOCK_EX, deadline),
    ):
        yield


def try_lock(descriptor: int, kind: int) -> bool:
    """Take a flock without waiting; whether that worked."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _locked(path: Path, kind: int, deadline: float) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not try_lock(descriptor, kind):
            if time.monotonic() > deadline:
                raise LakeLockedError(_message(path))
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _message(path: Path) -> str:
    return (
        f"Waiting for the lock of lake table {path.name.removesuffix('.gate')}: another process still holds it, "
        f"so nothing was done. Wait for the running sync, compaction or maintenance to end, then run this again "
        f"(the holder of {path} is shown by: fuser -v {path})."
    )
