"""How well the automations work, our own among them."""

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

AUTOMATION = (AUTOMATION_COMPLETION_RATE, AUTOMATION_PROCESSING_TIME, THROUGHPUT_RATE)
