"""The mart step: every metric, published at once with its catalogue."""

from collections.abc import Iterator

import dagster as dg

from cdp_pipelines.defs.border import border
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.defs.starting import retry_kind
from cdp_pipelines.installation import clock
from cdp_pipelines.refresh import refresh_metrics

VALUES = dg.AssetKey(["mart", "metric_value"])
CATALOGUE = dg.AssetKey(["mart", "dim_metric"])
UPSTREAM = [dg.AssetKey(["cdp", "identity_link"]), dg.AssetKey(["cdp", "consent_state"])]


@dg.multi_asset(
    name="marts",
    group_name="marts",
    specs=[
        dg.AssetSpec(
            VALUES,
            deps=UPSTREAM,
            description="One row per metric, period, channel, slice and statistic; no personal data.",
            owners=["team:analysts"],
            kinds={"sql", "duckdb"},
        ),
        dg.AssetSpec(
            CATALOGUE,
            deps=UPSTREAM,
            description="One row per metric and version of its definition.",
            owners=["team:analysts"],
            kinds={"python"},
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec("no_metric_in_error", asset=VALUES, description="Every metric could be computed."),
    ],
)
def marts(
    context: dg.AssetExecutionContext, installation: InstallationResource
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Compute and publish. Idempotent: the refreshed periods are replaced in one transaction."""
    with border(), installation.opened() as opened:
        report = refresh_metrics(opened, now=clock(), retry_kind=retry_kind(context))
        yield dg.MaterializeResult(
            asset_key=VALUES,
            metadata={"dagster/row_count": report.rows, "rows by status": dg.MetadataValue.json(report.by_status)},
        )
        yield dg.MaterializeResult(asset_key=CATALOGUE, metadata={"dagster/row_count": report.metrics})
        broken = report.by_status.get("error", 0)
        yield dg.AssetCheckResult(
            asset_key=VALUES, check_name="no_metric_in_error", passed=broken == 0, metadata={"rows in error": broken}
        )
