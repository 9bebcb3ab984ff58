"""Google's OAuth: authorize with PKCE, exchange, refresh, revoke. A refresh gives no new refresh token."""

from typing import TYPE_CHECKING, Any

from sandbox import google_errors as errors
from sandbox.oauth import CLIENT_ID, Grants, Issued, RefusedError, form_of
from sandbox.web import Request, Response, Router, reply

if TYPE_CHECKING:
    from sandbox.world import World

SCOPE = "https://www.googleapis.com/auth/business.manage"
REFRESH_TOKEN = "1//sandbox-refresh"
"""A refresh token that is good from the start, for those who did not go through the browser."""
_LIFE_SECONDS = 3599


class GoogleOAuth:
    """The endpoints over one set of grants; they need no token."""

    open_paths = frozenset({"/o/oauth2/v2/auth", "/token", "/revoke"})

    def __init__(self) -> None:
        """Nothing granted yet but ``REFRESH_TOKEN``."""
        self.grants = Grants(prefixes=("ya29.a0sandbox-", "1//0sandbox-"), seconds=_LIFE_SECONDS)
        self.grants.refresh[REFRESH_TOKEN] = (SCOPE,)
        self.router = Router()
        self.router.on("GET", "/o/oauth2/v2/auth")(self._authorize)
        self.router.on("POST", "/token")(self._token)
        self.router.on("POST", "/revoke")(self._revoke)

    def _authorize(self, _world: "World", request: Request) -> Response:
        """Google shows its own page when an app or address is wrong; here that is a 400."""
        if request.one("client_id") != CLIENT_ID or request.one("response_type") != "code":
            return Response(400, b"Error 400: invalid_request", {"content-type": "text/html"})
        if not request.one("redirect_uri") or not request.one("scope"):
            return Response(400, b"Error 400: invalid_request", {"content-type": "text/html"})
        if request.one("access_type") is None:
            # Online access is what Google gives to those who do not ask.
            request.query["access_type"] = ["online"]
        return self.grants.authorize(request)

    def _token(self, _world: "World", request: Request) -> Response:
        form = form_of(request)
        grants = {"authorization_code": self.grants.exchange, "refresh_token": self.grants.renew}
        grant = grants.get(form.get("grant_type", ""))
        if grant is None:
            return reply({"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}, 400)
        try:
            issued = grant(form)
        except RefusedError as why:
            return errors.refused(why)
        return reply(_answer(issued, with_refresh=form["grant_type"] == "authorization_code"))

    def _revoke(self, _world: "World", request: Request) -> Response:
        if self.grants.revoke(form_of(request).get("token") or request.one("token") or ""):
            return reply({})
        return reply({"error": "invalid_token", "error_description": "Token expired or revoked"}, 400)


def _answer(issued: Issued, *, with_refresh: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "access_token": issued.access_token,
        "expires_in": issued.seconds,
        "scope": " ".join(issued.scopes),
        "token_type": "Bearer",
    }
    return {**answer, "refresh_token": issued.refresh_token} if with_refresh and issued.refresh_token else answer
