"""Reader of reviews: locations side by side, newest first, and once a day from end to end."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from connectors.errors import RejectedError
from connectors.google_reviews.maps import source_id
from connectors.paging import page_token
from connectors.reading import Page, Reading, Sweep
from connectors.side_by_side import merged
from connectors.spec import Json, Request
from models import Review

_OVERLAP = timedelta(days=1)
_WHOLE_EVERY = timedelta(hours=23)
"""A little less than a day, so that a daily schedule reads the whole every time."""
_STARTS = 3
"""How often a listing whose page tokens end while it is read is begun again."""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_BAD_REQUEST, _REFUSED = 400, frozenset({403, 404})


@dataclass(frozen=True, slots=True)
class NewestFirst:
    """The place in time up to which each location has been read.

    Per location: the newest change seen, when it was last read from end to end, how many reviews it had by the vendor's
    count, and how many of those were not listed.
    """

    def first(self, state: Json | None, since: datetime | None, now: datetime) -> dict[str, str]:  # noqa: ARG002 - as Cursor declares it
        """No filter: nothing in the API takes one."""
        return {}

    def after_page(self, body: Json) -> None:
        """A page says nothing of what comes after it."""

    def after_all(self, started: datetime) -> None:
        """The reader makes the cursor, because each location has its own."""


@dataclass(slots=True)
class _Walk:
    """One walk through one location's reviews.

    Attributes:
        until: Changes before this have been read; None walks to the end.
        place: What the last walk left in the cursor, if there was one.
        seen: The records by their name.
        listed: Names of the listing that is being read; another begins when page tokens end.
        total: How many reviews the vendor says there are.
        ended: The end of the listing was reached.
        twins: Names that one listing had twice, with different content.
    """

    until: datetime | None
    place: Json
    seen: dict[str, Json] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    total: int = 0
    ended: bool = False
    twins: set[str] = field(default_factory=set)

    def take(self, body: Json, records: list[Json]) -> list[Json]:
        """The records of a page that are news: a review that comes in pushes those after it onto the next page."""
        self.total = body.get("totalReviewCount", self.total)
        return [record for record in records if self._is_news(str(record.get("name")), record)]

    def _is_news(self, name: str, record: Json) -> bool:
        known = self.seen.get(name)
        if known is not None and known != record and name in self.listed:
            self.twins.add(name)
        self.listed.add(name)
        if known == record or (known and _changed(known) > _changed(record)):
            return False
        self.seen[name] = record
        return True

    def is_past(self, records: list[Json]) -> bool:
        """Whether all that follows has been read before."""
        return self.until is not None and bool(records) and _changed(records[-1]) < self.until

    @property
    def gap(self) -> int:
        """How many reviews the vendor counts and does not list."""
        return self.total - len(self.listed)

    @property
    def is_whole(self) -> bool:
        """Every review has been seen. A gap that was there last time is one the vendor never closes."""
        return self.ended and self.gap in {0, self.place.get("gap")}

    @property
    def lacks_some(self) -> bool:
        """The count is not that of last time with the new ones: somebody deleted a review."""
        if self.ended:
            return False
        start = _moment(self.place["since"])
        new = sum(1 for record in self.seen.values() if _moment(record.get("createTime")) > start)
        return bool(self.total != self.place["count"] + new)

    @property
    def newest(self) -> str | None:
        """The last change seen, this time or before."""
        latest = max([_changed(record) for record in self.seen.values()] + [_moment(self.place.get("since"))])
        return latest.isoformat() if latest > _NEVER else None


async def read_reviews(reading: Reading) -> AsyncGenerator[Page]:
    """Every location's reviews, several locations at a time; one that refuses is named in the end.

    Raises:
        RejectedError: Some locations refuse their reviews.
    """
    places: Mapping[str, Json] = reading.context.lookups["places"]
    state = dict((reading.state or {}).get("places") or {})
    refused: list[str] = []
    readers = [
        partial(_unless_refused, reading, number, places[number]["path"], state.get(number) or {}, refused)
        for number in sorted(places)
    ]
    async with aclosing(merged(readers)) as pages:
        async for page in pages:
            # Only what has come this far is stored before the cursor is, so the cursor is put together here.
            state |= page.cursor or {}
            yield replace(page, cursor={"places": dict(state)}) if page.cursor else page
    if refused:
        raise RejectedError(
            f"{reading.client.source.name}/{reading.stream.name}: {len(refused)} of {len(places)} locations refuse "
            f"their reviews: {', '.join(sorted(refused))}. The others are read. Verify them in Google Business "
            "Profile, or name the locations to read in the option locations of this source in cdp.toml.",
            stream=reading.stream.name,
        )


async def _unless_refused(
    reading: Reading, number: str, path: str, place: Json, refused: list[str]
) -> AsyncGenerator[Page]:
    """One location; if it alone refuses, its number is added to ``refused``."""
    try:
        async for page in _location(reading, number, path, place):
            yield page
    except RejectedError as error:
        if error.status not in _REFUSED or error.missing_scopes or error.is_general:
            raise
        refused.append(number)


async def _location(reading: Reading, number: str, path: str, place: Json) -> AsyncGenerator[Page]:
    """One location: as far back as needed, then on to the end if the count says that a review is gone.

    The cursor of its last page is its new place, by its number.
    """
    if reading.since is None and place.get("since"):
        reading = reading.rereading()
    now = reading.client.vendor_now()
    walk = _Walk(_until(reading, place, now), place)
    async for page in _walk(reading, path, walk):
        yield page
    if reading.since is not None:
        return
    if walk.lacks_some:
        walk = _Walk(None, place)
        async for page in _walk(reading, path, walk):
            yield page
    seen_whole = {"whole_at": now.isoformat(), "gap": walk.gap} if walk.ended else {}
    reached = {**place, "since": walk.newest, "count": walk.total, **seen_whole}
    yield _closed(reading.page([], cursor={number: reached}), reading, number, walk)


def _until(reading: Reading, place: Json, now: datetime) -> datetime | None:
    """How far back to walk; None is to the end."""
    if reading.since is not None:
        return reading.since
    if not place.get("since") or now - _moment(place["whole_at"]) > _WHOLE_EVERY:
        return None
    return _moment(place["since"]) - _OVERLAP


async def _walk(reading: Reading, path: str, walk: _Walk) -> AsyncGenerator[Page]:
    """The pages of one listing, begun again if its page tokens end meanwhile: what came before is not taken twice."""
    request = Request(f"/v4/{path}/reviews", reading.stream.params)
    for start in range(1, _STARTS + 1):
        pages, walk.listed = 0, set()
        try:
            async for body in reading.bodies(request, page_token, starts=1):
                pages += 1
                records = reading.records_of(body)
                yield reading.page(walk.take(body, records), cursor=None)
                walk.ended = page_token(request, body) is None
                if walk.is_past(records):
                    return
        except RejectedError as error:
            if error.status != _BAD_REQUEST or not pages or start == _STARTS:
                raise
        else:
            return


def _closed(page: Page, reading: Reading, number: str, walk: _Walk) -> Page:
    """The last page of a location, with what a whole listing says about what is gone and what was odd."""
    sweeps, notices = [], []
    if walk.is_whole:
        present = frozenset(source_id(name) for name in walk.listed)
        most = float(reading.context.options.get("largest_removal", 0.5))
        sweeps.append(Sweep(Review, f"locations/{number}/", present, most))
    elif walk.ended:
        notices.append(
            f"Location {number} says it has {walk.total} reviews and lists {len(walk.listed)}, so what is not listed "
            "is not taken for deleted; the next whole reading compares again."
        )
    if walk.twins:
        notices.append(
            f"{len(walk.twins)} review ids of location {number} came twice with different content; the one changed "
            "last is kept."
        )
    return Page(page.rows, (), (), page.cursor, 0, page.seen, sweeps=tuple(sweeps), notices=tuple(notices))


def _changed(record: Json) -> datetime:
    return _moment(record.get("updateTime"))


def _moment(text: str | None) -> datetime:
    """A time of the vendor, whatever number of digits its seconds have; ``_NEVER`` for what is none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else _NEVER
    except (TypeError, ValueError):
        return _NEVER
