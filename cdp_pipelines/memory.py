"""Keeping a long run small: when garbage is collected, and giving memory back to the system."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from cdp_pipelines.lean import SELDOM

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
"""Only glibc has it; without it, pieces left by batches of different sizes add 3 MB per batch."""


@contextmanager
def rare_collection() -> Iterator[None]:
    """Let the cyclic garbage collector run seldom.

    Pages and batches of records become tens of thousands of small objects without a cycle among them; at Python's
    defaults the collector walks them again and again, which more than doubled the CPU of a page of ticket events. What
    was there before the run is left out, also when what hangs in cycles is collected at the end: in a process that has
    all of Dagster loaded, looking at everything takes more than half a second.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        clean_up()
        gc.set_threshold(*before)
        gc.unfreeze()


def clean_up() -> None:
    """Collect what hangs in cycles, and give it and the rest back. Meant for within ``rare_collection``."""
    gc.collect()
    give_back()


def give_back() -> None:
    """Give memory that Arrow and the C library keep back to the system."""
    pa.default_memory_pool().release_unused()
    if _trim is not None:
        _trim(0)
