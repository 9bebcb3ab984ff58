"""A mail server and an HTTP endpoint on this machine that keep what they are sent."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

if TYPE_CHECKING:
    from email.message import Message


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as a client needs; ``refuses`` is the code it answers a sender with."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.messages: list[Message] = []
        self.recipients: list[str] = []
        self.refuses: int | None = None

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Mail(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say(220, "ready")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(" ", 1)[0].upper()
            if verb == "DATA":
                self._say(354, "go on")
                self.server.messages.append(message_from_bytes(self._data()))
            if verb == "RCPT":
                self.server.recipients.append(line)
            refused = self.server.refuses if verb == "MAIL" else None
            self._say(refused or (221 if verb == "QUIT" else 250), "Erika Mustermann" if refused else "fine")
            if verb == "QUIT":
                return

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        return b"".join(lines)

    def _say(self, code: int, text: str) -> None:
        self.wfile.write(f"{code} {text}\r\n".encode())


class Endpoint(ThreadingHTTPServer):
    """Takes JSON; ``status`` is what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.bodies: list[dict[str, Any]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook/secret-path"


class _Hook(BaseHTTPRequestHandler):
    server: Endpoint
    protocol_version: ClassVar[str] = "HTTP/1.0"  # type: ignore[misc]

    def do_POST(self) -> None:
        self.server.bodies.append(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
        """Say nothing."""


@contextmanager
def listening(server: Any) -> Iterator[Any]:
    """Serve in a thread while the block runs."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
