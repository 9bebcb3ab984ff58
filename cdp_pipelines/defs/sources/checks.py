"""Checks that run with a sync. Each is named after the fact it asserts; its metadata holds counts only."""

from collections.abc import Iterator

import dagster as dg

from cdp_pipelines import database
from cdp_pipelines.checks import duplicate_keys, unprotected_batches
from cdp_pipelines.installation import Installation
from cdp_pipelines.sync import StreamReport
from connectors.spec import Source

QUARANTINE_SHARE = 0.01
"""Share of records read that may be set aside before the check fails."""

MANY = 100
"""Deletions below this number are everyday life."""

CHECKS: dict[str, tuple[str, bool]] = {
    "keys_unique": ("Every record of the source has one current row.", True),
    "no_plaintext": ("Every personal column holds ciphertexts and nothing else.", True),
    "volume_plausible": ("The stream has not lost half of its current rows in one run.", False),
    "quarantine_small": (f"At most {QUARANTINE_SHARE:.0%} of the records wait in quarantine.", False),
    "fields_as_declared": ("The vendor sends no field that neither we use nor leave out on purpose.", False),
}
"""Check name to (what it asserts, whether a failure blocks what comes after)."""


def check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of one stream's asset."""
    return [
        dg.AssetCheckSpec(name, asset=key, description=text, blocking=blocking)
        for name, (text, blocking) in CHECKS.items()
    ]


def check_results(
    opened: Installation, source: Source, report: StreamReport, *, run_id: str
) -> Iterator[dg.AssetCheckResult]:
    """The results for one stream after its sync."""
    key = dg.AssetKey([source.name, report.stream])
    tables = [entity.__entity__ for entity in source.stream(report.stream).entities]
    yield _result(key, "keys_unique", count=duplicate_keys(opened, tables, source.name))
    yield _result(key, "no_plaintext", count=unprotected_batches(opened, tables, run_id))
    lost = report.deleted > MANY and report.deleted > report.written / 2 + report.unchanged
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name="volume_plausible",
        passed=not lost,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"deleted": report.deleted, "written": report.written},
    )
    waiting = len(database.quarantine_pending(opened.stores.control, source.name, report.stream))
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name="quarantine_small",
        passed=waiting <= QUARANTINE_SHARE * max(report.records, 100),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"waiting": waiting},
    )
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name="fields_as_declared",
        passed=not report.drift,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"undeclared fields": dg.MetadataValue.json(report.drift)},
    )


def _result(key: dg.AssetKey, name: str, *, count: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=count == 0,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"count": count},
    )
