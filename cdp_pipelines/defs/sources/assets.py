"""Assets of a source: one per stream, read in one step from the saved cursor."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

import dagster as dg
from pydantic import Field

from cdp_pipelines import database
from cdp_pipelines.checks import KeyCounts, count_keys
from cdp_pipelines.database.runs import RetryKind
from cdp_pipelines.defs.border import RERUN_HELPS, border
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.defs.sources.checks import CHECKS, check_results, check_specs, drift_table
from cdp_pipelines.defs.starting import retry_kind
from cdp_pipelines.errors import SyncFailedError
from cdp_pipelines.installation import Installation, clock
from cdp_pipelines.source_run import outcome
from cdp_pipelines.sync import StreamReport, SyncReport, refusal_of, sync_source, sync_whole
from connectors.spec import Source, Stream
from models import Entity
from models.derive import arrow_schema, fields
from models.fields import Fact, Personal

OWNER = "team:operators"

ATTEMPT = "attempt"
"""Last part of the key of the asset that says a sync is over, whether or not it succeeded."""

NOT_READ = "not read"
"""Metadata of an attempt that failed: why, in our own words."""

RETRIES = 2
"""How often Dagster starts a failed step again where that can help."""

CHECKS_ALONE = "These checks look at what a sync has just written. Materialize the asset instead; they run with it."


ATTEMPT_ALONE = (
    "The attempt says that a sync is over and reads nothing itself. Materialize the streams with it; for profiles and "
    "metrics from what was read before, start the job refresh."
)


class SyncConfig(dg.Config):
    """What can be set when a sync is started by hand in the Launchpad."""

    full: bool = Field(
        default=False,
        description="Read everything again, whatever the cursor says. Started again after it was stopped, it goes on.",
    )

    since: str = Field(
        default="",
        description="Read again from this day on (YYYY-MM-DD, midnight UTC), whatever the cursor says. "
        "The cursor stays where it is. Empty: from the cursor on.",
    )


def source_assets(source: Source) -> dg.AssetsDefinition:
    """One asset per stream of ``source``, and its attempt. Idempotent: a repeated run ends with the same rows.

    A sync that fails fails its step, unless something waits for the attempt to be over: then the step goes on, so
    that what comes after works with what is there, and ``attempt_check`` fails instead.
    """

    @dg.multi_asset(
        name=f"sync_{source.name}",
        group_name=source.name,
        specs=[*(stream_spec(source, stream) for stream in source.streams), attempt_spec(source)],
        check_specs=[spec for stream in source.streams for spec in check_specs(asset_key(source, stream))],
        can_subset=True,
        retry_policy=dg.RetryPolicy(max_retries=RETRIES, delay=60, backoff=dg.Backoff.EXPONENTIAL),
    )
    def sync(
        context: dg.AssetExecutionContext, config: SyncConfig, installation: InstallationResource
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with border():
            if context.selected_asset_keys == {attempt_key(source)}:
                raise dg.Failure(description=ATTEMPT_ALONE, allow_retries=False)
            try:
                yield from _streams(context, config, installation, source)
            except dg.Failure as failure:
                is_tried_again = failure.allow_retries and context.retry_number < RETRIES
                if is_tried_again or not _is_awaited(context, source):
                    raise
                yield attempted(source, failure)
            else:
                if _is_awaited(context, source):
                    yield attempted(source, None)

    return sync


def attempt_check(source: Source) -> dg.AssetChecksDefinition:
    """A step that fails if the latest attempt to sync ``source`` failed; nothing waits for it."""
    spec = dg.AssetCheckSpec(
        "succeeded", asset=attempt_key(source), description=f"Every stream of {source.name} was read to its end."
    )

    @dg.multi_asset_check(name=f"{source.name}_was_synced", specs=[spec])
    def was_synced(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        with border():
            event = context.instance.get_latest_materialization_event(attempt_key(source))
            metadata = event.asset_materialization.metadata if event and event.asset_materialization else {}
            if (reason := metadata.get(NOT_READ)) is not None:
                again = f"To try again: cdp sync {source.name}, or the job sync_{source.name}_job."
                raise dg.Failure(
                    description=f"{reason.value}\n{again}",
                    metadata={RERUN_HELPS: metadata[RERUN_HELPS]},
                    allow_retries=False,
                )
            yield dg.AssetCheckResult(asset_key=attempt_key(source), check_name=spec.name, passed=True)

    return was_synced


def _is_awaited(context: dg.AssetExecutionContext, source: Source) -> bool:
    return attempt_key(source) in context.selected_asset_keys


def _streams(
    context: dg.AssetExecutionContext, config: SyncConfig, installation: InstallationResource, source: Source
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Read the streams that were asked for.

    Raises:
        dagster.Failure: Not all of them were read to their end; the others have been shown.
    """
    with border(), installation.opened() as opened:
        chosen = [s.name for s in source.streams if asset_key(source, s) in context.selected_asset_keys]
        if not chosen:
            raise dg.Failure(description=CHECKS_ALONE, allow_retries=False)
        report, failure = run_sync(opened, source, chosen, read=_chosen_read(config), retry_kind=retry_kind(context))
        yield from _results(opened, source, report, context.selected_asset_check_keys)
        if failure is not None:
            raise failure


def _results(
    opened: Installation, source: Source, report: SyncReport, asked: AbstractSet[dg.AssetCheckKey]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What the UI shows of the streams that were read to their end, and those of their checks that were asked for."""
    with opened.engine.connection() as duck:
        for stream in report.streams:
            if stream.error_class is None:
                keys = count_keys(opened.lake, duck, tables_of(source.stream(stream.stream)), source.name)
                waiting = database.quarantine_count(opened.stores.control, source.name, stream.stream)
                yield materialised(source, report, stream, keys, waiting=waiting)
                results = check_results(opened, duck, source, stream, run_id=report.run_id, keys=keys, waiting=waiting)
                yield from (result for result in results if _key_of(result) in asked)


Read: TypeAlias = Callable[..., SyncReport]
"""``sync_source`` from some moment on, or ``sync_whole``."""


def _chosen_read(config: SyncConfig) -> Read:
    """What the operator asks for.

    Raises:
        dagster.Failure: It cannot be.
    """
    since = parse_day(config.since)
    if config.full and since:
        raise dg.Failure(
            description="The setting 'full' reads everything, 'since' from a day on. Set one of them.",
            allow_retries=False,
        )
    if since and (refusal := refusal_of(since, now=clock())):
        raise dg.Failure(description=f"The setting 'since': {refusal}", allow_retries=False)
    return sync_whole if config.full else partial(sync_source, since=since)


def run_sync(
    opened: Installation, source: Source, streams: list[str], *, read: Read, retry_kind: RetryKind
) -> tuple[SyncReport, SyncFailedError | None]:
    """Sync, and give back the report even when some streams failed, so that the others can be shown."""
    declaration, settings = opened.source(source.name)
    return outcome(
        lambda: read(
            declaration,
            settings,
            opened.sinks,
            token=opened.token(source.name),
            now=clock,
            streams=streams,
            retry_kind=retry_kind,
        )
    )


def asset_key(source: Source, stream: Stream) -> dg.AssetKey:
    """``<source>/<stream>``."""
    return dg.AssetKey([source.name, stream.name])


def attempt_key(source: Source) -> dg.AssetKey:
    """``<source>/attempt``."""
    return dg.AssetKey([source.name, ATTEMPT])


def tables_of(stream: Stream) -> list[str]:
    """Names of the lake tables a stream writes to, children first."""
    return [entity.__entity__ for entity in stream.entities]


def stream_spec(source: Source, stream: Stream) -> dg.AssetSpec:
    """The asset of one stream; its description starts with the grain of its main table, which is declared last."""
    main, *children = reversed(stream.entities)
    also = "".join(f"\n\nBesides, in `{child.__entity__}`: {_grain(child, source).lower()}." for child in children)
    return dg.AssetSpec(
        asset_key(source, stream),
        description=f"{_grain(main, source)}, in the lake's table `{main.__entity__}`.{also}",
        owners=[OWNER],
        kinds={source.name, "deltalake"},
        metadata={"dagster/table_name": main.__entity__, "dagster/column_schema": column_schema(main)},
    )


def attempt_spec(source: Source) -> dg.AssetSpec:
    """The asset that profiles wait for."""
    return dg.AssetSpec(
        attempt_key(source),
        deps=[asset_key(source, stream) for stream in source.streams],
        description=f"The sync of {source.name} is over. Profiles wait for this and not for its success: what could "
        "be read is used. Whether all was read says the check `succeeded`.",
        owners=[OWNER],
        kinds={source.name},
    )


def column_schema(entity: type[Entity]) -> dg.TableSchema:
    """The columns of a lake table as the UI shows them; a personal one says that it holds ciphertexts."""
    stored = arrow_schema(entity)
    return dg.TableSchema(
        columns=[
            dg.TableColumn(plan.name, str(stored.field(plan.name).type), description=_meaning(plan.mark))
            for plan in fields(entity)
        ]
    )


def _meaning(mark: Fact | Personal) -> str:
    return f"{mark.meaning} (encrypted: {mark.category})" if isinstance(mark, Personal) else mark.meaning


def _grain(entity: type[Entity], source: Source) -> str:
    return entity.__grain__.replace("a source", source.name)


def materialised(
    source: Source, report: SyncReport, stream: StreamReport, keys: KeyCounts, *, waiting: int
) -> dg.MaterializeResult[None]:
    """What the UI shows of one stream's run: counts and durations, never a value from a record."""
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(keys.live),
        "records read": dg.MetadataValue.int(stream.records),
        "rows written": dg.MetadataValue.int(stream.written),
        "rows unchanged": dg.MetadataValue.int(stream.unchanged),
        "rows deleted": dg.MetadataValue.int(stream.deleted),
        "records quarantined": dg.MetadataValue.int(stream.quarantined),
        "records recovered from quarantine": dg.MetadataValue.int(stream.recovered),
        "records waiting in quarantine": dg.MetadataValue.int(waiting),
        "cursor before": dg.MetadataValue.json(stream.cursor_before or {}),
        "cursor after": dg.MetadataValue.json(stream.cursor_after or {}),
        "seconds": dg.MetadataValue.float(stream.seconds),
        "requests": dg.MetadataValue.int(stream.requests),
        "of them for what was read before": dg.MetadataValue.int(stream.rereads),
        "requests of the whole sync": dg.MetadataValue.int(report.requests),
        "seconds the whole sync waited for the vendor": dg.MetadataValue.float(report.throttled_seconds),
        "limit of the vendor it waited for longest": dg.MetadataValue.text(report.binding or "none"),
        "id of the sync": dg.MetadataValue.text(report.run_id),
    }
    if stream.drift:
        metadata["fields not as declared"] = drift_table(stream)
    if stream.notices:
        metadata["odd and dealt with"] = dg.MetadataValue.json(stream.notices)
    return dg.MaterializeResult(asset_key=dg.AssetKey([source.name, stream.stream]), metadata=metadata)


def attempted(source: Source, failure: dg.Failure | None) -> dg.MaterializeResult[None]:
    """That the sync is over, and why it failed, if it did."""
    said = {NOT_READ: failure.description, RERUN_HELPS: failure.allow_retries} if failure else {}
    return dg.MaterializeResult(asset_key=attempt_key(source), metadata=said)


def parse_day(day: str) -> datetime | None:
    """Midnight UTC of a day written YYYY-MM-DD; None if nothing is written.

    Raises:
        dagster.Failure: It is not a day.
    """
    if not day:
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
