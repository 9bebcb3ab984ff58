"""One class per authentication scheme. Credentials go to the host they were given for, and to no other."""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Generator

import httpx

from connectors.spec import Tokens

_BASIC_TOKEN = re.compile(r"[^\s:/@]+@[^\s:/@]+/token:\S+")

_UNAUTHORIZED = 401


class HeaderAuth(httpx.Auth):
    """Sends a fixed header, ``Authorization`` unless named otherwise. Does not print what it holds."""

    def __init__(self, value: str, *, header: str = "Authorization") -> None:
        self._value, self._header = value, header

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header; no second round."""
        request.headers[self._header] = self._value
        yield request

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class Bearer(HeaderAuth):
    """``Authorization: Bearer <token>``."""

    def __init__(self, token: str) -> None:
        super().__init__(f"Bearer {token}")


class Basic(HeaderAuth):
    """``Authorization: Basic <user:password>``."""

    def __init__(self, user_and_password: str) -> None:
        super().__init__(f"Basic {b64encode(user_and_password.encode()).decode()}")


def bearer_or_basic_token(token: str) -> httpx.Auth:
    """Choose by shape: ``name@example.com/token:secret`` is an API token for Basic, anything else a bearer token."""
    return Basic(token) if _BASIC_TOKEN.fullmatch(token) else Bearer(token)


def in_header(header: str) -> Callable[[str], httpx.Auth]:
    """The token alone, in a header of the vendor's own."""
    return lambda token: HeaderAuth(token, header=header)


class Renewing(httpx.Auth):
    """Sends the token there is, renewed before it ends; after a 401, renews once and sends the call again.

    Args:
        scheme: Token to authentication, as the source declares it.
        tokens: Where tokens come from.
    """

    def __init__(self, scheme: Callable[[str], httpx.Auth], tokens: Tokens) -> None:
        self._scheme, self._tokens = scheme, tokens

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the token; a second round only after a 401."""
        token = await asyncio.to_thread(self._tokens.current)
        response = yield self._signed(request, token)
        if response.status_code == _UNAUTHORIZED:
            yield self._signed(request, await asyncio.to_thread(self._tokens.renewed, token))

    def _signed(self, request: httpx.Request, token: str) -> httpx.Request:
        return next(self._scheme(token).auth_flow(request))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"
