"""OAuth as data: addresses, what a redirect must prove, what an exchange may answer."""

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from dataclasses import replace

import httpx
import pytest
import respx

from connectors.errors import IncompleteError, RejectedError, RetriableError, SettingsError, UnreachableError
from connectors.hubspot.oauth import OAUTH as HUBSPOT
from connectors.oauth import App, Attempt, OAuth, authorize_address, code_of, exchange_code, refresh
from connectors.shopify.oauth import OAUTH as SHOPIFY
from connectors.zendesk.oauth import OAUTH as ZENDESK

APP = App("zendesk", "our-app", "app-secret", account="acme")
ATTEMPT = Attempt()
BACK = "http://127.0.0.1:8914/callback"
SENTENCE = "Erika Mustermann is not welcome here"


def page(oauth, **changes):
    return httpx.URL(authorize_address(oauth, replace(APP, **changes), ATTEMPT, redirect_uri=BACK))


def test_the_page_is_the_accounts_own_and_carries_what_binds_the_answer():
    asked = page(ZENDESK)

    assert (asked.host, asked.path) == ("acme.zendesk.com", "/oauth/authorizations/new")
    digest = hashlib.sha256(ATTEMPT.verifier.encode()).digest()
    assert asked.params["state"] == ATTEMPT.state
    assert asked.params["code_challenge_method"] == "S256"
    assert asked.params["code_challenge"] == urlsafe_b64encode(digest).decode().rstrip("=")
    assert ATTEMPT.verifier not in str(asked)
    assert "app-secret" not in str(asked)


def test_scopes_are_joined_as_the_vendor_wants_them():
    assert page(SHOPIFY, extra_scopes=("read_all_orders",)).params["scope"].split(",")[-2:] == [
        "read_returns",
        "read_all_orders",
    ]
    assert " " in page(HUBSPOT).params["scope"]


def test_a_stand_in_has_the_same_paths():
    assert str(page(HUBSPOT, base_url="http://127.0.0.1:8801")).startswith("http://127.0.0.1:8801/oauth/authorize?")


@pytest.mark.parametrize("account", [None, "", "acme.evil.example/", "a@b"])
def test_an_account_that_would_lead_elsewhere_is_refused(account):
    with pytest.raises(SettingsError, match="account must be"):
        page(ZENDESK, account=account)


def test_a_declaration_that_anybody_could_use_is_refused():
    with pytest.raises(ValueError, match="anybody could exchange"):
        OAuth(authorize_url="https://a/", token_url="https://b/", scopes=(), needs_secret=False, help="")
    with pytest.raises(ValueError, match="https://"):
        OAuth(authorize_url="http://a/", token_url="https://b/", scopes=(), help="")


@pytest.mark.parametrize("state", [None, "", "another"])
def test_a_redirect_without_our_state_is_refused(state):
    given = {"code": "c"} | ({"state": state} if state is not None else {})

    with pytest.raises(RejectedError, match="does not carry the state"):
        code_of(HUBSPOT, APP, ATTEMPT, given)


def test_a_refusal_on_the_page_is_said_by_its_code_alone():
    with pytest.raises(RejectedError) as refused:
        code_of(
            HUBSPOT, APP, ATTEMPT, {"state": ATTEMPT.state, "error": "access_denied", "error_description": SENTENCE}
        )
    assert "access_denied" in str(refused.value)
    assert "Erika" not in str(refused.value)
    with pytest.raises(RejectedError) as refused:
        code_of(HUBSPOT, APP, ATTEMPT, {"state": ATTEMPT.state, "error": SENTENCE})
    assert "Erika" not in str(refused.value)


def signed(key="app-secret", **changes):
    given = {"code": "c0de", "shop": "acme.myshopify.com", "state": ATTEMPT.state, "host": "YWRtaW4=&%"}
    given |= {"timestamp": str(int(time.time()))} | changes
    text = "&".join(f"{k}={v.replace('%', '%25').replace('&', '%26')}" for k, v in sorted(given.items()))
    return given | {"hmac": hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()}


def test_a_signed_redirect_of_the_shop_gives_its_code():
    assert code_of(SHOPIFY, APP, ATTEMPT, signed()) == "c0de"


@pytest.mark.parametrize(
    ("redirect", "said"),
    [
        (signed() | {"code": "another"}, "signature"),
        (signed() | {"hmac": ""}, "signature"),
        (signed(key="another"), "signature"),
        (signed(shop="other.myshopify.com"), "another shop"),
        (signed(timestamp="1700000000"), "not recent"),
        (signed(timestamp="soon"), "not recent"),
    ],
)
def test_a_redirect_that_is_not_shopifys_is_refused(redirect, said):
    with pytest.raises(RejectedError, match=said):
        code_of(SHOPIFY, APP, ATTEMPT, redirect)


@respx.mock
def test_zendesk_is_sent_json_and_the_verifier():
    sent = respx.post("https://acme.zendesk.com/oauth/tokens").respond(
        201, json={"access_token": "a", "refresh_token": "r", "expires_in": None, "refresh_token_expires_in": 2_592_000}
    )

    granted = exchange_code(ZENDESK, APP, ATTEMPT, "c", redirect_uri=BACK)

    assert (granted.access_token, granted.expires_in, granted.refresh_expires_in) == ("a", None, 2_592_000)
    body = sent.calls[0].request.content.decode()
    assert body.startswith("{")
    assert ATTEMPT.verifier in body
    assert '"scope":"read"' in body


@respx.mock
def test_hubspot_is_sent_a_form():
    sent = respx.post("https://api.hubapi.com/oauth/v1/token").respond(json={"access_token": "a", "expires_in": 1800})

    granted = refresh(HUBSPOT, APP, "r 1")

    assert (granted.refresh_token, granted.expires_in) == (None, 1800.0)
    assert sent.calls[0].request.content.startswith(b"grant_type=refresh_token&refresh_token=r+1&")


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (
            httpx.Response(400, json={"error": "invalid_grant", "error_description": SENTENCE}),
            RejectedError,
            "invalid_g",
        ),
        (httpx.Response(400, json={"status": "BAD_REFRESH_TOKEN", "message": SENTENCE}), RejectedError, "BAD_REFRESH"),
        (httpx.Response(401, text=SENTENCE), RejectedError, "status 401"),
        (httpx.Response(302, headers={"Location": "https://evil.example/"}), RejectedError, "status 302"),
        (httpx.Response(503, text=SENTENCE), RetriableError, "status 503"),
        (httpx.Response(429), RetriableError, "status 429"),
        (httpx.Response(200, text=SENTENCE), IncompleteError, "without a token"),
        (httpx.Response(200, json={"token": "a"}), IncompleteError, r"keys: token"),
        (httpx.Response(200, json={"access_token": ""}), IncompleteError, "without a token"),
        (httpx.ConnectError("no"), UnreachableError, "ConnectError"),
        (httpx.ReadTimeout("no"), RetriableError, "ReadTimeout"),
    ],
)
@respx.mock
def test_an_answer_that_is_no_token_is_named(answer, error, said):
    respx.post("https://api.hubapi.com/oauth/v1/token").mock(side_effect=[answer])

    with pytest.raises(error, match=said) as raised:
        refresh(HUBSPOT, APP, "r-secret")

    assert [word for word in ("Erika", "r-secret", "app-secret", "evil") if word in str(raised.value)] == []


def test_a_secret_does_not_travel_in_clear():
    with pytest.raises(SettingsError, match="in clear"):
        refresh(HUBSPOT, replace(APP, base_url="http://stand-in.example"), "r")
