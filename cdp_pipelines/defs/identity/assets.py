"""The identity step: links, events and the profile tables, on one snapshot of the lake."""

from collections.abc import Iterator

import dagster as dg

from cdp_pipelines.checks import count_keys
from cdp_pipelines.defs.border import border
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.defs.starting import retry_kind
from cdp_pipelines.installation import clock
from cdp_pipelines.refresh import refresh_profiles

TABLES: dict[str, str] = {
    "identity_link": "One row per person record of a source: the profile it belongs to, and why.",
    "customer_360": "One row per profile: what is known, without a name, an address or a text.",
    "consent_state": "One row per profile, purpose and scope: what the person allows now.",
}


def identity_assets(upstream: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """The profile tables, behind every stream. Idempotent: an unchanged world writes nothing."""
    keys = [dg.AssetKey(["cdp", table]) for table in TABLES]

    @dg.multi_asset(
        name="identity",
        group_name="identity",
        specs=[
            dg.AssetSpec(key, deps=upstream, description=text, owners=["team:operators"], kinds={"python", "duckdb"})
            for key, text in zip(keys, TABLES.values(), strict=True)
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "one_profile_per_record", asset=keys[0], blocking=True, description="Every record has one profile."
            )
        ],
    )
    def identity(
        context: dg.AssetExecutionContext,
        installation: InstallationResource,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with border(), installation.opened() as opened:
            done = refresh_profiles(opened, now=clock(), retry_kind=retry_kind(context))
            counts = {
                "dagster/row_count": done.identity.records,
                "profiles": done.identity.profiles,
                "merges": done.identity.merges,
                "splits": done.identity.splits,
                "keys shared by too many": done.identity.blocked_keys,
                "pairs compared": done.identity.compared,
                "pairs to review": done.identity.waiting,
            }
            yield dg.MaterializeResult(asset_key=keys[0], metadata=counts)
            yield dg.MaterializeResult(asset_key=keys[1], metadata={"dagster/row_count": done.profiles.customers})
            yield dg.MaterializeResult(asset_key=keys[2], metadata={"dagster/row_count": done.profiles.consent_states})
            with opened.engine.connection() as duck:
                per_source = [
                    count_keys(opened.lake, duck, ["identity_link"], name) for name in opened.settings.sources
                ]
            broken = sum(count.duplicates for count in per_source)
            yield dg.AssetCheckResult(
                asset_key=keys[0],
                check_name="one_profile_per_record",
                passed=broken == 0,
                metadata={"records with several profiles": broken},
            )

    return identity
