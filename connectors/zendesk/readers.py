"""Reader of Zendesk's survey responses, single records by id, and the permissions a refusal names."""

import re
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime

from connectors.cursors import ChangedSince
from connectors.paging import list_cursor
from connectors.reading import Page, Reading
from connectors.spec import ByIds, Context, Json, Request

_SCOPES = re.compile(r"required scopes?:\s*([a-z_:, ]{2,200})")


async def read_surveys(reading: Reading) -> AsyncGenerator[Page]:
    """Survey responses since a time whose unit is not documented well.

    A filter in milliseconds that is meant as seconds lies far in the future and finds nothing. The window always holds
    at least one answer we have seen, so an empty page means the unit is seconds; asked in those, the worst is that
    everything comes again.
    """
    cursor = reading.stream.cursor
    if not isinstance(cursor, ChangedSince):
        raise TypeError(f"Stream {reading.stream.name} must say how far it looks back.")
    if reading.goes_on:
        reading = reading.rereading()
    newest = (reading.state or {}).get("since")
    start = cursor.start(reading.state, reading.since)
    factors = (1000, 1) if start else (0,)
    for factor in factors:
        found = 0
        params = {cursor.name: str(int(start.timestamp()) * factor)} if start else {}
        async for body in reading.bodies(
            Request(reading.stream.path, {**reading.stream.params, **params}), list_cursor
        ):
            records = reading.records_of(body)
            found += len(records)
            newest = max(filter(None, (newest, _newest(records))), default=None)
            more = (body.get("meta") or {}).get("has_more")
            yield reading.page(records, cursor={"since": newest} if newest and not more else None)
        if found:
            return


def _newest(records: Sequence[Json]) -> str | None:
    """Time of the newest answer, in one form so that texts compare like times."""
    times = [
        datetime.fromisoformat(answer["created_at"]).astimezone(UTC).isoformat()
        for record in records
        for answer in record.get("answers") or ()
        if answer.get("created_at")
    ]
    return max(times, default=None)


def show_many(resource: str, *, include: str) -> ByIds:
    """Reads of single records of ``resource`` with the side-load its map knows."""

    def request(ids: Sequence[str], _context: Context) -> Request:
        return Request(f"/api/v2/{resource}/show_many", {"ids": ",".join(ids), "include": include})

    return request


def missing_scopes(body: Json) -> tuple[str, ...]:
    """Scopes a refusal names."""
    found = _SCOPES.search(str(body.get("description") or ""))
    return tuple(word for word in re.split(r"[, ]+", found[1]) if word) if found else ()
