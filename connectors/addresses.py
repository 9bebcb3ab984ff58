"""Addresses that may be called: over TLS, or on this machine."""

import re
from contextlib import suppress

import httpx

from connectors.errors import RejectedError, SettingsError

_HOST_AND_PORT = re.compile(r"127\.0\.0\.1|localhost|\[?::1\]?")


def checked_file(name: str, url: str) -> str:
    """The address of a file the vendor points to, as it is.

    Raises:
        RejectedError: The file would travel in clear, or the address holds credentials.
    """
    with suppress(httpx.InvalidURL):
        parts = httpx.URL(url)
        local = bool(_HOST_AND_PORT.fullmatch(parts.host))
        if parts.host and not parts.userinfo and (parts.scheme == "https" or (parts.scheme == "http" and local)):
            return url
    raise RejectedError(f"{name}: the vendor points to a file at an address that does not begin with https://.")


def checked_base(name: str, base_url: str) -> str:
    """Scheme and host to call, without a slash at the end.

    Raises:
        SettingsError: It is more or less than that, or the token would travel in clear.
    """
    url = httpx.URL(base_url)
    if not url.host or url.userinfo or url.query or url.fragment:
        raise SettingsError(f"{name}: base_url must be a scheme and a host only, for example https://host.example.")
    if url.scheme != "https" and not _HOST_AND_PORT.fullmatch(url.host):
        raise SettingsError(f"{name}: base_url must begin with https://, else the token would travel in clear.")
    return base_url.rstrip("/")
