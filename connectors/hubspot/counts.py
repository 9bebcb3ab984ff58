"""How many records HubSpot holds: a search that asks for one of them states the total of all that are not archived."""

from connectors.spec import Count, Fetch, Request


def search_total(object_type: str) -> Count:
    """Counts the live objects of a type."""

    async def count(fetch: Fetch) -> int | None:
        body = await fetch(Request(f"/crm/v3/objects/{object_type}/search", json={"limit": 1, "filterGroups": []}))
        total = body.get("total")
        return total if isinstance(total, int) else None

    return count
