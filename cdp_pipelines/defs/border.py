"""The border: no message of a foreign library crosses into Dagster.

Dagster stores an exception's message and its whole chain of causes, and messages of pydantic, pyarrow,
DuckDB, SQLAlchemy and httpx quote the values they stumbled over. So every asset, check and op body runs inside
``border()``: our own errors pass with their own sentence, anything else becomes its class name and the number
of an entry in a local log that holds places in the code and no message. Schedules hold no code, and there are
no sensors.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from cdp_pipelines.border import sentence
from cdp_pipelines.errors import rerun_helps

RERUN_HELPS = "a rerun helps"
"""Shown with the failure in the UI, and read by ``cdp run`` for its exit code."""


@contextmanager
def border() -> Iterator[None]:
    """Run a Dagster body so that whatever it raises is safe to store.

    Raises:
        dagster.Failure: In place of any error. ``allow_retries`` says whether running again can help.
    """
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:  # noqa: BLE001 - the one place that must catch everything
        # `from None`: Dagster follows causes and contexts, and would store the original's message.
        helps = rerun_helps(error)
        raise dg.Failure(description=sentence(error), metadata={RERUN_HELPS: helps}, allow_retries=helps) from None
