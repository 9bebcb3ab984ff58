"""OAuth as data: where a person agrees, where tokens are exchanged, and what a vendor does to the old ones.

Here are the addresses and the two exchanges: a code for tokens, a refresh token for new ones. Keeping tokens, and
letting only one process renew them, is up to whoever implements ``spec.Tokens``. No error quotes a token, a code or a
sentence of the vendor.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from connectors.errors import IncompleteError, RejectedError, RetriableError, SettingsError, UnreachableError

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}")
_LOOPBACK = re.compile(r"127\.0\.0\.1|localhost|::1")
_TOO_MANY = 429
_SERVER_FAULTS = 500


@dataclass(frozen=True, slots=True)
class Redirect:
    """What came back from the vendor's page, with what is needed to judge it.

    Attributes:
        parameters: Query of the address the browser was sent to.
        client_secret: Secret of the app, for vendors that sign the redirect with it.
        account: The configured account.
    """

    parameters: Mapping[str, str] = field(repr=False)
    client_secret: str | None = field(repr=False)
    account: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """How one vendor does OAuth.

    Attributes:
        authorize_url: Page on which a person agrees; ``{account}`` stands for the configured account.
        token_url: Where codes and refresh tokens are exchanged.
        scopes: Permissions to ask for.
        scope_separator: Between the scopes.
        authorize_parameters: Further parameters of that page.
        code_parameters: Further fields of the exchange of a code.
        pkce: The vendor proves, with a challenge, that who began is who exchanges.
        needs_secret: The app has a secret.
        any_port: A loopback redirect may use any port, so that none need be registered.
        redirect_host: Name of this machine in the redirect address that the vendor allows without TLS.
        as_json: The exchange takes JSON instead of a form.
        rotates: Each refresh gives a new refresh token; the one before may die at once.
        required: The vendor has no other kind of credential.
        check_redirect: Raises ``RejectedError`` for a redirect that is not the vendor's.
        help: Where an app is registered.
    """

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    scope_separator: str = " "
    authorize_parameters: Mapping[str, str] = field(default_factory=dict)
    code_parameters: Mapping[str, str] = field(default_factory=dict)
    pkce: bool = False
    needs_secret: bool = True
    any_port: bool = False
    redirect_host: str = "127.0.0.1"
    as_json: bool = False
    rotates: bool = False
    required: bool = False
    check_redirect: Callable[[Redirect], None] | None = None
    help: str

    def __post_init__(self) -> None:
        problems = []
        if not (self.pkce or self.needs_secret):
            problems.append("without PKCE and without a secret anybody could exchange a code")
        if not all(url.startswith("https://") for url in (self.authorize_url, self.token_url)):
            problems.append("its addresses must begin with https://")
        if problems:
            raise ValueError(f"OAuth: {'; '.join(problems)}.")


@dataclass(frozen=True, slots=True)
class App:
    """The app an operator registered at the vendor, and the account it is to read.

    Attributes:
        source: Name of the source, for messages.
        client_id: Public name of the app.
        client_secret: Its secret, where it has one.
        account: The configured account, where the vendor's addresses need one.
        base_url: Scheme and host to use instead of the vendor's.
        extra_scopes: Permissions to ask for besides the declared ones.
    """

    source: str
    client_id: str
    client_secret: str | None = field(repr=False)
    account: str | None = None
    base_url: str | None = None
    extra_scopes: tuple[str, ...] = ()

    def address(self, url: str) -> str:
        """``url`` for this account; with a ``base_url``, its path on that host."""
        if self.base_url is not None:
            return self.base_url.rstrip("/") + urlsplit(url).path
        if "{account}" in url and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", self.account or ""):
            raise SettingsError(
                f"{self.source}: account must be the part of your address before the vendor's domain, letters, digits "
                "and hyphens only. Set it for this source in cdp.toml."
            )
        return url.replace("{account}", self.account or "")


@dataclass(frozen=True, slots=True)
class Granted:
    """What an exchange gave.

    Attributes:
        access_token: Opens the API.
        refresh_token: Gives the next access token; None if the vendor sent none (the old one stays then).
        expires_in: Seconds the access token lives; None if it does not expire.
        refresh_expires_in: Seconds the refresh token lives, where the vendor says so.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: float | None
    refresh_expires_in: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to connect: what binds the vendor's answer to the person who began.

    Attributes:
        state: Comes back in the redirect, or the redirect is somebody else's.
        verifier: Goes with the code; the page has seen its hash only.
    """

    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64), repr=False)

    @property
    def challenge(self) -> str:
        """The hash of the verifier that the page is given."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorize_address(oauth: OAuth, app: App, attempt: Attempt, *, redirect_uri: str) -> str:
    """The address of the page on which a person agrees."""
    parameters = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "scope": oauth.scope_separator.join((*oauth.scopes, *app.extra_scopes)),
        "state": attempt.state,
        **oauth.authorize_parameters,
    }
    if oauth.pkce:
        parameters |= {"code_challenge": attempt.challenge, "code_challenge_method": "S256"}
    return f"{app.address(oauth.authorize_url)}?{urlencode(parameters)}"


def code_of(oauth: OAuth, app: App, attempt: Attempt, parameters: Mapping[str, str]) -> str:
    """The code in the parameters of a redirect, once they have proved to be the answer to ``attempt``.

    Raises:
        RejectedError: They are not, or the person or the vendor refused.
    """
    if not hmac.compare_digest(parameters.get("state", "").encode(), attempt.state.encode()):
        raise RejectedError(
            f"{app.source}: the redirect does not carry the state of this attempt, so it may come from somebody else. "
            f"Nothing was stored. Begin again: cdp sources connect {app.source}"
        )
    if "error" in parameters:
        code = _safe_code(parameters["error"])
        raise RejectedError(
            f"{app.source}: the vendor's page answered with a refusal{f' ({code})' if code else ''}. Nothing was "
            f"stored. Agree on that page, or compare the app's settings with its permissions. {oauth.help}"
        )
    if oauth.check_redirect is not None:
        oauth.check_redirect(Redirect(parameters, app.client_secret, app.account))
    if not parameters.get("code"):
        raise RejectedError(
            f"{app.source}: the redirect carries no code. Copy the whole address from the browser, from http to its "
            "end, and try again."
        )
    return parameters["code"]


def exchange_code(oauth: OAuth, app: App, attempt: Attempt, code: str, *, redirect_uri: str) -> Granted:
    """Tokens for the code of a redirect.

    Raises:
        RejectedError: The vendor refuses.
        RetriableError: It does not answer.
        IncompleteError: Its answer holds no token.
    """
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, **oauth.code_parameters}
    if oauth.pkce:
        fields["code_verifier"] = attempt.verifier
    return _exchange(oauth, app, fields)


def refresh(oauth: OAuth, app: App, refresh_token: str) -> Granted:
    """New tokens for a refresh token.

    Raises:
        RejectedError: The vendor refuses.
        RetriableError: It does not answer.
        IncompleteError: Its answer holds no token.
    """
    return _exchange(oauth, app, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def _exchange(oauth: OAuth, app: App, fields: Mapping[str, str]) -> Granted:
    url = _safe_address(app, oauth.token_url)
    what = f"{app.source} {urlsplit(url).path}"
    sent = {**fields, "client_id": app.client_id}
    if app.client_secret is not None:
        sent["client_secret"] = app.client_secret
    body: dict[str, Any] = {"json": sent} if oauth.as_json else {"data": sent}
    try:
        # trust_env: ~/.netrc could add other credentials. Redirects: the secret goes to this host alone.
        with httpx.Client(timeout=_TIMEOUT, trust_env=False, follow_redirects=False) as client:
            response = client.post(url, headers={"Accept": "application/json"}, **body)
    except httpx.RequestError as error:
        unconnected = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        raise (UnreachableError if unconnected else RetriableError)(
            f"{what}: {type(error).__name__} while talking to {urlsplit(url).hostname}, so there is no token. Check "
            "the network and the account or base_url in the configuration, then run again."
        ) from None
    return _granted(app, what, response)


def _safe_address(app: App, url: str) -> str:
    address = app.address(url)
    parts = urlsplit(address)
    if parts.scheme != "https" and not _LOOPBACK.fullmatch(parts.hostname or ""):
        raise SettingsError(f"{app.source}: base_url must begin with https://, else a secret would travel in clear.")
    return address


def _granted(app: App, what: str, response: httpx.Response) -> Granted:
    body = _object(response)
    status = response.status_code
    if status == _TOO_MANY or status >= _SERVER_FAULTS:
        raise RetriableError(
            f"{what}: status {status}, so the vendor gives no token now. Run again later.", status=status
        )
    if not response.is_success:
        code = _safe_code(body.get("error")) or _safe_code(body.get("status"))
        raise RejectedError(
            f"{what}: status {status}{f' ({code})' if code else ''}: the vendor gives no token for what it was sent. "
            f"Compare client id and secret with the app at the vendor, then: cdp sources connect {app.source}",
            status=status,
        )
    access, following = body.get("access_token"), body.get("refresh_token")
    if not isinstance(access, str) or not access:
        raise IncompleteError(
            f"{what}: an answer without a token (keys: {', '.join(sorted(map(str, body))) or 'none'}). Compare "
            f"docs/connectors/{app.source}.md with the vendor's changelog.",
            status=status,
        )
    return Granted(
        access,
        following if isinstance(following, str) and following else None,
        _seconds(body.get("expires_in")),
        _seconds(body.get("refresh_token_expires_in")),
    )


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _safe_code(value: object) -> str | None:
    """A vendor's error code; anything longer or freer may be a sentence and is left out."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None
