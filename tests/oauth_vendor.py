"""A vendor with nothing but OAuth and one page of API, over real HTTP: what the sandbox has not, or not so strictly."""

import hashlib
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

CLIENT_ID, CLIENT_SECRET = "our-app", "app-secret-7"
Rotation = Literal["stays", "strict", "repeats"]
"""What a refresh does to the refresh token: nothing; ends the old ones at once; gives the same tokens again if asked
again with the old one."""


@dataclass
class Vendor:
    """The vendor's side of it.

    Attributes:
        rotation: See ``Rotation``.
        expires_in: Seconds an access token is said to live.
        exchanges: Form fields of every exchange, in order.
        valid: Access tokens that open the API.
        status: Status to answer exchanges with instead of tokens.
    """

    rotation: Rotation = "stays"
    expires_in: int | None = 1800
    exchanges: list[dict[str, str]] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)
    status: int | None = None
    refresh_tokens: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    codes: dict[str, str | None] = field(default_factory=dict)
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def authorize(self, query: dict[str, str]) -> str:
        """Agree at once; the address the browser is sent to."""
        code = f"code-{len(self.codes)}"
        self.codes[code] = query.get("code_challenge")
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and body of the token endpoint's answer."""
        with self._lock:
            self.exchanges.append(fields)
            if self.status is not None:
                return self.status, {"error": "temporarily_unavailable"}
            if (fields.get("client_id"), fields.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
                return 401, {"error": "invalid_client", "error_description": "Somebody Private is not known"}
            if fields["grant_type"] == "authorization_code":
                return self._for_code(fields)
            return self._for_refresh_token(fields["refresh_token"])

    def _for_code(self, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        challenge = self.codes.pop(fields["code"], "unknown")
        digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        if challenge not in (None, urlsafe_b64encode(digest).rstrip(b"=").decode()):
            return 400, {"error": "invalid_grant"}
        return 200, self._new("refresh-0")

    def _for_refresh_token(self, token: str) -> tuple[int, dict[str, Any]]:
        if token not in self.refresh_tokens:
            return 400, {"error": "invalid_grant", "error_description": "Somebody Private has withdrawn it"}
        if (again := self.refresh_tokens[token]) is not None:
            return 200, again
        if self.rotation == "stays":
            return 200, self._new(token)
        answer = self._new(f"refresh-{len(self.exchanges)}")
        if self.rotation == "strict":
            del self.refresh_tokens[token]
            self.valid = {answer["access_token"]}
        else:
            self.refresh_tokens[token] = answer
        return 200, answer

    def _new(self, refresh_token: str) -> dict[str, Any]:
        access = f"access-{len(self.exchanges)}"
        self.valid.add(access)
        self.refresh_tokens[refresh_token] = None
        return {"access_token": access, "refresh_token": refresh_token, "expires_in": self.expires_in}


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if "authoriz" in parts.path:
            self._answer(302, b"", location=self.server.vendor.authorize(dict(parse_qsl(parts.query))))
            return
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        known = token in self.server.vendor.valid
        self._answer(200 if known else 401, b'{"results": []}' if known else b'{"category": "EXPIRED_AUTHENTICATION"}')

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if "token" not in self.path:
            self.do_GET()
            return
        is_json = self.headers["Content-Type"].startswith("application/json")
        fields = orjson.loads(content) if is_json else dict(parse_qsl(content.decode()))
        status, body = self.server.vendor.exchange(fields)
        self._answer(status, orjson.dumps(body))

    def _answer(self, status: int, body: bytes, *, location: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    vendor: Vendor


@contextmanager
def running_vendor(**options: Any) -> Iterator[Vendor]:
    """The vendor on a free port of this machine."""
    vendor = Vendor(**options)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.vendor = vendor
        vendor.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield vendor
        server.shutdown()
        thread.join()
