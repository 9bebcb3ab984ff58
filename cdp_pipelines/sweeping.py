"""One sweep of one source: what vanished without a word is marked as deleted, what was never seen is read.

A sweep goes through a stream in parts and keeps its place after each, so it may end anywhere and goes on there next
time. It takes a small share of the vendor's budget and runs beside syncs: a tombstone bears the time before its part
was asked for, so whatever a sync reads later counts for more. Where so many records of a part are gone that it looks
like a fault, they stay, and the part is remembered until a later round finds it in order or an operator accepts it.
"""

import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from cdp_pipelines import database
from cdp_pipelines.barriers import reach
from cdp_pipelines.config import SourceSettings
from cdp_pipelines.database.leases import Held
from cdp_pipelines.source_run import Process, carry_out
from cdp_pipelines.sync import Progress
from cdp_pipelines.tombstones import ids_of, tombstones_of, too_many
from cdp_pipelines.wiring import connect
from cdp_pipelines.writing import Sinks, write_rows, write_tombstones
from connectors.connection import Connection
from connectors.errors import ConnectorError, QuotaSpentError, SettingsError
from connectors.spec import Source, Stream, Tokens
from connectors.sweeping import Part, Sweeping, part_of

ROUND_EVERY = timedelta(hours=20)
"""A round that ended less than this ago is recent: a little less than a day, so that a daily one is never left out."""

_MOST_GONE = 0.2
"""Largest share of a part that may go without a question."""


class Refused(NamedTuple):
    """A part in which too many records are gone: it lies above ``after``, up to ``until`` (None: to the end)."""

    after: int
    until: int | None
    gone: int
    compared: int


@dataclass(slots=True)
class SweepReport:
    """What a sweep of one stream did in one run. Counts are records.

    Attributes:
        stream: Name of the stream.
        compared: How many of ours were compared in this run.
        of: How many we have.
        gone: How many exist no longer and are now marked as deleted.
        reread: How many were read again: unknown to us, or not as we have them.
        refused: Parts in which too many are gone.
        is_round: Every record has been compared, in this run or in those before.
        notice: Why nothing was compared, or no more, if that is in order.
        seconds: How long it took.
        error_class: Class of what stopped it, if anything.
        error: That in a sentence.
    """

    stream: str
    compared: int = 0
    of: int = 0
    gone: int = 0
    reread: int = 0
    refused: list[Refused] = field(default_factory=list)
    is_round: bool = False
    notice: str | None = None
    seconds: float = 0.0
    error_class: str | None = None
    error: str | None = None

    def refusal(self, source: str) -> str | None:
        """What was refused, in a sentence that says what to do; None if nothing."""
        if not self.refused:
            return None
        gone, of = sum(part.gone for part in self.refused), sum(part.compared for part in self.refused)
        return (
            f"{source}/{self.stream}: the sweep finds {gone} of {of} records gone that lie close together. So many at "
            "once look like a fault or a missing permission, so they stay. If they are really gone: "
            f"cdp sweep {source} --stream {self.stream} --accept"
        )


@dataclass(frozen=True, slots=True)
class SweptSource:
    """What one run did, stream by stream."""

    source: str
    run_id: str
    streams: tuple[SweepReport, ...]
    requests: int
    seconds: float

    @property
    def failed(self) -> tuple[SweepReport, ...]:
        """The streams whose sweep stopped before its time; the parts before that stand."""
        return tuple(report for report in self.streams if report.error_class is not None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a run.

    Attributes:
        streams: Names of the streams to sweep; all that can be, by default.
        longest: End after the first part that is done when this much time has passed; the next run goes on there.
        only_due: Begin no round where the last one ended a short while ago.
        accept: Look again at the parts that were refused, and believe what is found.
    """

    streams: Sequence[str] | None = None
    longest: timedelta | None = None
    only_due: bool = False
    accept: bool = False


def sweep_source(
    source: Source,
    settings: SourceSettings,
    sinks: Sinks,
    *,
    token: str | Tokens,
    now: Callable[[], datetime],
    wanted: Wanted | None = None,
    progress: Progress | None = None,
) -> SweptSource:
    """Compare what the lake has of a source with what the source has.

    Safe to repeat and to kill: a part is looked at again from its beginning, with the same result.

    Args:
        source: The declaration of the system.
        settings: Account, base URL, options and the share of the budget of this installation.
        sinks: Lake, protector and stores.
        token: The credential, in clear, in memory only, or where to get it anew.
        now: Clock.
        wanted: Which streams, how long, and whether to believe what was refused.
        progress: Told (stream, records compared so far in this run) after every part.

    Raises:
        SettingsError: A stream is named that needs no sweep.
        LeaseError: Another process is sweeping the same account; the message says who.
        SyncFailedError: Some streams failed; what was found before stands.
    """
    asked = wanted or Wanted()
    streams = _chosen(source, asked.streams)
    work_of = partial(_Run, source, settings, sinks, now, asked, progress)
    process = Process("sweep", alone_in="sweep")
    return carry_out(process, source, settings, sinks, streams, token=token, work_of=work_of)


def _chosen(source: Source, names: Sequence[str] | None) -> list[Stream]:
    chosen = list(source.streams) if names is None else [source.stream(name) for name in names]
    if names and (needless := [stream.name for stream in chosen if stream.sweep is None]):
        able = ", ".join(stream.name for stream in source.streams if stream.sweep) or "none"
        raise SettingsError(
            f"Sweeping {source.name}: {', '.join(needless)} cannot be swept, because syncs show what is gone or "
            f"nothing ever goes. Name some of these: {able}."
        )
    return [stream for stream in chosen if stream.sweep is not None]


@dataclass(slots=True)
class _Place:
    """How far a round has come.

    Attributes:
        after: Everything up to this number has been compared.
        ended: When the round ended, if it has.
        refused: Parts of the round in which too many are gone.
    """

    after: int = 0
    ended: datetime | None = None
    refused: list[Refused] = field(default_factory=list)

    @classmethod
    def kept(cls, cursor: dict[str, Any] | None) -> "_Place":
        """The place as ``to_keep`` made it; the beginning of the first round where there is none."""
        cursor = cursor or {}
        ended = datetime.fromisoformat(cursor["ended"]) if cursor.get("ended") else None
        return cls(cursor.get("after", 0), ended, [Refused(*part) for part in cursor.get("refused", ())])

    def to_keep(self) -> dict[str, Any]:
        """The place as JSON."""
        return {"after": self.after, "ended": self.ended and self.ended.isoformat(), "refused": self.refused}

    def pass_by(self, part: Part, *, now: datetime, is_refused: bool) -> None:
        """Go on behind ``part``."""
        if is_refused:
            self.refused.append(Refused(part.after, part.reached, len(part.gone), part.compared))
        self.after, self.ended = part.reached or 0, now if part.reached is None else None


class _Run:
    """The state of one run: what is constant while its streams are swept one after the other."""

    def __init__(
        self,
        source: Source,
        settings: SourceSettings,
        sinks: Sinks,
        now: Callable[[], datetime],
        wanted: Wanted,
        progress: Progress | None,
        run_id: str,
        held: Held,
    ) -> None:
        self._source, self._settings, self._sinks = source, settings, sinks
        self._now, self._wanted, self._progress = now, wanted, progress
        self._run_id, self._held = run_id, held
        self._started = now()

    async def all(self, streams: Sequence[Stream], token: str | Tokens) -> SweptSource:
        """Sweep the streams; one stream's failure does not stop the others."""
        started = time.monotonic()
        names = [stream.name for stream in streams]
        read = database.read_to_end(self._sinks.stores.control, self._source.name, names)
        source = replace(self._source, budget=part_of(self._source.budget, self._settings.sweep_share))
        async with connect(source, self._settings, self._sinks.stores, token=token, now=self._now) as connection:
            reports = [await self._guarded(connection, stream, is_read=stream.name in read) for stream in streams]
            seconds = round(time.monotonic() - started, 3)
            return SweptSource(self._source.name, self._run_id, tuple(reports), connection.stats.requests, seconds)

    def counts(self, report: SweptSource) -> dict[str, Any]:
        """What is recorded of the run."""
        return {
            "compared": sum(s.compared for s in report.streams),
            "gone": sum(s.gone for s in report.streams),
            "requests": report.requests,
        }

    def recorded(self) -> None:
        """The run is recorded; its places were kept part by part."""

    async def _guarded(self, connection: Connection, stream: Stream, *, is_read: bool) -> SweepReport:
        started = time.monotonic()
        place = _Place.kept(database.load_cursor(self._sinks.stores.control, self._source.name, _kept_as(stream)))
        report = SweepReport(stream.name, refused=place.refused)
        try:
            if not is_read:
                report.notice = f"not read to its end yet; first run: cdp sync {self._source.name}"
            elif self._wanted.accept:
                await self._accept(connection, stream, place, report)
            elif self._wanted.only_due and place.ended and self._started - place.ended < ROUND_EVERY:
                report.notice = "the last round ended less than a day ago"
            else:
                await self._go_on(connection, stream, place, report)
        except QuotaSpentError as error:
            report.notice = str(error)
        except ConnectorError as error:
            report.error_class, report.error = type(error).__name__, str(error)
        report.seconds = round(time.monotonic() - started, 3)
        return report

    async def _accept(self, connection: Connection, stream: Stream, place: _Place, report: SweepReport) -> None:
        """Look at what was refused once more, and believe it."""
        stored = self._numbers(stream)
        report.of = len(stored)
        for span in tuple(place.refused):
            read_at = self._now()
            async for part in connection.sweep(stream, stored, after=span.after, until=span.until):
                self._write(stream, part, read_at, report)
                report.gone += self._bury(stream, part, read_at)
                read_at = self._now()
            place.refused.remove(span)
            self._keep(stream, place)

    async def _go_on(self, connection: Connection, stream: Stream, place: _Place, report: SweepReport) -> None:
        """Go on with the round, or begin one, until it ends or the time is over."""
        if place.ended is not None:
            place = _Place()
            report.refused = place.refused
        stored = self._numbers(stream)
        report.of = len(stored)
        read_at = self._now()
        async for part in connection.sweep(stream, stored, after=place.after):
            reach("sweep_part")
            self._write(stream, part, read_at, report)
            is_refused = too_many(len(part.gone), part.compared, _MOST_GONE)
            report.gone += 0 if is_refused else self._bury(stream, part, read_at)
            read_at = self._now()
            place.pass_by(part, now=read_at, is_refused=is_refused)
            self._keep(stream, place)
            if self._progress is not None:
                self._progress(stream.name, report.compared)
            if self._wanted.longest is not None and read_at - self._started >= self._wanted.longest:
                break
        report.is_round = place.ended is not None

    def _write(self, stream: Stream, part: Part, read_at: datetime, report: SweepReport) -> None:
        """Write the records that were read again, children before parents."""
        for page in part.pages:
            for entity in stream.entities:
                if rows := page.rows.get(entity):
                    write_rows(self._sinks, self._held, entity, rows, run_id=self._run_id, read_at=read_at)
            rejected = [(item.record_id, item.error_class) for item in page.rejected]
            database.quarantine_put(self._sinks.stores.control, self._source.name, stream.name, rejected)
            report.reread += page.records
        report.compared += part.compared

    def _bury(self, stream: Stream, part: Part, read_at: datetime) -> int:
        """Mark what is gone as deleted; how many were not so marked before."""
        lake, source, entity = self._sinks.lake, self._source.name, _declared(stream).entity
        rows = tombstones_of(lake, source, entity, part.gone, run_id=self._run_id, read_at=read_at)
        return write_tombstones(self._sinks, self._held, entity, rows)

    def _numbers(self, stream: Stream) -> Sequence[int]:
        """Numbers of the stream's records, ascending, in eight bytes each."""
        ids = ids_of(self._sinks.lake, self._source.name, _declared(stream).entity)
        return memoryview(array("q", sorted(int(id_) for id_ in ids if id_.isdecimal())))

    def _keep(self, stream: Stream, place: _Place) -> None:
        self._held.check()
        control = self._sinks.stores.control
        database.commit_cursor(control, self._source.name, _kept_as(stream), place.to_keep(), self._run_id)


def _declared(stream: Stream) -> Sweeping:
    if stream.sweep is None:
        raise TypeError(f"Stream {stream.name} declares no sweep.")
    return stream.sweep


def _kept_as(stream: Stream) -> str:
    """Under which name the place is kept, beside the cursor of the stream."""
    return f"{stream.name}:sweep"
