"""Google's error bodies: one of the API, another of the OAuth endpoints."""

from sandbox.oauth import RefusedError
from sandbox.web import Response, reply

_REASON = "type.googleapis.com/google.rpc.ErrorInfo"


def error(code: int, status: str, message: str, *details: dict[str, object]) -> Response:
    """The envelope of every API error."""
    more = {"details": list(details)} if details else {}
    return reply({"error": {"code": code, "message": message, "status": status, **more}}, code)


def invalid(message: str) -> Response:
    """400 of a parameter."""
    return error(400, "INVALID_ARGUMENT", message)


def not_found() -> Response:
    """404 of a resource."""
    return error(404, "NOT_FOUND", "Requested entity was not found.")


def unauthenticated() -> Response:
    """401 of a missing, wrong or expired token."""
    text = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    return error(401, "UNAUTHENTICATED", text)


def missing_scope() -> Response:
    """403 of a token that was made for something else."""
    detail: dict[str, object] = {
        "@type": _REASON,
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": "mybusiness.googleapis.com"},
    }
    return error(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.", detail)


def too_many(limit: int) -> Response:
    """429; a ``limit`` of 0 means that the project has not been given access. There is no Retry-After."""
    detail: dict[str, object] = {
        "@type": _REASON,
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": {"quota_limit": "DefaultRequestsPerMinutePerProject", "quota_limit_value": str(limit)},
    }
    text = "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' of service 'mybusiness'."
    return error(429, "RESOURCE_EXHAUSTED", text, detail)


_REFUSED = {
    "client": (401, "The OAuth client was not found."),
    "code": (400, "Malformed auth code."),
    "redirect_uri": (400, "Bad Request"),
    "code_verifier": (400, "Invalid code verifier."),
    "refresh_token": (400, "Token has been expired or revoked."),
}


def refused(why: RefusedError) -> Response:
    """What the token endpoint answers to a grant it refuses."""
    status, text = _REFUSED[why.detail]
    code = "redirect_uri_mismatch" if why.detail == "redirect_uri" else why.code
    return reply({"error": code, "error_description": text}, status)
