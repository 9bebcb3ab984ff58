"""What indices are made of, and how far they depend on their weights."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "index_sensitivity",
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
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("delta", sa.Float(), nullable=True),
        sa.Column("p5", sa.Float(), nullable=True),
        sa.Column("p50", sa.Float(), nullable=True),
        sa.Column("p95", sa.Float(), nullable=True),
        sa.Column("sign_flip_share", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint(
            "metric_id", "definition_version", "grain", "period_start", "channel", "segment_scheme", "segment",
            "slice_name", "slice_value", "stat", "variant", "method", "target"
        ),
    )
    op.create_table(
        "metric_component",
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
        sa.Column("component_id", sa.String(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("weight_used", sa.Float(), nullable=False),
        sa.Column("raw", sa.Float(), nullable=True),
        sa.Column("normalised", sa.Float(), nullable=True),
        sa.Column("lo", sa.Float(), nullable=False),
        sa.Column("hi", sa.Float(), nullable=False),
        sa.Column("contribution", sa.Float(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint(
            "metric_id", "definition_version", "grain", "period_start", "channel", "segment_scheme", "segment",
            "slice_name", "slice_value", "stat", "variant", "component_id"
        ),
    )
