"""How each fault is done: an answer instead of the vendor's, damage on the way, or a page that is wrong in itself."""

import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from sandbox.switches import Fault
from sandbox.times import http_date
from sandbox.web import Request, Response, Vendor

Json = dict[str, Any]

_STATUSES: Mapping[str, int] = {
    "expired_token": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "expired_cursor": 400,
    "429": 429,
    "429_retry_after": 429,
    "429_retry_date": 429,
    "500": 500,
    "503": 503,
    "503_retry_after": 503,
}
_HTML = {"content-type": "text/html"}
_ANYWHERE: Mapping[str, tuple[int, bytes, Mapping[str, str]]] = {
    "502_html": (502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", _HTML),
    "login_page": (200, b"<!DOCTYPE html><html><body>Please sign in.</body></html>", _HTML),
    "empty_200": (200, b"", {}),
}
"""What stands between us and a vendor answers the same everywhere."""
_PIECES = 20
_MEGABYTE = 1 << 20
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_PAGE_SIZES = frozenset({"per_page", "limit", "page[size]", "pageSize"})


def instead(vendor: Vendor, fault: Fault) -> Response | None:
    """The answer that takes the place of the vendor's, or None when the vendor is to answer first."""
    if fault.kind in _ANYWHERE:
        status, body, headers = _ANYWHERE[fault.kind]
        return Response(status, body, dict(headers))
    if fault.kind == "redirect":
        return Response(302, b"", {"location": fault.location})
    if fault.kind in {"throttled", "internal_error"}:
        return vendor.fail_in_data(fault.kind)
    if fault.kind not in _STATUSES:
        return None
    response = vendor.fail(_STATUSES[fault.kind])
    if fault.kind.endswith("_retry_after"):
        response.headers["retry-after"] = vendor.seconds.format(fault.retry_after)
    elif fault.kind.endswith("_retry_date"):
        response.headers["retry-after"] = http_date(vendor.world.clock + fault.retry_after)
    return response


def damaged(vendor: Vendor, response: Response, fault: Fault, before: bytes) -> Response:
    """The vendor's answer as it arrives; ``before`` is the body of the answer before it."""
    if fault.kind in _JOURNEYS:
        for name, value in _JOURNEYS[fault.kind](fault).items():
            setattr(response, name, value)
    elif fault.kind in _HEADERS:
        response.headers |= _HEADERS[fault.kind](vendor, fault)
    if fault.kind == "repeated_page":
        response.body = before or response.body
    elif fault.kind in _BODIES:
        response.body = _BODIES[fault.kind](response.body, fault)
    elif fault.kind in _PAGES:
        response.body = _edited(response.body, fault)
    return response


def _edited(body: bytes, fault: Fault) -> bytes:
    """A page whose records ``fault`` has changed; what is no page stays as it is."""
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    holder = _holder(page)
    if holder is None:
        return body
    where, records = holder
    where[:] = _PAGES[fault.kind](records, fault)
    return orjson.dumps(page)


def _holder(page: Any) -> tuple[list[Any], list[Json]] | None:  # noqa: ANN401 - any JSON
    """The list of a page's records, twice: to write to and to read from. The first list of objects, from above."""
    level = [page] if isinstance(page, dict) else []
    while level:
        for holder in level:
            for name, value in holder.items():
                if name != "errors" and isinstance(value, list) and value and isinstance(value[0], dict):
                    return value, list(value)
        level = [value for holder in level for value in holder.values() if isinstance(value, dict)]
    return None


Edit = Callable[[list[Json], Fault], list[Json]]


def _id(record: Json) -> str:
    return str(record.get("id", record.get("name", ""))).rpartition("/")[2]


def _without_ids(records: list[Json], fault: Fault) -> list[Json]:
    return [record for record in records if _id(record) not in fault.ids]


def _rewriting(change: Callable[[Any, Fault], Any]) -> Edit:
    """Changes every plain value of the records that suffer."""

    def walk(value: Any, fault: Fault) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, dict):
            return {name: walk(inner, fault) for name, inner in value.items()}
        if isinstance(value, list):
            return [walk(inner, fault) for inner in value]
        return change(value, fault)

    return lambda records, fault: [walk(r, fault) if _suffers(r, fault) else r for r in records]


def _naming(put: Any) -> Edit:  # noqa: ANN401 - any JSON
    """Puts a value under ``name``, wherever in a record that is."""

    def walk(value: Any, name: str) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, dict):
            return {key: put if key == name else walk(inner, name) for key, inner in value.items()}
        return [walk(inner, name) for inner in value] if isinstance(value, list) else value

    return lambda records, fault: [walk(r, fault.name) if _suffers(r, fault) else r for r in records]


def _suffers(record: Json, fault: Fault) -> bool:
    return not fault.ids or _id(record) in fault.ids


def _in_berlin(value: Any, fault: Fault) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return value
    local = datetime.fromisoformat(value).astimezone(ZoneInfo("Europe/Berlin"))
    return (local.replace(tzinfo=None) if fault.kind == "naive_times" else local).isoformat()


def _as_text(value: Any, _fault: Fault) -> Any:  # noqa: ANN401 - any JSON
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_PAGES: Mapping[str, Edit] = {
    "duplicated_records": lambda records, _fault: [twin for record in records for twin in (record, record)],
    "skipped_page": lambda records, _fault: records[-1:],
    "out_of_order": lambda records, _fault: records[::-1],
    "late_update": _without_ids,
    "silent_delete": _without_ids,
    "local_times": _rewriting(_in_berlin),
    "naive_times": _rewriting(_in_berlin),
    "numbers_as_strings": _rewriting(_as_text),
    "nulls": _naming(None),
    "retyped": _naming([]),
}


@lru_cache(maxsize=2)
def _bomb(megabytes: int) -> bytes:
    return gzip.compress(b"{" + b" " * (megabytes * _MEGABYTE) + b"}", 9)


def _half_the_lines(body: bytes, _fault: Fault) -> bytes:
    return b"".join(body.splitlines(keepends=True)[: body.count(b"\n") // 2])


_JOURNEYS: Mapping[str, Callable[[Fault], Mapping[str, float]]] = {
    "slow_first_byte": lambda fault: {"silence": fault.seconds},
    "slow_drip": lambda fault: {"pieces": _PIECES, "pause": fault.seconds},
    "cut_before_body": lambda _fault: {"cut": 0.0},
    "cut_in_body": lambda _fault: {"cut": 0.5},
}
_HEADERS: Mapping[str, Callable[[Vendor, Fault], Mapping[str, str]]] = {
    "wrong_content_type": lambda _vendor, _fault: _HTML,
    "gzip_bomb": lambda _vendor, _fault: {"content-encoding": "gzip"},
    "clock_skew": lambda vendor, fault: {"date": http_date(vendor.world.clock + int(fault.seconds))},
}
_BODIES: Mapping[str, Callable[[bytes, Fault], bytes]] = {
    "truncated_json": lambda body, _fault: body[: len(body) // 2],
    "cut_at_line": _half_the_lines,
    "invalid_utf8": lambda body, _fault: body.replace(b'":"', b'":"\xff', 1),
    "huge_body": lambda body, fault: body + b" " * (fault.megabytes * _MEGABYTE),
    "gzip_bomb": lambda _body, fault: _bomb(fault.megabytes),
}


def with_page_size(request: Request, most: int) -> Request:
    """The request as if it had asked for at most ``most`` records a page."""
    query = {**request.query}
    for name in query.keys() & _PAGE_SIZES:
        query[name] = [str(min(most, request.integer(name, most)))]
    body = request.json()
    for holder, name in ((body, "limit"), (body.get("variables"), "first")):
        if isinstance(holder, dict) and isinstance(holder.get(name), int):
            holder[name] = min(most, holder[name])
    content = orjson.dumps(body) if body else request.body
    return replace(request, query=query, body=content)
