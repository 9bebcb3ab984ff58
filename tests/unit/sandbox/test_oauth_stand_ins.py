"""Letting an app in: codes, PKCE, refresh and revocation as each vendor does it."""

import hashlib
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlsplit

import httpx
import hubspot
import pytest
from hubspot.oauth import ApiException

from sandbox import World, running
from sandbox.google_oauth import REFRESH_TOKEN, SCOPE
from sandbox.oauth import CLIENT_ID, CLIENT_SECRET

APP = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
BACK = "http://127.0.0.1:40123/callback"
VERIFIER = "a-long-random-verifier-that-only-the-app-knows"
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CONTACTS, COMPANIES = "crm.objects.contacts.read", "crm.objects.companies.read"


@pytest.fixture(scope="module")
def stand_ins():
    with running(World(seed=2, customers=20)) as state:
        yield state


@pytest.fixture
def google(stand_ins):
    with httpx.Client(base_url=stand_ins.urls["google_reviews"]) as client:
        yield client


@pytest.fixture
def crm(stand_ins):
    with httpx.Client(base_url=stand_ins.urls["hubspot"]) as client:
        yield client


def authorized(client, path, **query):
    """What comes back to the app in the address it named."""
    answer = client.get(path, params={"client_id": CLIENT_ID, "redirect_uri": BACK, **query})
    assert (answer.status_code, answer.headers["location"].startswith(BACK + "?")) == (302, True)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def google_code(google, **query):
    asked = {"response_type": "code", "scope": SCOPE, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    return authorized(google, "/o/oauth2/v2/auth", **{"access_type": "offline", **asked, **query})["code"]


def google_token(google, **form):
    return google.post("/token", data={**APP, **form})


def exchanged(google, code, /, **form):
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return google_token(google, **{**given, **form})


def test_google_gives_tokens_once_for_a_code_and_its_verifier(google):
    code = google_code(google)
    answer = exchanged(google, code).json()
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", 3599, SCOPE)
    opened = google.get("/v1/accounts", headers={"authorization": f"Bearer {answer['access_token']}"})
    assert opened.status_code == 200
    again = exchanged(google, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_google_brings_the_state_back(google):
    answer = authorized(google, "/o/oauth2/v2/auth", response_type="code", scope=SCOPE, state="a state/with ünïcode")
    assert answer["state"] == "a state/with ünïcode"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"code_verifier": "another"}, 400, "invalid_grant"),
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9/"}, 400, "redirect_uri_mismatch"),
        ({"client_secret": "another"}, 401, "invalid_client"),
        ({"code": "another"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
    ids=["verifier", "no verifier", "address", "secret", "code", "grant"],
)
def test_google_refuses_what_does_not_fit(google, form, status, error):
    answer = exchanged(google, google_code(google), **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_google_gives_no_refresh_token_to_those_who_do_not_ask(google):
    assert "refresh_token" not in exchanged(google, google_code(google, access_type="online")).json()
    assert exchanged(google, google_code(google)).json()["refresh_token"].startswith("1//")


def test_google_refreshes_without_a_new_refresh_token(google, stand_ins):
    form = {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN}
    first = google_token(google, **form).json()
    assert "refresh_token" not in first
    header = {"authorization": f"Bearer {first['access_token']}"}
    httpx.post(f"{stand_ins.control_url}/_sandbox/expire", json={"vendor": "google_reviews"}).raise_for_status()
    expired = google.get("/v1/accounts", headers=header)
    assert (expired.status_code, expired.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    second = google_token(google, **form).json()
    assert google.get("/v1/accounts", headers={"authorization": f"Bearer {second['access_token']}"}).is_success


def test_google_forgets_what_was_revoked(google):
    tokens = exchanged(google, google_code(google)).json()
    assert google.post("/revoke", data={"token": tokens["access_token"]}).is_success
    assert google.get("/v1/accounts", headers={"authorization": f"Bearer {tokens['access_token']}"}).status_code == 401
    refused = google_token(google, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.json() == {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    assert google.post("/revoke", params={"token": "unknown"}).status_code == 400


@pytest.mark.parametrize("missing", ["redirect_uri", "scope", "response_type", "client_id"])
def test_google_shows_its_own_page_when_the_request_is_wrong(google, missing):
    query = {"client_id": CLIENT_ID, "redirect_uri": BACK, "scope": SCOPE, "response_type": "code"}
    del query[missing]
    assert google.get("/o/oauth2/v2/auth", params=query).status_code == 400


def test_hubspots_own_client_exchanges_and_refreshes_and_the_refresh_token_stays(crm, stand_ins):
    code = authorized(crm, "/oauth/authorize", scope=f"{CONTACTS} {COMPANIES}")["code"]
    api = hubspot.HubSpot(host=stand_ins.urls["hubspot"]).oauth.tokens_api
    first = api.create(grant_type="authorization_code", code=code, redirect_uri=BACK, **APP)
    assert (first.token_type, first.expires_in) == ("bearer", 1800)
    second = api.create(grant_type="refresh_token", refresh_token=first.refresh_token, **APP)
    assert second.refresh_token == first.refresh_token
    assert second.access_token != first.access_token
    client = hubspot.HubSpot(access_token=second.access_token, host=stand_ins.urls["hubspot"])
    assert client.crm.contacts.get_all()
    about = client.oauth.access_tokens_api.get(second.access_token)
    assert (about.hub_id, about.scopes) == (62515, [CONTACTS, COMPANIES])


def test_hubspot_refuses_paths_whose_scope_was_not_granted(crm):
    code = authorized(crm, "/oauth/authorize", scope=CONTACTS)["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **APP}
    token = crm.post("/oauth/v3/token", data=form).json()
    assert (token["scopes"], token["hub_id"]) == ([CONTACTS], 62515)
    header = {"authorization": f"Bearer {token['access_token']}"}
    assert crm.get("/crm/v3/objects/contacts", headers=header).is_success
    refused = crm.get("/crm/v3/objects/deals", headers=header)
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.deals.read"]
    assert crm.get("/account-info/v3/details", headers=header).is_success


def test_hubspot_tells_an_expired_token_from_an_unknown_one(crm, stand_ins):
    token = stand_ins.grants["hubspot"].issue((CONTACTS,)).access_token
    stand_ins.grants["hubspot"].expire()
    answer = crm.get("/crm/v3/objects/contacts", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, "BAD_REFRESH_TOKEN"),
        ({"grant_type": "authorization_code", "code": "unknown", "redirect_uri": BACK}, "BAD_AUTH_CODE"),
        ({"grant_type": "refresh_token", "client_secret": "another"}, "BAD_CLIENT_ID"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"),
    ],
)
def test_hubspot_says_what_it_does_not_know(crm, form, status):
    answer = crm.post("/oauth/v1/token", data={**APP, **form})
    assert (answer.status_code, answer.json()["status"]) == (400, status)


def test_hubspot_code_is_bound_to_the_address_it_was_sent_to(crm):
    code = authorized(crm, "/oauth/authorize", scope=CONTACTS)["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://127.0.0.1:9/", **APP}
    assert crm.post("/oauth/v1/token", data=form).json()["status"] == "BAD_REDIRECT_URI"
    assert crm.get("/oauth/authorize", params={"client_id": CLIENT_ID, "scope": CONTACTS}).status_code == 400


def test_hubspot_forgets_a_refresh_token_that_was_deleted(crm, stand_ins):
    issued = stand_ins.grants["hubspot"].issue((CONTACTS,))
    path = f"/oauth/v1/refresh-tokens/{issued.refresh_token}"
    assert crm.get(path).json()["client_id"] == CLIENT_ID
    assert crm.delete(path).status_code == 204
    assert crm.get(path).status_code == crm.delete(path).status_code == 404
    assert crm.get(f"/oauth/v1/access-tokens/{issued.access_token}").status_code == 404
    api = hubspot.HubSpot(host=stand_ins.urls["hubspot"]).oauth.tokens_api
    with pytest.raises(ApiException):
        api.create(grant_type="refresh_token", refresh_token=issued.refresh_token, **APP)


def test_a_vendor_may_give_a_new_refresh_token_each_time_and_end_the_old_one():
    from sandbox.oauth import Grants, RefusedError

    grants = Grants(prefixes=("a-", "r-"), seconds=10, rotates=True)
    first = grants.issue(("read",))
    second = grants.renew({**APP, "refresh_token": first.refresh_token})
    assert second.refresh_token != first.refresh_token
    with pytest.raises(RefusedError, match="refresh_token"):
        grants.renew({**APP, "refresh_token": first.refresh_token})
