"""HubSpot's OAuth: authorize, exchange, refresh, and what a token is. A refresh token stays the same for ever."""

from typing import TYPE_CHECKING, Any

from sandbox.hubspot_errors import invalid, not_found
from sandbox.oauth import CLIENT_ID, Grants, Issued, RefusedError, form_of
from sandbox.web import Request, Response, Router, reply

if TYPE_CHECKING:
    from sandbox.world import World

_LIFE_SECONDS = 1800
_USER = {
    "user": "petra@support.example",
    "hub_domain": "sandbox.example",
    "hub_id": 62_515,
    "app_id": 113,
    "user_id": 4,
}
_STATUS = {
    "client": ("BAD_CLIENT_ID", "missing or unknown client id"),
    "code": ("BAD_AUTH_CODE", "missing or unknown auth code"),
    "redirect_uri": ("BAD_REDIRECT_URI", "redirect URI does not match the initial authorization request"),
    "code_verifier": ("BAD_AUTH_CODE", "code verifier does not match"),
    "refresh_token": ("BAD_REFRESH_TOKEN", "missing or unknown refresh token"),
}


class HubSpotOAuth:
    """The endpoints over one set of grants; they need no token."""

    open_paths = frozenset(
        {
            "/oauth/authorize",
            "/oauth/v1/token",
            "/oauth/v3/token",
            "/oauth/v1/access-tokens/{token}",
            "/oauth/v1/refresh-tokens/{token}",
        }
    )

    def __init__(self) -> None:
        """Nothing granted yet."""
        self.grants = Grants(prefixes=("CNsandbox-", "na1-sandbox-"), seconds=_LIFE_SECONDS)
        self.router = Router()
        on = self.router.on
        on("GET", "/oauth/authorize")(self._authorize)
        for path in ("/oauth/v1/token", "/oauth/v3/token"):
            on("POST", path)(self._token)
        on("GET", "/oauth/v1/access-tokens/{token}")(self._about_access)
        on("GET", "/oauth/v1/refresh-tokens/{token}")(self._about_refresh)
        on("DELETE", "/oauth/v1/refresh-tokens/{token}")(self._revoke)

    def _authorize(self, _world: "World", request: Request) -> Response:
        if request.one("client_id") != CLIENT_ID or not request.one("redirect_uri") or not request.one("scope"):
            return invalid("client_id, redirect_uri and scope must be those of the app")
        return self.grants.authorize(request)

    def _token(self, _world: "World", request: Request) -> Response:
        form = form_of(request)
        grants = {"authorization_code": self.grants.exchange, "refresh_token": self.grants.renew}
        grant = grants.get(form.get("grant_type", ""))
        if grant is None:
            return _refusal("BAD_GRANT_TYPE", "missing or unknown grant type", "unsupported_grant_type")
        try:
            issued = grant(form)
        except RefusedError as refused:
            return _refusal(*_STATUS[refused.detail], refused.code)
        return reply(_answer(issued, newer=request.path.startswith("/oauth/v3")))

    def _about_access(self, _world: "World", _request: Request, token: str) -> Response:
        scopes = self.grants.allowed(token)
        if scopes is None:
            return not_found()
        seconds = self.grants.seconds
        about = {"token": token, "token_type": "access", "scopes": list(scopes), "expires_in": seconds}
        return reply({**about, **_USER})

    def _about_refresh(self, _world: "World", _request: Request, token: str) -> Response:
        if token not in self.grants.refresh:
            return not_found()
        scopes = list(self.grants.refresh[token])
        return reply({"token": token, "token_type": "refresh", "client_id": CLIENT_ID, "scopes": scopes, **_USER})

    def _revoke(self, _world: "World", _request: Request, token: str) -> Response:
        return Response(204, b"") if self.grants.revoke(token) else not_found()


def _answer(issued: Issued, *, newer: bool) -> dict[str, Any]:
    answer = {
        "token_type": "bearer",
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "expires_in": issued.seconds,
    }
    more = {
        "hub_id": _USER["hub_id"],
        "user_id": _USER["user_id"],
        "scopes": list(issued.scopes),
        "token_use": "access",
    }
    return {**answer, **more} if newer else answer


def _refusal(status: str, message: str, error: str) -> Response:
    return reply({"status": status, "message": message, "error": error, "error_description": message}, 400)
