"""What becomes of deals."""

from cdp_pipelines.metrics.classes import Proportion, Survival
from cdp_pipelines.metrics.declaration import Metric

OPPORTUNITY_WIN_RATE = Metric(
    id="opportunity_win_rate",
    name="Deals won",
    family="customer_centricity",
    tier=1,
    definition="Deals won out of all deals won or lost, in the period in which they were.",
    numerator="deals won",
    denominator="deals closed",
    measures=(Proportion(),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=0,
    sources=("hubspot",),
    entities=("deal",),
    slices=("source", "pipeline"),
    eligible="deal",
    window="period of closing",
    seed_refs=("opportunity tracking",),
)

SALES_CYCLE_LENGTH = Metric(
    id="sales_cycle_length",
    name="Length of a sale",
    family="customer_centricity",
    tier=2,
    definition=(
        "Days from the creation of a deal to its winning. Deals still open count with their age (Kaplan-Meier); lost "
        "ones do not count."
    ),
    numerator="deals won",
    denominator="deals won or open",
    measures=(Survival(),),
    unit="days",
    better="down",
    purpose="service_delivery",
    k=0,
    sources=("hubspot",),
    entities=("deal",),
    slices=("source", "pipeline"),
    eligible="deal",
    window="period of creation",
    external_ref="Kaplan-Meier",
    seed_refs=("monitor sales performance",),
)

SALES = (OPPORTUNITY_WIN_RATE, SALES_CYCLE_LENGTH)
