"""Every source there is. A connector that is listed here gets the contract suite, the assets and the commands."""

from connectors.hubspot import HUBSPOT
from connectors.spec import Source
from connectors.zendesk import ZENDESK

SOURCES: tuple[Source, ...] = (HUBSPOT, ZENDESK)


def source(name: str) -> Source:
    """The source called ``name``.

    Raises:
        LookupError: There is none; the message lists those there are.
    """
    for known in SOURCES:
        if known.name == name:
            return known
    raise LookupError(f"There is no source {name!r}. Known sources: {', '.join(known.name for known in SOURCES)}.")
