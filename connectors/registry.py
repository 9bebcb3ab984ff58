"""Every source there is. A connector that is listed here gets the contract suite, the assets and the commands."""

from connectors.errors import SettingsError
from connectors.google_reviews import GOOGLE_REVIEWS
from connectors.hubspot import HUBSPOT
from connectors.shopify import SHOPIFY
from connectors.spec import Source
from connectors.zendesk import ZENDESK

SOURCES: tuple[Source, ...] = (GOOGLE_REVIEWS, HUBSPOT, SHOPIFY, ZENDESK)


def source(name: str) -> Source:
    """The source called ``name``.

    Raises:
        SettingsError: There is none; the message lists those there are.
    """
    for known in SOURCES:
        if known.name == name:
            return known
    known_names = ", ".join(known.name for known in SOURCES)
    raise SettingsError(f"Looking up the source: {name!r} is none we know. Name one of these: {known_names}.")
