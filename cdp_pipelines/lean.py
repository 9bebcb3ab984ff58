"""Starting a process that only syncs: without what libraries load if it is installed, and a sync never uses.

Neither of them has a switch for it, but each takes "not installed" for an answer.
"""

import gc
import sys
from importlib.abc import MetaPathFinder

UNUSED = {
    "pandas": "pyarrow loads it the first time an array is made from a list: half a second and 60 MB",
    "httpx._main": "httpx's own command line, with everything that colours text: a tenth of the start",
}
"""Module to who would load it, and what that costs."""

SELDOM = (100_000, 50, 100)
"""Thresholds of the garbage collector where nearly everything that is made stays, or goes without its help."""


class _NotInstalled(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Answer for what is unused alone; every other module goes on to the next finder."""
        del path, target
        if name in UNUSED:
            raise ModuleNotFoundError(f"{name} is left out of this process", name=name)


def start_lean() -> None:
    """Let what a sync never uses look as if it were not installed, in this process, from now on.

    Garbage is collected seldom from now on too: what is imported stays, and was
    looked through 280 times, twice all of it.
    """
    gc.set_threshold(*SELDOM)
    sys.meta_path.insert(0, _NotInstalled())
