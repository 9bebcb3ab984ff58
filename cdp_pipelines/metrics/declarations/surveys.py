"""What customers answer when they are asked.

Answers are not sliced by topic or touchpoint, because no connected source says what an answer was about.
"""

from cdp_pipelines.metrics.classes import Mean, Net, Proportion, TopBox
from cdp_pipelines.metrics.declaration import Metric

CSAT = Metric(
    id="csat",
    name="Customer satisfaction",
    family="customer_centricity",
    tier=1,
    definition=(
        "Satisfied answers out of all answers to satisfaction surveys. Satisfied is what the source itself sorts as "
        "good; on a scale, the two best of five or more points or the best of fewer. Unanswered offers do not count."
    ),
    numerator="satisfied answers",
    denominator="answers",
    measures=(TopBox(),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=("hubspot", "zendesk"),
    entities=("survey_response", "survey_invitation"),
    slices=("channel", "source", "locale"),
    transforms=("person_locale", "survey_answer"),
    eligible="survey_response",
    invited="CSAT",
    external_ref="CSAT top-2-box",
    seed_refs=("customer satisfaction scores", "Regular Customer Satisfaction Surveys (CSAT)"),
    guardrail="survey_response_rate",
)

NPS = Metric(
    id="nps",
    name="Net Promoter Score",
    family="customer_centricity",
    tier=1,
    definition=(
        "100 times the share of promoters (9 or 10) less the share of detractors (0 to 6) among answers on a scale "
        "from 0 to 10; other scales are refused. A person counts once per cell, with the latest answer."
    ),
    numerator="promoters less detractors",
    denominator="answering persons",
    measures=(Net(scale=100.0),),
    unit="points",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=("hubspot",),
    entities=("survey_response", "survey_invitation"),
    grains=("month", "roll90"),
    slices=("channel", "source", "locale"),
    latest_only=True,
    transforms=("person_locale", "survey_answer"),
    eligible="survey_response",
    invited="NPS",
    window="month; trailing 90 days",
    external_ref="Reichheld 2003 scoring",
    seed_refs=("Net Promoter Score",),
    guardrail="survey_response_rate",
)

CES = Metric(
    id="ces",
    name="Customer effort score, as ease",
    family="customer_centricity",
    tier=1,
    definition=(
        "Mean ease on a scale from 1 to 7, where high is easy; other scales are converted linearly. Companions: "
        "ease_share, the share of answers of at least 5; effort_display, 8 less the mean."
    ),
    numerator="sum of ease",
    denominator="answers",
    measures=(
        Mean(low=1.0, high=7.0),
        TopBox(stat="ease_share", x="is_easy"),
        Mean(low=1.0, high=7.0, stat="effort_display", column="effort"),
    ),
    unit="points",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=("hubspot",),
    entities=("survey_response", "survey_invitation"),
    slices=("channel", "source", "locale"),
    transforms=("person_locale", "survey_answer"),
    eligible="survey_response",
    invited="CES",
    external_ref="CES 2.0",
    seed_refs=("customer effort score (CES) surveys",),
    guardrail="survey_response_rate",
)

SURVEY_RESPONSE_RATE = Metric(
    id="survey_response_rate",
    name="Survey response rate",
    family="customer_centricity",
    tier=1,
    definition="Survey invitations answered within 14 days out of all that were delivered in the period.",
    numerator="invitations answered within 14 days",
    denominator="invitations delivered",
    measures=(Proportion(),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=("zendesk",),
    entities=("survey_invitation", "survey_response"),
    slices=("channel", "source", "instrument"),
    lag_hours=14 * 24,
    eligible="survey_invitation",
    window="period of the invitation",
    seed_refs=("maximize response rates",),
)

SURVEYS = (CSAT, NPS, CES, SURVEY_RESPONSE_RATE)
