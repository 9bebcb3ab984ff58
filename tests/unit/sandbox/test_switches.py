"""Each switch, seen through a real socket by a plain client."""

import collections
import time
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from sandbox import Fault, World, running
from sandbox.switches import FAULTS

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
    stand_ins.switches.page_size = None


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
    [
        ("expired_token", 401, None),
        ("forbidden", 403, None),
        ("not_found", 404, None),
        ("conflict", 409, None),
        ("too_large", 413, None),
        ("expired_cursor", 400, None),
        ("429", 429, None),
        ("429_retry_after", 429, "7"),
        ("500", 500, None),
        ("502_html", 502, None),
        ("503", 503, None),
        ("503_retry_after", 503, "7"),
    ],
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


def test_a_date_to_wait_for_is_told_by_the_world_s_clock(stand_ins, crm):
    stand_ins.switches.faults = [Fault("hubspot", CONTACTS, "429_retry_date", retry_after=7)]
    answer = crm.get(CONTACTS)
    until, now = (parsedate_to_datetime(answer.headers[name]) for name in ("retry-after", "date"))
    assert until - now == timedelta(seconds=7)


def test_a_clock_that_is_wrong(stand_ins, crm):
    right = parsedate_to_datetime(crm.get(CONTACTS).headers["date"])
    stand_ins.switches.faults = [Fault("hubspot", CONTACTS, "clock_skew", seconds=-3600)]
    wrong = parsedate_to_datetime(crm.get(CONTACTS).headers["date"])
    assert right - wrong == timedelta(hours=1)


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("truncated_json", lambda sound, broken: sound.startswith(broken) and len(broken) == len(sound) // 2),
        ("empty_200", lambda _sound, broken: broken == b""),
        ("login_page", lambda _sound, broken: broken.startswith(b"<!DOCTYPE html>")),
        ("invalid_utf8", lambda sound, broken: b"\xff" in broken and broken.replace(b"\xff", b"") == sound),
        ("huge_body", lambda sound, broken: len(broken) == len(sound) + (2 << 20) and broken.strip() == sound),
        ("gzip_bomb", lambda _sound, broken: len(broken) == (2 << 20) + 2 and broken[:2] == b"{ "),
        ("wrong_content_type", lambda sound, broken: broken == sound),
    ],
)
def test_a_body_that_is_not_what_it_says(stand_ins, crm, kind, seen):
    sound = crm.get(CONTACTS).content
    stand_ins.switches.faults = [Fault("hubspot", CONTACTS, kind, megabytes=2)]
    answer = crm.get(CONTACTS)
    assert answer.status_code == 200
    assert seen(sound, answer.content)
    assert ("html" in answer.headers.get("content-type", "")) == (kind in {"login_page", "wrong_content_type"})


def test_silence_before_the_first_byte(stand_ins, crm):
    stand_ins.switches.faults = [Fault("hubspot", CONTACTS, "slow_first_byte", seconds=0.3)]
    with pytest.raises(httpx.ReadTimeout):
        crm.get(CONTACTS, timeout=0.02)


def test_a_body_in_drops(stand_ins, crm):
    sound = crm.get(CONTACTS).content
    stand_ins.switches.faults = [Fault("hubspot", CONTACTS, "slow_drip", seconds=0.001)]
    with crm.stream("GET", CONTACTS) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 1
    assert b"".join(pieces) == sound


def records(answer):
    return answer.json()["results"]


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("duplicated_records", "", lambda rs: [twin for r in rs for twin in (r, r)]),
        ("skipped_page", "", lambda rs: rs[-1:]),
        ("out_of_order", "", lambda rs: rs[::-1]),
        ("late_update", "", lambda rs: rs[1:]),
        ("silent_delete", "", lambda rs: rs[1:]),
        ("nulls", "createdAt", lambda rs: [{**rs[0], "createdAt": None}, *rs[1:]]),
        ("retyped", "archived", lambda rs: [{**rs[0], "archived": []}, *rs[1:]]),
    ],
)
def test_a_page_that_is_wrong_in_itself(stand_ins, crm, kind, name, expected):
    sound = records(crm.get(CONTACTS))
    stand_ins.switches.faults = [Fault("hubspot", CONTACTS, kind, name=name, ids=[sound[0]["id"]])]
    assert records(crm.get(CONTACTS)) == expected(sound) != sound
    assert records(crm.get(CONTACTS)) == sound


def test_times_of_a_place_with_summer_time(stand_ins, crm):
    sound = [r["createdAt"] for r in records(crm.get(CONTACTS))]
    stand_ins.switches.faults = [Fault("hubspot", CONTACTS, kind) for kind in ("local_times", "naive_times")]
    stand_ins.switches.faults[1].after = 1
    local, naive = ([r["createdAt"] for r in records(crm.get(CONTACTS))] for _ in range(2))
    assert local == [datetime.fromisoformat(t).astimezone(ZoneInfo("Europe/Berlin")).isoformat() for t in sound]
    assert naive == [t[:-6] for t in local]


def test_numbers_as_text(stand_ins, desk):
    sound = desk.get(EXPORT).json()["users"][0]["id"]
    stand_ins.switches.faults = [Fault("zendesk", "/", "numbers_as_strings")]
    assert desk.get(EXPORT).json()["users"][0]["id"] == str(sound)


def test_the_page_before_comes_once_more(stand_ins, crm):
    stand_ins.switches.faults = [Fault("hubspot", CONTACTS, "repeated_page", after=1)]
    first = crm.get(CONTACTS).json()
    after = {"after": first["paging"]["next"]["after"]}
    again, second = (crm.get(CONTACTS, params=after).json() for _ in range(2))
    assert again == first != second


def test_pages_can_be_made_small(stand_ins, crm, desk):
    stand_ins.switches.page_size = 3
    assert len(records(crm.get(CONTACTS, params={"limit": 100}))) == 3
    assert len(crm.post(CONTACTS + "/search", json={"limit": 100}).json()["results"]) == 3
    assert len(desk.get(EXPORT + "&per_page=1000").json()["users"]) == 3


def test_a_fault_may_wait_for_what_is_asked(stand_ins, crm):
    stand_ins.switches.faults = [Fault("hubspot", CONTACTS, "500", body="lastname")]
    ask = [crm.post(CONTACTS + "/search", json={"properties": [name]}).status_code for name in ("email", "lastname")]
    assert ask == [200, 500]


def test_a_fault_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="there is no fault 'hiccup'; these there are: expired_token"):
        Fault("hubspot", "/", "hiccup")


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
    log = httpx.get(stand_ins.control_url + "/_sandbox/requests").json()
    assert log[-1] == stand_ins.requests[-1]._asdict()
    assert [line["at"] for line in log] == sorted(line["at"] for line in log)


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


def test_every_fault_is_described():
    page = (Path(__file__).parents[3] / "docs" / "faults.md").read_text()
    assert [kind for kind, what in FAULTS.items() if f"| `{kind}` | {what} |" not in page] == []
