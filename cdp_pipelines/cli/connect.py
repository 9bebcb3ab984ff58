"""``cdp sources connect``: let us into an account, and keep the credential in the vault."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cdp_pipelines.cli import console

if TYPE_CHECKING:
    from cdp_pipelines.config import SourceSettings
    from cdp_pipelines.credentials import Grant
    from cdp_pipelines.installation import Installation
    from connectors.spec import Source


def connect(
    name: Annotated[str, typer.Argument(help="Name of the source, for example hubspot.")],
    token_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="File that holds the token; else it is asked for.")
    ] = None,
    client_secret_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="File that holds the app's client secret; else it is asked for."
        ),
    ] = None,
    paste: Annotated[
        bool, typer.Option("--paste", help="Ask for the address the browser ends at; for machines without a browser.")
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the vendor's page, or print its address only.")
    ] = True,
    wait: Annotated[int, typer.Option(min=1, help="Seconds to wait for the browser.")] = 300,
) -> None:
    """Connect an account: a token, or an app (OAuth) where [sources.NAME.oauth] names one.

    Secrets are asked for or read from a file, never given as an argument, and kept in the vault, encrypted.
    Afterwards the access is checked, and what a first load would read is said.

    Examples:

      cdp sources connect hubspot

      cdp sources connect zendesk --token-file token.txt

      cdp sources connect shopify --paste
    """
    from cdp_pipelines import database
    from cdp_pipelines.credentials import store_grant

    with console.installation() as opened:
        declaration, settings = opened.source(name)
        if settings.oauth is None and not (declaration.oauth and declaration.oauth.required):
            database.set_credential(opened.stores, opened.ring, name, _token(name, token_file))
        else:
            secret = _client_secret(opened, declaration, settings, client_secret_file)
            grant = _granted(declaration, settings, secret, 0 if paste else wait, browser=open_browser)
            store_grant(opened.stores, opened.ring, name, grant)
        database.record_audit(
            opened.stores.control,
            opened.ring,
            actor=f"os:{os.getuid()}",
            action="credential_set",
            detail={"source": name, "kind": "token" if settings.oauth is None else "oauth"},
        )
        typer.echo(f"The credential of {name} is in the vault.")
        _check(opened, name)


def _token(name: str, file: Path | None) -> str:
    return _read(file) if file else _given(console.ask(f"Token of {name}"))


def _read(file: Path) -> str:
    try:
        return _given(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8 text, so it holds no secret. Nothing was stored.") from None


def _given(text: str) -> str:
    """A secret without what stands around it; what is none would take the place of the one there is."""
    secret = text.strip()
    if not secret or len(secret.split("\n")) > 1:
        raise typer.BadParameter("a secret is one line and not empty. Nothing was stored.")
    return secret


def _client_secret(
    opened: "Installation", source: "Source", settings: "SourceSettings", file: Path | None
) -> str | None:
    """The app's secret: from a file, the environment, the vault, or the person, in this order."""
    from cdp_pipelines.credentials import Grant, client_secret_variable, read_credential

    if settings.oauth is None or source.oauth is None or not source.oauth.needs_secret:
        return None
    if file is not None:
        return _read(file)
    if given := os.environ.get(client_secret_variable(source.name)):
        return given
    stored = read_credential(opened.stores, opened.ring, source.name)
    if isinstance(stored, Grant) and stored.client_id == settings.oauth.client_id:
        return stored.client_secret
    return _given(console.ask(f"Client secret of the app for {source.name}"))


def _granted(
    source: "Source", settings: "SourceSettings", secret: str | None, wait: float, *, browser: bool
) -> "Grant":
    from cdp_pipelines.credentials.connecting import Person, connect, registered_app
    from cdp_pipelines.installation import clock

    def show(address: str) -> None:
        typer.echo(f"Agree on the vendor's page, in a browser on this machine:\n\n  {address}\n")
        if browser:
            _open(address)

    may_ask = wait == 0 or sys.stdin.isatty()
    person = Person(show=show, paste=console.ask if may_ask else None, waits=wait)
    return connect(source, settings, registered_app(source, settings, secret), person, now=clock())


def _open(address: str) -> None:
    """Open a window; where there is no screen, a browser of the terminal would take the terminal over."""
    import webbrowser

    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(address)


def _check(opened: "Installation", name: str) -> None:
    from cdp_pipelines.access import check_access
    from cdp_pipelines.cli import showing
    from cdp_pipelines.credentials import token_variable
    from cdp_pipelines.errors import CheckFailedError

    access = check_access(opened, name, token=opened.token(name, {}))
    if not access.result.ok:
        raise CheckFailedError(access.result.sentence, rerun_helps=access.result.rerun_helps)
    showing.show_access(access)
    if os.environ.get(token_variable(name)):
        typer.echo(f"{token_variable(name)} is set and beats the vault: unset it, or it is what syncs use.")
    typer.echo(f"Next: cdp sync {name}")
