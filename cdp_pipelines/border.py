"""What may be said of an error outside this process: our own sentence, or a class name and a log reference.

Messages of pydantic, pyarrow, DuckDB, SQLAlchemy and httpx quote the values they stumbled over, so no text of
theirs is repeated anywhere; the local trace holds places in the code only.
"""

import sys
import traceback
import uuid

from cdp_pipelines.errors import is_ours


def sentence(error: Exception) -> str:
    """What may be said of ``error`` outside: our own sentence, or a class name and a log reference."""
    if is_ours(error):
        return str(error)
    reference = uuid.uuid4().hex[:8]
    places = " < ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    )
    print(f"cdp error {reference}: {type(error).__name__} at {places}", file=sys.stderr)  # noqa: T201 - a local trace
    return (
        f"Something unexpected stopped this step ({type(error).__name__}); what was written before is kept. "
        f"Run it again; if it stays, report the log entry {reference}, which holds places in the code and no data."
    )
