"""The first tables of the mart store."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "dim_metric",
        sa.Column("metric_id", sa.String(), nullable=False),
        sa.Column("definition_version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("class", sa.String(), nullable=False),
        sa.Column("definition", sa.String(), nullable=False),
        sa.Column("numerator_def", sa.String(), nullable=True),
        sa.Column("denominator_def", sa.String(), nullable=True),
        sa.Column("window", sa.String(), nullable=True),
        sa.Column("lag_hours", sa.Integer(), nullable=False),
        sa.Column("grains", sa.String(), nullable=False),
        sa.Column("slices", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("range_min", sa.Float(), nullable=True),
        sa.Column("range_max", sa.Float(), nullable=True),
        sa.Column("better", sa.String(), nullable=False),
        sa.Column("band_low", sa.Float(), nullable=True),
        sa.Column("band_high", sa.Float(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("is_sensitive", sa.Boolean(), nullable=False),
        sa.Column("k", sa.Integer(), nullable=False),
        sa.Column("n_min", sa.Integer(), nullable=False),
        sa.Column("n_ok", sa.Integer(), nullable=False),
        sa.Column("ci_method", sa.String(), nullable=True),
        sa.Column("roll_up", sa.String(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("entities", sa.JSON(), nullable=False),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("seed_refs", sa.JSON(), nullable=False),
        sa.Column("guardrail_metric_id", sa.String(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("metric_id", "definition_version"),
    )
    op.create_table(
        "metric_value",
        sa.Column("metric_id", sa.String(), nullable=False),
        sa.Column("definition_version", sa.Integer(), nullable=False),
        sa.Column("grain", sa.String(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("segment_scheme", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("slice_name", sa.String(), nullable=False),
        sa.Column("slice_value", sa.String(), nullable=False),
        sa.Column("stat", sa.String(), nullable=False),
        sa.Column("variant", sa.String(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("numerator", sa.Float(), nullable=True),
        sa.Column("denominator", sa.Float(), nullable=True),
        sa.Column("n", sa.BigInteger(), nullable=True),
        sa.Column("n_persons", sa.BigInteger(), nullable=True),
        sa.Column("ci_low", sa.Float(), nullable=True),
        sa.Column("ci_high", sa.Float(), nullable=True),
        sa.Column("ci_method", sa.String(), nullable=True),
        sa.Column("coverage", sa.Float(), nullable=True),
        sa.Column("coverage_basis", sa.String(), nullable=True),
        sa.Column("n_excluded_consent", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_reason", sa.String(), nullable=True),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column("basis_changed", sa.Boolean(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "metric_id",
            "definition_version",
            "grain",
            "period_start",
            "channel",
            "segment_scheme",
            "segment",
            "slice_name",
            "slice_value",
            "stat",
            "variant",
        ),
    )
    columns = """
        metric_id, definition_version, grain, period_start, period_end, channel, segment_scheme, segment, slice_name,
        slice_value, stat, variant, value, numerator, denominator, n, n_persons, ci_low, ci_high, ci_method, coverage,
        coverage_basis, n_excluded_consent, status, status_reason, evidence, is_final, is_stale, basis_changed, unit,
        currency, run_id, computed_at
    """
    # Newest version and period of every key.
    op.execute(f"""
        create view metric_latest as
        select {columns}
        from (
            select
                {columns},
                row_number() over (
                    partition by
                        metric_id, grain, channel, segment_scheme, segment, slice_name, slice_value, stat, variant
                    order by definition_version desc, period_start desc
                ) as age
            from metric_value
        ) as aged
        where age = 1
    """)
