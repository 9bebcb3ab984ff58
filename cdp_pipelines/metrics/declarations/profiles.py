"""How well the platform knows its people: records that found their person, and what is known of each."""

from cdp_pipelines.metrics.classes import Checklist, Mean, Proportion
from cdp_pipelines.metrics.declaration import Metric
from models import OURSELVES

IDENTITY_MATCH_RATE = Metric(
    id="identity_match_rate",
    name="Identity match",
    family="customer_centricity",
    tier=1,
    definition=(
        "Person records linked to others by an exact key (e-mail, phone, a vendor's cross-reference or merge) out of "
        "all person records with a profile, at the end of the day."
    ),
    numerator="person records linked by an exact key",
    denominator="person records",
    measures=(Proportion(n="n", census=True),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=0,
    sources=(OURSELVES,),
    entities=("identity_link",),
    grains=("asof",),
    slices=("source",),
    membership="state",
    window="as of the end of the day",
    seed_refs=("single, unified customer profile",),
)

CRM_DUPLICATE_RATE = Metric(
    id="crm_duplicate_rate",
    name="Duplicate records",
    family="customer_centricity",
    tier=1,
    definition=(
        "Person records of a source that belong to a profile with an earlier record of the same source, out of all "
        "person records the sources keep, at the end of the day. Guests' orders are no records of their own."
    ),
    numerator="person records beyond the first of their profile and source",
    denominator="person records",
    measures=(Proportion(n="n", census=True),),
    unit="ratio",
    better="down",
    purpose="service_delivery",
    k=0,
    sources=(OURSELVES,),
    entities=("identity_link",),
    grains=("asof",),
    slices=("source",),
    membership="state",
    window="as of the end of the day",
    seed_refs=("improves data accuracy",),
)

PROFILE_SOURCE_BREADTH = Metric(
    id="profile_source_breadth",
    name="Sources per profile",
    family="customer_centricity",
    tier=2,
    definition=(
        "Mean number of sources that hold a record of a person, over the persons who wrote, ordered or answered a "
        "survey in the 90 days up to the day."
    ),
    numerator="sources of active persons",
    denominator="active persons",
    measures=(Mean(low=0.0, high=None),),
    unit="sources",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=(OURSELVES,),
    entities=("person", "ticket", "message", "survey_response", "order"),
    grains=("asof",),
    membership="state",
    transforms=("active_spell",),
    eligible="person",
    window="as of the end of the day",
    seed_refs=("holistic view of each customer", "360-degree view of each customer"),
)

CUSTOMER_360_COMPLETENESS = Metric(
    id="customer_360_completeness",
    name="Completeness of profiles",
    family="customer_centricity",
    tier=1,
    definition=(
        "Blocks of a profile that are filled out of those that any profile has: identity (a record of its own), "
        "consent (a decision), orders, service (a ticket), feedback (an answer or a review). Each is filled from its "
        "first fact on. By block: the share of profiles that have it."
    ),
    numerator="blocks filled",
    denominator="blocks enabled",
    measures=(Checklist(n="n"),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=(OURSELVES,),
    entities=("person", "consent_event", "ticket", "survey_response", "order", "review"),
    grains=("asof",),
    slices=("block",),
    membership="state",
    eligible="person",
    counted="profiles",
    window="as of the end of the day",
    seed_refs=("360-degree view of each customer",),
)

PROFILES = (IDENTITY_MATCH_RATE, CRM_DUPLICATE_RATE, PROFILE_SOURCE_BREADTH, CUSTOMER_360_COMPLETENESS)
