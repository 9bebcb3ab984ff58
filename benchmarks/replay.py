"""``python -m benchmarks.replay``: a HubSpot account with any number of contacts, cheap to serve.

The contacts of a small world are rendered once by the stand-in for the properties a client asks for; each further
contact is one of them with another id, other addresses and other numbers. Everything else (credentials, limits,
latency, log, the other paths) is the stand-in's. Whoever asks for the same properties reads the same bytes.
"""

import argparse
import contextlib
import json
import re
import threading
from functools import lru_cache, partial
from typing import Any

import orjson

from sandbox import hubspot
from sandbox.hubspot import HubSpot
from sandbox.hubspot_errors import invalid
from sandbox.hubspot_objects import PAGE, names_for, render
from sandbox.records import CrmObject
from sandbox.server import running
from sandbox.switches import Window
from sandbox.web import Request, Response
from sandbox.world import World

PATH = "/crm/v3/objects/contacts"
CUSTOMERS, SEED = 2_000, 7
FIRST_ID, ID_STEP = 10_000_001, 3
"""Ids rise, with gaps, as the vendor's do."""
_LAST_DIGITS = 6
_NAMES_OTHERS = ("hs_merged_object_ids", "hs_calculated_merged_vids")
_NEVER = 10**9


class ManyContacts(HubSpot):
    """The stand-in with a listing of its own, and searches by id alone."""

    def __init__(self, world: World, *, contacts: int, calls_in_ten_seconds: int | None) -> None:
        """Serve ``contacts`` contacts within the limit; None is no limit."""
        super().__init__(world)
        self._contacts = contacts
        self._burst = Window(calls_in_ten_seconds or _NEVER, hubspot.BURST_SECONDS)
        self.router.on("GET", PATH)(self._listing)
        self.router.on("POST", f"{PATH}/search")(self._search)

    def _listing(self, _world: World, request: Request) -> Response:
        limit = request.integer("limit", 10)
        if not 1 <= limit <= PAGE:
            return invalid(f"limit must be between 1 and {PAGE}", "INVALID_LIMIT", "limit")
        if request.flag("archived"):
            return _page([], None)
        first = number_from(request.integer("after", 0))
        numbers = range(first, min(first + limit, self._contacts))
        after = str(id_of(numbers.stop)) if numbers.stop < self._contacts else None
        return _page([self._render(request.several("properties"), number) for number in numbers], after)

    def _search(self, _world: World, request: Request) -> Response:
        """Contacts by id, in either direction; other filters are not replayed."""
        body = request.json()
        bounds = id_bounds([f for group in body.get("filterGroups") or () for f in group["filters"]])
        if bounds is None:
            return invalid("this replay searches by hs_object_id alone")
        found = range(number_from(bounds[0]), min(number_from(bounds[1] + 1), self._contacts))
        down = any(sort["direction"] == "DESCENDING" for sort in body.get("sorts") or ())
        limit, offset = int(body.get("limit") or 10), int(body.get("after") or 0)
        shown = (found[::-1] if down else found)[offset : offset + limit]
        after = str(offset + limit) if offset + limit < len(found) else None
        return _page([self._render(body.get("properties") or [], n) for n in shown], after, total=len(found))

    def _render(self, asked: list[str], number: int) -> bytes:
        templates = _templates(self.world, tuple(asked))
        return fill(templates[number % len(templates)], number)


def id_of(number: int) -> int:
    """The id of the contact with this number, counted from 0."""
    return FIRST_ID + ID_STEP * number


def number_from(contact_id: int) -> int:
    """Number of the first contact whose id is not below ``contact_id``."""
    return max(0, -(-(contact_id - FIRST_ID) // ID_STEP))


def id_bounds(filters: list[dict[str, Any]]) -> tuple[int, int] | None:
    """Lowest and highest id that pass; None when something else is filtered too."""
    low, high = 0, 10**18
    for entry in filters:
        if entry["propertyName"] != "hs_object_id" or entry["operator"] not in {"GT", "GTE", "LT", "LTE", "BETWEEN"}:
            return None
        value, operator = int(entry["value"]), entry["operator"]
        if operator in {"GT", "GTE", "BETWEEN"}:
            low = max(low, value + (operator == "GT"))
        if operator in {"LT", "LTE"}:
            high = min(high, value - (operator == "LT"))
        if operator == "BETWEEN":
            high = min(high, int(entry["highValue"]))
    return low, high


@lru_cache(maxsize=8)
def _templates(world: World, asked: tuple[str, ...]) -> list[bytes]:
    names = names_for("contacts", asked)
    # One that took others in would bury the same ids again and again.
    records = [c for c in world.live["contacts"].records if not any(c.props.get(name) for name in _NAMES_OTHERS)]
    return [template(contact, names) for contact in records]


def template(contact: CrmObject, names: list[str]) -> bytes:
    """The rendered contact with places for what makes another one of it, for ``fill``."""
    envelope: dict[str, Any] = render("contacts", contact, names)
    properties = envelope["properties"]
    envelope["id"] = properties["hs_object_id"] = "\x01id\x02"
    for name in ("email", "hs_additional_emails"):
        if properties.get(name):
            properties[name] = properties[name].replace("@", "\x01number\x02@")
    for name in ("phone", "mobilephone", "hs_calculated_phone_number"):
        if properties.get(name):
            properties[name] = re.sub(rf"(?:\d\D*){{{_LAST_DIGITS}}}$", "\x01digits\x02", properties[name])
    text = orjson.dumps(envelope).replace(b"%", b"%%")
    return text.replace(rb"\u0001", b"%(").replace(rb"\u0002", b")b")


def fill(text: bytes, number: int) -> bytes:
    """The contact with this number."""
    digits = b"%06d" % (number % 10**_LAST_DIGITS)
    return text % {b"id": b"%d" % id_of(number), b"number": b"%d" % number, b"digits": digits}


def _page(records: list[bytes], after: str | None, *, total: int | None = None) -> Response:
    body = b'{"results":[' + b",".join(records) + b"]"
    body += b"" if total is None else b',"total":%d' % total
    body += b"" if after is None else b',"paging":{"next":{"after":"%s"}}' % after.encode()
    return Response(200, body + b"}")


def main() -> None:
    """Serve until interrupted, after one line of JSON with addresses and tokens."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("--contacts", type=int, required=True)
    parser.add_argument("--calls-in-ten-seconds", type=int, help="the limit; none by default")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    options = parser.parse_args()
    kind = partial(ManyContacts, contacts=options.contacts, calls_in_ten_seconds=options.calls_in_ten_seconds)
    scale = 1 if options.calls_in_ten_seconds else None
    with running(World(SEED, CUSTOMERS), kinds=(kind,), latency_ms=options.latency_ms, rate_scale=scale) as state:
        ready = {
            "hubspot": {"url": state.urls["hubspot"], "token": hubspot.TOKEN},
            "control": {"url": state.control_url},
        }
        print(json.dumps(ready), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
