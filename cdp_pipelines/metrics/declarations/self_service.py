"""Help without a person. No connected source reports help sessions or bots yet, so these have no statement."""

from cdp_pipelines.metrics.classes import Composite, Mean, Proportion
from cdp_pipelines.metrics.composites import Component
from cdp_pipelines.metrics.declaration import Metric

SELF_SERVICE_CONTAINMENT_RATE = Metric(
    id="self_service_containment_rate",
    name="Self-service containment",
    family="autonomy",
    tier=1,
    definition=(
        "Issues that began in self-service and were closed without staff, out of all issues that began in "
        "self-service. Contained is not the same as solved."
    ),
    numerator="issues begun in self-service that staff never touched",
    denominator="issues begun in self-service",
    measures=(Proportion(),),
    unit="ratio",
    better="up",
    purpose="analytics",
    k=5,
    sources=(),
    entities=("ticket", "message", "kb_article_view", "kb_search", "portal_event"),
    slices=("channel", "source"),
    lag_hours=72,
    eligible="ticket",
    seed_refs=("Self-Service Containment Rate",),
    guardrail="frustrated_containment_rate",
)

CHATBOT_RESOLUTION_RATE = Metric(
    id="chatbot_resolution_rate",
    name="Chatbot resolution",
    family="autonomy",
    tier=1,
    definition=(
        "Ended bot conversations with a customer's message, without a human message or a request for one, not "
        "followed by a related contact within 72 hours and not answered with 'not solved', out of all ended bot "
        "conversations with a customer's message."
    ),
    numerator="bot conversations that settled the matter",
    denominator="ended bot conversations with a customer's message",
    measures=(Proportion(),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=(),
    entities=("bot_conversation", "ticket", "message"),
    slices=("channel", "source"),
    lag_hours=72,
    eligible="message",
    seed_refs=("Resolution Rate within Chatbots",),
)

SELF_SERVICE_USAGE_RATE = Metric(
    id="self_service_usage_rate",
    name="Self-service usage",
    family="autonomy",
    tier=1,
    definition="Issues with at least one touch of self-service out of all issues opened.",
    numerator="issues with a touch of self-service",
    denominator="issues opened",
    measures=(Proportion(),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=(),
    entities=("ticket", "message", "kb_article_view", "kb_search", "portal_event"),
    slices=("channel", "source"),
    eligible="ticket",
    seed_refs=("self-service usage, resolution rate, CES, containment rate",),
)

SELF_SERVICE_RESOLUTION_RATE = Metric(
    id="self_service_resolution_rate",
    name="Self-service resolution",
    family="autonomy",
    tier=1,
    definition=(
        "Issues that began in self-service, that staff never touched and that were followed by no related contact "
        "within 7 days and no sign of dissatisfaction, out of all issues that began in self-service."
    ),
    numerator="issues settled in self-service",
    denominator="issues begun in self-service",
    measures=(Proportion(),),
    unit="ratio",
    better="up",
    purpose="analytics",
    k=5,
    sources=(),
    entities=("ticket", "message", "kb_article_view", "kb_search", "portal_event"),
    slices=("channel", "source"),
    lag_hours=7 * 24,
    linked=True,
    eligible="ticket",
    seed_refs=("issue is resolved, CES measures the effort",),
)

CES_SELF_SERVICE = Metric(
    id="ces_self_service",
    name="Customer effort in self-service, as ease",
    family="autonomy",
    tier=1,
    definition="Mean ease, from 1 to 7 where high is easy, of answers about something done in self-service.",
    numerator="sum of ease",
    denominator="answers about self-service",
    measures=(Mean(low=1.0, high=7.0),),
    unit="points",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=(),
    entities=("survey_response", "survey_invitation"),
    slices=("channel", "source", "locale"),
    eligible="survey_response",
    external_ref="CES 2.0",
    seed_refs=("Customer Effort Score (CES) for Self-Service Interactions",),
)

CAI = Metric(
    id="cai",
    name="Customer Autonomy Index",
    family="autonomy",
    tier=1,
    definition=(
        "Weighted mean of four metrics on a scale from 0 to 100: self-service usage (0.20), resolution (0.30), ease "
        "from 1 to 7 (0.30) and containment (0.20). What is missing hands its weight to the rest, as long as 0.60 of "
        "the weight and two of the four are there; coverage says how much is. The interval takes them as independent."
    ),
    numerator="weighted components",
    denominator="-",
    measures=(
        Composite(
            components=(
                Component("self_service_usage_rate", 0.20, 0, 1),
                Component("self_service_resolution_rate", 0.30, 0, 1),
                Component("ces_self_service", 0.30, 1, 7),
                Component("self_service_containment_rate", 0.20, 0, 1),
            )
        ),
    ),
    unit="points",
    better="up",
    purpose="analytics",
    k=5,
    sources=(),
    entities=(),
    grains=("week", "month"),
    seed_refs=("Customer Autonomy Index (CAI)",),
)

SELF_SERVICE = (
    SELF_SERVICE_CONTAINMENT_RATE,
    CHATBOT_RESOLUTION_RATE,
    SELF_SERVICE_USAGE_RATE,
    SELF_SERVICE_RESOLUTION_RATE,
    CES_SELF_SERVICE,
    CAI,
)
