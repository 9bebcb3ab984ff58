"""What an answer says about itself: headers, codes, and what it is when it is not what was asked for. No values."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

import httpx
import orjson

from connectors.limits import LONGEST_WAIT_SECONDS
from connectors.spec import Json

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,40}")


def retry_after(response: httpx.Response, body: Json) -> float | None:
    """Seconds from ``Retry-After`` (a number or a date, by the vendor's own clock) or from an edge's JSON.

    None where nothing is said, or what cannot be meant.
    """
    header = response.headers.get("Retry-After")
    seconds = _seconds(header)
    if seconds is None and (date := http_date(header)):
        now = http_date(response.headers.get("Date")) or datetime.now(UTC)
        seconds = max(0.0, (date - now).total_seconds())
    if seconds is None:
        seconds = _seconds(body.get("retry_after"))
    return seconds if seconds is not None and seconds <= LONGEST_WAIT_SECONDS else None


def _seconds(value: Any) -> float | None:  # noqa: ANN401 - a header or a JSON value
    with suppress(TypeError, ValueError):
        seconds = float(value)
        return max(0.0, seconds) if isfinite(seconds) else None
    return None


def http_date(value: str | None) -> datetime | None:
    """The moment a header names, or None."""
    with suppress(TypeError, ValueError):
        return parsedate_to_datetime(value or "").astimezone(UTC)
    return None


def as_object(content: bytes) -> Json:
    """The body as an object; refusals may be plain text or HTML and then say nothing we use."""
    with suppress(orjson.JSONDecodeError):
        body = orjson.loads(content)
        if isinstance(body, dict):
            return body
    return {}


def flaw(response: httpx.Response) -> str:
    """What an answer is instead of JSON, without a word of it."""
    found = _MEDIA_TYPE.match(response.headers.get("Content-Type", ""))
    kind = f" of {found[0]}" if found and "json" not in found[0] else ""
    try:
        response.content.decode()
    except UnicodeDecodeError:
        problem = "not UTF-8"
    else:
        problem = "not one JSON object"
    return f"{len(response.content)} bytes{kind} with status {response.status_code} that are {problem}"


def vendor_code(body: Json) -> str | None:
    """The vendor's error code. Its sentences are left alone: they may quote a customer."""
    inner = body.get("error")
    nested = inner.get("status") if isinstance(inner, dict) else None
    for value in (body.get("category"), inner, nested, body.get("policyName")):
        if isinstance(value, str) and _CODE.fullmatch(value):
            return value
    return None
