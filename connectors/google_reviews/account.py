"""What differs from one user of Google Business Profile to another: locations, and what their project may do."""

from collections.abc import Mapping
from typing import Any

from connectors.errors import IncompleteError, SettingsError
from connectors.google_reviews.oauth import SCOPE
from connectors.paging import page_token
from connectors.spec import Fetch, Json, Request

Places = dict[str, Json]
"""By the number of a location: its path in the reviews API, and its title."""


async def load_places(fetch: Fetch, options: Mapping[str, Any]) -> Places:
    """Every location this user may see, each once whatever accounts list it; only the configured ones, if any are.

    Raises:
        SettingsError: A configured location does not exist, or an option means nothing.
        IncompleteError: A listing runs in a circle.
    """
    places: Places = {}
    for account in await _all(fetch, Request("/v1/accounts", {"pageSize": "20"}), "accounts"):
        request = Request(f"/v1/{account['name']}/locations", {"pageSize": "100", "readMask": "name,title"})
        for location in await _all(fetch, request, "locations"):
            number = location["name"].rpartition("/")[2]
            path = f"{account['name']}/locations/{number}"
            places.setdefault(number, {"path": path, "title": location.get("title") or ""})
    return _chosen(places, options)


async def _all(fetch: Fetch, first: Request, rows_at: str) -> list[Json]:
    """Every record of a listing; an empty one is an object without the list."""
    found: list[Json] = []
    request: Request | None = first
    seen = set()
    while request is not None:
        token = request.params.get("pageToken")
        if token in seen:
            raise IncompleteError(
                f"google_reviews: the listing of {rows_at} asks for a page it has had, so it would never end. Compare "
                "docs/connectors/google_reviews.md with the vendor's changelog."
            )
        seen.add(token)
        body = await fetch(request)
        found += body.get(rows_at) or ()
        request = page_token(request, body)
    return found


def _chosen(places: Places, options: Mapping[str, Any]) -> Places:
    largest = options.get("largest_removal", 0.5)
    if not isinstance(largest, int | float) or not 0 <= largest <= 1:
        raise SettingsError(
            "google_reviews: largest_removal must be a number from 0 to 1, the share of a location's reviews that may "
            "vanish at once."
        )
    wanted = options.get("locations", [])
    if not isinstance(wanted, list) or not all(isinstance(number, str) for number in wanted):
        raise SettingsError('google_reviews: locations must be a list of texts, for example ["7741200000000000101"].')
    if unknown := sorted(set(wanted) - places.keys()):
        raise SettingsError(
            f"google_reviews: locations has {', '.join(unknown)}, which this user does not see. Locations: "
            f"{', '.join(sorted(places)) or 'none'}. Correct it for this source in cdp.toml."
        )
    return {number: place for number, place in places.items() if not wanted or number in wanted}


def describe(lookups: Mapping[str, Any]) -> tuple[str, ...]:
    """The locations, so that ``locations`` can be filled in."""
    return tuple(f"Location {number}: {place['title']}" for number, place in sorted(lookups["places"].items()))


def warn(lookups: Mapping[str, Any]) -> tuple[str, ...]:
    """An account that manages nothing is easily the wrong one."""
    return () if lookups["places"] else ("This user manages no location, so there are no reviews to read.",)


async def count_reviews(fetch: Fetch) -> int | None:
    """How many reviews all locations have: each listing states its total."""
    total = 0
    for place in (await load_places(fetch, {})).values():
        body = await fetch(Request(f"/v4/{place['path']}/reviews", {"pageSize": "1"}))
        total += body.get("totalReviewCount") or 0
    return total


def missing_scopes(body: Json) -> tuple[str, ...]:
    """The scope, if that is what a refusal is about."""
    return (SCOPE,) if "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in _reasons(body) else ()


def hopeless(body: Json) -> str | None:
    """A quota of nothing and an API that is switched off: neither passes by waiting."""
    reasons = _reasons(body)
    limits = {(detail.get("metadata") or {}).get("quota_limit_value") for detail in _details(body)}
    if "RATE_LIMIT_EXCEEDED" in reasons and "0" in limits:
        return (
            "Google has not given this project access to the Business Profile APIs: its quota is 0. Ask for it with "
            "Google's access form and run again when it is granted."
        )
    if "SERVICE_DISABLED" in reasons:
        return (
            "the API is switched off in this app's project. Enable the Google My Business API, the Account Management "
            "API and the Business Information API in the Google Cloud console."
        )
    return None


def _reasons(body: Json) -> set[str]:
    return {str(detail.get("reason")) for detail in _details(body)}


def _details(body: Json) -> list[Json]:
    error = body.get("error")
    details = error.get("details") if isinstance(error, dict) else None
    return [detail for detail in details or () if isinstance(detail, dict)]
