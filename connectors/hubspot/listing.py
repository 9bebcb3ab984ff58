"""HubSpot's listings of CRM objects: ranges of ids side by side, where ids ascend; else one page after the other.

A listing goes on with ``after``, in practice the id of the next object. Neither that nor the order by id is promised,
so both are tried before they are relied on, every page is checked, and a page that is not as expected sends the listing
back to its beginning, read serially.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from connectors.errors import RejectedError, SettingsError
from connectors.paging import next_after
from connectors.reading import Reading
from connectors.spans import Piece, Span
from connectors.spec import Context, Json, Request

_LONGEST_QUERY = 15_000
"""Characters of property names in a listing's address; longer ones were seen to be refused with 414."""
_PLACE_REFUSED = frozenset({400, 404, 410})
_PAGE, _SEARCH_PAGE = 100, 200
_PAGES_AT_A_STRETCH = 50
"""Pages one reader reads of a range before it gives the rest back: the end of a load waits for no longer than that, and
the half-empty last page of a range is one in a hundred."""

TAKEN: Mapping[str, tuple[str, ...]] = {
    "contacts": (
        "createdate", "lastmodifieddate", "email", "hs_additional_emails", "firstname", "lastname", "phone",
        "mobilephone", "hs_calculated_phone_number", "address", "zip", "city", "country", "hs_language",
        "hs_analytics_source", "lifecyclestage", "associatedcompanyid", "hs_merged_object_ids",
        "hs_calculated_merged_vids", "hs_email_optout", "hs_legal_basis",
    ),
    "companies": (
        "createdate", "hs_lastmodifieddate", "name", "domain", "phone", "industry", "numberofemployees", "country",
        "hs_merged_object_ids", "hs_calculated_merged_vids",
    ),
    "feedback_submissions": (
        "hs_createdate", "hs_lastmodifieddate", "hs_survey_id", "hs_survey_type", "hs_survey_channel", "hs_content",
        "hs_response_group", "hs_sentiment", "hs_value", "hs_submission_timestamp",
    ),
    "deals": (
        "createdate", "hs_lastmodifieddate", "closedate", "pipeline", "dealstage", "dealtype", "amount",
        "deal_currency_code", "hs_is_closed", "hs_is_closed_won", "hubspot_owner_id",
    ),
}  # fmt: skip
"""Properties each object is asked for: HubSpot returns no other."""

_NOT_BY_ID = (
    "The listing does not follow the ids of the objects, so it was read again one page after the other; a first load "
    "takes longer that way."
)


@dataclass(frozen=True, slots=True)
class Listed:
    """Records of a listing, the place behind them (None at the end of the listing), and what was odd."""

    records: list[Json]
    place: Json | None
    notices: tuple[str, ...] = ()


class _NotByIdError(Exception):
    """A page shows that ids do not ascend, or that ``after`` is no id."""


async def listed(reading: Reading, *, archived: bool, place: Json) -> AsyncGenerator[Listed]:
    """Every live or every archived object, from ``place`` on. Use it within ``aclosing``.

    Args:
        reading: Pass over the stream.
        archived: Which listing.
        place: What the last run left: ``left``, ranges of ids still to read, or ``after``, where a listing that is
            read serially goes on; empty on the first.
    """
    if "left" in place:
        parts = _by_id(reading, [Span(*span) for span in place["left"]], archived=archived)
    elif "after" in place or "serially" in place:
        parts = _serially(reading, place.get("after"), archived=archived)
    else:
        parts = _from_the_first_page(reading, archived=archived)
    async with aclosing(parts) as found:
        async for one in found:
            yield one


async def _from_the_first_page(reading: Reading, *, archived: bool) -> AsyncGenerator[Listed]:
    """The first page alone says whether there is more; only then it pays to ask how far ids go."""
    async with aclosing(_serially(reading, None, archived=archived)) as pages:
        first = await anext(pages, None)
        if first is None:
            return
        left = await _behind(reading, first)
        if not left:
            yield first
            async for page in pages:
                yield page
            return
    yield Listed(first.records, _left(left))
    async with aclosing(_by_id(reading, left, archived=archived)) as parts:
        async for part in parts:
            yield part


async def _behind(reading: Reading, page: Listed) -> list[Span]:
    """What is left behind the first page: up to the highest id, and what is new; nothing where that helps nobody."""
    start = _goes_on_at(page)
    highest = None if start is None else await _highest_id(reading)
    if start is None or highest is None or highest < start:
        return []
    return [Span(start, highest), Span(highest, None)]


def _goes_on_at(page: Listed) -> int | None:
    """The id that ranges behind the first page begin at; None where there is nothing or its ids cannot be relied on.

    A page that ends with an object from further behind names a place before its last id: what lies between is yet to
    come.
    """
    after = None if page.place is None else _number(page.place, "after")
    try:
        ids = _ascending(page.records, 1)
    except _NotByIdError:
        return None
    if after is None or not ids:
        return None
    return after if after < ids[-1] else ids[-1] + 1


async def _serially(reading: Reading, after: str | None, *, archived: bool) -> AsyncGenerator[Listed]:
    """One page after the other, as HubSpot documents it."""
    anew = _request(reading, archived=archived)
    first = anew.having(after=after) if after else anew
    async for body in reading.bodies(first, next_after, anew=anew if after else None):
        place = {"after": body["paging"]["next"]["after"]} if has_more(body) else None
        yield Listed(body["results"], place)


async def _by_id(reading: Reading, left: list[Span], *, archived: bool) -> AsyncGenerator[Listed]:
    """Ranges of ids side by side; all of it again, serially, if the vendor turns out not to list by id."""
    width = reading.client.width(reading.stream.path)
    length = max(_PAGE, sum(span.end - span.start for span in left if span.end is not None) // width)

    def read(span: Span) -> AsyncGenerator[Piece[list[Json]]]:
        return _range(reading, span, archived=archived)

    try:
        async with aclosing(reading.in_parts(read, left, length=length, few=_PAGE // 2)) as found:
            async for records, remaining in found:
                yield Listed(records, _left(remaining) if remaining else None)
    except (_NotByIdError, RejectedError) as error:
        if isinstance(error, RejectedError) and error.status not in _PLACE_REFUSED:
            raise
        yield Listed([], {"serially": True}, notices=(_NOT_BY_ID,))
        async with aclosing(_serially(reading, None, archived=archived)) as pages:
            async for page in pages:
                yield page


async def _range(reading: Reading, span: Span, *, archived: bool) -> AsyncGenerator[Piece[list[Json]]]:
    """The objects of a range, as far as one reader goes at a stretch.

    Raises:
        _NotByIdError: Ids do not ascend or lie before the range, or the listing ends before the highest id.
    """
    at, pages = span.start, 0
    # The object before the range, in case the vendor takes ``after`` for the last one of the page before.
    request = _request(reading, archived=archived, after=str(at - 1) if at > 1 else None)
    async with aclosing(reading.bodies(request, next_after, starts=1)) as bodies:
        async for body in bodies:
            ids, more = _ascending(body["results"], at), has_more(body)
            if not more and not archived:
                await _check_end(reading, span, ids[-1] if ids else at - 1)
            kept = [record for record, id_ in zip(body["results"], ids, strict=True) if _is_in(span, id_)]
            reached = _reached(span, ids, at, more=more)
            yield Piece(kept, Span(at, reached), len(kept))
            if reached is None or (span.end is not None and reached >= span.end):
                return
            at, pages = reached, pages + 1
            if pages == _PAGES_AT_A_STRETCH:
                return


async def _check_end(reading: Reading, span: Span, last: int) -> None:
    """A listing that ends within a range ends before the highest id: fine, if that object has gone meanwhile."""
    if span.end is None or last >= span.end:
        return
    highest = await _highest_id(reading)
    if highest is None or highest > last:
        raise _NotByIdError


def _ascending(records: Sequence[Json], at: int) -> list[int]:
    """The ids of a page, which ascend and lie at ``at`` or behind; the one before it may be shown again."""
    ids, before = [], at - 2
    for record in records:
        number = _number(record)
        if number is None or number <= before:
            raise _NotByIdError
        ids.append(number)
        before = number
    return ids


def _reached(span: Span, ids: Sequence[int], at: int, *, more: bool) -> int | None:
    """Up to where nothing is left to read; None at the end of the listing: nobody need look for more behind it."""
    beyond = [id_ for id_ in ids if span.end is not None and id_ >= span.end]
    if beyond:
        return beyond[0]
    if not more:
        return None
    return max(at, ids[-1] + 1) if ids else at


def _is_in(span: Span, id_: int) -> bool:
    return span.start <= id_ and (span.end is None or id_ < span.end)


def above(reading: Reading, id_: int, *filters: Json, names: Sequence[str]) -> Request:
    """The search for live objects with a higher id that pass ``filters``, by rising id, with the properties ``names``.

    The filter on the id is the last one, where ``paging.after_last_id`` looks for it.
    """
    by_id = {"propertyName": "hs_object_id", "operator": "GT", "value": str(id_)}
    return Request(
        f"{reading.stream.path}/search",
        json={
            "filterGroups": [{"filters": [*filters, by_id]}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": names,
            "limit": _SEARCH_PAGE,
        },
    )


async def _highest_id(reading: Reading) -> int | None:
    """The highest id, if a listing that is asked to go on there does; None where ids are of no use."""
    by_id = {"propertyName": "hs_object_id", "direction": "DESCENDING"}
    search = {"filterGroups": [], "sorts": [by_id], "properties": ["hs_object_id"], "limit": 1}
    try:
        found = await reading.send(Request(f"{reading.stream.path}/search", json=search))
        records = reading.records_of(found or {})
        highest = _number(records[0]) if records else None
        if highest is None:
            return None
        there = await reading.send(_request(reading, archived=False, after=str(highest - 1)))
    except RejectedError:
        return None  # if that is more than a matter of ids, the listing will say so
    return highest if highest in map(_number, reading.records_of(there or {})[:2]) else None


def _number(holder: Json, name: str = "id") -> int | None:
    """The id of a record or in a place, where it is a number, written as one or as text."""
    id_ = str(holder.get(name))
    return int(id_) if id_.isascii() and id_.isdigit() else None


def _left(left: Sequence[Span]) -> Json:
    return {"left": [list(span) for span in left]}


def has_more(body: Json) -> bool:
    """Whether another page follows."""
    return bool((body.get("paging") or {}).get("next"))


def properties(name: str, context: Context) -> list[str]:
    """The properties the objects called ``name`` are asked for."""
    return [*TAKEN[name], *context.lookups.get("optout_properties", ())]


def _request(reading: Reading, *, archived: bool, after: str | None = None) -> Request:
    params = {
        **reading.stream.params,
        "properties": ",".join(properties(reading.stream.name, reading.context)),
        "limit": str(_PAGE),
    }
    if len(params["properties"]) > _LONGEST_QUERY:
        raise SettingsError(
            f"hubspot/{reading.stream.name}: the account has so many subscription types that the names of their "
            "opt-out properties no longer fit in an address, so flags would be lost. Archive subscription types nobody "
            "uses.",
            stream=reading.stream.name,
        )
    params |= {"archived": "true"} if archived else {}
    params |= {"after": after} if after else {}
    return Request(reading.stream.path, params)
