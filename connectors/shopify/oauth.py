"""Shopify's OAuth: an app installed in one shop. The redirect is signed with the app's secret.

Offline tokens that expire live for an hour and rotate; an app that has none of those gets one token without end.
"""

import hashlib
import hmac
import time

from connectors.errors import RejectedError
from connectors.oauth import OAuth, Redirect

_OLDEST_SECONDS = 600.0
"""Age at which a signed redirect is refused: long enough for a slow clock, too short to keep one for later."""


def check_redirect(redirect: Redirect) -> None:
    """Raise unless the redirect is Shopify's, recent, and about the configured shop."""
    given = dict(redirect.parameters)
    signature = given.pop("hmac", "")
    text = "&".join(sorted(f"{_escaped(name).replace('=', '%3D')}={_escaped(value)}" for name, value in given.items()))
    expected = hmac.new((redirect.client_secret or "").encode(), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise _refused("does not carry Shopify's signature, so it may come from somebody else. Check the client secret")
    if given.get("shop") != f"{redirect.account}.myshopify.com":
        raise _refused("is about another shop than the configured one. Check account in cdp.toml")
    stamp = given.get("timestamp", "")
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > _OLDEST_SECONDS:
        raise _refused("is not recent. Check this machine's clock")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26")


def _refused(why: str) -> RejectedError:
    return RejectedError(
        f"shopify: the redirect {why}. Nothing was stored; then begin again: cdp sources connect shopify"
    )


OAUTH = OAuth(
    authorize_url="https://{account}.myshopify.com/admin/oauth/authorize",
    token_url="https://{account}.myshopify.com/admin/oauth/access_token",  # noqa: S106 - an address
    # read_all_orders must have been allowed by Shopify, and an app that asks without is refused: see extra_scopes.
    scopes=("read_customers", "read_orders", "read_products", "read_returns"),
    scope_separator=",",
    code_parameters={"expiring": "1"},
    as_json=True,
    rotates=True,
    check_redirect=check_redirect,
    help="Apps are made in Shopify's developer dashboard; the app's own page lists its redirect addresses.",
)
