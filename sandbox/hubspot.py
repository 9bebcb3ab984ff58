"""HubSpot's manners: credentials, scopes, limits, unknown paths; and the endpoints that need no world."""

import math
from typing import TYPE_CHECKING

from sandbox import hubspot_errors as errors
from sandbox import hubspot_marketing, hubspot_objects, hubspot_properties, hubspot_search
from sandbox.deals import PIPELINES, Pipeline
from sandbox.hubspot_marketing import PORTAL_ID
from sandbox.hubspot_oauth import HubSpotOAuth
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
    "deals": "crm.objects.deals.read",
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
    """The pipelines of deals, and the default one of tickets, which this account does not use."""
    if kind in {"deals", "deal", "0-3"}:
        return reply({"results": [_pipeline(number, pipeline) for number, pipeline in enumerate(PIPELINES)]})
    if kind != "tickets":
        return hubspot_properties.unknown_kind(kind)
    labels = ("New", "Waiting on contact", "Waiting on us", "Closed")
    stages = [
        _step(str(n), label, n, {"isClosed": str(label == "Closed").lower()}) for n, label in enumerate(labels, 1)
    ]
    return reply({"results": [{**_step("0", "Support Pipeline", 0), "stages": stages}]})


def _pipeline(number: int, pipeline: Pipeline) -> dict[str, object]:
    stages = [
        _step(stage.id, stage.label, n, {"isClosed": str(stage.closed).lower(), "probability": str(stage.probability)})
        for n, stage in enumerate(pipeline.stages)
    ]
    return {**_step(pipeline.id, pipeline.label, number), "stages": stages}


def _step(step_id: str, label: str, order: int, metadata: dict[str, str] | None = None) -> dict[str, object]:
    at = "2024-01-10T08:00:00.000Z"
    step: dict[str, object] = {"id": step_id, "label": label, "displayOrder": order}
    return {**step, **({"metadata": metadata} if metadata else {}), "createdAt": at, "updatedAt": at, "archived": False}


class HubSpot(Vendor):
    """The stand-in for ``https://api.hubapi.com``."""

    name = "hubspot"

    def __init__(self, world: "World") -> None:
        """Serve ``world`` with fresh limits."""
        super().__init__(world)
        self._oauth = HubSpotOAuth()
        self.grants, self.router = self._oauth.grants, Router()
        for part in (router, self._oauth.router):
            self.router.include(part)
        self._burst, self._daily = Window(BURST, BURST_SECONDS), Window(DAILY, 86_400)
        self._searches = Window(SEARCHES, 1)

    def refuse(self, request: Request, template: str | None) -> Response | None:
        """401 without a known token, 403 for a token that lacks the scope of the path."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token == TOKEN or template in self._oauth.open_paths:
            return None
        granted = () if token == TOKEN_WITHOUT_SCOPES else self._oauth.grants.allowed(token)
        if granted is None:
            return errors.expired() if self._oauth.grants.is_expired(token) else errors.unauthenticated()
        needed = [scope for part, scope in _SCOPES.items() if part in request.path.split("/")][:1]
        lacking = token == TOKEN_WITHOUT_SCOPES or not set(needed) <= set(granted)
        return errors.missing_scopes(needed) if lacking and template != "/account-info/v3/details" else None

    def throttle(self, request: Request, scale: float) -> tuple[Response | None, dict[str, str]]:
        """Burst and daily limit, or the search limit, whose answers carry no headers; OAuth is not counted."""
        if request.path.startswith("/oauth/"):
            return None, {}
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

    def fail(self, status: int) -> Response:
        """The body of an error status."""
        match status:
            case 401:
                return errors.expired()
            case 403:
                return errors.missing_scopes(["crm.objects.contacts.read"])
            case 404:
                return errors.not_found()
            case 429:
                return errors.too_many("TEN_SECONDLY_ROLLING")
            case 503:
                return Response(503, b"<html><body>Service Unavailable</body></html>", {"content-type": "text/html"})
        categories = {400: "VALIDATION_ERROR", 409: "CONFLICT", 413: "REQUEST_TOO_LARGE"}
        return errors.error(status, categories.get(status, "INTERNAL_ERROR"), "internal error")
