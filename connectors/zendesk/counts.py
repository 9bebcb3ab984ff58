"""How many records Zendesk holds. It counts up to 100,000 at once and the rest later, so large numbers may be old."""

from connectors.spec import Count, Fetch, Request


def listed(kind: str) -> Count:
    """Counts what the listing of a kind holds: tickets without the archived ones, users without the deleted."""

    async def count(fetch: Fetch) -> int | None:
        body = await fetch(Request(f"/api/v2/{kind}/count"))
        found = body.get("count")
        value = found.get("value") if isinstance(found, dict) else found
        return value if isinstance(value, int) else None

    return count
