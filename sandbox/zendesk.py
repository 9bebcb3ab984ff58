"""Zendesk's manners: credentials, scopes, limits, unknown paths."""

import base64
import binascii
import math
from typing import TYPE_CHECKING

from sandbox import zendesk_errors as errors
from sandbox import zendesk_export, zendesk_lists
from sandbox.switches import Window
from sandbox.web import Request, Response, Router, Vendor, reply

if TYPE_CHECKING:
    from sandbox.world import World

USER, TOKEN, OAUTH_TOKEN, OAUTH_WITHOUT_SCOPES = (
    "agent@example.com/token",
    "sandbox-token",
    "sandbox-oauth",
    "sandbox-noscope",
)
ACCOUNT_LIMIT, EXPORT_LIMIT, SAMPLE_LIMIT, DELETED_LIMIT = 700, 10, 10, 10
MINUTE = 60

router = Router()
for part in (zendesk_export, zendesk_lists):
    router.include(part.router)


class Zendesk(Vendor):
    """The stand-in for ``https://{subdomain}.zendesk.com``, Enterprise plan."""

    name = "zendesk"
    router = router

    def __init__(self, world: "World") -> None:
        """Serve ``world`` with fresh limits."""
        super().__init__(world)
        self._account = Window(ACCOUNT_LIMIT, MINUTE)
        self._special = {
            "/sample": Window(SAMPLE_LIMIT, 20 * MINUTE),
            "/incremental/": Window(EXPORT_LIMIT, MINUTE),
            "/deleted_tickets": Window(DELETED_LIMIT, MINUTE),
        }

    def refuse(self, request: Request, template: str | None) -> Response | None:
        """401 without known credentials, 403 for the token that has no scopes."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and value == OAUTH_WITHOUT_SCOPES:
            description = "Missing the following required scopes: read"
            return (
                None
                if template == "/api/v2/users/me"
                else reply({"error": "Forbidden", "description": description}, 403)
            )
        if scheme == "Bearer":
            return None if value == OAUTH_TOKEN else self.fail(401)
        good = scheme == "Basic" and _decoded(value) in {f"{USER}:{TOKEN}", f"{USER}:{OAUTH_WITHOUT_SCOPES}"}
        return None if good else reply({"error": "Couldn't authenticate you"}, 401)

    def throttle(self, request: Request, scale: float) -> tuple[Response | None, dict[str, str]]:
        """The account's limit, and the tighter ones of exports and deleted tickets."""
        waits = [window.take(scale) for part, window in self._special.items() if part in request.path][:1]
        waits.append(self._account.take(scale))
        wait = max((w for w in waits if w is not None), default=None)
        headers = {
            "x-rate-limit": str(self._account.scaled(scale)),
            "x-rate-limit-remaining": str(self._account.remaining(scale)),
        }
        return (_too_many(math.ceil(wait), headers) if wait is not None else None), headers

    def unknown(self, _request: Request) -> Response:
        """404 with the object form of ``error``."""
        return errors.no_page()

    def fail(self, status: int) -> Response:
        """The body of an error status."""
        match status:
            case 429:
                return _too_many(None, {})
            case 503:
                return Response(503, b"Service Unavailable", {"content-type": "text/plain"})
        return reply(_FAILURES.get(status, {"error": "InternalError", "description": "Internal Server Error"}), status)


_FAILURES = {
    400: {"error": "InvalidValue", "description": "cursor is not valid"},
    401: {
        "error": "invalid_token",
        "error_description": "The access token provided is expired, revoked, malformed or invalid.",
    },
    403: {"error": {"title": "Forbidden", "message": "You do not have access to this page."}},
    404: {"error": "RecordNotFound", "description": "Not found"},
    409: {"error": "Conflict", "description": "Another request is at it"},
    413: {"error": "RequestEntityTooLarge", "description": "Too large"},
}


def _too_many(retry_after: int | None, headers: dict[str, str]) -> Response:
    more = {} if retry_after is None else {"retry-after": str(max(1, retry_after))}
    return Response(
        429, b"Number of allowed API requests per minute exceeded", {"content-type": "text/plain", **headers, **more}
    )


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except (binascii.Error, ValueError):
        return ""
