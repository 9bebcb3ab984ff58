"""How vendors cut a collection into pages: pure functions ``(request, body) -> next request, or None at the end``.

None of them remembers anything and none decides what a strange answer means: the loop in ``reading`` does, once.
"""

from dataclasses import replace
from typing import Any

from connectors.errors import IncompleteError
from connectors.spec import Json, Request

_SIZES = ("per_page", "page[size]", "limit", "pageSize", "first")
"""What vendors call the number of records a page shall hold."""
_FULL_PAGE = 1000
"""What an export page without ``end_of_stream`` is compared with, if the request names no number: a shorter one was the
last."""


def one_page(request: Request, body: Json) -> None:
    """The collection is not paged."""


def next_after(request: Request, body: Json) -> Request | None:
    """``paging.next.after`` becomes the parameter ``after``; without it the page was the last."""
    following = (body.get("paging") or {}).get("next")
    return request.having(after=_token(following, "after")) if following else None


def after_each(request: Request, body: Json) -> Request | None:
    """Batches in which each result has pages of its own: ask again for those that have more, all in one batch."""
    inputs = [
        {"id": result["from"]["id"], "after": _token(following, "after")}
        for result in body["results"]
        if (following := (result.get("paging") or {}).get("next"))
    ]
    return replace(request, json={"inputs": inputs}) if inputs else None


def after_last_id(request: Request, body: Json) -> Request | None:
    """Searches sorted by id: ask again for ids above the last one, so that no offset limit is ever reached.

    The last filter of the request must be the one on the id.
    """
    if not (body.get("paging") or {}).get("next") or not body["results"]:
        return None
    search = request.json or {}
    *filters, by_id = search["filterGroups"][0]["filters"]
    ids = [int(record["id"]) for record in body["results"]]
    if ids != sorted(ids):
        raise IncompleteError(
            "the records of a page are not in the order of their ids, although that was asked for. Going on above the "
            "last one could pass others by, so reading stops and the cursor stays."
        )
    by_id = {**by_id, "value": body["results"][-1]["id"]}
    return replace(request, json={**search, "filterGroups": [{"filters": [*filters, by_id]}]})


def offset_while_more(request: Request, body: Json) -> Request | None:
    """``hasMore`` with an opaque ``offset``."""
    return request.having(offset=_token(body, "offset")) if body.get("hasMore") else None


def page_token(request: Request, body: Json) -> Request | None:
    """``nextPageToken`` becomes the parameter ``pageToken``; absent or empty, the page was the last."""
    token = body.get("nextPageToken")
    return request.having(pageToken=str(token)) if token else None


def export_cursor(request: Request, body: Json) -> Request | None:
    """Cursor exports: ``after_cursor`` until ``end_of_stream``; an empty page is no end. The start is sent once."""
    if body.get("end_of_stream"):
        return None
    return request.without("start_time").having(cursor=_token(body, "after_cursor"))


def export_time(request: Request, body: Json) -> Request | None:
    """Time exports: the next page starts at ``end_time``, so its first records repeat the last ones.

    ``next_page`` is never empty and says nothing. Older answers have no ``end_of_stream`` but a ``count``.
    """
    asked = int(request.params.get("per_page", _FULL_PAGE))
    if body.get("end_of_stream", body.get("count", 0) < asked):
        return None
    return request.having(start_time=_token(body, "end_time"))


def list_cursor(request: Request, body: Json) -> Request | None:
    """Cursor lists: ``meta.after_cursor`` while ``meta.has_more``."""
    meta = body.get("meta") or {}
    return request.having(**{"page[after]": _token(meta, "after_cursor")}) if meta.get("has_more") else None


def halved(request: Request, least: int) -> Request | None:
    """The same call for half as many records; None if it names no number, or for less than ``least``."""
    body = request.json or {}
    holders = {"params": request.params, "body": body, "variables": body.get("variables") or {}}
    where, name = next(((w, n) for w, holder in holders.items() for n in _SIZES if n in holder), ("", ""))
    size = int(holders[where][name] or 0) // 2 if where else 0
    if size < least:
        return None
    if where == "params":
        return replace(request, params={**request.params, name: str(size)})
    smaller = {**holders[where], name: size}
    return replace(request, json=smaller if where == "body" else {**body, "variables": smaller})


def _token(holder: Json, name: str) -> str:
    value: Any = holder.get(name)
    if value in (None, ""):
        raise IncompleteError(
            f'a page says that more follows but gives no "{name}" (keys: {", ".join(sorted(holder))}). '
            "The rest would be missing, so reading stops and the cursor stays."
        )
    return str(value)
