"""Help without a person. No connected source reports help sessions or bots yet, so these have no statement."""

from cdp_pipelines.metrics.classes import Proportion
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
    slices=("channel", "source", "topic"),
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
    slices=("channel", "source", "topic", "evidence"),
    lag_hours=72,
    eligible="message",
    seed_refs=("Resolution Rate within Chatbots",),
)

SELF_SERVICE = (SELF_SERVICE_CONTAINMENT_RATE, CHATBOT_RESOLUTION_RATE)
