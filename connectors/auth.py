"""One class per authentication scheme. Credentials go to the host they were given for, and to no other."""

import re
from base64 import b64encode
from collections.abc import Generator

import httpx

_BASIC_TOKEN = re.compile(r"[^\s:/@]+@[^\s:/@]+/token:\S+")


class HeaderAuth(httpx.Auth):
    """Sends a fixed ``Authorization`` header. Does not print what it holds."""

    def __init__(self, value: str) -> None:
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header; no second round."""
        request.headers["Authorization"] = self._value
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
