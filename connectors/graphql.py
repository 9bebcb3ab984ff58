"""GraphQL over one path: what an answer with status 200 really says, what queries cost, how connections go on.

A query has a price, taken from a bucket that fills by itself. Every answer tells the price and what the bucket holds,
so that the next query of the same text waits exactly until it is affordable.
"""

import re
from dataclasses import replace
from typing import Any

from connectors.errors import IncompleteError
from connectors.limits import Points
from connectors.spec import Json, Paging, Refusal, Request

_STATUSES = {
    "ACCESS_DENIED": 403,
    "INTERNAL_SERVER_ERROR": 500,
    "MAX_COST_EXCEEDED": 413,
    "SERVICE_UNAVAILABLE": 503,
    "THROTTLED": 429,
    "TIMEOUT": 504,
    "UNAUTHORIZED": 401,
}
"""HTTP statuses that mean the same, so that retry and advice are decided in one place."""
_BAD_REQUEST = 400
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}")
_SCOPE = re.compile(r"`([a-z][a-z_]{2,60})`")


def ask(path: str, text: str, /, **variables: Any) -> Request:  # noqa: ANN401 - variables are JSON of any kind
    """The call of one query."""
    return Request(path, json={"query": text, "variables": variables})


def having(request: Request, /, **variables: Any) -> Request:  # noqa: ANN401
    """The same query with these variables."""
    body = request.json or {}
    return replace(request, json={**body, "variables": {**body.get("variables", {}), **variables}})


def next_page(where: str) -> Paging:
    """Goes on with the end cursor of the connection at ``where``, for example ``data.orders``."""

    def paging(request: Request, body: Json) -> Request | None:
        info = (at(body, where) or {}).get("pageInfo") or {}
        if not info.get("hasNextPage"):
            return None
        if not info.get("endCursor"):
            raise IncompleteError(
                "a page says that more follows but gives no endCursor. The rest would be missing, so reading stops and "
                "the cursor stays."
            )
        return having(request, after=info["endCursor"])

    return paging


def at(body: Any, where: str) -> Any:  # noqa: ANN401
    """What a dotted path leads to, or None."""
    for part in where.split("."):
        body = body.get(part) if isinstance(body, dict) else None
    return body


def refusal(body: Json) -> Refusal | None:
    """The error in an answer with status 200; an answer with data and an error is one too, because data is missing."""
    errors = body.get("errors")
    if not errors:
        return None
    code = _code(errors)
    status = _STATUSES.get(code or "", _BAD_REQUEST)
    return Refusal(status, code, _seconds_until_affordable(body) if code == "THROTTLED" else None)


def required_scopes(body: Json) -> tuple[str, ...]:
    """The permissions a denied field asks for, where the answer names them."""
    named = [
        scope
        for error in _error_list(body.get("errors"))
        for scope in _SCOPE.findall(str(_extensions(error).get("requiredAccess") or ""))
    ]
    return tuple(dict.fromkeys(named))


def _code(errors: Any) -> str | None:  # noqa: ANN401 - a list or, from some vendors, a text
    for error in _error_list(errors):
        code = _extensions(error).get("code")
        if isinstance(code, str) and _CODE.fullmatch(code):
            return code
    return None


def _error_list(errors: Any) -> list[Json]:  # noqa: ANN401
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _extensions(error: Json) -> Json:
    found = error.get("extensions")
    return found if isinstance(found, dict) else {}


def _cost(body: Json) -> tuple[float, Points] | None:
    """The price that was asked for and what the answer says about points, if it says all of it."""
    cost = at(body, "extensions.cost") or {}
    status = cost.get("throttleStatus") or {}
    try:
        requested, actual = float(cost["requestedQueryCost"]), cost.get("actualQueryCost")
        # A refused query costs nothing.
        paid = 0.0 if body.get("errors") else requested if actual is None else float(actual)
        available, size = float(status["currentlyAvailable"]), float(status["maximumAvailable"])
        points = Points(paid, available, size, float(status["restoreRate"]))
    except (KeyError, TypeError, ValueError):
        return None
    return (requested, points) if points.size > 0 and points.per_second > 0 else None


def _seconds_until_affordable(body: Json) -> float | None:
    if (cost := _cost(body)) is None:
        return None
    requested, points = cost
    return max(0.0, (requested - points.available) / points.per_second)


class CostMeter:
    """The price of every query text asked so far."""

    def __init__(self) -> None:
        self._prices: dict[str, float] = {}

    def price(self, request: Request) -> float | None:
        """See ``spec.Meter``."""
        return self._prices.get(_text(request))

    def read(self, request: Request, body: Json) -> Points | None:
        """See ``spec.Meter``."""
        if (cost := _cost(body)) is None:
            return None
        self._prices[_text(request)], points = cost
        return points


def _text(request: Request) -> str:
    return str((request.json or {}).get("query"))
