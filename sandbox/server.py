"""The stand-ins on real sockets: one port per vendor and one for control, in one thread with one event loop."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import uvicorn

from sandbox import faults
from sandbox.collector import without_collector
from sandbox.control import Control
from sandbox.google_reviews import GoogleReviews
from sandbox.hubspot import HubSpot
from sandbox.oauth import Grants
from sandbox.shopify import Shopify
from sandbox.switches import Fault, Switches
from sandbox.times import http_date
from sandbox.web import Request, Response, Vendor
from sandbox.world import World
from sandbox.zendesk import Zendesk

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
STARTUP_SECONDS = 10


class Served(NamedTuple):
    """A line of the log. Path templates, because real paths can hold an address.

    ``at`` is in seconds of this machine's monotonic clock, when limits were applied. ``points`` is the price of a
    GraphQL query; None where calls are counted, and where there were not enough points.
    """

    vendor: str
    method: str
    template: str
    status: int
    at: float
    points: int | None


@dataclass
class Running:
    """Stand-ins that are being served.

    ``urls`` goes by vendor, ``control_url`` is the port with everything no vendor has. ``requests`` is the log.
    ``grants`` is what each vendor has handed out by OAuth.
    """

    world: World
    switches: Switches
    urls: dict[str, str] = field(default_factory=dict)
    control_url: str = ""
    requests: list[Served] = field(default_factory=list)
    grants: dict[str, Grants] = field(default_factory=dict)

    def count(self, vendor: str, *, status: int | None = None) -> int:
        """How many requests ``vendor`` has answered, with this status if one is given."""
        return sum(1 for line in self.requests if line.vendor == vendor and status in {None, line.status})


class VendorApp:
    """The ASGI application of one vendor: latency, faults, credentials, limits, then the route."""

    def __init__(self, vendor: Vendor, running: Running) -> None:
        self._vendor, self._running = vendor, running
        self._before: dict[str, bytes] = {}
        vendor.switches = running.switches

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = await _read(scope, receive)
        latency = self._running.switches.latency(self._vendor.name)
        if latency:
            await asyncio.sleep(latency / 1000)
        with self._vendor.world.lock, without_collector():
            template, response = self._answer(request)
        served = Served(self._vendor.name, request.method, template, response.status, time.monotonic(), response.points)
        self._running.requests.append(served)
        # The vendor's clock, not the machine's: a client that believes Date stays right when the world has advanced.
        response.headers.setdefault("date", http_date(self._vendor.world.clock))
        await _write(response, send)

    def _answer(self, request: Request) -> tuple[str, Response]:
        vendor, switches = self._vendor, self._running.switches
        found = vendor.router.find(request.method, request.path.removesuffix(".json"))
        template = found[0] if found else "(unknown)"
        fault = switches.strike(vendor.name, request.path, request.body)
        if fault and (failed := faults.instead(vendor, fault)):
            return template, failed
        if refused := vendor.refuse(request, found[0] if found else None):
            return template, refused
        scale = switches.scale(vendor.name)
        throttled, headers = vendor.throttle(request, scale) if scale else (None, {})
        if throttled:
            return template, throttled
        if switches.page_size:
            request = faults.with_page_size(request, switches.page_size)
        response = found[1](vendor.world, request, *found[2]) if found else vendor.unknown(request)
        response.headers |= headers
        before, self._before[template] = self._before.get(template, b""), response.body if switches.faults else b""
        return template, faults.damaged(vendor, response, fault, before) if fault else response


async def _read(scope: Message, receive: Receive) -> Request:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    return Request(
        scope["method"], scope["path"], query, headers, body, f"{scope['scheme']}://{headers.get('host', '')}"
    )


async def _write(response: Response, send: Send) -> None:
    await asyncio.sleep(response.silence)
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    # Returning before the promised length has been sent makes the server drop the connection.
    body = response.body if response.cut is None else response.body[: int(len(response.body) * response.cut)]
    size = max(1, -(-len(body) // response.pieces))
    for start in range(0, len(body), size):
        await asyncio.sleep(response.pause)
        await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
    if response.cut is None:
        await send({"type": "http.response.body", "body": b""})


def _listen(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only for sockets that say they are TCP; with it, answers wait 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"port {port}: {error.strerror}") from None
    return listening


@contextlib.contextmanager
def running(
    world: World,
    *,
    host: str = "127.0.0.1",
    ports: dict[str, int] | None = None,
    latency_ms: float = 0.0,
    rate_scale: float | None = None,
    faults: Sequence[Fault] = (),
    kinds: Sequence[Callable[[World], Vendor]] = (HubSpot, Zendesk, GoogleReviews, Shopify),
) -> Iterator[Running]:
    """Serve ``world`` in a thread until the block ends.

    Args:
        world: the business to serve.
        host: address to listen on.
        ports: port by name ("hubspot", "zendesk", "control"); missing ones are free ports.
        latency_ms: see ``Switches``.
        rate_scale: see ``Switches``.
        faults: see ``Switches``.
        kinds: the stand-ins to serve.
    """
    state = Running(world, Switches(latency_ms, rate_scale, list(faults)))
    vendors = [kind(world) for kind in kinds]
    state.grants = {vendor.name: vendor.grants for vendor in vendors if vendor.grants}
    apps = {vendor.name: VendorApp(vendor, state) for vendor in vendors} | {"control": Control(state)}
    sockets = {name: _listen(host, (ports or {}).get(name, 0)) for name in apps}
    addresses = {name: f"http://{host}:{sock.getsockname()[1]}" for name, sock in sockets.items()}
    state.control_url = addresses.pop("control")
    state.urls = addresses
    servers = [(_server(apps[name]), sockets[name]) for name in apps]
    thread = threading.Thread(target=_run, args=(servers,), name="sandbox", daemon=True)
    thread.start()
    try:
        _wait_until_started([server for server, _ in servers], thread)
        yield state
    finally:
        for server, _ in servers:
            server.should_exit = True
        thread.join(timeout=STARTUP_SECONDS)


def _server(app: Any) -> uvicorn.Server:  # noqa: ANN401 - any ASGI application
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _run(servers: list[tuple[uvicorn.Server, socket.socket]]) -> None:
    # The loop uvicorn would choose: uvloop where it is installed.
    with asyncio.Runner(loop_factory=servers[0][0].config.get_loop_factory()) as runner:
        runner.run(_serve_all(servers))


async def _serve_all(servers: list[tuple[uvicorn.Server, socket.socket]]) -> None:
    await asyncio.gather(*(server.serve(sockets=[sock]) for server, sock in servers))


def _wait_until_started(servers: list[uvicorn.Server], thread: threading.Thread) -> None:
    patience = threading.Event()
    for _ in range(STARTUP_SECONDS * 200):
        if all(server.started for server in servers):
            return
        if not thread.is_alive():
            break
        patience.wait(0.005)
    message = "starting the sandbox: the server thread did not come up, so nothing is served; is the address in use?"
    raise RuntimeError(message)


def serve(world: World, *, host: str = "127.0.0.1", ports: dict[str, int] | None = None, **switches: Any) -> None:  # noqa: ANN401
    """Serve ``world`` until interrupted (Ctrl-C); arguments as for ``running``."""
    with running(world, host=host, ports=ports, **switches), contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
