"""How much a first load would read, asked with one cheap call per stream, before anybody waits for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.errors import ConnectorError
from connectors.limits import Terms
from connectors.spec import Budget, Fetch, Source, Stream


@dataclass(frozen=True, slots=True)
class StreamSize:
    """One stream of a first load; None where the vendor cannot say cheaply.

    Attributes:
        stream: Its name.
        records: Records it would read.
        requests: Calls that takes.
    """

    stream: str
    records: int | None
    requests: int | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A first load, as far as it is known.

    Attributes:
        streams: One by one, in the order they are read.
        hours: What the vendor's limits make the known requests take at least.
    """

    streams: tuple[StreamSize, ...]
    hours: float

    @property
    def records(self) -> int:
        """Known records together."""
        return sum(size.records or 0 for size in self.streams)

    @property
    def requests(self) -> int:
        """Known requests together."""
        return sum(size.requests or 0 for size in self.streams)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Streams that nothing is known of."""
        return tuple(size.stream for size in self.streams if size.records is None)


async def estimate_first_load(source: Source, fetch: Fetch, *, terms: Terms) -> Estimate:
    """Ask for the number of records of each stream that can be counted.

    Args:
        source: The declaration.
        fetch: Calls the vendor.
        terms: What of the vendor's limits is ours.
    """
    sizes = tuple([await _size(stream, fetch) for stream in source.streams])
    return Estimate(sizes, _hours(source.budget, source.streams, sizes, terms))


async def _size(stream: Stream, fetch: Fetch) -> StreamSize:
    try:
        records = await stream.count(fetch) if stream.count else None
    except ConnectorError:  # an estimate is a courtesy: whether the stream can be read is for the check to say
        records = None
    if records is None:
        return StreamSize(stream.name, None, None)
    return StreamSize(stream.name, records, max(1, -(-records // stream.per_request)))


def _hours(budget: Budget, streams: Sequence[Stream], sizes: Sequence[StreamSize], terms: Terms) -> float:
    """The window that takes longest decides: all of them are obeyed at once."""
    seconds = [
        window.least_seconds(
            sum(size.requests or 0 for stream, size in zip(streams, sizes, strict=True) if window.holds(stream.path)),
            terms,
        )
        for window in budget.windows
    ]
    return max(seconds) / 3600
