"""Assets of a source: one per stream, read in one step from the saved cursor."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from cdp_pipelines.defs.border import border
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.defs.sources.checks import CHECKS, check_results, check_specs
from cdp_pipelines.errors import SyncFailedError
from cdp_pipelines.installation import Installation, clock
from cdp_pipelines.sync import StreamReport, SyncReport, sync_source
from connectors.spec import Source, Stream

OWNER = "team:operators"


class SyncConfig(dg.Config):
    """What can be set when a sync is started by hand in the Launchpad."""

    since: str | None = None
    """Read again from this day on (YYYY-MM-DD), whatever the cursor says. The cursor is left where it is."""


def source_assets(source: Source) -> dg.AssetsDefinition:
    """One asset per stream of ``source``. Idempotent: a repeated or killed run ends with the same rows."""

    @dg.multi_asset(
        name=f"sync_{source.name}",
        group_name=source.name,
        specs=[stream_spec(source, stream) for stream in source.streams],
        check_specs=[spec for stream in source.streams for spec in check_specs(asset_key(source, stream))],
        can_subset=True,
        retry_policy=dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL),
    )
    def sync(
        context: dg.AssetExecutionContext, config: SyncConfig, installation: InstallationResource
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with border(), installation.opened() as opened:
            chosen = [s.name for s in source.streams if asset_key(source, s) in context.selected_asset_keys]
            report, failure = run_sync(opened, source, chosen, since=parse_day(config.since))
            asked = context.selected_asset_check_keys
            for stream in report.streams:
                if stream.error_class is None:
                    yield materialised(source, report, stream)
                    yield from (
                        r for r in check_results(opened, source, stream, run_id=report.run_id) if _key_of(r) in asked
                    )
            if failure is not None:
                raise failure

    return sync


def run_sync(
    opened: Installation, source: Source, streams: list[str], *, since: datetime | None
) -> tuple[SyncReport, SyncFailedError | None]:
    """Sync, and give back the report even when some streams failed, so that the others can be shown."""
    declaration, settings = opened.source(source.name)
    try:
        report = sync_source(
            declaration,
            settings,
            opened.sinks,
            token=opened.token(source.name),
            now=clock,
            streams=streams,
            since=since,
        )
    except SyncFailedError as error:
        return error.report, error
    return report, None


def asset_key(source: Source, stream: Stream) -> dg.AssetKey:
    """``<source>/<stream>``."""
    return dg.AssetKey([source.name, stream.name])


def stream_spec(source: Source, stream: Stream) -> dg.AssetSpec:
    """The asset of one stream; its description starts with the grain."""
    grains = "; ".join(entity.__grain__ for entity in stream.entities)
    return dg.AssetSpec(
        asset_key(source, stream),
        description=f"{grains or 'No rows of its own'}, read from {source.name}.",
        owners=[OWNER],
        kinds={"python", "delta"},
    )


def materialised(source: Source, report: SyncReport, stream: StreamReport) -> dg.MaterializeResult[None]:
    """What the UI shows of one stream's run: counts and durations, never a value from a record."""
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(stream.written),
        "records read": dg.MetadataValue.int(stream.records),
        "rows unchanged": dg.MetadataValue.int(stream.unchanged),
        "rows deleted": dg.MetadataValue.int(stream.deleted),
        "quarantined": dg.MetadataValue.int(stream.quarantined),
        "recovered from quarantine": dg.MetadataValue.int(stream.recovered),
        "requests (whole run)": dg.MetadataValue.int(report.requests),
        "throttled seconds (whole run)": dg.MetadataValue.float(report.throttled_seconds),
        "seconds": dg.MetadataValue.float(stream.seconds),
        "cursor before": dg.MetadataValue.json(stream.cursor_before or {}),
        "cursor after": dg.MetadataValue.json(stream.cursor_after or {}),
        "undeclared fields": dg.MetadataValue.json(stream.drift),
        "run": dg.MetadataValue.text(report.run_id),
    }
    return dg.MaterializeResult(asset_key=dg.AssetKey([source.name, stream.stream]), metadata=metadata)


def parse_day(day: str | None) -> datetime | None:
    """Midnight UTC of a day written YYYY-MM-DD.

    Raises:
        dagster.Failure: It is not a day.
    """
    if day is None:
        return None
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise dg.Failure(
            description="The setting 'since' is not a day; write it as YYYY-MM-DD, for example 2026-01-31.",
            allow_retries=False,
        ) from None


def _key_of(result: dg.AssetCheckResult) -> dg.AssetCheckKey:
    if result.asset_key is None or result.check_name not in CHECKS:
        raise dg.Failure(description="A check result names no known check.", allow_retries=False)
    return dg.AssetCheckKey(result.asset_key, result.check_name)
