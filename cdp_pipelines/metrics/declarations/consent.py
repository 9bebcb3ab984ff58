"""What customers allow, and what they take back."""

from cdp_pipelines.metrics.classes import Proportion
from cdp_pipelines.metrics.declaration import PERIODS, Metric

CONSENT_OPT_IN_RATE = Metric(
    id="consent_opt_in_rate",
    name="Consent opt-in",
    family="privacy_ethics",
    tier=1,
    definition=(
        "Persons whose latest decision is granted out of all who have a recorded decision, at the end of the day. "
        "Over all purposes or channels a person counts as granted while any decision stands at granted. "
        "Companion: of_all_persons, out of everybody known."
    ),
    numerator="persons with consent granted",
    denominator="persons with a recorded decision",
    measures=(Proportion(n="n"), Proportion(stat="of_all_persons", n="everyone")),
    unit="ratio",
    better="ctx",
    purpose="service_delivery",
    k=5,
    sources=("hubspot",),
    entities=("consent_event", "person"),
    grains=("asof",),
    slices=("channel", "purpose", "locale"),
    membership="state",
    transforms=("consent_change", "person_locale"),
    eligible="consent_event",
    window="as of the end of the day",
    seed_refs=("Customer Opt-In/opt-Out Rates for Data Collection",),
)

CONSENT_OPT_OUT_RATE = Metric(
    id="consent_opt_out_rate",
    name="Consent opt-out",
    family="privacy_ethics",
    tier=1,
    definition="Persons who withdrew a granted consent in the period out of all who had granted it at any time in it.",
    numerator="persons going from granted to withdrawn",
    denominator="persons granted at any time in the period",
    measures=(Proportion(n="n"),),
    unit="ratio",
    better="ctx",
    purpose="service_delivery",
    k=5,
    sources=("hubspot",),
    entities=("consent_event",),
    grains=PERIODS,
    slices=("channel", "purpose"),
    membership="interval",
    transforms=("consent_change",),
    eligible="consent_event",
    seed_refs=("Customer Opt-In/opt-Out Rates for Data Collection",),
)

CONSENT = (CONSENT_OPT_IN_RATE, CONSENT_OPT_OUT_RATE)
