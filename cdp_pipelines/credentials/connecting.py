"""Connecting an account by OAuth: from the vendor's page, over a redirect or a pasted address, to a grant."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from cdp_pipelines.config import SourceSettings
from cdp_pipelines.credentials.grants import Grant
from cdp_pipelines.credentials.loopback import Loopback
from cdp_pipelines.errors import ConnectError
from connectors.errors import RejectedError
from connectors.oauth import App, Attempt, OAuth, authorize_address, code_of, exchange_code
from connectors.spec import Source

_BARE_CODE = re.compile(r"[\w./~%+-]{4,2000}")

Ask = Callable[[str], str]
"""Shows a question and gives what was typed."""


@dataclass(frozen=True, slots=True)
class Person:
    """How the person who connects is reached.

    Attributes:
        show: Is given the address of the vendor's page, to open it or to print it.
        paste: Asks for the address the browser ended at; None where nobody can be asked.
        waits: Seconds the redirect is waited for; 0 asks at once.
    """

    show: Callable[[str], None]
    paste: Ask | None
    waits: float = 300.0


def registered_app(source: Source, settings: SourceSettings, client_secret: str | None) -> App:
    """The app the operator registered.

    Raises:
        ConnectError: There is none in the configuration, or its secret is missing.
    """
    oauth = declared(source)
    if settings.oauth is None:
        raise ConnectError(
            f"{source.name}: this system is connected through an app of yours. Register one and set client_id in "
            f"[sources.{source.name}.oauth] of cdp.toml. {oauth.help}"
        )
    if oauth.needs_secret and not client_secret:
        raise ConnectError(
            f"{source.name}: the app's client secret is missing. Type it when asked, name a file with "
            f"--client-secret-file, or set CDP_{source.name.upper()}_CLIENT_SECRET."
        )
    return App(
        source.name,
        settings.oauth.client_id,
        client_secret or None,
        account=settings.account,
        base_url=settings.base_url,
        extra_scopes=tuple(settings.oauth.extra_scopes),
    )


def declared(source: Source) -> OAuth:
    """How the vendor does OAuth.

    Raises:
        ConnectError: It does not, as far as we know.
    """
    if source.oauth is None:
        raise ConnectError(
            f"{source.name}: this system takes a plain token, no app. Remove [sources.{source.name}.oauth] from "
            f"cdp.toml and run again. {source.credential_help}"
        )
    return source.oauth


def connect(source: Source, settings: SourceSettings, app: App, person: Person, *, now: datetime) -> Grant:
    """Lead a person to the vendor's page and exchange what comes back for a grant.

    Raises:
        ConnectError: Nothing came back.
        RejectedError: What came back is not the answer to this attempt, or the vendor refuses.
        RetriableError: The vendor does not answer.
    """
    oauth, attempt = declared(source), Attempt()
    port = 0 if oauth.any_port or settings.oauth is None else settings.oauth.redirect_port
    with Loopback(oauth.redirect_host, port) as loopback:
        person.show(authorize_address(oauth, app, attempt, redirect_uri=loopback.redirect_uri))
        answer = loopback.wait(person.waits) or _pasted(oauth, source.name, attempt, person)
        code = code_of(oauth, app, attempt, answer)
        granted = exchange_code(oauth, app, attempt, code, redirect_uri=loopback.redirect_uri)
    return Grant.first(app, granted, now=now)


def _pasted(oauth: OAuth, source_name: str, attempt: Attempt, person: Person) -> Mapping[str, str]:
    if person.paste is None:
        raise ConnectError(
            f"{source_name}: nobody agreed on the vendor's page within {person.waits:.0f} s, so nothing was stored. "
            "Run it again; where this machine has no browser, use --paste.",
            rerun_helps=True,
        )
    typed = person.paste("Address the browser ended at, from http to its end").strip()
    if "?" in typed:
        return dict(parse_qsl(urlsplit(typed).query))
    # A code alone carries no state. PKCE binds it to this attempt all the same; without it, it may be anybody's.
    if oauth.pkce and oauth.check_redirect is None and _BARE_CODE.fullmatch(typed):
        return {"code": typed, "state": attempt.state}
    raise RejectedError(
        f"{source_name}: that is not the address the browser ended at. Copy all of it, from http to its end; it holds "
        "more than the code. Nothing was stored."
    )
