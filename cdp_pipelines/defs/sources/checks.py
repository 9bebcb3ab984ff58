"""Checks that run with a sync. Each is named after the fact it asserts; its metadata holds counts only."""

from collections.abc import Iterator

import dagster as dg
from duckdb import DuckDBPyConnection

from cdp_pipelines.checks import KeyCounts, unprotected_batches
from cdp_pipelines.installation import Installation
from cdp_pipelines.quarantine import are_too_many
from cdp_pipelines.sync import StreamReport
from connectors.spec import Source

MANY = 100
"""Deletions below this number are everyday life."""

CHECKS: dict[str, tuple[str, bool]] = {
    "keys_unique": ("Every record of the source has one current row.", True),
    "no_plaintext": ("Every personal column holds ciphertexts and nothing else.", True),
    "volume_plausible": ("The stream has not lost half of its current rows in one run.", False),
    "quarantine_small": ("Few records could not be mapped; [quarantine] in cdp.toml says how many are few.", False),
    "fields_as_declared": ("The fields are those we know, of the types we know, and none has stopped coming.", False),
}
"""Check name to (what it asserts, whether a failure blocks what comes after)."""


def check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of one stream's asset."""
    return [
        dg.AssetCheckSpec(name, asset=key, description=text, blocking=blocking)
        for name, (text, blocking) in CHECKS.items()
    ]


def check_results(
    opened: Installation,
    duck: DuckDBPyConnection,
    source: Source,
    report: StreamReport,
    *,
    run_id: str,
    keys: KeyCounts,
    waiting: int,
) -> Iterator[dg.AssetCheckResult]:
    """The results for one stream after its sync.

    Args:
        opened: The installation.
        duck: A connection of its engine.
        source: The system.
        report: What the sync did to the stream.
        run_id: The sync.
        keys: Current rows of the stream's tables.
        waiting: Records of the stream in quarantine.
    """
    key = dg.AssetKey([source.name, report.stream])
    tables = [entity.__entity__ for entity in source.stream(report.stream).entities]
    yield _result(key, "keys_unique", counted="rows that share a key", count=keys.duplicates)
    broken = unprotected_batches(opened.lake, duck, tables, run_id)
    yield _result(key, "no_plaintext", counted="batches with a value in clear", count=broken)
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name="volume_plausible",
        passed=report.deleted <= max(MANY, keys.live),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rows deleted": report.deleted, "rows left": keys.live},
    )
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name="quarantine_small",
        passed=not are_too_many(opened.settings.quarantine, report, waiting=waiting, live=keys.live),
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"See which and why with: cdp quarantine list --source {source.name} --stream {report.stream}",
        metadata={"records waiting": waiting, "set aside for the first time": report.newly_quarantined},
    )
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name="fields_as_declared",
        passed=not report.drift,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(change.sentence for change in report.drift) or None,
        metadata={"fields not as declared": drift_table(report)} if report.drift else None,
    )


def drift_table(report: StreamReport) -> dg.TableMetadataValue:
    """The fields that are new, re-typed or missing, with counts and since when."""
    kinds = {"field": "string", "what": "string", "came as": "string", "records": "int", "since": "string"}
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "field": change.field,
                    "what": change.what,
                    "came as": change.came_as,
                    "records": change.records,
                    "since": change.since.isoformat(timespec="seconds"),
                }
            )
            for change in report.drift
        ],
        schema=dg.TableSchema([dg.TableColumn(name, kind) for name, kind in kinds.items()]),
    )


def _result(key: dg.AssetKey, name: str, *, counted: str, count: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=count == 0,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={counted: count},
    )
