"""What a source is made of: frozen tables that refuse nonsense when they are built.

Budgets are data like the rest; what was used of them is in a ledger, which the connectors, who hold no database,
are given.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import httpx

from connectors.bucket import Bucket, Concurrency
from connectors.errors import SettingsError
from connectors.limits import Limit, Points
from connectors.oauth import OAuth
from connectors.shapes import Kind
from connectors.windows import Window
from models import Entity

if TYPE_CHECKING:
    from connectors.reading import Page, Reading
    from connectors.sweeping import Sweeping

Json: TypeAlias = dict[str, Any]
Row: TypeAlias = dict[str, Any]
Mapped: TypeAlias = list[tuple[type[Entity], Row]]

Purpose: TypeAlias = Literal["read", "reread", "setup"]
"""Why a call is made: for what may be new, for what was read before and is read again as the stream declares, or for
what all streams of the account need to know."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Request:
    """One call to a vendor: a POST if it has a body, else a GET.

    ``path`` is the template that is logged, so it never holds a value. ``purpose`` is for the count alone.
    """

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    json: Json | None = None
    purpose: Purpose = "read"

    def having(self, **params: str) -> "Request":
        """The same call with these parameters, in the query or, for a POST, in the body."""
        if self.json is not None:
            return replace(self, json={**self.json, **params})
        return replace(self, params={**self.params, **params})

    def without(self, name: str) -> "Request":
        """The same call without the query parameter ``name``."""
        return replace(self, params={key: value for key, value in self.params.items() if key != name})


@dataclass(frozen=True, slots=True)
class Context:
    """What a map may know besides the record: the operator's options and what was looked up once."""

    options: Mapping[str, Any] = field(default_factory=dict)
    lookups: Mapping[str, Any] = field(default_factory=dict)


Map: TypeAlias = Callable[[Json, Context], Mapped]
Paging: TypeAlias = Callable[[Request, Json], Request | None]
Fetch: TypeAlias = Callable[[Request], Awaitable[Json]]
ByIds: TypeAlias = Callable[[Sequence[str], Context], Request]
Count: TypeAlias = Callable[[Fetch], Awaitable[int | None]]


@dataclass(frozen=True, slots=True)
class Budget:
    """What the vendor allows. A limit takes its state by its name, so names differ.

    Attributes:
        windows: Every window of time a call must fit in.
        bucket: What calls take their price from, where the vendor counts points.
        concurrency: How many calls may be on their way at once.
    """

    windows: tuple[Window, ...]
    bucket: Bucket | None = None
    concurrency: tuple[Concurrency, ...] = ()

    def __post_init__(self) -> None:
        if not self.windows:
            raise ValueError("A budget needs at least one window.")
        names = [limit.name for limit in self.limits]
        if len(set(names)) < len(names):
            raise ValueError(f"Two limits of a budget have the same name: {', '.join(sorted(names))}.")

    @property
    def limits(self) -> tuple[Limit, ...]:
        """All of them."""
        return (*self.windows, *((self.bucket,) if self.bucket else ()), *self.concurrency)


class Tokens(Protocol):
    """Access tokens that end and are renewed; ``cdp_pipelines.credentials`` keeps them in the vault.

    Both block: they may wait for another process that is renewing, and call the vendor.
    """

    def current(self) -> str:
        """A token that does not end within the next moments."""

    def renewed(self, refused: str) -> str:
        """A token in place of ``refused``, which the vendor no longer takes."""


class Meter(Protocol):
    """Knows what calls cost, for vendors that count points and not calls; ``graphql.CostMeter`` is one."""

    def price(self, request: Request) -> float | None:
        """Points that ``request`` costs; None while that is not known."""

    def read(self, request: Request, body: Json) -> Points | None:
        """Take from an answer what it says about points."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error in an answer whose status says success.

    Attributes:
        status: The HTTP status it amounts to.
        code: The vendor's code.
        retry_after_seconds: How long to wait, where the answer tells.
    """

    status: int
    code: str | None = None
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ApiVersion:
    """The version of the API our queries are written for, and the header in which answers say which one they are."""

    header: str
    pinned: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """A message the vendor sends by itself, and what has to follow; nothing receives it yet.

    Attributes:
        topic: The vendor's name of it.
        means: A person asks for their data, must be erased or left; two persons became one; the account must go.
        person: Where in the message the person's id is.
    """

    topic: str
    means: Literal["access", "erase", "deleted", "merged", "erase_account"]
    person: str | None = None


class Cursor(Protocol):
    """How a stream goes on where it stopped. Cursors are JSON and mean something to their class only."""

    def first(self, state: Json | None, since: datetime | None, now: datetime) -> dict[str, str]:
        """Parameters of the first request. ``since`` beats ``state``; ``now`` is the vendor's time."""

    def after_page(self, body: Json) -> Json | None:
        """Cursor that is safe once this page is stored, or None."""

    def after_all(self, started: datetime) -> Json | None:
        """Cursor that is safe once every page is stored, or None; ``started`` is the vendor's time at the first one."""


@dataclass(frozen=True, slots=True)
class Join:
    """A second list on a page whose items belong to its records: ``rows_at[].on`` is the record's key."""

    rows_at: str
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One kind of record of a source, and how it is read.

    Attributes:
        name: Last part of the asset key.
        entities: What it yields, children before parents.
        path: Path of the listing.
        rows_at: Key of a page under which its records are; dots lead further down.
        map: Vendor record in, canonical rows out.
        fields: Top-level fields that are known, taken or not, with what they hold; others are counted as drift.
        texts_in: Field that holds an object of texts we ask for by name, which are looked at like fields.
        cursor: How it goes on next time.
        paging: How pages follow each other, for streams the general reader reads.
        key: Field of a record that names it.
        params: Query parameters of every call.
        joins: Side-loaded lists to attach to the records.
        after: Streams that must have been read before: those whose records say whom the rows of this one are about,
            where that is somebody else again (a message is about the requester of its ticket), and those whose rows
            this one overrules. All others are read side by side.
        lookups: Names of the source's lookups its map needs.
        absent_on: Statuses that mean "this account does not have the feature".
        by_ids: Request for single records, where the vendor has one; at most ``ids_per_request`` ids.
        enrich: Adds to records what only the listing has, for those that were found by id or by search.
        read: Reader for a stream that does not fit the general one.
        count: Asks, cheaply, how many records a first load brings; None where the vendor cannot say.
        per_request: Records one request of a first load brings, where they can be counted.
        ids_per_request: Records ``by_ids`` may ask for at once.
        omits_empty: An object without any key is a page without records, as some vendors write it.
        sweep: How records that vanish without a word are found, where the stream itself does not show them.
        rereads: What every sync, or one a day, reads again although it was read before, and why, as the end of "It
            reads …". Those calls are counted apart; a stream that declares none makes none.
    """

    name: str
    entities: tuple[type[Entity], ...]
    path: str
    rows_at: str
    map: Map
    fields: Mapping[str, Kind]
    cursor: Cursor
    paging: Paging | None = None
    key: str = "id"
    params: Mapping[str, str] = field(default_factory=dict)
    joins: tuple[Join, ...] = ()
    after: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    absent_on: tuple[int, ...] = ()
    by_ids: ByIds | None = None
    enrich: "Callable[[Reading, list[Json]], Awaitable[None]] | None" = None
    read: "Callable[[Reading], AsyncGenerator[Page]] | None" = None
    count: Count | None = None
    per_request: int = 100
    ids_per_request: int = 100
    omits_empty: bool = False
    sweep: "Sweeping | None" = None
    rereads: str | None = None
    texts_in: str | None = None

    def __post_init__(self) -> None:
        problems = []
        if not _NAME.fullmatch(self.name):
            problems.append("its name must be lower-case words joined by underscores")
        if not self.entities:
            problems.append("it yields no entity")
        if self.key not in self.fields:
            problems.append(f'its key "{self.key}" is not among its fields')
        if (self.paging is None) == (self.read is None):
            problems.append("it needs either a paging style or a reader of its own")
        if any(status < 400 for status in self.absent_on):  # noqa: PLR2004 - the first status that is an error
            problems.append("absent_on may hold error statuses only")
        if problems:
            raise ValueError(f"Stream {self.name}: {'; '.join(problems)}.")


@dataclass(frozen=True, slots=True)
class Probe:
    """A cheap call that shows whether the token may read something; ``scope`` names the permission it needs."""

    request: Request
    scope: str
    absent_on: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One system we read from.

    Attributes:
        name: As in the configuration.
        base_url: Scheme and host; ``{account}`` stands for the configured account.
        auth: Token to authentication.
        budget: What the vendor allows.
        streams: What is read.
        probes: What ``check`` calls, in order.
        credential_help: Where a person makes or repairs a token.
        lookups: Things loaded once per connection for the maps, by name.
        missing_scopes: Reads the names of missing permissions from the vendor's refusal.
        describe: Lines for ``check`` that help to configure the source.
        options: Names of the options the maps and lookups read.
        oauth: How a person lets an app in, where the vendor has that; a plain token otherwise.
        refusal: Reads the error out of an answer whose status says success, where the vendor hides it there.
        meter: Makes what knows the price of calls, where the vendor counts points.
        version: The pinned version of the API, where answers say which version they are.
        advice: What to do about a status, where this vendor means something of its own by it.
        warn: Sentences for ``check`` about what will not be read although nothing is wrong.
        webhooks: Messages the vendor sends about persons.
        hosts: Further hosts by how the paths begin that they serve; the longest beginning decides.
        hopeless: Reads out of a refusal that looks passing that it is not, and says what to do.
    """

    name: str
    base_url: str
    auth: Callable[[str], httpx.Auth]
    budget: Budget
    streams: tuple[Stream, ...]
    probes: tuple[Probe, ...]
    credential_help: str
    missing_scopes: Callable[[Json], tuple[str, ...]]
    lookups: Mapping[str, Callable[[Fetch, Mapping[str, Any]], Awaitable[Any]]] = field(default_factory=dict)
    describe: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None
    options: frozenset[str] = frozenset()
    oauth: OAuth | None = None
    refusal: Callable[[Json], Refusal | None] | None = None
    meter: Callable[[], Meter] | None = None
    version: ApiVersion | None = None
    advice: Mapping[int, str] = field(default_factory=dict)
    warn: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None
    webhooks: tuple[Webhook, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)
    hopeless: Callable[[Json], str | None] | None = None

    def __post_init__(self) -> None:
        names = [stream.name for stream in self.streams]
        problems = []
        if len(set(names)) != len(names):
            problems.append("two streams have the same name")
        known: set[str] = set()
        for stream in self.streams:
            if missing := [name for name in stream.after if name not in known]:
                problems.append(f"{stream.name} comes after {', '.join(missing)}, which is not declared above it")
            if missing := [name for name in stream.lookups if name not in self.lookups]:
                problems.append(f"{stream.name} needs the lookups {', '.join(missing)}, which do not exist")
            known.add(stream.name)
        if not self.probes:
            problems.append("check would have nothing to call")
        if problems:
            raise ValueError(f"Source {self.name}: {'; '.join(problems)}.")

    def stream(self, name: str) -> Stream:
        """The stream called ``name``.

        Raises:
            SettingsError: There is none; the message lists those there are.
        """
        for stream in self.streams:
            if stream.name == name:
                return stream
        names = ", ".join(stream.name for stream in self.streams)
        raise SettingsError(f"Looking up the stream: {self.name} has no {name!r}. Name one of these: {names}.")
