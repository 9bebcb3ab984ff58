"""Records set aside: when they are too many, how they are asked for again, and when they are met otherwise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cdp_pipelines import database
from cdp_pipelines.config import QuarantineSettings
from cdp_pipelines.errors import is_ours
from cdp_pipelines.installation import Installation
from cdp_pipelines.sync import TRIES_IN_PASSING, Progress, StreamReport, retry_quarantined
from connectors.registry import SOURCES
from connectors.registry import source as declared_source
from connectors.spec import Source, Stream


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of the waiting records of one stream.

    Attributes:
        source: The system.
        stream: Its stream.
        asked: Records that were asked for again.
        recovered: Of those, how many wait no longer: mapped now, or gone at the vendor.
        waiting: Records that still wait.
        advice: What meets them, where the vendor cannot be asked for single ones.
    """

    source: str
    stream: str
    asked: int
    recovered: int
    waiting: int
    advice: str | None = None


def are_too_many(settings: QuarantineSettings, report: StreamReport, *, waiting: int, live: int) -> bool:
    """Whether more of a stream's records could not be mapped than a few odd ones.

    Looked at twice: a change at the vendor spoils what this run read, however much there is from before; and what
    waits may have come together over many runs.

    Args:
        settings: From when on they are too many.
        report: What the run did.
        waiting: Records of the stream that wait.
        live: Current rows of the stream's tables.
    """
    shares = ((report.newly_quarantined, report.records), (waiting, max(report.records, live)))
    return any(count >= settings.fail_from and count > settings.fail_share * of for count, of in shares)


def streams_named(source: str | None, stream: str | None) -> list[tuple[Source, Stream]]:
    """The streams that are meant: all, those of a source, or one.

    Raises:
        SettingsError: There is no source or stream of that name; the message lists those there are.
    """
    sources = SOURCES if source is None else (declared_source(source),)
    return [(s, one) for s in sources for one in (s.streams if stream is None else (s.stream(stream),))]


def retry(
    opened: Installation,
    *,
    source: str | None = None,
    stream: str | None = None,
    now: Callable[[], datetime],
    progress: Progress | None = None,
) -> tuple[list[Retried], list[Exception]]:
    """Ask the vendors again for the records that wait: all, those of a source, or those of one stream.

    One source's failure does not keep the others from being asked; failures come back beside what was done.

    Raises:
        SettingsError: There is no source or stream of that name.
        ConfigError: The source that is named is not configured.
    """
    if source is not None:
        opened.source(source)
    control, waiting = opened.stores.control, []
    for declared, one in streams_named(source, stream):
        if count := database.quarantine_count(control, declared.name, one.name):
            waiting.append((declared, one, count))
    failures = list(_ask(opened, [(declared, one) for declared, one, _ in waiting], now, progress))
    return [_outcome(opened, declared, one, before) for declared, one, before in waiting], failures


def _ask(
    opened: Installation,
    streams: list[tuple[Source, Stream]],
    now: Callable[[], datetime],
    progress: Progress | None,
) -> Iterator[Exception]:
    names: dict[str, list[str]] = {}
    for source, stream in streams:
        if stream.by_ids is not None:
            names.setdefault(source.name, []).append(stream.name)
    for name, of in names.items():
        try:
            source, settings = opened.source(name)
            token = opened.token(name)
            retry_quarantined(source, settings, opened.sinks, token=token, now=now, streams=of, progress=progress)
        except Exception as error:
            if not is_ours(error):
                raise
            yield error


def _outcome(opened: Installation, source: Source, stream: Stream, before: int) -> Retried:
    control = opened.stores.control
    if stream.by_ids is None:
        return Retried(source.name, stream.name, 0, 0, before, _when_met(opened, source, stream))
    left = database.quarantine_count(control, source.name, stream.name)
    return Retried(source.name, stream.name, before, before - left, left)


def _when_met(opened: Installation, source: Source, stream: Stream) -> str:
    """What reads the records of a stream that the vendor gives in passing only."""
    _, rows = database.quarantine_list(opened.stores.control, source=source.name, stream=stream.name)
    passed = sum(row["attempts"] >= TRIES_IN_PASSING for row in rows)
    again = f"cdp sync {source.name} --stream {stream.name}"
    said = f"{source.name}/{stream.name}: {source.name} cannot be asked for single records of this stream."
    if not passed:
        return f"{said} The next sync meets them, because the cursor waits before them: {again}"
    return (
        f"{said} The cursor has gone on without {passed} of them after {TRIES_IN_PASSING} tries; reading all of it "
        f"again meets them: {again} --full, or with --since from a day before they last changed"
    )
