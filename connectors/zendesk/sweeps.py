"""Which users, tickets and organizations exist in Zendesk.

Users and tickets are asked for by the ids we have, 100 at a time, because the listing of tickets leaves out archived
ones and the order of the listing of users is not documented. Organizations cannot be asked for so; they are listed.
"""

from collections.abc import Awaitable, Callable, Sequence

from connectors.paging import list_cursor
from connectors.reading import Reading
from connectors.spec import Json, Request
from connectors.sweeping import Keys, KeysAbove

_AT_ONCE = 100


def shown(resource: str, *, is_alive: Callable[[Json], bool]) -> KeysAbove:
    """Asks for the records of ours that follow; one that is shown as deleted does not count as present."""

    async def keys(reading: Reading, _after: int, ours: Sequence[int]) -> Keys:
        ids = ours[:_AT_ONCE]
        if not ids:
            return Keys(frozenset(), None)
        request = Request(f"/api/v2/{resource}/show_many", {"ids": ",".join(map(str, ids))})
        records = reading.records_of(await reading.send(request) or {})
        return Keys(frozenset(int(record["id"]) for record in records if is_alive(record)), ids[-1])

    return keys


def listed(resource: str) -> KeysAbove:
    """Lists everything at once, for kinds of which an account has few."""

    async def keys(reading: Reading, _after: int, _ours: Sequence[int]) -> Keys:
        request = Request(f"/api/v2/{resource}", {"page[size]": str(_AT_ONCE)})
        bodies = [body async for body in reading.bodies(request, list_cursor)]
        return Keys(frozenset(int(r["id"]) for body in bodies for r in reading.records_of(body)), None)

    return keys


def show_one(resource: str) -> Callable[[Reading, str], Awaitable[bool]]:
    """Asks for one record by itself: nobody says that reading many shows archived ones too."""

    async def is_there(reading: Reading, number: str) -> bool:
        return await reading.send(Request(f"/api/v2/{resource}/{number}"), absent_on=(404,)) is not None

    return is_there
