"""Processes of the tests, forked from one that has imported what they need and done nothing.

Starting an interpreter for each would take longer than what most of them do. A test process has one fork server,
so whoever wants one takes this.
"""

import contextlib
import io
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence

FORKS = multiprocessing.get_context("forkserver")
# Modules of the tests themselves are not found there: before Python 3.12 the server does not take over our path.
FORKS.set_forkserver_preload(
    [
        "cdp_pipelines.cli.main",
        "cdp_pipelines.credentials",
        "cdp_pipelines.refresh",
        "cdp_pipelines.sweeping",
        "cdp_pipelines.sync",
        "connectors.registry",
        "pandas",  # pyarrow wants it
    ]
)


def have(environment: Mapping[str, str]) -> None:
    """Have this environment in a forked process, and nothing of the test's that happened to start the server."""
    os.environ.clear()
    os.environ.update(environment)


def cdp(arguments: Sequence[str], environment: Mapping[str, str]) -> int | None:
    """Exit code of one of our commands in a process of its own; of one that was killed, minus the signal's number."""
    process = FORKS.Process(target=_cdp, args=(arguments, {**os.environ, **environment}))
    process.start()
    process.join(120)
    process.kill()
    process.join()
    return process.exitcode


def _cdp(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    from cdp_pipelines.cli.main import execute

    have(environment)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        sys.exit(execute(arguments))
