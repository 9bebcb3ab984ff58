"""The other end of an OAuth redirect: one answer on this machine's loopback, then nothing listens any more."""

import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

from cdp_pipelines.errors import ConnectError

PATH: Final = "/callback"
_SILENCE_SECONDS: Final = 5.0
_PAGE: Final = b"""<!doctype html><meta charset="utf-8"><title>cdp</title>
<p>The answer has reached the command line, which says whether it is connected. You can close this window.</p>
"""


class Loopback:
    """Listens on 127.0.0.1 from the start of the block until its end.

    Args:
        host: Name under which the redirect address is registered: 127.0.0.1 or localhost.
        port: Port to listen on; 0 takes a free one.

    Raises:
        ConnectError: The port is taken.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise ConnectError(
                f"Waiting for the redirect: port {port} of this machine cannot be used ({error.strerror}). Stop what "
                "uses it, or set redirect_port for this source in cdp.toml and at the vendor; or use --paste."
            ) from None
        self._host = host
        self._server.hosts = {f"{name}:{self._server.server_port}" for name in ("127.0.0.1", "localhost")}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    @property
    def redirect_uri(self) -> str:
        """The address the vendor sends the browser to."""
        return f"http://{self._host}:{self._server.server_port}{PATH}"

    def wait(self, seconds: float) -> dict[str, str] | None:
        """The parameters of the first redirect that comes within ``seconds``; None if none does."""
        deadline = time.monotonic() + seconds
        while self._server.answer is None and (left := deadline - time.monotonic()) > 0:
            self._server.timeout = left
            self._server.handle_request()
        return self._server.answer


class _Server(HTTPServer):
    answer: dict[str, str] | None = None
    hosts: set[str] = set()  # noqa: RUF012 - set before the first request

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that goes away is no news; the library would print its address."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _SILENCE_SECONDS  # a caller that says nothing would keep the browser out
    server: _Server

    def do_GET(self) -> None:
        """Take the redirect; anything else, a name that was pointed at this machine included, is not found."""
        parts = urlsplit(self.path)
        is_redirect = parts.path == PATH and self.headers.get("Host") in self.server.hosts
        if is_redirect:
            self.server.answer = dict(parse_qsl(parts.query))
        self.send_response(200 if is_redirect else 404)
        page = _PAGE if is_redirect else b""
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(page))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
        """Say nothing: the request line holds the code."""
