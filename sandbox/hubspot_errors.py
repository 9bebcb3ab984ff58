"""HubSpot's error bodies."""

from uuid import uuid4

from sandbox.web import Response, reply


def error(status: int, category: str, message: str, **more: object) -> Response:
    """The usual envelope."""
    return reply(
        {"status": "error", "message": message, "correlationId": str(uuid4()), "category": category, **more}, status
    )


def invalid(message: str, code: str | None = None, name: str | None = None) -> Response:
    """400 with one detail."""
    detail = {"message": message, **({"code": code} if code else {}), **({"in": name} if name else {})}
    return error(400, "VALIDATION_ERROR", message, errors=[detail])


def not_found() -> Response:
    """404 of an object."""
    return error(404, "OBJECT_NOT_FOUND", "resource not found")


def unauthenticated() -> Response:
    """401 of a missing or wrong token."""
    text = "Authentication credentials not found. This API supports OAuth 2.0 authentication."
    return error(401, "INVALID_AUTHENTICATION", text)


def expired() -> Response:
    """401 of an OAuth token that was good."""
    text = "The OAuth token used to make this call expired 12 second(s) ago."
    return error(401, "EXPIRED_AUTHENTICATION", text, context={"expire time": ["2026-03-10T23:04:41.164Z"]})


def missing_scopes(scopes: list[str]) -> Response:
    """403 naming the scopes."""
    text = "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes."
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": scopes},
    }
    links = {"scopes": "https://developers.hubspot.com/scopes"}
    return error(403, "MISSING_SCOPES", text, errors=[detail], links=links)


def too_many(policy: str) -> Response:
    """429 of the policy TEN_SECONDLY_ROLLING, SECONDLY or DAILY; no Retry-After, as the vendor documents none."""
    limit = "daily limit" if policy == "DAILY" else f"{policy.lower()} limit"
    body = {
        "status": "error",
        "message": f"You have reached your {limit}.",
        "errorType": "RATE_LIMIT",
        "correlationId": str(uuid4()),
        "policyName": policy,
        "requestId": str(uuid4()),
    }
    return reply(body, 429)
