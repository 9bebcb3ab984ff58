# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""Subscription types and how people decide about them over time."""

from collections.abc import Iterator
from random import Random

from sandbox.records import ConsentChange
from sandbox.spelling import pick

SUBSCRIPTIONS = (
    (311_001, "Newsletter", "Marketing", "Our monthly letter"),
    (311_002, "Product news", "Marketing", "What is new in the product"),
    (311_003, "Research invitations", "Research", "Invitations to surveys and interviews"),
    (311_004, "Personal recommendations", "Personalisation", "Recommendations made from your orders"),
)
CONSENT_BASIS = "Freely given consent from contact"
_ASKED = (0.75, 0.45, 0.3, 0.35)
_BASES = (
    CONSENT_BASIS,
    CONSENT_BASIS,
    CONSENT_BASIS,
    "Legitimate interest – existing customer",  # noqa: RUF001 - the vendor writes this dash
    "Legitimate interest - other",
)
_GRANT_SOURCES = ("SOURCE_RECIPIENT", "SOURCE_RECIPIENT", "SOURCE_HUBSPOT_CUSTOMER", "SOURCE_ADMIN")


def subscription_change(rng: Random, email: str, at: int, subscription_id: int, *, subscribed: bool) -> ConsentChange:
    """A grant or a withdrawal for one subscription type at ``at`` (epoch ms)."""
    if subscribed:
        return ConsentChange(
            at,
            email,
            "SUBSCRIBED",
            "SUBSCRIPTION_STATUS",
            pick(rng, _GRANT_SOURCES),
            subscription_id,
            pick(rng, _BASES),
        )
    return ConsentChange(at, email, "UNSUBSCRIBED", "SUBSCRIPTION_STATUS", "SOURCE_RECIPIENT", subscription_id)


def portal_withdrawal(rng: Random, email: str, at: int) -> ConsentChange:
    """An opt-out of everything: asked for, or because of a spam report."""
    if rng.random() < 0.2:
        return ConsentChange(at, email, "UNSUBSCRIBED", "PORTAL_SPAM_REPORT", "SOURCE_DIRECT_COMPLAINT", None)
    return ConsentChange(at, email, "UNSUBSCRIBED", "PORTAL_STATUS", "SOURCE_RECIPIENT", None)


def consent_history(rng: Random, email: str, start: int, end: int) -> Iterator[ConsentChange]:
    """What one address decided between ``start`` and ``end`` (epoch ms), oldest first per subscription."""
    random, span = rng.random, max(1, end - start)
    for (subscription_id, *_), asked in zip(SUBSCRIPTIONS, _ASKED, strict=True):
        if random() > asked:
            continue
        first = start + int(random() * span)
        yield subscription_change(rng, email, first, subscription_id, subscribed=random() > 0.1)
        if random() < 0.18:
            second = first + int(random() * (end - first))
            yield subscription_change(rng, email, second, subscription_id, subscribed=random() < 0.2)
    if random() < 0.03:
        yield portal_withdrawal(rng, email, start + int(random() * span))
