"""Each switch, seen through a real socket by a plain client."""

import collections
import time

import httpx
import pytest

from sandbox import Fault, World, running

ZENDESK = ("agent@example.com/token", "sandbox-token")
EXPORT = "/api/v2/incremental/users/cursor.json?start_time=0"
CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture(scope="module")
def stand_ins():
    with running(World(seed=2, customers=60)) as state:
        yield state


@pytest.fixture(autouse=True)
def all_off(stand_ins):
    yield
    stand_ins.switches.faults = []
    stand_ins.switches.latency_ms = 0
    stand_ins.switches.rate_scale = None


@pytest.fixture(scope="module")
def crm(stand_ins):
    with httpx.Client(
        base_url=stand_ins.urls["hubspot"], headers={"authorization": "Bearer pat-na1-sandbox"}
    ) as client:
        yield client


@pytest.fixture(scope="module")
def desk(stand_ins):
    with httpx.Client(base_url=stand_ins.urls["zendesk"], auth=ZENDESK) as client:
        yield client


def test_latency(stand_ins, crm):
    stand_ins.switches.latency_ms = {"hubspot": 150}
    started = time.perf_counter()
    crm.get(CONTACTS)
    assert time.perf_counter() - started >= 0.15


def test_hubspot_burst_limit_and_its_headers():
    with (
        running(World(seed=2, customers=20), rate_scale=3 / 190) as state,
        httpx.Client(base_url=state.urls["hubspot"]) as client,
    ):
        client.headers["authorization"] = "Bearer pat-na1-sandbox"
        answers = [client.get(CONTACTS) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert [a.headers["x-hubspot-ratelimit-remaining"] for a in answers] == ["2", "1", "0", "0"]
    assert answers[3].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert "retry-after" not in answers[3].headers


def test_hubspot_search_has_its_own_limit_and_no_headers(stand_ins, crm):
    stand_ins.switches.rate_scale = 1
    answers = [crm.post(CONTACTS + "/search", json={"limit": 1}) for _ in range(6)]
    assert [a.status_code for a in answers] == [200] * 5 + [429]
    assert answers[5].json()["policyName"] == "SECONDLY"
    assert not [name for name in answers[0].headers if "ratelimit" in name]


def test_zendesk_export_limit_is_tighter_than_the_account_s(stand_ins, desk):
    stand_ins.switches.rate_scale = 1
    answers = [desk.get(EXPORT) for _ in range(11)]
    assert [a.status_code for a in answers] == [200] * 10 + [429]
    assert answers[10].headers["content-type"] == "text/plain"
    assert 1 <= int(answers[10].headers["retry-after"]) <= 60
    assert desk.get("/api/v2/users/me.json").headers["x-rate-limit"] == "700"


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [("429", 429, None), ("429_retry_after", 429, "7"), ("500", 500, None), ("503_retry_after", 503, "7")],
)
@pytest.mark.parametrize("vendor", ["hubspot", "zendesk"])
def test_status_faults(stand_ins, crm, desk, vendor, kind, status, retry_after):
    stand_ins.switches.faults = [Fault(vendor, "/", kind, times=1, after=1, retry_after=7)]
    client, path = (crm, CONTACTS) if vendor == "hubspot" else (desk, EXPORT)
    answers = [client.get(path) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, status, 200]
    assert answers[1].headers.get("retry-after") == retry_after


@pytest.mark.parametrize(("kind", "least"), [("cut_before_body", 0), ("cut_in_body", 1)])
def test_connection_cut(stand_ins, desk, kind, least):
    stand_ins.switches.faults = [Fault("zendesk", "/api/v2/incremental", kind)]
    with desk.stream("GET", EXPORT) as answer:
        parts = answer.iter_raw()
        with pytest.raises(httpx.RemoteProtocolError):
            collections.deque(parts, maxlen=0)
        assert answer.status_code == 200
        assert (answer.num_bytes_downloaded >= 1) == bool(least)
    assert desk.get(EXPORT).json()["end_of_stream"]


def test_truncated_json_has_a_correct_length(stand_ins, crm):
    stand_ins.switches.faults = [Fault("hubspot", CONTACTS, "truncated_json")]
    answer = crm.get(CONTACTS)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


def test_expired_token_at_request_n(stand_ins, crm, desk):
    stand_ins.switches.faults = [Fault(v, "/", "expired_token", after=1) for v in ("hubspot", "zendesk")]
    assert [crm.get(CONTACTS).status_code for _ in range(3)] == [200, 401, 200]
    assert [desk.get(EXPORT).status_code for _ in range(3)] == [200, 401, 200]


def test_redirect_to_another_host(stand_ins, crm):
    stand_ins.switches.faults = [Fault("hubspot", CONTACTS, "redirect", location="https://elsewhere.example/x")]
    answer = crm.get(CONTACTS)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://elsewhere.example/x")


def test_wrong_and_weak_credentials(stand_ins):
    def hubspot(token):
        return httpx.get(stand_ins.urls["hubspot"] + CONTACTS, headers={"authorization": f"Bearer {token}"})

    def zendesk(**kwargs):
        return httpx.get(stand_ins.urls["zendesk"] + "/api/v2/users.json", **kwargs)

    wrong, weak = hubspot("nonsense"), hubspot("pat-na1-noscope")
    assert (wrong.status_code, wrong.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    scopes = weak.json()["errors"][0]["context"]["requiredGranularScopes"]
    assert (weak.status_code, weak.json()["category"], scopes) == (403, "MISSING_SCOPES", ["crm.objects.contacts.read"])
    assert zendesk(auth=("agent@example.com/token", "no")).json() == {"error": "Couldn't authenticate you"}
    assert zendesk(headers={"authorization": "Bearer sandbox-oauth"}).status_code == 200
    assert zendesk(headers={"authorization": "Bearer sandbox-noscope"}).json()["error"] == "Forbidden"


def test_log_holds_templates_and_never_an_address(stand_ins, crm):
    email = next(c.props["email"] for c in stand_ins.world.live["contacts"].records if "email" in c.props)
    path = f"/communication-preferences/v4/statuses/{email}"
    assert crm.get(path, params={"channel": "EMAIL"}).json()["results"][0]["subscriberIdString"] == email
    assert stand_ins.requests[-1][:4] == ("hubspot", "GET", "/communication-preferences/v4/statuses/{email}", 200)


def test_control_port_advances_and_vendor_ports_have_no_such_path():
    world = World(seed=2, customers=40)
    with running(world) as state:
        before = httpx.get(state.urls["zendesk"] + EXPORT, auth=ZENDESK).json()
        assert httpx.post(state.control_url + "/_sandbox/advance", json={"days": 1}).status_code == 200
        cursor = {"cursor": before["after_cursor"]}
        after = httpx.get(state.urls["zendesk"] + EXPORT.partition("?")[0], params=cursor, auth=ZENDESK).json()
        truth = httpx.get(state.control_url + "/_sandbox/truth").json()
        assert httpx.get(state.urls["zendesk"] + "/_sandbox/truth", auth=ZENDESK).status_code == 404
        fault = {"vendor": "zendesk", "path": "/", "kind": "500"}
        assert httpx.post(state.control_url + "/_sandbox/switches", json={"faults": [fault]}).status_code == 200
        assert httpx.get(state.urls["zendesk"] + EXPORT, auth=ZENDESK).status_code == 500
    assert after["users"]
    assert truth == world.truth()
