"""What happens to people who ask for help."""

from cdp_pipelines.metrics.classes import Count, Proportion, Survival
from cdp_pipelines.metrics.declaration import Metric

ISSUES = ("customer_ticket", "solve", "public_message", "contact", "touch", "issue_ticket", "issue")
"""Derived tables up to the issues that tickets fold into."""

SUPPORT_TICKET_VOLUME = Metric(
    id="support_ticket_volume",
    name="Support tickets",
    family="autonomy",
    tier=1,
    definition="Tickets opened by customers; spam and duplicates merged into another ticket are left out.",
    numerator="tickets",
    denominator="-",
    measures=(Count(),),
    unit="tickets",
    better="ctx",
    purpose="service_delivery",
    k=5,
    sources=("zendesk",),
    entities=("ticket",),
    slices=("channel", "source"),
    transforms=("customer_ticket",),
    eligible="ticket",
    seed_refs=("Reduction in Support Tickets",),
)

FIRST_RESPONSE_TIME = Metric(
    id="first_response_time",
    name="First response time",
    family="customer_centricity",
    tier=1,
    definition=(
        "Minutes from the creation of a ticket to the first public reply of a member of staff. Tickets still waiting "
        "count with the time they have waited so far (Kaplan-Meier)."
    ),
    numerator="answered tickets",
    denominator="tickets",
    measures=(Survival(),),
    unit="minutes",
    better="down",
    purpose="service_delivery",
    k=5,
    sources=("zendesk",),
    entities=("ticket", "message"),
    slices=("channel", "source", "priority"),
    transforms=("customer_ticket", "public_message", "first_reply"),
    eligible="ticket",
    external_ref="Kaplan-Meier",
    seed_refs=("reduces frustration and wait times", "reduces response times"),
)

TTR_MEDIAN = Metric(
    id="ttr_median",
    name="Time to resolution",
    family="autonomy",
    tier=1,
    definition=(
        "Hours from the opening of an issue to its resolution: the last solve that was not undone within 7 days. "
        "Issues still open count with their age (Kaplan-Meier). An issue is what one person needed help with: "
        "tickets at most 72 hours apart on the same or an unknown topic belong together."
    ),
    numerator="resolved issues",
    denominator="issues opened",
    measures=(Survival(),),
    unit="hours",
    better="down",
    purpose="service_delivery",
    k=5,
    sources=("zendesk",),
    entities=("ticket", "message", "ticket_event"),
    slices=("channel", "source", "mode"),
    transforms=("customer_ticket", "solve", "public_message", "contact", "touch", "issue_ticket", "issue"),
    eligible="ticket",
    window="period of opening",
    external_ref="Kaplan-Meier",
    seed_refs=("Time to Resolution (TTR) in Self-Service Vs. Agent-Assisted Channels",),
    guardrail="ticket_reopen_rate",
)

TICKET_REOPEN_RATE = Metric(
    id="ticket_reopen_rate",
    name="Tickets reopened",
    family="customer_centricity",
    tier=2,
    definition="Tickets reopened within 14 days of being solved for the first time, out of all tickets so solved.",
    numerator="tickets reopened within 14 days",
    denominator="tickets solved for the first time",
    measures=(Proportion(),),
    unit="ratio",
    better="down",
    purpose="service_delivery",
    k=5,
    sources=("zendesk",),
    entities=("ticket", "ticket_event"),
    slices=("channel", "source"),
    lag_hours=14 * 24,
    transforms=("customer_ticket", "solve"),
    eligible="ticket",
    seed_refs=("prevent it from happening again",),
)

FIRST_CONTACT_RESOLUTION_RATE = Metric(
    id="first_contact_resolution_rate",
    name="First contact resolution",
    family="customer_centricity",
    tier=1,
    definition=(
        "Resolved issues that needed one contact of the customer and were followed by no related issue of the same "
        "person within 7 days of the resolution, out of all resolved issues that staff had a hand in. Related: the "
        "same topic, or one of the two is unknown. Issues of nobody identifiable cannot be followed; they lower "
        "coverage."
    ),
    numerator="issues resolved at the first contact",
    denominator="resolved issues touched by staff",
    measures=(Proportion(),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=("zendesk",),
    entities=("ticket", "message", "ticket_event"),
    slices=("channel", "source"),
    lag_hours=7 * 24,
    transforms=ISSUES,
    linked=True,
    eligible="ticket",
    window="period of opening",
    seed_refs=("speeds up issue resolution",),
)

REPEAT_CONTACT_RATE = Metric(
    id="repeat_contact_rate",
    name="Repeat contact",
    family="autonomy",
    tier=1,
    definition=(
        "Resolved issues followed by a related issue of the same person within 7 days of the resolution, out of all "
        "resolved issues. Related: the same topic, or one of the two is unknown. Issues of nobody identifiable cannot "
        "be followed; they lower coverage."
    ),
    numerator="resolved issues followed by a related one",
    denominator="resolved issues",
    measures=(Proportion(),),
    unit="ratio",
    better="down",
    purpose="service_delivery",
    k=5,
    sources=("zendesk",),
    entities=("ticket", "message", "ticket_event"),
    slices=("channel", "source", "mode"),
    lag_hours=7 * 24,
    transforms=ISSUES,
    linked=True,
    eligible="ticket",
    window="period of opening",
    seed_refs=("without further contact",),
)

SUPPORT = (
    SUPPORT_TICKET_VOLUME,
    FIRST_RESPONSE_TIME,
    TTR_MEDIAN,
    TICKET_REOPEN_RATE,
    FIRST_CONTACT_RESOLUTION_RATE,
    REPEAT_CONTACT_RATE,
)
