"""Processes of the tests, forked from one that has imported what they need and done nothing.

Starting an interpreter for each would take longer than what most of them do. A test process has one fork server,
so whoever wants one takes this.
"""

import multiprocessing

FORKS = multiprocessing.get_context("forkserver")
# Modules of the tests themselves are not found there: before Python 3.12 the server does not take over our path.
FORKS.set_forkserver_preload(
    [
        "cdp_pipelines.credentials",
        "cdp_pipelines.refresh",
        "cdp_pipelines.sweeping",
        "cdp_pipelines.sync",
        "connectors.registry",
        "pandas",  # pyarrow wants it
    ]
)
