"""A long collection read in parts that lie side by side: ranges of ids, windows of time.

Whoever is free takes the next part; where none is left, a part that is being read is shared with those who wait. How
long parts are follows from what was found: twice as long after one that was nearly empty, as long as what was read of
one that held too much to be read at a stretch, half as long after one that the vendor would not show to its end. What
has been handed on is taken out of what is left, so what is left is a place to go on from: a kill costs only what was
under way.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from connectors.errors import IncompleteError
from connectors.side_by_side import WIDTH, merged

T = TypeVar("T")

_WORTH_SHARING = 10
"""Pieces that must be left of a part before it is shared: each new part costs a piece that is half empty."""


class Span(NamedTuple):
    """Whole numbers (ids, moments) from ``start`` to before ``end``; without an end, all from ``start`` on."""

    start: int
    end: int | None

    def without(self, other: "Span") -> "list[Span]":
        """What is left of it, at most two pieces."""
        if other.is_empty:
            return [self]
        before = Span(self.start, other.start if self.end is None else min(self.end, other.start))
        after = None if other.end is None else Span(max(self.start, other.end), self.end)
        return [part for part in (before, after) if part is not None and not part.is_empty]

    @property
    def is_empty(self) -> bool:
        """Whether no number lies in it."""
        return self.end is not None and self.start >= self.end


@dataclass(frozen=True, slots=True)
class Piece(Generic[T]):
    """Something that was read.

    Attributes:
        item: What it is.
        done: What needs no further reading once ``item`` is stored; it may reach beyond the part that was asked for,
            where the vendor has shown that nothing is there. None: not yet.
        records: How many records it holds.
    """

    item: T
    done: Span | None
    records: int


class CappedError(IncompleteError):
    """The vendor does not show a part to its end; it is read again in halves."""


Read = Callable[[Span], AsyncGenerator[Piece[T]]]


async def read_in_parts(
    read: Read[T],
    left: Iterable[Span],
    *,
    length: int,
    few: int,
    width: int = WIDTH,
    is_held_back: Callable[[], bool] = lambda: False,
) -> AsyncGenerator[tuple[T, list[Span]]]:
    """Every item of ``left``, as it comes, with what is left to read once it is stored. Use it within ``aclosing``.

    Args:
        read: Reads a part; it may stop early, and what its pieces do not say is done is read later.
        left: What to read. A span without an end is never cut into parts.
        length: How long the first parts are.
        few: A part with fewer records makes the next ones longer.
        width: How many parts are read at a time.
        is_held_back: Whether calls wait for the vendor's limit: then no help is needed, and sharing a part would cost
            calls.

    Raises:
        CappedError: A part of length one is still too much.
        IncompleteError: A part was read and nothing of it is done, so it would never end.
        ConnectorError: What ``read`` raises.
    """
    parts = _Parts(list(left), length, few, is_held_back)
    remaining = list(left)

    async def work() -> AsyncGenerator[Piece[T]]:
        while (part := await parts.next()) is not None:
            async with aclosing(_one(read, part, parts)) as pieces:
                async for piece in pieces:
                    yield piece

    async with aclosing(merged([work] * width, width=width)) as pieces:
        async for piece in pieces:
            if piece.done is not None:
                remaining = _without(remaining, piece.done)
            yield piece.item, remaining


async def _one(read: Read[T], part: Span, parts: "_Parts") -> AsyncGenerator[Piece[T]]:
    """One part; what was not done of it is given back."""
    todo, records, pieces_read, is_capped = [part], 0, 0, False
    try:
        async with aclosing(read(part)) as pieces:
            async for piece in pieces:
                records, pieces_read = records + piece.records, pieces_read + 1
                if piece.done is not None:
                    todo = _without(todo, piece.done)
                    parts.skip(piece.done)
                yield piece
                if parts.is_to_be_shared(part, todo, pieces_read):
                    break
    except CappedError:
        if part.end is None or part.end - part.start <= 1:
            raise
        is_capped = True
    parts.over(part, todo, records, is_capped=is_capped)


@dataclass(slots=True)
class _Parts:
    """What nobody has taken yet, how long the next part is, how many parts are being read, and who waits for one."""

    free: list[Span]
    length: int
    few: int
    is_held_back: Callable[[], bool]
    under_way: int = 0
    waiting: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self) -> Span | None:
        """The next part; waits while one that is being read may still give something back. None: all is read."""
        while not self.free:
            if not self.under_way:
                return None
            self.waiting += 1
            await self.changed.wait()
            self.waiting -= 1
        first = self.free.pop(0)
        end = first.end if first.end is None else min(first.end, first.start + self.length)
        part = Span(first.start, end)
        self.free = first.without(part) + self.free
        self.under_way += 1
        return part

    def skip(self, done: Span) -> None:
        """Nobody needs to read this any more."""
        self.free = _without(self.free, done)

    def is_to_be_shared(self, part: Span, todo: Sequence[Span], pieces: int) -> bool:
        """Whether others wait and enough is left of a part of which so many pieces have been read."""
        left = _length(todo)
        read = _length([part]) - left
        is_enough = read > 0 and left * pieces >= _WORTH_SHARING * read
        return self.waiting > 0 and is_enough and not self.is_held_back()

    def over(self, part: Span, todo: Sequence[Span], records: int, *, is_capped: bool) -> None:
        """A part is over; ``todo`` is left of it."""
        if todo == [part] and not is_capped:
            raise IncompleteError(
                "A part of the listing was read and none of it can be called done, so it would never end. Reading "
                "stops and the cursor stays. Compare the connector's page in docs/connectors with the vendor's "
                "changelog."
            )
        if part.end is not None:
            self.length = self._next_length(part.end - part.start, todo, records, is_capped=is_capped)
        self.free = [*todo, *self.free]
        self.under_way -= 1
        self.changed.set()
        self.changed = asyncio.Event()

    def _next_length(self, length: int, todo: Sequence[Span], records: int, *, is_capped: bool) -> int:
        if is_capped:
            return max(1, min(self.length, length // 2))
        if todo:
            share = _length(todo) // (self.waiting + 1) if self.waiting else 0
            return max(1, length - _length(todo), share)
        return max(self.length, length * 2) if records < self.few else self.length


def _length(spans: Iterable[Span]) -> int:
    """How many numbers lie in them; none where one has no end."""
    lengths = [None if span.end is None else span.end - span.start for span in spans]
    return 0 if None in lengths else sum(filter(None, lengths))


def _without(spans: Iterable[Span], done: Span) -> list[Span]:
    return [part for span in spans for part in span.without(done)]
