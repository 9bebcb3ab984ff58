"""Letting an app into a shop: the signed redirect, and tokens of each kind."""

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import shopify

from sandbox import World, running
from sandbox.oauth import CLIENT_ID, CLIENT_SECRET

APP = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
BACK = "http://127.0.0.1:40123/callback?from=app"
TOKEN = "/admin/oauth/access_token"


@pytest.fixture(scope="module")
def stand_ins():
    with running(World(seed=2, customers=20)) as state:
        yield state


@pytest.fixture(scope="module")
def shop(stand_ins):
    with httpx.Client(base_url=stand_ins.urls["shopify"]) as client:
        yield client


def authorized(shop, **query):
    asked = {"client_id": CLIENT_ID, "redirect_uri": BACK, "scope": "read_customers,read_orders", "state": "a b&c%"}
    answer = shop.get("/admin/oauth/authorize", params=asked | query)
    assert (answer.status_code, answer.headers["location"].startswith(BACK + "&")) == (302, True)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def granted(shop, **form):
    return shop.post(TOKEN, json={**APP, **form})


def scopes_of(shop, token):
    answer = shop.get("/admin/oauth/access_scopes.json", headers={"x-shopify-access-token": token})
    return {s["handle"] for s in answer.json()["access_scopes"]} if answer.status_code == 200 else answer.status_code


def test_the_redirect_is_signed_as_the_official_client_checks_it(shop, monkeypatch):
    monkeypatch.setattr(shopify.Session, "secret", CLIENT_SECRET)
    answer = authorized(shop)
    assert (answer["state"], answer["shop"]) == ("a b&c%", "sandbox-shop.myshopify.com")
    assert shopify.Session.validate_params(answer)
    assert not shopify.Session.validate_params(answer | {"state": "another"})


def test_a_code_gives_a_token_without_end_once(shop):
    code = authorized(shop)["code"]
    answer = granted(shop, code=code).json()
    assert set(answer) == {"access_token", "scope"}
    assert scopes_of(shop, answer["access_token"]) == {"read_customers", "read_orders"}
    again = granted(shop, code=code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_request")


def test_expiring_tokens_rotate(stand_ins, shop):
    first = granted(shop, code=authorized(shop)["code"], expiring="1").json()
    assert (first["expires_in"], first["refresh_token_expires_in"]) == (3600, 7_776_000)
    form = {**APP, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = shop.post(TOKEN, data=form).json()  # as a form, like the official client
    assert scopes_of(shop, second["access_token"]) == {"read_customers", "read_orders"}
    assert second["refresh_token"] != first["refresh_token"]
    assert shop.post(TOKEN, data=form).status_code == 400
    stand_ins.grants["shopify"].expire()
    assert scopes_of(shop, second["access_token"]) == 401
    third = granted(shop, grant_type="refresh_token", refresh_token=second["refresh_token"]).json()
    assert scopes_of(shop, third["access_token"]) == {"read_customers", "read_orders"}


def test_the_apps_own_credentials_give_a_day(shop):
    answer = granted(shop, grant_type="client_credentials").json()
    assert answer["expires_in"] == 86_399
    assert "read_all_orders" in scopes_of(shop, answer["access_token"])
    assert "refresh_token" not in answer


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_secret": "no", "code": "x"}, "application_cannot_be_found"),
        ({"client_secret": "no", "grant_type": "client_credentials"}, "application_cannot_be_found"),
        ({"grant_type": "refresh_token", "refresh_token": "no"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_refused_grants(shop, form, error):
    answer = granted(shop, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_an_unknown_app_is_told_on_a_page(shop):
    answer = shop.get("/admin/oauth/authorize", params={"client_id": "no", "redirect_uri": BACK})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html")


def test_a_verifier_is_overlooked(shop):
    code = authorized(shop, code_challenge="abc", code_challenge_method="S256")["code"]
    assert granted(shop, code=code, code_verifier="whatever").status_code == 200
