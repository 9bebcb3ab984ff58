"""Tables people read: metrics in the mart (no personal data), profiles in the profile store (pseudonymous).

Column names and meanings follow the output tables of the metric catalogue, so that a BI tool can rely on them.
"""

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import JSON, BigInteger
from sqlmodel import Field, SQLModel

from models.tables import MartTable, ProfileTable, UtcDateTime


class MetricValue(MartTable, table=True):
    """One row per metric, definition version, grain, period, channel, segment, slice, stat and variant."""

    __tablename__: ClassVar[str] = "metric_value"

    metric_id: str = Field(primary_key=True, description="Metric, see dim_metric")
    definition_version: int = Field(primary_key=True, description="Version of the metric's definition")
    grain: str = Field(primary_key=True, description="day, week, month, quarter, year, cohort, asof, roll90 or roll365")
    period_start: date = Field(primary_key=True, description="First day of the period in the company's time zone")
    channel: str = Field(primary_key=True, description="Channel, or all")
    segment_scheme: str = Field(primary_key=True, description="Segmentation, or all")
    segment: str = Field(primary_key=True, description="Segment of that scheme, or all")
    slice_name: str = Field(primary_key=True, description="One extra slice, or all")
    slice_value: str = Field(primary_key=True, description="Value of that slice, or all")
    stat: str = Field(primary_key=True, description="value, p50, p90 or a companion the definition names")
    variant: str = Field(primary_key=True, description="default, or a variant the definition names")
    period_end: date = Field(description="Day after the last of the period")
    value: float | None = Field(default=None, description="The number, in unit; null when status says so")
    numerator: float | None = Field(default=None, description="What is counted")
    denominator: float | None = Field(default=None, description="What it is counted among")
    n: int | None = Field(default=None, sa_type=BigInteger, description="Units the number rests on")
    n_persons: int | None = Field(default=None, sa_type=BigInteger, description="Distinct persons the number rests on")
    ci_low: float | None = Field(default=None, description="Lower end of the 95 % interval")
    ci_high: float | None = Field(default=None, description="Upper end of the 95 % interval")
    ci_method: str | None = Field(default=None, description="How the interval was made")
    coverage: float | None = Field(default=None, description="Share of what should be known that is known, 0 to 1")
    coverage_basis: str | None = Field(default=None, description="What coverage is a share of")
    n_excluded_consent: int | None = Field(
        default=None, sa_type=BigInteger, description="Units left out because people did not allow it"
    )
    status: str = Field(description="ok, low_sample, low_coverage, insufficient_data, suppressed or error")
    status_reason: str | None = Field(default=None, description="Why there is no number, if there is none")
    evidence: str | None = Field(default=None, description="Kind of evidence behind the number")
    is_final: bool = Field(description="No late arrival can change the period any more")
    is_stale: bool = Field(description="The newest source record is older than two sync intervals")
    basis_changed: bool = Field(description="What feeds the number changed since the period before")
    unit: str = Field(description="Unit of value")
    currency: str | None = Field(default=None, description="ISO 4217 code, for amounts of money")
    run_id: str = Field(description="Run that computed the row")
    computed_at: datetime = Field(sa_type=UtcDateTime, description="When it was computed, UTC")


class DimMetric(MartTable, table=True):
    """What a metric means. One row per metric and definition version."""

    __tablename__: ClassVar[str] = "dim_metric"

    metric_id: str = Field(primary_key=True, description="Id of the metric")
    definition_version: int = Field(primary_key=True, description="Version of the definition")
    name: str = Field(description="Title for people")
    family: str = Field(description="Family of the catalogue")
    tier: int = Field(description="1 first, 3 optional")
    class_: str = Field(
        sa_column_kwargs={"name": "class"}, description="Class that fixes interval, minimum and roll-up"
    )
    definition: str = Field(description="The formula in words")
    numerator_def: str | None = Field(default=None, description="What is counted")
    denominator_def: str | None = Field(default=None, description="What it is counted among")
    window: str | None = Field(default=None, description="Period or trailing window it is computed over")
    lag_hours: int = Field(description="Hours after the period's end until the number is final")
    grains: str = Field(description="Grains it is published at, comma-separated")
    slices: str = Field(description="Slices it is published by, comma-separated")
    unit: str = Field(description="Unit of the value")
    range_min: float | None = Field(default=None, description="Lowest possible value")
    range_max: float | None = Field(default=None, description="Highest possible value")
    better: str = Field(description="up, down, ctx, want 0 or gate")
    band_low: float | None = Field(default=None, description="Lower end of the usual range")
    band_high: float | None = Field(default=None, description="Upper end of the usual range")
    purpose: str = Field(description="What the data must be allowed for; two joined by + need both")
    is_sensitive: bool = Field(description="Off unless switched on, with stricter small-cell rules")
    k: int = Field(description="Smallest number of persons a published cell may rest on")
    n_min: int = Field(description="Denominator below which no number is given")
    n_ok: int = Field(description="Denominator from which the number is not flagged as a small sample")
    ci_method: str | None = Field(default=None, description="How intervals are made")
    roll_up: str = Field(description="How longer periods follow from shorter ones")
    sources: list[str] = Field(sa_type=JSON, description="Systems that can feed it")
    entities: list[str] = Field(sa_type=JSON, description="Lake tables it reads")
    external_ref: str | None = Field(default=None, description="Authority of the definition, if one exists")
    seed_refs: list[str] = Field(sa_type=JSON, description="Where the metric was asked for")
    guardrail_metric_id: str | None = Field(default=None, description="Metric to be read beside it")
    valid_from: date = Field(description="First day the definition applies")
    valid_to: date | None = Field(default=None, description="Last day, once it is replaced")


class _OfMetricRow(SQLModel):
    """The key of a row of ``metric_value``, for tables that say more about it."""

    metric_id: str = Field(primary_key=True, description="Metric, see dim_metric")
    definition_version: int = Field(primary_key=True, description="Version of the metric's definition")
    grain: str = Field(primary_key=True, description="As in metric_value")
    period_start: date = Field(primary_key=True, description="First day of the period in the company's time zone")
    channel: str = Field(primary_key=True, description="Channel, or all")
    segment_scheme: str = Field(primary_key=True, description="Segmentation, or all")
    segment: str = Field(primary_key=True, description="Segment of that scheme, or all")
    slice_name: str = Field(primary_key=True, description="One extra slice, or all")
    slice_value: str = Field(primary_key=True, description="Value of that slice, or all")
    stat: str = Field(primary_key=True, description="As in metric_value")
    variant: str = Field(primary_key=True, description="default, or a variant the definition names")


class MetricComponent(MartTable, _OfMetricRow, table=True):
    """What an index is made of. One row per row of the index and component, missing ones included."""

    __tablename__: ClassVar[str] = "metric_component"

    component_id: str = Field(primary_key=True, description="Metric that is a component")
    weight: float = Field(description="Its weight by definition")
    weight_used: float = Field(description="Its share of the weight that is there; 0 where it is missing")
    raw: float | None = Field(default=None, description="Its value in its own unit")
    normalised: float | None = Field(default=None, description="Its value between the goalposts, 0 to 100")
    lo: float = Field(description="Goalpost that counts as 0 (as 100 where less is better)")
    hi: float = Field(description="Goalpost that counts as 100 (as 0 where less is better)")
    contribution: float | None = Field(default=None, description="Points it adds to the index")
    status: str = Field(description="Status of its own row; missing where it has none")


class IndexSensitivity(MartTable, _OfMetricRow, table=True):
    """What an index would be if it were made otherwise. One row per row of the index and change."""

    __tablename__: ClassVar[str] = "index_sensitivity"

    method: str = Field(primary_key=True, description="weight, leave_out, bounds, equal, geometric or dirichlet")
    target: str = Field(primary_key=True, description="Component changed, and how; all for all of them")
    value: float | None = Field(default=None, description="The index made that way")
    delta: float | None = Field(default=None, description="Its distance from the index")
    p5: float | None = Field(default=None, description="5th percentile over random weights")
    p50: float | None = Field(default=None, description="Median over random weights")
    p95: float | None = Field(default=None, description="95th percentile over random weights")
    sign_flip_share: float | None = Field(
        default=None,
        description="Share of random weights that turn the direction of the change since the period before",
    )


class Customer360(ProfileTable, table=True):
    """One row per live profile. A column whose purpose the person does not allow is null."""

    __tablename__: ClassVar[str] = "customer_360"

    profile_id: str = Field(primary_key=True, description="Pseudonymous id of the profile")
    account_id: str | None = Field(default=None, description="Organisation the person belongs to")
    first_seen: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="First record of any source, UTC"
    )
    locale: str | None = Field(default=None, description="Language or locale code")
    region: str | None = Field(default=None, description="Country")
    acquisition_channel: str | None = Field(default=None, description="How the person first came")
    source_count: int = Field(description="Number of systems that know the person")
    first_order_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="First order, UTC")
    last_order_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="Latest order, UTC")
    orders_365: int | None = Field(default=None, description="Orders in the last 365 days")
    net_revenue_365: float | None = Field(default=None, description="Net revenue of the last 365 days, base currency")
    aov: float | None = Field(default=None, description="Average net value of an order before refunds, base currency")
    clv_historical: float | None = Field(
        default=None, description="Net revenue so far times the margin rate, base currency; null without a margin rate"
    )
    clv_predicted: float | None = Field(default=None, description="Expected further margin, base currency")
    churn_probability: float | None = Field(default=None, description="Probability of leaving, 0 to 1")
    churn_band: str | None = Field(default=None, description="Band of that probability")
    lifecycle_stage: str | None = Field(default=None, description="Stage of the relationship")
    value_tier: str | None = Field(default=None, description="Tier by value")
    rfm: str | None = Field(default=None, description="Code of recency, frequency and money, as of the latest metrics")
    autonomy_preference: float | None = Field(default=None, description="Inclination to help oneself, 0 to 100")
    channel_preference: str | None = Field(default=None, description="Channel the person uses most")
    last_contact_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="Latest contact, UTC")
    open_tickets: int | None = Field(default=None, description="Tickets not solved now")
    issues_90: int | None = Field(default=None, description="Issues opened in the last 90 days")
    self_service_share_180: float | None = Field(
        default=None, description="Share of issues helped without staff, 180 days"
    )
    last_nps: float | None = Field(default=None, description="Latest recommendation score, 0 to 10")
    last_csat: float | None = Field(
        default=None, description="Whether the latest answer about satisfaction was satisfied, 1 or 0"
    )
    last_ease: float | None = Field(default=None, description="Latest ease score, 1 to 7")
    sentiment_90: float | None = Field(default=None, description="Mean sentiment of 90 days, -1 to 1")
    last_campaign_click_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="Latest click in a campaign, UTC"
    )
    loyalty_tier: str | None = Field(default=None, description="Tier of the loyalty programme")
    ideas: int | None = Field(default=None, description="Ideas handed in")
    reviews: int | None = Field(default=None, description="Reviews that name the person")
    consent_analytics: bool | None = Field(default=None, description="Analytics is permitted")
    consent_profiling: bool | None = Field(default=None, description="Profiling is permitted")
    consent_marketing: bool | None = Field(default=None, description="Marketing is permitted")
    consent_research: bool | None = Field(default=None, description="Research is permitted")
    predictive_optout: bool | None = Field(default=None, description="The person objected to predictions")
    digital_access_need: str | None = Field(default=None, description="Declared need for accessible service, as a code")
    completeness: float | None = Field(
        default=None,
        description="Share of the blocks that any profile has (identity, consent, orders, service, feedback), 0 to 1",
    )
    refreshed_at: datetime = Field(sa_type=UtcDateTime, description="When the row was made, UTC")


class ConsentState(ProfileTable, table=True):
    """What holds now. One row per profile, purpose and scope."""

    __tablename__: ClassVar[str] = "consent_state"

    profile_id: str = Field(primary_key=True, description="Pseudonymous id of the profile")
    purpose: str = Field(primary_key=True, description="What the data may or may not be used for")
    scope: str = Field(primary_key=True, description="Subscription or topic, or all")
    state: str = Field(description="granted, denied, withdrawn or default")
    since: datetime | None = Field(default=None, sa_type=UtcDateTime, description="When it was decided, UTC")
    source: str | None = Field(default=None, description="System that reported the decision")
    policy_version: str | None = Field(default=None, description="Version of the notice or policy it rests on")
    is_default: bool = Field(description="Nobody decided; the jurisdiction's policy answers")
    inferred: bool = Field(description="The time is when the state was first seen")


class ProfileLink(ProfileTable, table=True):
    """Which records make up a profile. One row per person record of a source."""

    __tablename__: ClassVar[str] = "identity_link"

    source: str = Field(primary_key=True, description="System the record comes from")
    source_id: str = Field(primary_key=True, description="Id of the record in its source")
    profile_id: str = Field(index=True, description="Profile it belongs to")
    method: str = Field(description="How the record was linked")
    key_type: str | None = Field(default=None, description="Kind of key that linked it, if any")
    confidence: float = Field(description="Confidence of the link, 0 to 1")
    linked_at: datetime = Field(sa_type=UtcDateTime, description="When it was linked, UTC")


class SegmentMembership(ProfileTable, table=True):
    """Which segment a profile is in, and was. One row per profile, scheme, segment and start."""

    __tablename__: ClassVar[str] = "segment_membership"

    profile_id: str = Field(primary_key=True, description="Pseudonymous id of the profile")
    scheme: str = Field(primary_key=True, description="Segmentation")
    segment: str = Field(primary_key=True, description="Segment of that scheme")
    valid_from: date = Field(primary_key=True, description="First day in the segment")
    valid_to: date | None = Field(default=None, description="First day no longer in it; null while it lasts")
    score: float | None = Field(default=None, description="Strength of the membership, as the rule defines it")
    n_evidence: int | None = Field(default=None, description="Observations the membership rests on")
    rule_version: int = Field(description="Version of the rule that placed the person")
