"""The first tables of the profile store."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "consent_state",
        sa.Column("profile_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("policy_version", sa.String(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("inferred", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("profile_id", "purpose", "scope"),
    )
    op.create_table(
        "customer_360",
        sa.Column("profile_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("acquisition_channel", sa.String(), nullable=True),
        sa.Column("source_count", sa.Integer(), nullable=False),
        sa.Column("first_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("orders_365", sa.Integer(), nullable=True),
        sa.Column("net_revenue_365", sa.Float(), nullable=True),
        sa.Column("aov", sa.Float(), nullable=True),
        sa.Column("clv_historical", sa.Float(), nullable=True),
        sa.Column("clv_predicted", sa.Float(), nullable=True),
        sa.Column("churn_probability", sa.Float(), nullable=True),
        sa.Column("churn_band", sa.String(), nullable=True),
        sa.Column("lifecycle_stage", sa.String(), nullable=True),
        sa.Column("value_tier", sa.String(), nullable=True),
        sa.Column("rfm", sa.String(), nullable=True),
        sa.Column("autonomy_preference", sa.Float(), nullable=True),
        sa.Column("channel_preference", sa.String(), nullable=True),
        sa.Column("last_contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("open_tickets", sa.Integer(), nullable=True),
        sa.Column("issues_90", sa.Integer(), nullable=True),
        sa.Column("self_service_share_180", sa.Float(), nullable=True),
        sa.Column("last_nps", sa.Float(), nullable=True),
        sa.Column("last_csat", sa.Float(), nullable=True),
        sa.Column("last_ease", sa.Float(), nullable=True),
        sa.Column("sentiment_90", sa.Float(), nullable=True),
        sa.Column("last_campaign_click_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("loyalty_tier", sa.String(), nullable=True),
        sa.Column("ideas", sa.Integer(), nullable=True),
        sa.Column("reviews", sa.Integer(), nullable=True),
        sa.Column("consent_analytics", sa.Boolean(), nullable=True),
        sa.Column("consent_profiling", sa.Boolean(), nullable=True),
        sa.Column("consent_marketing", sa.Boolean(), nullable=True),
        sa.Column("consent_research", sa.Boolean(), nullable=True),
        sa.Column("predictive_optout", sa.Boolean(), nullable=True),
        sa.Column("digital_access_need", sa.String(), nullable=True),
        sa.Column("completeness", sa.Float(), nullable=True),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("profile_id"),
    )
    op.create_table(
        "identity_link",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("profile_id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("key_type", sa.String(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "source_id"),
    )
    op.create_index(op.f("ix_identity_link_profile_id"), "identity_link", ["profile_id"], unique=False)
    op.create_table(
        "segment_membership",
        sa.Column("profile_id", sa.String(), nullable=False),
        sa.Column("scheme", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("n_evidence", sa.Integer(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("profile_id", "scheme", "segment", "valid_from"),
    )
