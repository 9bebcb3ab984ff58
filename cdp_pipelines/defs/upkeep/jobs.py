"""Nightly upkeep: fold tails, remove files nobody needs, forget old runs of Dagster, look for leaks."""

from datetime import timedelta

import dagster as dg

from cdp_pipelines.defs.border import border
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.installation import clock
from cdp_pipelines.leaks import find_leaks

KEEP_FILES = timedelta(days=7)
KEEP_RUNS = timedelta(days=90)


@dg.op(out=dg.Out(dg.Nothing))
def maintain_lake(context: dg.OpExecutionContext, installation: InstallationResource) -> None:
    """Fold the tails and remove files that neither a recent version nor a running reader needs."""
    with border(), installation.opened() as opened:
        report = opened.lake.maintain(keep=KEEP_FILES)
        context.log.info("compacted %s tables, removed %s files", report.compacted, report.removed_files)


@dg.op(out=dg.Out(dg.Nothing))
def prune_runs(context: dg.OpExecutionContext) -> None:
    """Delete Dagster's records of runs older than ``KEEP_RUNS``: they grow without end otherwise."""
    with border():
        old = context.instance.get_runs(filters=dg.RunsFilter(created_before=clock() - KEEP_RUNS))
        for run in old:
            context.instance.delete_run(run.run_id)
        context.log.info("forgot %s runs", len(old))


@dg.job(executor_def=dg.in_process_executor, description="Fold tails, remove old files, forget old runs.")
def upkeep() -> None:
    """The nightly job."""
    maintain_lake()
    prune_runs()


@dg.asset_check(
    asset=dg.AssetKey(["mart", "metric_value"]),
    description="Nothing that was written, Dagster's own records included, holds a personal value in clear.",
)
def no_leak(installation: InstallationResource) -> dg.AssetCheckResult:
    """Decode everything written and look for values in clear (see docs/leak-scanner.md)."""
    with border(), installation.opened() as opened:
        report = find_leaks(opened)
        return dg.AssetCheckResult(
            passed=report.ok,
            metadata={"findings": len(report.findings), "files": report.files, "undecoded": len(report.skipped)},
        )
