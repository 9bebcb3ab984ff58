"""One sync of one source: connector → protect → lake → ledger → quarantine → cursor, always in that order.

The order is the promise. Keys are in the vault before a row that needs them is in the lake, and a cursor is
committed only after everything it stands for; so a crash anywhere costs time and nothing else: the next run
reads again from the last cursor, and the lake does not write what it already has.

The streams of a source are read side by side; ``intake`` brings their pages together, and one thread writes.

``cdp sync`` and the Dagster assets call the same function, ``sync_source``.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cdp_pipelines import database
from cdp_pipelines.barriers import reach
from cdp_pipelines.config import SourceSettings
from cdp_pipelines.database.leases import Held
from cdp_pipelines.database.runs import RetryKind
from cdp_pipelines.drift import Change, note_fields
from cdp_pipelines.intake import Batch, Intake
from cdp_pipelines.memory import give_back
from cdp_pipelines.source_run import Process, carry_out
from cdp_pipelines.tombstones import vanished
from cdp_pipelines.wiring import connect
from cdp_pipelines.writing import Sinks, write_rows, write_tombstones
from connectors.client import Attempt
from connectors.connection import Connection
from connectors.errors import ConnectorError, UnreachableError
from connectors.reading import Page, Sweep
from connectors.shapes import Seen
from connectors.side_by_side import together
from connectors.spec import Source, Stream, Tokens
from models import Entity

TRIES_IN_PASSING = 3
"""How often a record that cannot be mapped, of a stream whose records cannot be asked for one by one, is met again
before the cursor goes on without it: until then the cursor waits before its page. Later, only a backfill meets it."""

_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)

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
    requests: int = 0
    rereads: int = 0  # of those: for what was read before, as the stream declares
    drift: list[Change] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    cursor_before: dict[str, Any] | None = None
    cursor_after: dict[str, Any] | None = None
    seconds: float = 0.0
    error_class: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one run did, stream by stream, with the cost in requests and seconds of waiting for the vendor.

    ``requests`` are those of the streams and those made once for all of them. ``binding`` names the limit of the vendor
    that was waited for longest, if any was.
    """

    source: str
    run_id: str
    streams: tuple[StreamReport, ...]
    requests: int
    throttled_seconds: float
    binding: str | None
    seconds: float

    @property
    def failed(self) -> tuple[StreamReport, ...]:
        """The streams that did not finish; what they had read until then is kept."""
        return tuple(report for report in self.streams if report.error_class is not None)


def refusal_of(since: datetime, *, now: datetime) -> str | None:
    """Why nothing can be read again from ``since`` on; None if it can be."""
    if since > now:
        return f"{since:%Y-%m-%d}, midnight UTC, lies in the future: nothing would be read."
    if since < _FIRST_MOMENT:
        return f"{since:%Y-%m-%d} lies before 1970, of which some systems know nothing; 'full' reads everything."
    return None


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
    chosen = source.streams if streams is None else [source.stream(name) for name in streams]
    work_of = partial(_Run, source, settings, sinks, now, since, progress)
    process = Process("sync", retry_kind)
    return carry_out(process, source, settings, sinks, chosen, token=token, work_of=work_of)


def sync_whole(
    source: Source,
    settings: SourceSettings,
    sinks: Sinks,
    *,
    token: str | Tokens,
    now: Callable[[], datetime],
    streams: Sequence[str] | None = None,
    progress: Progress | None = None,
    retry_kind: RetryKind = "manual",
) -> SyncReport:
    """Read everything again, whatever the cursors say; rows that are as they were are not written.

    Where an earlier such run was stopped, this one goes on. The cursor of a stream stays until the stream has been
    read to its end, and then stands there. Arguments and errors are those of ``sync_source``.
    """
    chosen = source.streams if streams is None else [source.stream(name) for name in streams]
    work_of = partial(_Whole, source, settings, sinks, now, None, progress)
    process = Process("sync", retry_kind)
    return carry_out(process, source, settings, sinks, chosen, token=token, work_of=work_of)


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
    chosen = [stream for stream in map(source.stream, streams) if stream.by_ids is not None]
    work_of = partial(_Retry, source, settings, sinks, now, None, progress)
    process = Process("quarantine", "manual")
    return carry_out(process, source, settings, sinks, chosen, token=token, work_of=work_of)


_READ_NOW: ContextVar[StreamReport] = ContextVar("_READ_NOW")
"""Whose requests are made: tasks that a stream's reader begins inherit it."""


def _count_request(attempt: Attempt) -> None:
    report = _READ_NOW.get()
    report.requests += attempt.purpose != "setup"  # whichever stream happens to need it first
    report.rereads += attempt.purpose == "reread"


class _Run:
    """The state of one run: what is constant while its streams are read side by side."""

    def __init__(
        self,
        source: Source,
        settings: SourceSettings,
        sinks: Sinks,
        now: Callable[[], datetime],
        since: datetime | None,
        progress: Progress | None,
        run_id: str,
        held: Held,
    ) -> None:
        self._source = source
        self._settings = settings
        self._sinks = sinks
        self._now = now
        self._since = since
        self._progress = progress
        self._run_id = run_id
        self._held = held
        self._streams: dict[str, _StreamRun] = {}

    async def all(self, streams: Sequence[Stream], token: str | Tokens) -> SyncReport:
        """Read the streams; one stream's failure does not stop the others."""
        started = time.monotonic()
        self._streams = {stream.name: _StreamRun(stream, StreamReport(stream.name)) for stream in streams}
        with Intake(self._write) as intake:
            async with connect(
                self._source,
                self._settings,
                self._sinks.stores,
                token=token,
                now=self._now,
                observer=_count_request,
            ) as connection:
                await together(
                    (self._guarded(connection, intake, one) for one in self._streams.values()), width=len(streams)
                )
        return SyncReport(
            source=self._source.name,
            run_id=self._run_id,
            streams=tuple(one.report for one in self._streams.values()),
            requests=connection.stats.requests,
            throttled_seconds=round(connection.stats.throttled_seconds, 3),
            binding=connection.stats.binding,
            seconds=round(time.monotonic() - started, 3),
        )

    @property
    def _reads_on(self) -> bool:
        """Whether it reads on from the cursors: only then a stream has been read to its end."""
        return self._since is None

    def counts(self, report: SyncReport) -> dict[str, Any]:
        """What is recorded of the run."""
        finished = [s.stream for s in report.streams if s.error_class is None]
        return {
            "records": sum(s.records for s in report.streams),
            "written": sum(s.written for s in report.streams),
            "quarantined": sum(s.quarantined for s in report.streams),
            "requests": report.requests,
            "read_to_end": finished if self._reads_on else [],
        }

    def recorded(self) -> None:
        """The run is recorded."""
        reach("run_recorded")

    async def _guarded(self, connection: Connection, intake: Intake, one: "_StreamRun") -> None:
        """Read one stream, when those it comes after are over, whether or not they were read to their end."""
        report = one.report
        for name in one.stream.after:
            if name in self._streams:
                await self._streams[name].over.wait()
        _READ_NOW.set(report)
        started = time.monotonic()
        try:
            if self._is_nobody_there():
                raise UnreachableError("")
            await self._read(connection, intake, one)
        except ConnectorError as error:
            # Kept: what was read before; the cursor stands at the last page that is whole in the lake.
            is_said = isinstance(error, UnreachableError) and self._is_nobody_there()
            report.error_class = type(error).__name__
            report.error = "not tried further, for the same reason." if is_said else str(error)
        finally:
            one.over.set()
        report.seconds = round(time.monotonic() - started, 3)
        reach("stream_done")

    def _is_nobody_there(self) -> bool:
        return any(one.report.error_class == UnreachableError.__name__ for one in self._streams.values())

    async def _read(self, connection: Connection, intake: Intake, one: "_StreamRun") -> None:
        control, stream, report = self._sinks.stores.control, one.stream, one.report
        report.cursor_before = database.load_cursor(control, self._source.name, self._place(stream))
        report.cursor_after = report.cursor_before
        retry = database.quarantine_pending(control, self._source.name, stream.name)
        one.waiting, seen = frozenset(retry), Seen()
        reading = self._pages(connection, stream, report.cursor_before, retry)
        try:
            async with aclosing(reading) as pages:
                async for page in pages:
                    reach("fetch_page")
                    report.records += page.records
                    seen.add(page.seen)
                    report.notices += page.notices
                    await intake.take(stream.name, page, self._now())
                    if self._progress is not None:
                        self._progress(stream.name, report.records)
        except ConnectorError:
            await self._close(intake, one, seen)
            raise
        await self._close(intake, one, seen)

    async def _close(self, intake: Intake, one: "_StreamRun", seen: Seen) -> None:
        """Write what was read last, and tell which fields were not as declared, also where reading was cut short."""
        await intake.flush(one.stream.name)
        self._let_go(one)
        control, records = self._sinks.stores.control, one.report.records
        one.report.drift = note_fields(control, self._source.name, one.stream, seen, records=records, now=self._now())

    def _place(self, stream: Stream) -> str:
        """Under which name it is kept how far the stream has been read."""
        return stream.name

    def _pages(
        self, connection: Connection, stream: Stream, cursor: dict[str, Any] | None, retry: Sequence[str]
    ) -> AsyncGenerator[Page]:
        return connection.read(stream, cursor=cursor, since=self._since, retry_ids=retry)

    def _write(self, name: str, batch: Batch) -> None:
        """Write a batch and commit the cursor behind it. Runs in the writing thread."""
        one = self._streams[name]
        if batch.read_at is not None and batch.listed_at is not None:
            with self._sinks.protector.one_batch():
                for entity in one.stream.entities:  # declared children first
                    if rows := batch.rows.get(entity):
                        self._append(entity, rows, batch.read_at, one.report)
            self._sweep(batch.sweeps, batch.listed_at, one.report)
        self._settle(one, batch)
        give_back()

    def _append(
        self, entity: type[Entity], rows: Sequence[dict[str, Any]], read_at: datetime, report: StreamReport
    ) -> None:
        written = write_rows(self._sinks, self._held, entity, rows, run_id=self._run_id, read_at=read_at)
        report.written += written.rows
        report.unchanged += written.unchanged
        report.deleted += written.deleted
        report.erased += written.erased

    def _sweep(self, sweeps: Sequence[Sweep], read_at: datetime, report: StreamReport) -> None:
        """Mark as deleted what whole listings no longer have."""
        for swept in vanished(self._sinks.lake, self._source.name, sweeps, run_id=self._run_id, read_at=read_at):
            report.notices += swept.refused
            deleted = write_tombstones(self._sinks, self._held, swept.entity, swept.tombstones)
            report.written += deleted
            report.deleted += deleted

    def _settle(self, one: "_StreamRun", batch: Batch) -> None:
        """Set rejected records aside, and commit the cursor last."""
        control, names = self._sinks.stores.control, (self._source.name, one.stream.name)
        one.report.quarantined += len(batch.rejected)
        one.report.newly_quarantined += len(batch.rejected.keys() - one.waiting)
        one.recovered = (one.recovered - batch.rejected.keys()) | batch.recovered
        if batch.rejected:
            database.quarantine_put(control, *names, batch.rejected.items())
            reach("quarantine_written")
        if one.stream.by_ids is None and batch.rejected:
            one.holds_cursor |= database.quarantine_attempts(control, *names, batch.rejected) < TRIES_IN_PASSING
        if batch.cursor is not None and self._since is None and not one.holds_cursor:
            if one.stream.by_ids is None:
                self._let_go(one)  # nothing would meet them again behind the cursor
            reach("cursor_before")
            self._held.check()
            database.commit_cursor(control, names[0], self._place(one.stream), batch.cursor, run_id=self._run_id)
            reach("cursor_after")
            one.report.cursor_after = batch.cursor

    def _let_go(self, one: "_StreamRun") -> None:
        """Records that have recovered wait no longer: done late, because a page that follows may reject them."""
        if one.recovered:
            database.quarantine_clear(self._sinks.stores.control, self._source.name, one.stream.name, one.recovered)
        one.report.recovered += len(one.recovered)
        one.recovered = set()


class _Retry(_Run):
    """A run that asks for quarantined records and nothing else."""

    def _pages(
        self,
        connection: Connection,
        stream: Stream,
        cursor: dict[str, Any] | None,  # noqa: ARG002 - it goes on from nowhere
        retry: Sequence[str],
    ) -> AsyncGenerator[Page]:
        return connection.again(stream, retry)

    @property
    def _reads_on(self) -> bool:
        return False


class _Whole(_Run):
    """A run that reads everything again, and keeps its place beside the cursors until a stream is at its end."""

    def _place(self, stream: Stream) -> str:
        return database.whole_place(stream.name)

    def recorded(self) -> None:
        """The run is recorded; the next one begins anew if this one came to the end of all its streams."""
        super().recorded()
        database.forget_whole(self._sinks.stores.control, self._source.name, list(self._streams))

    async def _read(self, connection: Connection, intake: Intake, one: "_StreamRun") -> None:
        control, names = self._sinks.stores.control, (self._source.name, one.stream.name)
        if database.is_read_whole(control, *names):
            one.report.notices.append("read whole already by the run that this one goes on with")
            return
        await super()._read(connection, intake, one)
        if not one.holds_cursor:
            self._held.check()
            database.end_whole(control, *names, self._run_id)
            reach("whole_ended")


@dataclass(slots=True)
class _StreamRun:
    """One stream of one run.

    Attributes:
        stream: What is read.
        report: What it has done so far.
        waiting: Records in quarantine when the run began.
        recovered: Of those, which wait no longer, as far as has been read.
        holds_cursor: For the rest of the run: what comes after a held page is read again too.
        over: Set when it is read to its end or has failed.
    """

    stream: Stream
    report: StreamReport
    waiting: frozenset[str] = frozenset()
    recovered: set[str] = field(default_factory=set)
    holds_cursor: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
