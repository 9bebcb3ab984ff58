"""Keeping pandas out of a process that only syncs.

pyarrow imports pandas, if it is installed, the first time an array is made from a list: half a second and
60 MB for a library the sync never uses. pyarrow has no switch for it, but takes "not installed" for an answer.
"""

import sys
from importlib.abc import MetaPathFinder


class _NotInstalled(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Answer for pandas alone; every other module goes on to the next finder."""
        del path, target
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out of this process", name=name)


def leave_pandas_out() -> None:
    """Let pandas look as if it were not installed, in this process, from now on."""
    sys.meta_path.insert(0, _NotInstalled())
