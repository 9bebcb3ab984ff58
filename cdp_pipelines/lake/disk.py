"""Turning what a disk or the Delta log refuses into one error of ours."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from deltalake.exceptions import DeltaError

from cdp_pipelines.lake.errors import LakeError, LakeWriteError


@contextmanager
def refusals(doing: str) -> Iterator[None]:
    """Raise LakeWriteError for what the block is refused; ``doing`` begins the message.

    To be used where everything up to the failure is invisible to readers: before a commit, or in the commit.
    """
    try:
        yield
    except LakeError:
        raise
    except (OSError, DeltaError) as error:
        number = getattr(error, "errno", None)
        saw = os.strerror(number) if number else type(error).__name__
        msg = (
            f"{doing}: the disk or the log refused ({saw}), so the lake is as it was before. "
            f"Free some space or make the folder writable, then run this again."
        )
        raise LakeWriteError(msg) from error
