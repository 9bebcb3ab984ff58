"""One run over one source, from its lease to its record: what syncs, retries and sweeps have in common."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from cdp_pipelines import database, loop
from cdp_pipelines.barriers import reach
from cdp_pipelines.config import SourceSettings
from cdp_pipelines.database.leases import Held
from cdp_pipelines.database.runs import RetryKind
from cdp_pipelines.errors import SourceReport, SyncFailedError, error_class
from cdp_pipelines.memory import rare_collection
from cdp_pipelines.wiring import account_name
from cdp_pipelines.writing import Sinks
from connectors.spec import Source, Stream, Tokens

R = TypeVar("R", bound=SourceReport)


class Work(Protocol[R]):
    """What a run does."""

    async def all(self, streams: Sequence[Stream], token: str | Tokens) -> R:
        """Do it for all streams; one stream's failure does not stop the others."""

    def counts(self, report: R) -> Mapping[str, Any]:
        """What is recorded of it."""

    def recorded(self) -> None:
        """Called once that is recorded, while the lease is still held."""


class Process(NamedTuple):
    """What a run is called, who asked for it should it be a repeat, and what it alone does for its account."""

    name: str
    retry_kind: RetryKind = "auto"
    alone_in: str = "sync"


def carry_out(
    process: Process,
    source: Source,
    settings: SourceSettings,
    sinks: Sinks,
    streams: Sequence[Stream],
    *,
    token: str | Tokens,
    work_of: Callable[[str, Held], Work[R]],
) -> R:
    """Do the work of one run under a lease, and record how it ends.

    Args:
        process: What it is.
        source: The system it works on.
        settings: Of the account.
        sinks: Where it is recorded.
        streams: What it works on.
        token: The credential, in clear, in memory only, or where to get it anew.
        work_of: Makes the work from the id and the lease of the run.

    Raises:
        LeaseError: Another process does it for the account; the message says who.
        SyncFailedError: Some streams failed; the others are complete and nothing read is lost.
    """
    with _begun(process, source, settings, sinks) as (run_id, held):
        work = work_of(run_id, held)
        report = loop.run(work.all(streams, token))
        database.finish_run(
            sinks.stores.control,
            run_id,
            "error" if report.failed else "success",
            counts=work.counts(report),
            error_class=report.failed[0].error_class if report.failed else None,
        )
        work.recorded()
    if report.failed:
        raise SyncFailedError(source.name, report)
    return report


def outcome(run: Callable[[], R]) -> tuple[R, SyncFailedError | None]:
    """What a run did, even when some streams failed, so that the others can be shown; and that failure."""
    try:
        return run(), None
    except SyncFailedError as error:
        return cast("R", error.report), error


@contextmanager
def _begun(process: Process, source: Source, settings: SourceSettings, sinks: Sinks) -> Iterator[tuple[str, Held]]:
    """The id and the lease of a run that has begun; what stops it is recorded."""
    control = sinks.stores.control
    with database.lease(control, f"{process.alone_in}/{account_name(source, settings)}") as held:
        reach("lease_taken")
        run_id = database.start_run(
            control, f"{process.name}/{source.name}", source=source.name, retry_kind=process.retry_kind
        )
        try:
            with rare_collection():
                yield run_id, held
        except BaseException as error:
            database.finish_run(control, run_id, _status_of(error), counts={}, error_class=error_class(error))
            raise


def _status_of(error: BaseException) -> str:
    return "canceled" if isinstance(error, KeyboardInterrupt | asyncio.CancelledError) else "error"
