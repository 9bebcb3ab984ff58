"""``cdp sources connect``: over the redirect, by a pasted address, with a plain token; and what it refuses."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import typer
from installations import ENVIRONMENT, Home
from oauth_vendor import CLIENT_ID, CLIENT_SECRET, Vendor, running_vendor

from cdp_pipelines.access import Access
from cdp_pipelines.cli import showing
from cdp_pipelines.cli.main import execute
from cdp_pipelines.config import load_settings
from cdp_pipelines.credentials import Grant, read_credential
from connectors import CheckResult
from connectors.auth import Bearer
from connectors.estimate import Estimate, StreamSize
from connectors.oauth import App, Attempt, authorize_address
from connectors.registry import source
from sandbox import oauth as sandbox_oauth
from sandbox.server import Running
from sandbox.shop_records import SHOP

PORT = 18_914


class Cdp:
    """Runs a command on an installation and keeps what it said."""

    def __init__(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        self._home, self._capsys = home, capsys
        self.said = ""

    def __call__(self, *arguments: str) -> int:
        code = execute(["--config", str(self._home.config), *arguments])
        captured = self._capsys.readouterr()
        self.said = captured.out + captured.err
        return code


@pytest.fixture
def cdp(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cdp:
    for name in ("CDP_HUBSPOT_TOKEN", "CDP_ZENDESK_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("CDP_HUBSPOT_CLIENT_SECRET", sandbox_oauth.CLIENT_SECRET)
    return Cdp(home, capsys)


@pytest.fixture
def through_app(home: Home) -> None:
    """HubSpot is connected through an app."""
    section = f'\n[sources.hubspot.oauth]\nclient_id = "{sandbox_oauth.CLIENT_ID}"\nredirect_port = {PORT}\n'
    home.config.write_text(home.config.read_text() + section)


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A browser with a person who agrees; the pages it was asked to open."""
    pages: list[str] = []
    threads: list[threading.Thread] = []

    def browse(address: str) -> bool:
        pages.append(address)
        threads.append(threading.Thread(target=httpx.get, args=(address,), kwargs={"follow_redirects": True}))
        threads[-1].start()
        return True

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", browse)
    yield pages
    for thread in threads:
        thread.join(10)


def stored(home: Home, name: str = "hubspot") -> Any:
    with home.opened() as opened:
        return read_credential(opened.stores, opened.ring, name)


def typed(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], str]) -> list[dict[str, Any]]:
    """Answer prompts; the options of each."""
    asked: list[dict[str, Any]] = []

    def prompt(question: str, **options: Any) -> str:
        asked.append(options)
        return answer(question)

    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    return asked


def printed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is printed, while it is."""
    lines: list[str] = []
    echo = typer.echo

    def and_keep(text: object = "", **options: Any) -> None:
        lines.extend(str(text).splitlines())
        echo(text, **options)

    monkeypatch.setattr(typer, "echo", and_keep)
    return lines


def agreed(shown: list[str]) -> str:
    """Open the vendor's page that was printed, and agree; the address the browser ends at."""
    page = next(line.strip() for line in shown if "code&client_id" in line)
    return str(httpx.get(page).headers["Location"])


@pytest.mark.usefixtures("through_app")
def test_an_account_is_connected_over_the_redirect(cdp: Cdp, home: Home, browser: list[str], vendors: Running) -> None:
    assert cdp("sources", "connect", "hubspot") == 0

    grant = stored(home)
    assert isinstance(grant, Grant)
    assert grant.refresh_token
    assert "may read everything the streams need" in cdp.said
    assert dict(parse_qsl(urlsplit(browser[0]).query))["redirect_uri"] == f"http://localhost:{PORT}/callback"
    assert [
        word for word in (grant.access_token, grant.refresh_token, sandbox_oauth.CLIENT_SECRET) if word in cdp.said
    ] == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{PORT}/callback")
    vendors.grants["hubspot"].expire()
    assert cdp("sync", "hubspot", "--stream", "companies") == 0


@pytest.mark.usefixtures("through_app")
def test_an_address_can_be_pasted(cdp: Cdp, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = printed(monkeypatch)
    asked = typed(monkeypatch, lambda _: agreed(shown))

    assert cdp("sources", "connect", "hubspot", "--paste", "--no-browser") == 0
    assert isinstance(stored(home), Grant)
    assert asked == [{"hide_input": True}]


@pytest.mark.usefixtures("through_app")
@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("http://localhost/callback?code=code-1&state=somebody-elses", "does not carry the state"),
        ("code-without-anything-else", "Copy all of it"),
        ("http://localhost/callback?error=access_denied&state={state}", r"a refusal \(access_denied\)"),
        ("http://localhost/callback?state={state}", "carries no code"),
        ("http://localhost/callback?code=never-given&state={state}", r"status 400 \(invalid_grant\)"),
    ],
)
def test_what_is_not_the_answer_is_refused(
    cdp: Cdp, home: Home, monkeypatch: pytest.MonkeyPatch, pasted: str, said: str
) -> None:
    states: list[str] = []
    monkeypatch.setattr(
        "connectors.oauth.secrets.token_urlsafe", lambda _: states.append("s") or f"state-{len(states)}"
    )
    typed(monkeypatch, lambda _: pasted.format(state="state-1"))

    assert cdp("sources", "connect", "hubspot", "--paste", "--no-browser") == 21
    assert re.search(said, cdp.said)
    assert stored(home) is None


@pytest.mark.usefixtures("through_app")
def test_nobody_agreeing_ends_it(cdp: Cdp, home: Home) -> None:
    began = time.monotonic()

    assert cdp("sources", "connect", "hubspot", "--no-browser", "--wait", "1") == 20

    assert "nobody agreed" in cdp.said
    assert time.monotonic() - began < 8
    assert stored(home) is None


@pytest.mark.usefixtures("through_app")
def test_a_taken_port_is_named(cdp: Cdp) -> None:
    with socket.create_server(("127.0.0.1", PORT)):
        assert cdp("sources", "connect", "hubspot", "--no-browser") == 10
    assert f"port {PORT}" in cdp.said


def test_a_token_is_asked_for_and_checked(cdp: Cdp, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = typed(monkeypatch, lambda _: "pat-na1-sandbox")

    assert cdp("sources", "connect", "hubspot") == 0
    assert asked == [{"hide_input": True}]
    assert stored(home) == "pat-na1-sandbox"
    assert "pat-na1-sandbox" not in cdp.said
    assert "First load" in cdp.said


def test_a_token_that_opens_nothing_is_said_to(cdp: Cdp, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("wrong\n")

    assert cdp("sources", "connect", "hubspot", "--token-file", str(tmp_path / "token")) == 21
    assert "the token is wrong, expired or withdrawn" in cdp.said


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running_vendor(rotation="strict") as vendor:
        yield vendor


def test_pkce_goes_with_the_code_and_binds_it(
    cdp: Cdp, home: Home, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zendesk's form: JSON, PKCE, rotation; a bare code will do, because the verifier is ours."""
    text = home.config.read_text()
    section = f'\n[sources.zendesk.oauth]\nclient_id = "{CLIENT_ID}"\nredirect_port = {PORT}\n'
    home.config.write_text(text + section)
    monkeypatch.setenv("CDP_SOURCES__ZENDESK__BASE_URL", vendor.url)
    monkeypatch.setenv("CDP_ZENDESK_CLIENT_SECRET", CLIENT_SECRET)
    zendesk = source("zendesk")
    assert zendesk.oauth is not None
    app = App("zendesk", CLIENT_ID, CLIENT_SECRET, "demo", vendor.url)

    def stolen(_: str) -> str:
        attempt = Attempt()  # somebody else's, with another verifier
        page = authorize_address(zendesk.oauth, app, attempt, redirect_uri="http://127.0.0.1:1/callback")  # type: ignore[arg-type]
        return dict(parse_qsl(urlsplit(httpx.get(page).headers["Location"]).query))["code"]

    typed(monkeypatch, stolen)
    assert cdp("sources", "connect", "zendesk", "--paste", "--no-browser") == 21
    assert "invalid_grant" in cdp.said
    assert "code_verifier" in vendor.exchanges[0]
    assert stored(home, "zendesk") is None

    shown = printed(monkeypatch)
    typed(monkeypatch, lambda _: dict(parse_qsl(urlsplit(agreed(shown)).query))["code"])
    cdp("sources", "connect", "zendesk", "--paste", "--no-browser")
    assert isinstance(stored(home, "zendesk"), Grant)


def test_what_holds_a_secret_prints_none() -> None:
    app = App("hubspot", "a", "b-secret")
    shown = repr(Grant("a", "b-secret", "c-access", "d-refresh")) + repr(Bearer("e-token")) + repr((app, Attempt()))

    assert "secret" not in shown.replace("client_secret", "")
    assert [word for word in ("c-access", "d-refresh", "e-token", "verifier", "state") if word in shown] == []


THROUGH_APPS = {
    "shopify": f'account = "{SHOP}"\nbase_url = "{{url}}"\n[sources.shopify.oauth]\nredirect_port = {PORT}\n'
    'extra_scopes = ["read_all_orders", "read_customer_merge"]\n',
    "google_reviews": 'base_url = "{url}"\n[sources.google_reviews.oauth]\n',
}


@pytest.mark.parametrize("name", sorted(THROUGH_APPS))
def test_shops_and_profiles_are_connected_and_stay_so(
    name: str, cdp: Cdp, home: Home, browser: list[str], vendors: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = THROUGH_APPS[name].format(url=vendors.urls[name])
    home.config.write_text(
        f'{home.config.read_text()}\n[sources.{name}]\n{section}client_id = "{sandbox_oauth.CLIENT_ID}"\n'
    )
    monkeypatch.setenv(f"CDP_{name.upper()}_CLIENT_SECRET", sandbox_oauth.CLIENT_SECRET)

    assert cdp("sources", "connect", name) == 0, cdp.said

    first = stored(Home(load_settings(home.config, {})), name)
    vendors.grants[name].expire()  # before its time, by our clock
    assert cdp("sources", "check", name) == 0, cdp.said
    second = stored(Home(load_settings(home.config, {})), name)
    assert second.access_token != first.access_token
    rotated = second.refresh_token != first.refresh_token
    assert rotated == (name == "shopify")
    assert second.previous_refresh_token == (first.refresh_token if rotated else None)
    assert len(browser) == 1


def test_a_system_without_plain_tokens_wants_an_app(cdp: Cdp, home: Home, vendors: Running) -> None:
    home.config.write_text(
        f'{home.config.read_text()}\n[sources.google_reviews]\nbase_url = "{vendors.urls["google_reviews"]}"\n'
    )

    assert cdp("sources", "connect", "google_reviews") == 10
    assert "set client_id in [sources.google_reviews.oauth]" in cdp.said


@pytest.mark.parametrize("name", ["hubspot", "zendesk"])
def test_check_says_what_a_first_load_would_read(
    name: str, cdp: Cdp, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CDP_{name.upper()}_TOKEN", ENVIRONMENT[f"CDP_{name.upper()}_TOKEN"])

    assert cdp("sources", "check", name, "--json") == 0

    sizes = {size["stream"]: size["records"] for size in json.loads(cdp.said)["first_load"]["streams"]}
    known = {stream.name for stream in source(name).streams if stream.count}
    assert {stream for stream, records in sizes.items() if records is not None} == known
    report = home.sync(name, streams=sorted(known))
    read = {stream.stream: stream.records for stream in report.streams}
    assert all(0 < sizes[stream] <= read[stream] for stream in known)  # deleted and archived ones are not counted


def test_a_system_that_counts_nothing_is_not_said_to_hold_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    nothing_known = Estimate((StreamSize("reviews", None, None),), 0.0)

    showing.show_access(Access(CheckResult(ok=True, sentence="All is well."), nothing_known))

    assert capsys.readouterr().out.splitlines()[1:] == [
        "How much a first load would read is unknown: the system does not say."
    ]
