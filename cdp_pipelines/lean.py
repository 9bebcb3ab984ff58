"""Keeping out of a process that only syncs what libraries load if it is installed, and a sync never uses.

Neither library has a switch for it, but each takes "not installed" for an answer.
"""

import sys
from importlib.abc import MetaPathFinder

UNUSED = {
    "pandas": "pyarrow loads it the first time an array is made from a list: half a second and 60 MB",
    "httpx._main": "httpx's own command line, with everything that colours text: a tenth of the start",
}
"""Module to who would load it, and what that costs."""


class _NotInstalled(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Answer for what is unused alone; every other module goes on to the next finder."""
        del path, target
        if name in UNUSED:
            raise ModuleNotFoundError(f"{name} is left out of this process", name=name)


def leave_unused_out() -> None:
    """Let what a sync never uses look as if it were not installed, in this process, from now on."""
    sys.meta_path.insert(0, _NotInstalled())
