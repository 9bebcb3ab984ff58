"""One sync of one source: connector → protect → lake → ledger → quarantine → cursor, always in that order.

The order is the promise. Keys are in the vault before a row that needs them is in the lake, and a cursor is
committed only after everything it stands for; so a crash anywhere costs time and nothing else: the next run
reads again from the last cursor, and the lake does not write what it already has.

``cdp sync`` and the Dagster assets call the same function, ``sync_source``.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cdp_pipelines import database, loop
from cdp_pipelines.barriers import reach
from cdp_pipelines.config import SourceSettings
from cdp_pipelines.database.leases import Held
from cdp_pipelines.database.runs import RetryKind
from cdp_pipelines.errors import SyncFailedError, error_class
from cdp_pipelines.memory import give_back, rare_collection
from cdp_pipelines.tombstones import vanished
from cdp_pipelines.writing import Sinks, Written, write_rows
from connectors.connection import Connection
from connectors.errors import ConnectorError, UnreachableError
from connectors.reading import Page, Sweep
from connectors.spec import Source, Stream, Tokens
from models import Entity

BATCH_ROWS = 10_000
"""Rows collected before they are written: an append costs about a tenth of a second however few they are."""

TRIES_IN_PASSING = 3
"""How often a record that cannot be mapped, of a stream whose records cannot be asked for one by one, is met again
before the cursor goes on without it: until then the cursor waits before its page. Later, only a backfill meets it."""

Progress = Callable[[str, int], None]
"""Told (stream, records read so far) after every page."""


@dataclass(slots=True)
class StreamReport:
    """What one stream of one run did. Counts are rows unless the name says otherwise."""

    stream: str
    records: int = 0
    written: int = 0
    unchanged: int = 0
    deleted: int = 0
    quarantined: int = 0
    newly_quarantined: int = 0  # of those: were not waiting before this run
    recovered: int = 0
    erased: int = 0
    drift: dict[str, int] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    cursor_before: dict[str, Any] | None = None
    cursor_after: dict[str, Any] | None = None
    seconds: float = 0.0
    error_class: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one run did, stream by stream, with the cost in requests and seconds of waiting for the vendor."""

    source: str
    run_id: str
    streams: tuple[StreamReport, ...]
    requests: int
    throttled_seconds: float
    seconds: float

    @property
    def failed(self) -> tuple[StreamReport, ...]:
        """The streams that did not finish; what they had read until then is kept."""
        return tuple(report for report in self.streams if report.error_class is not None)


def sync_source(
    source: Source,
    settings: SourceSettings,
    sinks: Sinks,
    *,
    token: str | Tokens,
    now: Callable[[], datetime],
    streams: Sequence[str] | None = None,
    since: datetime | None = None,
    progress: Progress | None = None,
    retry_kind: RetryKind = "auto",
) -> SyncReport:
    """Bring one source's records into the lake.

    Safe to repeat: a run that was killed, or is started twice, ends with the same current rows.

    Args:
        source: The declaration of the system.
        settings: Account, base URL and options of this installation.
        sinks: Lake, protector and stores.
        token: The credential, in clear, in memory only, or where to get it anew.
        now: Clock; asked once per page for the read time.
        streams: Names of the streams to read, all by default.
        since: Read again from this date on, whatever the cursor says (backfill). The cursor never moves back.
        progress: Told after every page.
        retry_kind: Who asks for the repeat, if the run before failed.

    Raises:
        LeaseError: Another process is syncing the same account; the message says who.
        SyncFailedError: Some streams failed; the others are complete and nothing read is lost.
    """
    chosen = _in_order(source, streams)
    with begun(source, settings, sinks, "sync", retry_kind) as (run_id, held):
        run = _Run(source, settings, sinks, run_id, held, now, since, progress)
        report = loop.run(run.all(chosen, token))
        _record(sinks, report, reads_on=since is None)
    if report.failed:
        raise SyncFailedError(source.name, report)
    return report


def retry_quarantined(
    source: Source,
    settings: SourceSettings,
    sinks: Sinks,
    *,
    token: str | Tokens,
    now: Callable[[], datetime],
    streams: Sequence[str],
    progress: Progress | None = None,
) -> SyncReport:
    """Ask for the quarantined records of ``streams`` again and read nothing else; cursors stay where they are.

    A stream whose records cannot be asked for one by one is left alone. Arguments and errors are those of
    ``sync_source``.
    """
    chosen = [stream for stream in _in_order(source, streams) if stream.by_ids is not None]
    with begun(source, settings, sinks, "quarantine", "manual") as (run_id, held):
        run = _Retry(source, settings, sinks, run_id, held, now, None, progress)
        report = loop.run(run.all(chosen, token))
        _record(sinks, report, reads_on=False)
    if report.failed:
        raise SyncFailedError(source.name, report)
    return report


@contextmanager
def begun(
    source: Source,
    settings: SourceSettings,
    sinks: Sinks,
    process: str,
    retry_kind: RetryKind,
    *,
    alone_in: str = "sync",
) -> Iterator[tuple[str, Held]]:
    """The id and the lease of a run that has begun; what stops it is recorded.

    Args:
        source: The system it works on.
        settings: Of the account.
        sinks: Where it is recorded.
        process: What it does.
        retry_kind: Who asked for it, should it be a repeat.
        alone_in: No other process does this for the account at the same time.

    Raises:
        LeaseError: One does; the message says who.
    """
    control = sinks.stores.control
    with database.lease(control, f"{alone_in}/{source.name}/{settings.account or 'default'}") as held:
        reach("lease_taken")
        run_id = database.start_run(control, f"{process}/{source.name}", source=source.name, retry_kind=retry_kind)
        try:
            with rare_collection():
                yield run_id, held
        except BaseException as error:
            database.finish_run(control, run_id, _status_of(error), counts={}, error_class=error_class(error))
            raise


def _in_order(source: Source, names: Sequence[str] | None) -> list[Stream]:
    """The chosen streams, each behind those it is to be read after."""
    wanted = list(source.streams) if names is None else [source.stream(name) for name in names]
    ordered: list[Stream] = []
    while len(ordered) < len(wanted):
        ready = [
            stream
            for stream in wanted
            if stream not in ordered and not any(s.name in stream.after for s in wanted if s not in ordered)
        ]
        ordered.append(ready[0])
    return ordered


def _status_of(error: BaseException) -> str:
    return "canceled" if isinstance(error, KeyboardInterrupt | asyncio.CancelledError) else "error"


def _record(sinks: Sinks, report: SyncReport, *, reads_on: bool) -> None:
    """Write down how a run ended; only one that reads on from the cursors has read a stream to its end."""
    finished = [s.stream for s in report.streams if s.error_class is None]
    counts = {
        "records": sum(s.records for s in report.streams),
        "written": sum(s.written for s in report.streams),
        "quarantined": sum(s.quarantined for s in report.streams),
        "requests": report.requests,
        "read_to_end": finished if reads_on else [],
    }
    failed = report.failed
    database.finish_run(
        sinks.stores.control,
        report.run_id,
        "error" if failed else "success",
        counts=counts,
        error_class=failed[0].error_class if failed else None,
    )
    reach("run_recorded")


class _Run:
    """The state of one run: what is constant while its streams are read one after the other."""

    def __init__(
        self,
        source: Source,
        settings: SourceSettings,
        sinks: Sinks,
        run_id: str,
        held: Held,
        now: Callable[[], datetime],
        since: datetime | None,
        progress: Progress | None,
    ) -> None:
        self._source = source
        self._settings = settings
        self._sinks = sinks
        self._run_id = run_id
        self._held = held
        self._now = now
        self._since = since
        self._progress = progress
        self.one_batch = sinks.protector.one_batch

    async def all(self, streams: Sequence[Stream], token: str | Tokens) -> SyncReport:
        """Read the streams; one stream's failure does not stop the others."""
        started = time.monotonic()
        async with Connection(
            self._source,
            token=token,
            account=self._settings.account,
            base_url=self._settings.base_url,
            rate_scale=self._settings.rate_scale,
            options=self._settings.options,
            clock=self._now,
        ) as connection:
            reports: list[StreamReport] = []
            for stream in streams:
                reports.append(await self._guarded(connection, stream, reports))
            return SyncReport(
                source=self._source.name,
                run_id=self._run_id,
                streams=tuple(reports),
                requests=connection.stats.requests,
                throttled_seconds=round(connection.stats.throttled_seconds, 3),
                seconds=round(time.monotonic() - started, 3),
            )

    async def _guarded(self, connection: Connection, stream: Stream, before: Sequence[StreamReport]) -> StreamReport:
        report = StreamReport(stream.name)
        if any(other.error_class == UnreachableError.__name__ for other in before):
            report.error_class, report.error = UnreachableError.__name__, "not tried, for the same reason."
            return report
        started = time.monotonic()
        try:
            await self._read(connection, stream, report)
        except ConnectorError as error:
            # Kept: what was written before; the cursor stands at the last page that is whole in the lake.
            report.error_class, report.error = type(error).__name__, str(error)
        report.seconds = round(time.monotonic() - started, 3)
        reach("stream_done")
        return report

    async def _read(self, connection: Connection, stream: Stream, report: StreamReport) -> None:
        control = self._sinks.stores.control
        report.cursor_before = database.load_cursor(control, self._source.name, stream.name)
        report.cursor_after = report.cursor_before
        retry = database.quarantine_pending(control, self._source.name, stream.name)
        batch = _Batch(self, stream, report, waiting=frozenset(retry))
        async for page in self._pages(connection, stream, report.cursor_before, retry):
            reach("fetch_page")
            batch.add(page, self._now())
            if self._progress is not None:
                self._progress(stream.name, report.records)
        batch.flush()

    def _pages(
        self, connection: Connection, stream: Stream, cursor: dict[str, Any] | None, retry: Sequence[str]
    ) -> AsyncIterator[Page]:
        return connection.read(stream, cursor=cursor, since=self._since, retry_ids=retry)

    def write(self, entity: type[Entity], rows: Sequence[dict[str, Any]], *, read_at: datetime) -> "Written":
        """Protect rows of one entity and append them."""
        return write_rows(self._sinks, self._held, entity, rows, run_id=self._run_id, read_at=read_at)

    def sweep(self, seen: Sweep, *, read_at: datetime) -> tuple[int, str | None]:
        """Mark as deleted what a whole listing no longer has. Gives their number, or why none was touched."""
        swept = vanished(self._sinks.lake, self._source.name, seen, run_id=self._run_id, read_at=read_at)
        if not len(swept.tombstones):
            return 0, swept.refused
        self._held.check()
        return self._sinks.lake.append(seen.entity.__entity__, swept.tombstones).tombstones, None

    def settle(self, stream: Stream, batch: "_Batch") -> None:
        """Set rejected records aside, let recovered ones go, and commit the cursor last."""
        control, names = self._sinks.stores.control, (self._source.name, stream.name)
        if batch.rejected:
            database.quarantine_put(control, *names, batch.rejected)
            reach("quarantine_written")
        if batch.recovered:
            database.quarantine_clear(control, *names, batch.recovered)
        if stream.by_ids is None and batch.rejected:
            ids = [record_id for record_id, _ in batch.rejected]
            batch.holds_cursor |= database.quarantine_attempts(control, *names, ids) < TRIES_IN_PASSING
        if batch.cursor is not None and self._since is None and not batch.holds_cursor:
            reach("cursor_before")
            self._held.check()
            database.commit_cursor(control, *names, batch.cursor, run_id=self._run_id)
            reach("cursor_after")
            batch.report.cursor_after = batch.cursor


class _Retry(_Run):
    """A run that asks for quarantined records and nothing else."""

    def _pages(
        self,
        connection: Connection,
        stream: Stream,
        cursor: dict[str, Any] | None,  # noqa: ARG002 - it goes on from nowhere
        retry: Sequence[str],
    ) -> AsyncIterator[Page]:
        return connection.again(stream, retry)


class _Batch:
    """Rows of consecutive pages that are written together, children before parents."""

    def __init__(self, run: _Run, stream: Stream, report: StreamReport, *, waiting: frozenset[str]) -> None:
        self._run = run
        self._waiting = waiting  # records in quarantine when the run began
        self._stream = stream
        self.report = report
        self.holds_cursor = False  # for the rest of the run: what comes after a held page is read again too
        self._clear()

    def _clear(self) -> None:
        self._rows: dict[type[Entity], list[dict[str, Any]]] = {}
        self._count = 0
        self._read_at: datetime | None = None
        self.rejected: list[tuple[str, str]] = []
        self.recovered: list[str] = []
        self._sweeps: list[Sweep] = []
        self.cursor: dict[str, Any] | None = None

    def add(self, page: Page, read_at: datetime) -> None:
        """Take a page in; write when enough has come together."""
        for entity, rows in page.rows.items():
            self._rows.setdefault(entity, []).extend(rows)
            self._count += len(rows)
        self._read_at = read_at
        self.rejected += [(item.record_id, item.error_class) for item in page.rejected]
        self.recovered += page.recovered
        self._sweeps += page.sweeps
        self.report.notices += page.notices
        self.cursor = page.cursor if page.cursor is not None else self.cursor
        self.report.records += page.records
        _add_counts(self.report.drift, page.drift)
        if self._count >= BATCH_ROWS or page.is_milestone:
            self.flush()

    def flush(self) -> None:
        """Write what has come together and commit the cursor behind it."""
        with self._run.one_batch():
            for entity in self._stream.entities:  # declared children first
                rows = self._rows.get(entity)
                if rows and self._read_at is not None:
                    self._count_written(self._run.write(entity, rows, read_at=self._read_at))
        for seen in self._sweeps:
            self._sweep(seen)
        self.report.quarantined += len(self.rejected)
        self.report.newly_quarantined += sum(record_id not in self._waiting for record_id, _ in self.rejected)
        self.report.recovered += len(self.recovered)
        self._run.settle(self._stream, self)
        self._clear()
        give_back()

    def _sweep(self, seen: Sweep) -> None:
        if self._read_at is None:
            return
        deleted, refused = self._run.sweep(seen, read_at=self._read_at)
        self.report.written += deleted
        self.report.deleted += deleted
        self.report.notices += [refused] if refused else []

    def _count_written(self, written: Written) -> None:
        self.report.written += written.rows
        self.report.unchanged += written.unchanged
        self.report.deleted += written.deleted
        self.report.erased += written.erased


def _add_counts(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        total[name] = total.get(name, 0) + count
