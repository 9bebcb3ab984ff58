"""Authorization codes, access tokens and refresh tokens as a vendor hands them out; the vendor's words are not here."""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from sandbox.web import Request, Response

CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-secret"
"""The one app each vendor knows."""
_CODE_SECONDS = 600


class RefusedError(ValueError):
    """Why a grant is refused, in the words of RFC 6749; each vendor turns it into its own body."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code that has not been exchanged yet. ``challenge`` is (method, value) of PKCE, if used."""

    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: tuple[str, str] | None
    offline: bool
    until: float


@dataclass(slots=True)
class Access:
    """An access token: what it opens and until when, on the clock of ``time.monotonic``."""

    refresh_token: str | None
    scopes: tuple[str, ...]
    until: float


@dataclass(frozen=True, slots=True)
class Issued:
    """What an exchange or a refresh gives."""

    access_token: str
    refresh_token: str | None
    scopes: tuple[str, ...]
    seconds: int


class Grants:
    """Everything one vendor has handed out. Tokens are random: they are no facts of the world."""

    def __init__(self, *, prefixes: tuple[str, str], seconds: int, rotates: bool = False) -> None:
        """Nothing handed out yet.

        Args:
            prefixes: how access and refresh tokens begin.
            seconds: life of an access token; may be changed while the stand-in runs.
            rotates: whether a refresh gives a new refresh token and ends the old one.
        """
        self.seconds, self._prefixes, self._rotates = seconds, prefixes, rotates
        self.codes: dict[str, Code] = {}
        self.access: dict[str, Access] = {}
        self.refresh: dict[str, tuple[str, ...]] = {}

    def authorize(self, request: Request, *, separator: str = " ") -> Response:
        """The person agrees at once: back to the app with a code and the state it sent."""
        redirect_uri = request.one("redirect_uri") or ""
        challenge = request.one("code_challenge")
        code = f"code-{secrets.token_urlsafe(18)}"
        self.codes[code] = Code(
            redirect_uri,
            _asked(request, separator),
            (request.one("code_challenge_method") or "plain", challenge) if challenge else None,
            request.one("access_type") in {None, "offline"},
            time.monotonic() + _CODE_SECONDS,
        )
        answer = {"code": code} | ({"state": state} if (state := request.one("state")) is not None else {})
        joint = "&" if "?" in redirect_uri else "?"
        return Response(302, b"", {"location": f"{redirect_uri}{joint}{urlencode(answer)}"})

    def exchange(self, form: dict[str, str]) -> Issued:
        """Tokens for a code, once.

        Raises:
            RefusedError: The code is unknown, old or used, or was given for another address or verifier.
        """
        _check_client(form)
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.until < time.monotonic():
            raise RefusedError("invalid_grant", "code")
        if form.get("redirect_uri") != code.redirect_uri:
            raise RefusedError("invalid_grant", "redirect_uri")
        if code.challenge and not _proves(form.get("code_verifier", ""), *code.challenge):
            raise RefusedError("invalid_grant", "code_verifier")
        return self.issue(code.scopes, offline=code.offline)

    def issue(self, scopes: tuple[str, ...], *, offline: bool = True) -> Issued:
        """Fresh tokens for ``scopes``; without ``offline`` there is no refresh token."""
        refresh_token = f"{self._prefixes[1]}{secrets.token_urlsafe(24)}" if offline else None
        if refresh_token:
            self.refresh[refresh_token] = scopes
        return self._access(refresh_token, scopes)

    def renew(self, form: dict[str, str]) -> Issued:
        """A new access token for a refresh token.

        Raises:
            RefusedError: The refresh token is unknown, revoked or has been replaced.
        """
        _check_client(form)
        given = form.get("refresh_token", "")
        scopes = self.refresh.get(given)
        if scopes is None:
            raise RefusedError("invalid_grant", "refresh_token")
        if not self._rotates:
            return self._access(given, scopes)
        del self.refresh[given]
        return self.issue(scopes)

    def _access(self, refresh_token: str | None, scopes: tuple[str, ...]) -> Issued:
        token = f"{self._prefixes[0]}{secrets.token_urlsafe(24)}"
        self.access[token] = Access(refresh_token, scopes, time.monotonic() + self.seconds)
        return Issued(token, refresh_token, scopes, self.seconds)

    def allowed(self, access_token: str) -> tuple[str, ...] | None:
        """Scopes of an access token that is good now, else None."""
        access = self.access.get(access_token)
        return access.scopes if access and access.until > time.monotonic() else None

    def is_expired(self, access_token: str) -> bool:
        """Whether the token was good once."""
        return access_token in self.access and self.allowed(access_token) is None

    def expire(self) -> None:
        """End the life of every access token now; refresh tokens stay good."""
        for access in self.access.values():
            access.until = 0.0

    def revoke(self, token: str) -> bool:
        """End a refresh token, or the one an access token came from, and all that came from it."""
        access = self.access.get(token)
        refresh_token = access.refresh_token if access else token
        known = self.refresh.pop(refresh_token or "", None) is not None or access is not None
        for name, other in list(self.access.items()):
            if name == token or (refresh_token and other.refresh_token == refresh_token):
                del self.access[name]
        return known


def _asked(request: Request, separator: str) -> tuple[str, ...]:
    """The permissions asked for; the person who agrees grants the optional ones too."""
    wanted = separator.join(filter(None, (request.one("scope"), request.one("optional_scope"))))
    return tuple(scope for scope in wanted.split(separator) if scope)


def form_of(request: Request) -> dict[str, str]:
    """The fields of a form body."""
    return {name: values[-1] for name, values in parse_qs(request.body.decode(errors="replace")).items()}


def _check_client(form: dict[str, str]) -> None:
    if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
        raise RefusedError("invalid_client", "client")


def _proves(verifier: str, method: str, challenge: str) -> bool:
    if method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(verifier.encode(), challenge.encode())
