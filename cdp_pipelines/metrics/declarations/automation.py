"""How well the automations work, our own among them, and how far records have found their person."""

from cdp_pipelines.metrics.classes import Proportion, Quantiles, Rate
from cdp_pipelines.metrics.declaration import Metric
from models import OURSELVES

AUTOMATION_COMPLETION_RATE = Metric(
    id="automation_completion_rate",
    name="Automation completion",
    family="automation",
    tier=1,
    definition=(
        "Runs that succeeded at once, with no failed attempt and no hand laid on, out of all runs that are over. "
        "Attempts of one run count together, on the day the last one ended."
    ),
    numerator="clean runs",
    denominator="runs that are over",
    measures=(Proportion(),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=0,
    sources=(OURSELVES,),
    entities=("automation_run",),
    slices=("source", "process"),
    transforms=("logical_run",),
    seed_refs=("Completion Rate",),
)

AUTOMATION_PROCESSING_TIME = Metric(
    id="automation_processing_time",
    name="Automation processing time",
    family="automation",
    tier=1,
    definition="Seconds from the start of the first attempt to the end of the last, of runs that succeeded.",
    numerator="seconds",
    denominator="runs that succeeded",
    measures=(Quantiles(),),
    unit="seconds",
    better="down",
    purpose="service_delivery",
    k=0,
    sources=(OURSELVES,),
    entities=("automation_run",),
    slices=("source", "process"),
    transforms=("logical_run",),
    seed_refs=("Processing Time",),
)

THROUGHPUT_RATE = Metric(
    id="throughput_rate",
    name="Automation throughput",
    family="automation",
    tier=1,
    definition="Runs that succeeded per hour that has passed.",
    numerator="runs that succeeded",
    denominator="hours",
    measures=(Rate(),),
    unit="runs per hour",
    better="up",
    purpose="service_delivery",
    k=0,
    sources=(OURSELVES,),
    entities=("automation_run",),
    slices=("source", "process"),
    transforms=("logical_run",),
    seed_refs=("Throughput Rate",),
)

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

AUTOMATION = (AUTOMATION_COMPLETION_RATE, AUTOMATION_PROCESSING_TIME, THROUGHPUT_RATE, IDENTITY_MATCH_RATE)
