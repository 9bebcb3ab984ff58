"""The sweep of a source as a check of its streams: what vanished is marked, and what looks like a fault is shown."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from cdp_pipelines.defs.border import border
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.defs.sources.assets import asset_key
from cdp_pipelines.errors import SyncFailedError
from cdp_pipelines.installation import Installation, clock
from cdp_pipelines.source_run import outcome
from cdp_pipelines.sweeping import SweepReport, SweptSource, Wanted, sweep_source
from connectors.spec import Source, Stream

CHECK = "nothing_vanished_by_mistake"

LONGEST = timedelta(minutes=30)
"""A run gives its place to others after so long; the next one goes on there."""


def is_swept(source: Source) -> bool:
    """Whether any stream of ``source`` needs a sweep."""
    return any(stream.sweep for stream in source.streams)


def sweep_checks(source: Source) -> dg.AssetChecksDefinition:
    """One step that sweeps ``source`` for a while and says, stream by stream, what it found."""
    streams = {stream.name: stream for stream in source.streams if stream.sweep}
    specs = [
        dg.AssetCheckSpec(
            CHECK,
            asset=asset_key(source, stream),
            description=f"Records that {source.name} deleted without a word are marked as deleted, unless so many are "
            "gone at once that it looks like a fault.",
        )
        for stream in streams.values()
    ]

    @dg.multi_asset_check(name=f"sweep_{source.name}", specs=specs)
    def sweep(installation: InstallationResource) -> Iterator[dg.AssetCheckResult]:
        with border(), installation.opened() as opened:
            report, failure = _run(opened, source)
            for stream in report.streams:
                if stream.error_class is None:
                    yield _result(source, streams[stream.stream], stream)
            if failure is not None:
                raise failure

    return sweep


def _run(opened: Installation, source: Source) -> tuple[SweptSource, SyncFailedError | None]:
    declaration, settings = opened.source(source.name)
    wanted = Wanted(longest=LONGEST, only_due=True)
    return outcome(
        lambda: sweep_source(
            declaration, settings, opened.sinks, token=opened.token(source.name), now=clock, wanted=wanted
        )
    )


def _result(source: Source, stream: Stream, report: SweepReport) -> dg.AssetCheckResult:
    sentence = report.refusal(source.name)
    return dg.AssetCheckResult(
        asset_key=asset_key(source, stream),
        check_name=CHECK,
        passed=sentence is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=sentence or report.notice,
        metadata={
            "records compared": report.compared,
            "records there are": report.of,
            "records gone": report.gone,
            "records read again": report.reread,
            "records that stay until somebody accepts": sum(part.gone for part in report.refused),
            "the round is over": report.is_round,
        },
    )
