"""The control port: what tests and the demo may do to the world and no vendor would offer."""

from typing import TYPE_CHECKING, Any

import orjson

from sandbox.switches import Fault
from sandbox.web import Response, reply

if TYPE_CHECKING:
    from sandbox.server import Receive, Running, Send


class Control:
    """ASGI application with the ``/_sandbox`` paths."""

    def __init__(self, running: "Running") -> None:
        self._running = running

    async def __call__(self, scope: Any, receive: "Receive", send: "Send") -> None:  # noqa: ANN401 - ASGI
        """Answer one request."""
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        response = self._answer(scope["method"], scope["path"], orjson.loads(body or b"{}"))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(response.body)).encode())]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    def _answer(self, method: str, path: str, body: dict[str, Any]) -> Response:
        running = self._running
        match method, path:
            case "POST", "/_sandbox/advance":
                running.world.advance(int(body.get("days", 1)))
                return reply({"now": running.world.now.isoformat()})
            case "POST", "/_sandbox/switches" | "/_sandbox/expire":
                self._switch(body)
                return reply({})
            case "GET", "/_sandbox/truth":
                return reply(running.world.truth())
            case "GET", "/_sandbox/values":
                return reply(sorted(set(running.world.personal_values())))
            case "GET", "/_sandbox/requests":
                return reply([line._asdict() for line in running.requests])
        return reply({"error": "no such control path"}, 404)

    def _switch(self, body: dict[str, Any]) -> None:
        switches = self._running.switches
        if "vendor" in body:  # every access token handed out by OAuth ends now; refresh tokens stay good
            self._running.grants[body["vendor"]].expire()
        if "latency_ms" in body:
            switches.latency_ms = body["latency_ms"]
        if "rate_scale" in body:
            switches.rate_scale = body["rate_scale"]
        switches.bulk = body.get("bulk", switches.bulk)
        switches.bulk_polls = body.get("bulk_polls", switches.bulk_polls)
        switches.page_size = body.get("page_size", switches.page_size)
        if "faults" in body:
            switches.faults = [Fault(**fault) for fault in body["faults"]]
