"""How many records a shop holds. Counts end at a limit unless told otherwise, and then say that there are more."""

from connectors.graphql import ask, at
from connectors.shopify.queries import PATH
from connectors.spec import Count, Fetch

_MOST = 1_000_000


def counted(field: str) -> Count:
    """Counts what ``field`` counts."""

    async def count(fetch: Fetch) -> int | None:
        body = await fetch(
            ask(PATH, f"query($limit: Int) {{ {field}(limit: $limit) {{ count precision }} }}", limit=_MOST)
        )
        found = at(body, f"data.{field}") or {}
        return found.get("count") if found.get("precision") == "EXACT" else None

    return count
