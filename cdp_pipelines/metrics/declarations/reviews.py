"""What people say in public, and whether the business answers."""

from cdp_pipelines.metrics.classes import Count, Mean, Proportion, Survival
from cdp_pipelines.metrics.declaration import Metric

REVIEW_VOLUME = Metric(
    id="review_volume",
    name="Reviews",
    family="customer_centricity",
    tier=1,
    definition="Reviews written on review platforms.",
    numerator="reviews",
    denominator="-",
    measures=(Count(),),
    unit="reviews",
    better="ctx",
    purpose="service_delivery",
    k=0,
    sources=("google_reviews",),
    entities=("review",),
    slices=("platform",),
    eligible="review",
    seed_refs=("Monitor online review platforms", "Pay attention to online review platforms"),
)

REVIEW_AVERAGE_RATING = Metric(
    id="review_average_rating",
    name="Average rating",
    family="customer_centricity",
    tier=1,
    definition="Mean rating of reviews, each brought from its own scale to 1 to 5.",
    numerator="sum of ratings",
    denominator="reviews with a rating",
    measures=(Mean(low=1.0, high=5.0),),
    unit="stars",
    better="up",
    purpose="service_delivery",
    k=0,
    sources=("google_reviews",),
    entities=("review",),
    grains=("month", "roll365"),
    slices=("platform",),
    eligible="review",
    window="month; trailing 365 days",
    seed_refs=("positive online reviews",),
)

REVIEW_RESPONSE_RATE = Metric(
    id="review_response_rate",
    name="Reviews answered",
    family="customer_centricity",
    tier=1,
    definition="Reviews the business replied to within 7 days out of all reviews.",
    numerator="reviews with a reply within 7 days",
    denominator="reviews",
    measures=(Proportion(),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=0,
    sources=("google_reviews",),
    entities=("review",),
    slices=("platform", "rating_band"),
    lag_hours=7 * 24,
    eligible="review",
    seed_refs=("Respond to reviews, both positive and negative", "Respond to both positive and negative reviews"),
)

REVIEW_RESPONSE_TIME = Metric(
    id="review_response_time",
    name="Time to answer a review",
    family="customer_centricity",
    tier=2,
    definition=(
        "Hours from a review to the reply of the business. Reviews without a reply count with the time they have "
        "waited so far (Kaplan-Meier)."
    ),
    numerator="reviews with a reply",
    denominator="reviews",
    measures=(Survival(),),
    unit="hours",
    better="down",
    purpose="service_delivery",
    k=0,
    sources=("google_reviews",),
    entities=("review",),
    slices=("platform",),
    eligible="review",
    external_ref="Kaplan-Meier",
    seed_refs=("in a timely and professional manner",),
)

REVIEWS = (REVIEW_VOLUME, REVIEW_AVERAGE_RATING, REVIEW_RESPONSE_RATE, REVIEW_RESPONSE_TIME)
