"""HubSpot's consent endpoints: subscription types, statuses of one address, the timeline of changes."""

from typing import TYPE_CHECKING

from sandbox.consents import CONSENT_BASIS, SUBSCRIPTIONS
from sandbox.hubspot_errors import error, invalid
from sandbox.hubspot_objects import batch
from sandbox.hubspot_records import definitions
from sandbox.records import ConsentChange
from sandbox.times import iso_millis
from sandbox.web import Request, Response, Router, reply

if TYPE_CHECKING:
    from sandbox.world import World

router = Router()

PORTAL_ID = 62_515
TIMELINE_PAGE = 1000


@router.on("GET", "/communication-preferences/v4/definitions")
def definitions_v4(world: "World", _request: Request) -> Response:
    """Subscription types in the batch envelope."""
    return batch(world, list(definitions()), [])


@router.on("GET", "/communication-preferences/v3/definitions")
def definitions_v3(_world: "World", _request: Request) -> Response:
    """The same, under the older name."""
    return reply({"subscriptionDefinitions": definitions()})


def _latest(world: "World", email: str) -> dict[int | None, ConsentChange]:
    """The newest change per subscription; the key None is the portal-wide opt-out."""
    found: dict[int | None, ConsentChange] = {}
    for change in world.timeline.records:
        if change.email == email:
            found[change.subscription_id] = change
    return found


@router.on("GET", "/communication-preferences/v4/statuses/{email}")
def statuses_v4(world: "World", request: Request, email: str) -> Response:
    """One address's status for every subscription type."""
    if request.one("channel") != "EMAIL":
        return invalid("channel is required and must be EMAIL", None, "channel")
    latest = _latest(world, email.lower())
    portal = latest.get(None)
    results: list[object] = []
    for number, name, *_ in SUBSCRIPTIONS:
        change = portal or latest.get(number)
        results.append(
            {
                "subscriberIdString": email,
                "subscriptionId": number,
                "subscriptionName": name,
                "channel": "EMAIL",
                "status": change.change if change else "NOT_SPECIFIED",
                "source": change.source if change else "NOT_SPECIFIED",
                "timestamp": iso_millis(change.at if change else 0),
                **({"legalBasis": _basis(change.legal_basis)} if change and change.legal_basis else {}),
            }
        )
    return batch(world, results, [])


def _basis(text: str) -> str:
    if text == CONSENT_BASIS:
        return "CONSENT_WITH_NOTICE"
    return "LEGITIMATE_INTEREST_CLIENT" if "existing customer" in text else "LEGITIMATE_INTEREST_OTHER"


@router.on("GET", "/communication-preferences/v4/statuses/{email}/unsubscribe-all")
def unsubscribed_v4(world: "World", request: Request, email: str) -> Response:
    """Whether one address opted out of everything."""
    if request.one("channel") != "EMAIL":
        return invalid("channel is required and must be EMAIL", None, "channel")
    portal = _latest(world, email.lower()).get(None)
    status = {
        "subscriberIdString": email,
        "channel": "EMAIL",
        "status": "UNSUBSCRIBED" if portal else "NOT_SPECIFIED",
        "timestamp": iso_millis(portal.at if portal else 0),
        "wideStatusType": "PORTAL_WIDE",
    }
    return batch(world, [status], [])


@router.on("GET", "/communication-preferences/v3/status/email/{email}")
def statuses_v3(world: "World", _request: Request, email: str) -> Response:
    """The older form, which cannot tell an opt-out from a decision never made."""
    latest = _latest(world, email.lower())
    portal = None in latest
    statuses = []
    for number, name, _purpose, text in SUBSCRIPTIONS:
        change = latest.get(number)
        subscribed = not portal and change is not None and change.change == "SUBSCRIBED"
        source = "PORTAL_WIDE_STATUS" if portal else "SUBSCRIPTION_STATUS"
        status = "SUBSCRIBED" if subscribed else "NOT_SUBSCRIBED"
        statuses.append(
            {"id": str(number), "name": name, "description": text, "status": status, "sourceOfStatus": source}
        )
    return reply({"recipient": email, "subscriptionStatuses": statuses})


@router.on("GET", "/email/public/v1/subscriptions/timeline")
def timeline(world: "World", request: Request) -> Response:
    """Consent changes, newest first, both bounds inclusive; a start of 0 is the vendor's 500."""
    start = request.integer("startTimestamp", 1000)
    end = request.integer("endTimestamp", world.clock * 1000)
    limit = request.integer("limit", 10)
    if start == 0:
        return error(500, "INTERNAL_ERROR", "internal error")
    if not 1 <= limit <= TIMELINE_PAGE:
        return invalid(f"limit must be between 1 and {TIMELINE_PAGE}", None, "limit")
    ordered = world.timeline
    first, stop = ordered.from_key(start), ordered.after_key(end)
    if offset := request.one("offset"):
        stop = min(stop, _position(offset))
    page = ordered.records[max(first, stop - limit) : stop][::-1]
    rest = stop - len(page)
    return reply({"hasMore": rest > first, "offset": f"L{rest:x}", "timeline": [_entry(change) for change in page]})


def _position(offset: str) -> int:
    try:
        return int(offset.removeprefix("L"), 16)
    except ValueError:
        return 0


def _entry(change: ConsentChange) -> dict[str, object]:
    detail: dict[str, object] = {
        "change": change.change,
        "changeType": change.change_type,
        "source": change.source,
        "portalId": PORTAL_ID,
        "timestamp": change.at,
    }
    if change.subscription_id:
        detail["subscriptionId"] = change.subscription_id
    return {"timestamp": change.at, "portalId": PORTAL_ID, "recipient": change.email, "changes": [detail]}
