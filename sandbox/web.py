"""Requests, responses and routes, as small as the stand-ins need them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.switches import Switches

if TYPE_CHECKING:
    from sandbox.oauth import Grants
    from sandbox.world import World

JSON = "application/json;charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. ``headers`` have lower-case names; ``origin`` is scheme and host as the client wrote them."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    origin: str

    def one(self, name: str) -> str | None:
        """The last value of a query parameter."""
        values = self.query.get(name)
        return values[-1] if values else None

    def flag(self, name: str) -> bool:
        """Whether a parameter says true; the official Python client writes ``True``."""
        return (self.one(name) or "").lower() == "true"

    def several(self, name: str) -> list[str]:
        """The values of a parameter that may be repeated or comma separated."""
        return [part for value in self.query.get(name, ()) for part in value.split(",") if part]

    def integer(self, name: str, default: int) -> int:
        """A whole number, or ``default`` when the parameter is absent or no number."""
        value = self.one(name)
        return int(value) if value and value.lstrip("-").isdigit() else default

    def json(self) -> Any:  # noqa: ANN401 - the shape is the client's
        """The decoded body; an empty or broken one is an empty object, which validation then refuses."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}


@dataclass(slots=True)
class Response:
    """One HTTP response, and how it travels.

    ``cut`` is the share of the body after which the connection is dropped; ``silence`` the seconds before the first
    byte, ``pause`` those before each of the ``pieces`` of the body; ``points`` is what it cost, for the log.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": JSON})
    cut: float | None = None
    points: int | None = None
    silence: float = 0.0
    pause: float = 0.0
    pieces: int = 1


def reply(obj: object, status: int = 200) -> Response:
    """``obj`` as JSON."""
    return Response(status, orjson.dumps(obj))


Handler = Callable[..., Response]


class Router:
    """Path templates such as ``/users/{id}`` and the functions that answer them."""

    def __init__(self) -> None:
        self.fixed: dict[tuple[str, str], tuple[str, Handler]] = {}
        self.patterns: list[tuple[str, re.Pattern[str], str, Handler]] = []

    def on(self, method: str, template: str) -> Callable[[Handler], Handler]:
        """Register the decorated ``handler(world, request, *path_values)``."""

        def register(handler: Handler) -> Handler:
            if "{" in template:
                pattern = re.compile(re.sub(r"\{\w+\}", "([^/]+)", template))
                self.patterns.append((method, pattern, template, handler))
            else:
                self.fixed[method, template] = (template, handler)
            return handler

        return register

    def include(self, other: "Router") -> None:
        """Take over the routes of ``other``."""
        self.fixed |= other.fixed
        self.patterns += other.patterns

    def find(self, method: str, path: str) -> tuple[str, Handler, tuple[str, ...]] | None:
        """The template, handler and path values for a request, or None."""
        if fixed := self.fixed.get((method, path)):
            return *fixed, ()
        for wanted, pattern, template, handler in self.patterns:
            if wanted == method and (match := pattern.fullmatch(path)):
                return template, handler, match.groups()
        return None


class Vendor:
    """One stand-in: what the server needs to know about a vendor. Subclasses fill in the vendor's manners.

    ``grants`` is what has been handed out by OAuth, where the stand-in has that; ``seconds`` is how the vendor writes
    them in ``Retry-After``.
    """

    seconds = "{}"
    name: str
    router: Router
    grants: "Grants | None" = None

    def __init__(self, world: "World") -> None:
        """Serve ``world``."""
        self.world = world
        self.switches = Switches()

    def refuse(self, request: Request, template: str | None) -> Response | None:
        """The vendor's 401 or 403, or None when the credentials are good."""
        raise NotImplementedError

    def throttle(self, request: Request, scale: float) -> tuple[Response | None, dict[str, str]]:
        """The vendor's 429 if a limit (times ``scale``) is used up, and the rate headers of an ordinary answer."""
        raise NotImplementedError

    def unknown(self, request: Request) -> Response:
        """The vendor's answer to a path it does not have."""
        raise NotImplementedError

    def fail(self, status: int) -> Response:
        """The vendor's answer with this error status."""
        raise NotImplementedError

    def fail_in_data(self, kind: str) -> Response:
        """The vendor's error under a 200, where it has such: ``throttled`` or ``internal_error``."""
        message = f"{self.name} has no fault {kind!r}"
        raise ValueError(message)
