"""HubSpot's manners: credentials, scopes, limits, unknown paths; and the endpoints that need no world."""

import math
from typing import TYPE_CHECKING

from sandbox import hubspot_errors as errors
from sandbox import hubspot_marketing, hubspot_objects, hubspot_properties, hubspot_search
from sandbox.hubspot_marketing import PORTAL_ID
from sandbox.switches import Window
from sandbox.web import Request, Response, Router, Vendor, reply

if TYPE_CHECKING:
    from sandbox.world import World

TOKEN = "pat-na1-sandbox"
TOKEN_WITHOUT_SCOPES = "pat-na1-noscope"
BURST, BURST_SECONDS, DAILY, SEARCHES = 190, 10, 625_000, 5
_SCOPES = {
    "contacts": "crm.objects.contacts.read",
    "companies": "crm.objects.companies.read",
    "feedback_submissions": "crm.objects.feedback_submissions.read",
    "owners": "crm.objects.owners.read",
    "communication-preferences": "communication_preferences.read",
    "subscriptions": "content",
}

router = Router()
for part in (hubspot_search, hubspot_objects, hubspot_properties, hubspot_marketing):
    router.include(part.router)


@router.on("GET", "/account-info/v3/details")
def account(_world: "World", _request: Request) -> Response:
    """Who this token belongs to; needs no scope."""
    return reply(
        {
            "portalId": PORTAL_ID,
            "accountType": "STANDARD",
            "timeZone": "Europe/Berlin",
            "companyCurrency": "EUR",
            "additionalCurrencies": [],
            "utcOffset": "+01:00",
            "utcOffsetMilliseconds": 3_600_000,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
    )


@router.on("GET", "/crm/v3/owners")
def owners(_world: "World", _request: Request) -> Response:
    """The two salespeople."""
    people = (("51001", "Petra", "Sommerfeld"), ("51002", "Tobias", "Rennert"))
    at = "2024-01-10T08:00:00.000Z"
    return reply(
        {
            "results": [
                {
                    "id": i,
                    "email": f"{first.lower()}@support.example",
                    "type": "PERSON",
                    "firstName": first,
                    "lastName": last,
                    "userId": int(i) + 4_000_000,
                    "userIdIncludingInactive": int(i) + 4_000_000,
                    "createdAt": at,
                    "updatedAt": at,
                    "archived": False,
                    "teams": [],
                }
                for i, first, last in people
            ]
        }
    )


@router.on("GET", "/crm/v3/pipelines/{kind}")
def pipelines(_world: "World", _request: Request, kind: str) -> Response:
    """The default pipeline of deals and tickets; this account uses neither."""
    labels = ("New", "Waiting on contact", "Waiting on us", "Closed")
    at = "2024-01-10T08:00:00.000Z"
    times = {"createdAt": at, "updatedAt": at, "archived": False}
    stages = [
        {
            "id": str(n),
            "label": label,
            "displayOrder": n,
            "metadata": {"isClosed": str(label == "Closed").lower()},
            **times,
        }
        for n, label in enumerate(labels, 1)
    ]
    if kind not in {"deals", "tickets"}:
        return hubspot_properties.unknown_kind(kind)
    return reply({"results": [{"id": "0", "label": "Support Pipeline", "displayOrder": 0, "stages": stages, **times}]})


class HubSpot(Vendor):
    """The stand-in for ``https://api.hubapi.com``."""

    name = "hubspot"
    router = router

    def __init__(self, world: "World") -> None:
        """Serve ``world`` with fresh limits."""
        super().__init__(world)
        self._burst, self._daily = Window(BURST, BURST_SECONDS), Window(DAILY, 86_400)
        self._searches = Window(SEARCHES, 1)

    def refuse(self, request: Request, template: str | None) -> Response | None:
        """401 without a known token, 403 for the token that has no scopes."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token == TOKEN_WITHOUT_SCOPES and template != "/account-info/v3/details":
            scopes = [scope for part, scope in _SCOPES.items() if part in request.path.split("/")]
            return errors.missing_scopes(scopes[:1])
        return None if token in {TOKEN, TOKEN_WITHOUT_SCOPES} else errors.unauthenticated()

    def throttle(self, request: Request, scale: float) -> tuple[Response | None, dict[str, str]]:
        """Burst and daily limit, or the search limit, whose answers carry no headers."""
        if request.path.endswith("/search"):
            wait = self._searches.take(scale)
            return (errors.too_many("SECONDLY") if wait is not None else None), {}
        if self._daily.take(scale) is not None:
            return errors.too_many("DAILY"), {}
        limited = errors.too_many("TEN_SECONDLY_ROLLING") if self._burst.take(scale) is not None else None
        headers = {
            "x-hubspot-ratelimit-max": str(self._burst.scaled(scale)),
            "x-hubspot-ratelimit-remaining": str(self._burst.remaining(scale)),
            "x-hubspot-ratelimit-interval-milliseconds": str(BURST_SECONDS * 1000),
            "x-hubspot-ratelimit-daily": str(self._daily.scaled(scale)),
            "x-hubspot-ratelimit-daily-remaining": str(self._daily.remaining(scale)),
            "x-hubspot-ratelimit-secondly": str(math.ceil(self._burst.scaled(scale) / BURST_SECONDS)),
        }
        if limited:
            limited.headers |= headers
        return limited, headers

    def unknown(self, request: Request) -> Response:
        """404 with the short body of the edge."""
        return reply({"status": "error", "message": f"No handler found for {request.method} path"}, 404)

    def fail(self, kind: str, retry_after: int) -> Response:
        """The bodies of faults."""
        if kind in {"429", "429_retry_after"}:
            response = errors.too_many("TEN_SECONDLY_ROLLING")
        elif kind == "expired_token":
            response = errors.expired()
        elif kind == "500":
            response = errors.error(500, "INTERNAL_ERROR", "internal error")
        else:
            response = Response(503, b"<html><body>Service Unavailable</body></html>", {"content-type": "text/html"})
        if kind.endswith("_retry_after"):
            response.headers["retry-after"] = str(retry_after)
        return response
