"""Shopify's OAuth: a signed redirect, and tokens that either live for ever or rotate by the hour."""

import hashlib
import hmac
import math
import time
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

from sandbox.oauth import CLIENT_ID, CLIENT_SECRET, Grants, Issued, RefusedError, form_of
from sandbox.shop_records import SHOP
from sandbox.web import Request, Response, reply

HOUR, DAY, NINETY_DAYS = 3600, 86_400, 90 * 86_400
_WORDS = {
    "client": ("application_cannot_be_found", "The application could not be found."),
    "code": ("invalid_request", "The authorization code was not found or was already used."),
    "refresh_token": ("invalid_grant", "The refresh token is invalid or has been used."),
    "grant_type": ("unsupported_grant_type", "The grant type is not supported."),
}


def new_grants() -> Grants:
    """Expiring offline tokens: an hour, and every refresh ends the token it was made with."""
    return Grants(prefixes=("shpat_", "shprt_"), seconds=HOUR, rotates=True)


def signature(parameters: dict[str, str], secret: str = CLIENT_SECRET) -> str:
    """The ``hmac`` of a redirect's other parameters."""
    escaped = {name: value.replace("%", "%25").replace("&", "%26") for name, value in parameters.items()}
    text = "&".join(f"{name}={escaped[name]}" for name in sorted(escaped))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def authorize(grants: Grants, request: Request) -> Response:
    """The merchant agrees at once: back to the app with a code, signed. The vendor knows no PKCE and overlooks it."""
    if request.one("client_id") != CLIENT_ID:
        text = "Oauth error invalid_request: Could not find Shopify API application with api_key"
        return Response(400, text.encode(), {"content-type": "text/html"})
    known = {name: values for name, values in request.query.items() if not name.startswith("code_challenge")}
    response = grants.authorize(replace(request, query=known), separator=",")
    back = urlsplit(response.headers["location"])
    answer = dict(parse_qsl(back.query)) | {"shop": f"{SHOP}.myshopify.com", "timestamp": str(int(time.time()))}
    answer["hmac"] = signature(answer)
    return Response(302, b"", {"location": back._replace(query=urlencode(answer)).geturl()})


def access_token(grants: Grants, request: Request, everything: frozenset[str]) -> Response:
    """Every grant the stand-in has: a code, a refresh token, the app's own credentials."""
    form = form_of(request) if "json" not in request.headers.get("content-type", "") else request.json()
    try:
        return reply(_issue(grants, {name: str(value) for name, value in form.items()}, everything))
    except RefusedError as refused:
        error, description = _WORDS.get(refused.detail, (refused.code, refused.detail))
        return reply({"error": error, "error_description": description}, 400)


def _issue(grants: Grants, form: dict[str, str], everything: frozenset[str]) -> dict[str, object]:
    kind = form.get("grant_type", "authorization_code")
    if kind == "refresh_token":
        return _expiring(grants.renew(form))
    if kind == "client_credentials":
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise RefusedError("invalid_client", "client")
        issued = grants.issue(tuple(sorted(everything)), offline=False)
        grants.access[issued.access_token].until += DAY - HOUR
        return _told(issued) | {"expires_in": DAY - 1}
    if kind != "authorization_code":
        raise RefusedError("unsupported_grant_type", "grant_type")
    # The vendor does not ask for the redirect address again.
    code = grants.codes.get(form.get("code", ""))
    issued = grants.exchange({**form, "redirect_uri": code.redirect_uri if code else ""})
    if form.get("expiring") in {"1", "true", "True"}:
        return _expiring(issued)
    grants.access[issued.access_token].until = math.inf
    grants.refresh.pop(issued.refresh_token or "", None)
    return _told(issued)


def _told(issued: Issued) -> dict[str, object]:
    return {"access_token": issued.access_token, "scope": ",".join(issued.scopes)}


def _expiring(issued: Issued) -> dict[str, object]:
    lives = {"expires_in": issued.seconds, "refresh_token_expires_in": NINETY_DAYS}
    return _told(issued) | lives | {"refresh_token": issued.refresh_token}
