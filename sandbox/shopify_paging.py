"""Connections: a list, where in it a page lies, and the cursors that say so."""

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

MOST, LAST_REACHABLE = 250, 25_000
Key = tuple[Any, int]


class RefusedQueryError(ValueError):
    """A query that is well formed and still not answered; the text is the vendor's."""

    def __init__(self, message: str, path: tuple[str, ...] = (), **extensions: object) -> None:
        super().__init__(message)
        self.path, self.extensions = path, extensions


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything a connection could list, in ascending order of ``keys``; without keys the place in the list counts."""

    records: Sequence[Any]
    keys: Sequence[Key] | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """One record of a page."""

    node: Any
    cursor: str


@dataclass(frozen=True, slots=True)
class Page:
    """A cut of a listing."""

    nodes: Sequence[Any]
    keys: Sequence[Key]
    has_next: bool
    has_previous: bool

    @property
    def edges(self) -> list[Edge]:
        """The records with their cursors."""
        return [Edge(node, encode(key)) for node, key in zip(self.nodes, self.keys, strict=True)]

    @property
    def first_cursor(self) -> str | None:
        """None on an empty page."""
        return encode(self.keys[0]) if self.keys else None

    @property
    def last_cursor(self) -> str | None:
        """None on an empty page."""
        return encode(self.keys[-1]) if self.keys else None


def encode(key: Key) -> str:
    """Opaque to clients."""
    return base64.b64encode(orjson.dumps({"last_id": key[1], "last_value": key[0]})).decode()


def _decode(text: str, path: tuple[str, ...]) -> Key:
    try:
        found = orjson.loads(base64.b64decode(text))
        return found["last_value"], int(found["last_id"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise RefusedQueryError("Invalid cursor for current pagination sort.", path, code="INVALID_CURSOR") from None


def size_of(args: dict[str, Any], path: tuple[str, ...]) -> int:
    """How many records a page may hold."""
    size = args.get("first", args.get("last"))
    if size is None:
        raise RefusedQueryError("you must provide one of first or last", path, code="BAD_REQUEST")
    if not 0 <= size <= MOST:
        raise RefusedQueryError(f"{path[-1]} first/last must be between 0 and {MOST}", path, code="BAD_REQUEST")
    return int(size)


def cut(listing: Listing, args: dict[str, Any], path: tuple[str, ...]) -> Page:
    """The page that ``args`` ask for."""
    size, count, down = size_of(args, path), len(listing.records), bool(args.get("reverse"))
    after = _place(listing, args.get("after"), path, beyond=not down)
    before = _place(listing, args.get("before"), path, beyond=down)
    # Places in ascending order: reading downwards, "after" is the upper end.
    low, high = (before, after) if down else (after, before)
    low, high = 0 if low is None else low, count if high is None else high
    from_low = ("first" in args and args["first"] is not None) != down
    start, stop = (low, min(high, low + size)) if from_low else (max(low, high - size), high)
    if (count - start if down else stop) > LAST_REACHABLE and listing.keys is not None and stop > start:
        raise RefusedQueryError(f"Cannot paginate past {LAST_REACHABLE} objects.", path, code="BAD_REQUEST")
    nodes = listing.records[start:stop]
    keys = listing.keys[start:stop] if listing.keys is not None else [(i, i) for i in range(start, stop)]
    below, above = start > 0, stop < count
    if down:
        return Page(nodes[::-1], keys[::-1], has_next=below, has_previous=above)
    return Page(nodes, keys, has_next=above, has_previous=below)


def _place(listing: Listing, cursor: str | None, path: tuple[str, ...], *, beyond: bool) -> int | None:
    """Where a cursor points, in ascending order; ``beyond`` its own record or at it."""
    if cursor is None:
        return None
    key = _decode(cursor, path)
    if listing.keys is None:
        return int(key[1]) + (1 if beyond else 0)
    try:
        return bisect_right(listing.keys, key) if beyond else bisect_left(listing.keys, key)
    except TypeError:
        raise RefusedQueryError("Invalid cursor for current pagination sort.", path, code="INVALID_CURSOR") from None
