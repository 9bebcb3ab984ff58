"""The one loop over pages, with the guards that keep it from losing or repeating records unseen.

A page that is not what the stream declares stops the stream, because what is missing on it cannot be counted. A
record that cannot be mapped is set aside by reference and counted; the rest of its page goes on.
"""

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime

import orjson
from pydantic import ValidationError

from connectors.client import Client
from connectors.cursors import ExportCursor
from connectors.errors import IncompleteError, MappingError, RejectedError, RetriableError
from connectors.graphql import at
from connectors.paging import halved
from connectors.shapes import Seen, Shapes
from connectors.spans import Read, Span, T, read_in_parts
from connectors.spec import Context, Json, Paging, Purpose, Request, Row, Stream
from models import Entity
from models.derive import validator

PAGE_CAP = 100_000
"""More pages than any account has; a listing that goes on longer is running in a circle no single request shows."""
_SMALLEST_PAGE = 50
_GATEWAY_TIMEOUT = 504
_TOO_LARGE = 413
_PLACE_UNKNOWN = frozenset({400, 410, 422})
"""What vendors answer to a cursor that has ended."""
_STARTS = 3
"""How often a listing is begun before its places are held to end too soon."""
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that could not be mapped, by reference. ``error_class`` names fields and kinds of error, no values."""

    record_id: str
    error_class: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """A part of a listing seen whole, for vendors that tell nobody what was deleted: what is not in it is gone.

    Attributes:
        entity: What was listed.
        prefix: How the source ids of this part begin.
        present: Source ids of all its records.
        most: Largest share of what is stored that may go at once; more looks like a fault.
    """

    entity: type[Entity]
    prefix: str
    present: frozenset[str]
    most: float = 0.5


@dataclass(frozen=True, slots=True)
class Page:
    """What one answer of the vendor became.

    Attributes:
        rows: Validated canonical rows, children before parents.
        rejected: Records that could not be mapped.
        recovered: Ids that were asked for again and need no further try: mapped now, or gone.
        cursor: JSON that may be committed once these rows are stored; None means not yet.
        records: Vendor records on the page.
        seen: Which fields the records had, and which were not as the stream declares them.
        is_milestone: Commit at once: what follows may take hours, or the way back to here is dear.
        sweeps: Parts of the listing that have now been seen whole.
        notices: Sentences about what was odd and has been dealt with; no values.
    """

    rows: Mapping[type[Entity], list[Row]]
    rejected: Sequence[Rejected]
    recovered: Sequence[str]
    cursor: Json | None
    records: int
    seen: Seen
    is_milestone: bool = False
    sweeps: Sequence["Sweep"] = ()
    notices: Sequence[str] = ()


class Reading:
    """One pass over one stream: what its reader may use.

    Attributes:
        stream: What is read.
        client: How to call the vendor.
        context: What maps may know.
        state: Cursor of the last pass, None on the first.
        since: Moment to read from regardless of the cursor, if the operator asks for it.
        purpose: What its calls are counted as.
    """

    def __init__(
        self,
        stream: Stream,
        client: Client,
        *,
        context: Context,
        state: Json | None,
        since: datetime | None,
        retry_ids: Collection[str],
    ) -> None:
        self.stream, self.client, self.context = stream, client, context
        self.state, self.since = state, since
        self.purpose: Purpose = "read"
        self._retry_ids = frozenset(retry_ids)
        self._notices: list[str] = []
        self._shapes = Shapes(stream.fields, stream.texts_in)
        self._checks = {entity: validator(entity) for entity in stream.entities}

    @property
    def goes_on(self) -> bool:
        """Whether it goes on where an earlier pass ended."""
        return self.state is not None and self.since is None

    def rereading(self) -> "Reading":
        """The same pass for what was read before and is read again, as the stream declares: its calls count apart."""
        if self.stream.rereads is None:
            raise TypeError(f"Stream {self.stream.name} does not declare what it reads again.")
        again = copy(self)
        again.purpose = "reread"
        return again

    async def send(self, request: Request, *, absent_on: Collection[int] = ()) -> Json | None:
        """Call the vendor; see ``Client.send``."""
        return await self.client.send(replace(request, purpose=self.purpose), absent_on=absent_on)

    def in_parts(
        self, read: Read[T], left: Iterable[Span], *, length: int, few: int
    ) -> AsyncGenerator[tuple[T, list[Span]]]:
        """``spans.read_in_parts``, with as many parts at a time as the vendor's limit and slowness ask for."""
        client, path = self.client, self.stream.path
        return read_in_parts(
            read,
            left,
            length=length,
            few=few,
            width=client.width(path),
            is_held_back=lambda: client.is_held_back(path),
        )

    async def bodies(
        self,
        request: Request,
        paging: Paging,
        *,
        rows_at: str | None = None,
        anew: Request | None = None,
        starts: int = _STARTS,
    ) -> AsyncGenerator[Json]:
        """Every page from ``request`` on.

        Where the vendor no longer knows the place to go on from, the listing is begun again: what comes twice is
        written once.

        Args:
            request: The first call.
            paging: How pages follow each other.
            rows_at: Where their records are, if not where the stream says.
            anew: The beginning, where ``request`` itself names a place.
            starts: How often the listing may begin; 1 for readers that count what they see.

        Raises:
            IncompleteError: A page has no list where its records should be, or the pages run in a circle.
        """
        for start in range(1, starts + 1):
            pages = 0
            try:
                async for body in self._bodies(request, paging, rows_at):
                    pages += 1
                    yield body
            except RejectedError as error:
                again = request if pages else anew
                if error.status not in _PLACE_UNKNOWN or again is None or start == starts:
                    raise
                request, anew = again, anew if pages else None
                self._notices.append(
                    f"{self._name}: the vendor no longer knew the place to go on from, so the listing was read again "
                    "from its beginning."
                )
            else:
                return

    async def _bodies(self, request: Request, paging: Paging, rows_at: str | None) -> AsyncGenerator[Json]:
        seen: set[bytes] = set()
        following: Request | None = request
        while following is not None:
            self._guard(following, seen)
            following, body = await self._fetch(following)
            if body is None:
                self.client.stats.absent.add(self.stream.name)
                return
            self.records_of(body, rows_at, page=len(seen))
            yield body
            following = self.following(following, body, paging)

    def following(self, request: Request, body: Json, paging: Paging) -> Request | None:
        """The call for the page after ``body``, or None at the end.

        Raises:
            IncompleteError: The page says that more follows, and not where.
        """
        try:
            return paging(request, body)
        except IncompleteError as error:
            raise IncompleteError(f"{self._name}: {error} {self._advice}", stream=self.stream.name) from error

    def _guard(self, request: Request, seen: set[bytes]) -> None:
        key = orjson.dumps([request.path, dict(request.params), request.json], option=orjson.OPT_SORT_KEYS)
        if key in seen or len(seen) >= PAGE_CAP:
            what = "asks for a page it has had" if key in seen else f"has more than {PAGE_CAP} pages"
            raise IncompleteError(
                f"{self._name}: after {len(seen)} pages the listing {what}. It would never end, so reading stops and "
                f"the cursor stays. {self._advice}",
                stream=self.stream.name,
            )
        seen.add(key)

    async def _fetch(self, request: Request) -> tuple[Request, Json | None]:
        """One page, and the request it took: with smaller portions if the vendor's gateway gave up on large ones."""
        while True:
            try:
                return request, await self.send(request, absent_on=self.stream.absent_on)
            except (RetriableError, RejectedError) as error:
                # A gateway gave up, the answer is too long, or a query costs more than any query may: ask for less.
                least = {_GATEWAY_TIMEOUT: _SMALLEST_PAGE, _TOO_LARGE: 1}.get(error.status or 0)
                smaller = halved(request, least) if least else None
                if smaller is None:
                    raise
                request = smaller

    def records_of(self, body: Json, rows_at: str | None = None, *, page: int = 1) -> list[Json]:
        """The list of records on a page.

        Raises:
            IncompleteError: There is none. An absent list is not an empty page.
        """
        where = rows_at or self.stream.rows_at
        records = [] if not body and self.stream.omits_empty else at(body, where)
        if not isinstance(records, list):
            raise IncompleteError(
                f'{self._name}: page {page} has no list "{where}" (keys: {", ".join(sorted(body)) or "none"}). An '
                f"absent list is not an empty page, so the cursor stays. {self._advice}",
                stream=self.stream.name,
            )
        return records

    def page(self, records: Sequence[Json], *, cursor: Json | None) -> Page:
        """Map, validate and count ``records``; a field of another type than declared is read anyway where it can be."""
        rows: dict[type[Entity], list[Row]] = {entity: [] for entity in self.stream.entities}
        rejected: list[Rejected] = []
        recovered: list[str] = []
        seen = self._shapes.take(records)
        for record in records:
            record_id = self._id(record)
            try:
                mapped = self._mapped(record)
            except MappingError as error:
                rejected.append(Rejected(record_id, str(error)))
                continue
            for entity, row in mapped:
                rows[entity].append(row)
            if record_id in self._retry_ids:
                recovered.append(record_id)
        notices = tuple(self._notices)
        self._notices.clear()  # shared with passes made of this one
        return Page(rows, rejected, recovered, cursor, len(records), seen, notices=notices)

    def _id(self, record: Json) -> str:
        try:
            return str(record[self.stream.key])
        except (KeyError, TypeError):
            raise IncompleteError(
                f'{self._name}: a record has no "{self.stream.key}", so it cannot even be set aside by reference. The '
                f"cursor stays. {self._advice}",
                stream=self.stream.name,
            ) from None

    def _mapped(self, record: Json) -> list[tuple[type[Entity], Row]]:
        """Raises ``MappingError`` for whatever a map or a validator does when a record is not as declared."""
        checks, source = self._checks, self.client.source.name
        try:
            mapped = self.stream.map(record, self.context)
            for _, row in mapped:
                row["source"] = source
            return [(entity, checks[entity](row)) for entity, row in mapped]
        except ValidationError as error:
            raise MappingError(_invalid(error)) from None
        except KeyError as error:
            # A key that was looked up may itself be a value; only names we declared are repeated.
            name = error.args[0] if error.args and error.args[0] in self.stream.fields else "a nested field"
            raise MappingError(f"missing:{name}") from None
        except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            raise MappingError(type(error).__name__) from None

    async def again(self, ids: Iterable[str]) -> AsyncGenerator[Page]:
        """Read quarantined records again, one by one named; those that are gone count as recovered."""
        if self.stream.by_ids is None:
            return
        async for page, gone in self.named(sorted(ids)):
            yield replace(page, recovered=[*page.recovered, *sorted(gone)])

    async def named(self, ids: Sequence[str]) -> AsyncGenerator[tuple[Page, frozenset[str]]]:
        """Read single records by id: pages of those the vendor gives, each with the ids of those that are gone."""
        if self.stream.by_ids is None:
            raise TypeError(f"Stream {self.stream.name} does not say how to read single records.")
        for start in range(0, len(ids), self.stream.ids_per_request):
            part = ids[start : start + self.stream.ids_per_request]
            body = await self.send(self.stream.by_ids(part, self.context)) or {}
            records = self.records_of(body)
            _attach(self.stream, body)
            if self.stream.enrich and records:
                await self.stream.enrich(self, records)
            page = self.page(records, cursor=None)
            given = {self._id(record) for record in records}
            yield page, frozenset([id_ for id_ in part if id_ not in given and not await self.is_there(id_)])

    async def is_there(self, record_id: str) -> bool:
        """Whether a record that reading by id left out exists all the same, where the stream says that it may."""
        asked = self.stream.sweep.is_there if self.stream.sweep else None
        return asked is not None and await asked(self, record_id)

    @property
    def _name(self) -> str:
        return f"{self.client.source.name}/{self.stream.name}"

    @property
    def _advice(self) -> str:
        name = self.client.source.name
        return f"Compare docs/connectors/{name}.md with the vendor's changelog, then run: cdp sync {name}"


async def read_stream(reading: Reading) -> AsyncGenerator[Page]:
    """The general reader: pages from the cursor on, each with the cursor that follows it."""
    stream = reading.stream
    if reading.goes_on and stream.rereads:
        reading = reading.rereading()
    started: datetime | None = None
    if stream.paging is None:
        raise TypeError(f"Stream {stream.name} has a reader of its own.")
    body: Json
    async for body in _pages(reading, stream.paging):
        started = started or reading.client.vendor_now()
        _attach(stream, body)
        yield reading.page(reading.records_of(body), cursor=stream.cursor.after_page(body))
    if started and (cursor := stream.cursor.after_all(started)):
        yield reading.page([], cursor=cursor)


async def _pages(reading: Reading, paging: Paging) -> AsyncGenerator[Json]:
    """The pages; the first call is repeated once if its start was too recent by the vendor's clock."""
    stream, client = reading.stream, reading.client

    def first(state: Json | None) -> Request:
        start = stream.cursor.first(state, reading.since, client.vendor_now())
        return Request(stream.path, {**stream.params, **start})

    request = first(reading.state)
    # Only a vendor's own token can end; a time is always a place.
    anew = first(None) if isinstance(stream.cursor, ExportCursor) and "cursor" in request.params else None
    try:
        async for body in reading.bodies(request, paging, anew=anew):
            yield body
    except RejectedError as error:
        # The refusal itself brought the vendor's time, so the start may come out earlier now.
        if error.status != _BAD_REQUEST or first(reading.state) == request:
            raise
        async for body in reading.bodies(first(reading.state), paging):
            yield body


def _attach(stream: Stream, body: Json) -> None:
    """Put side-loaded items into the records they belong to, under the name of their list.

    Compared as texts: one of the two ids may come as another type than the other.
    """
    for join in stream.joins:
        by_key: dict[str, list[Json]] = {}
        for item in body.get(join.rows_at) or ():
            by_key.setdefault(str(item.get(join.on)), []).append(item)
        for record in body[stream.rows_at]:
            if items := by_key.get(str(record.get(stream.key))):
                record[join.rows_at] = items


def _invalid(error: ValidationError) -> str:
    """Fields and kinds of error, sorted: ``invalid:created_at:datetime_parsing``."""
    kinds = {
        f"{item['loc'][0]}:{item['type']}"
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    }
    return f"invalid:{','.join(sorted(kinds))}"
