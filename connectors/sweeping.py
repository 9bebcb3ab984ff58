"""Key-only sweeps: which records of a stream are gone without a word, and which were never seen.

A vendor that tells nobody what was deleted still lists what there is. A sweep walks along the numbers of a stream's
records in parts, asks the vendor which of them exist, and compares. No listing is believed alone: whatever it lacks is
asked for by id before it counts as gone, and whatever it has that we lack is read by id. So a listing that is out of
order, late or cut short costs calls and nothing else, and what is created or changed meanwhile is left alone.
"""

from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from connectors.errors import IncompleteError
from connectors.reading import Page, Reading
from connectors.spec import Budget
from models import Entity

PART = 2_000
"""Records of a part: enough for a share of it to say something, and seldom more than twenty calls to repeat."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a vendor says of the numbers above some number.

    Attributes:
        present: Numbers that exist.
        reached: The number up to which nothing else exists, as far as the vendor says; None is to the end.
    """

    present: frozenset[int]
    reached: int | None


KeysAbove = Callable[[Reading, int, Sequence[int]], Awaitable[Keys]]
"""Asks, with one call if it can, for the next numbers above one; it is also given those of ours that follow."""


@dataclass(frozen=True, slots=True)
class Sweeping:
    """How a stream whose records are numbered is swept.

    Attributes:
        entity: Whose source ids are the numbers of the records.
        keys: Asks for the next numbers.
        is_there: Asks for one record by itself, where reading by id may leave out some that exist.
    """

    entity: type[Entity]
    keys: KeysAbove
    is_there: Callable[[Reading, str], Awaitable[bool]] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What a sweep found between two numbers.

    Attributes:
        after: The number it begins above.
        reached: The number it ends with; None is the end of the stream.
        compared: How many of our records lie in it.
        gone: Ids of those that exist no longer.
        pages: Records that were read again: unknown to us, or not as we have them.
    """

    after: int
    reached: int | None
    compared: int
    gone: frozenset[str]
    pages: tuple[Page, ...]


def part_of(budget: Budget, share: float) -> Budget:
    """A budget of which a sweep takes only ``share``: besides its windows, the same number of calls in longer ones.

    Both count: the vendor's windows are used by syncs too, the longer ones by the sweep alone.
    """
    longer = [replace(window, seconds=window.seconds / share, told=None, policy=None) for window in budget.windows]
    by_name = {window.name: window for window in (*longer, *budget.windows)}
    return replace(budget, windows=tuple(by_name.values()))


async def sweep(
    reading: Reading, stored: Sequence[int], *, after: int = 0, until: int | None = None
) -> AsyncIterator[Part]:
    """Compare what we have of a stream with what the vendor has, part by part.

    Args:
        reading: A pass over the stream, whose ``sweep`` says how.
        stored: Numbers of all records we have, ascending.
        after: Begin above this number.
        until: End with this number; by default with the last there is.

    Raises:
        IncompleteError: The vendor's numbers do not go on.
        RetriableError: The vendor gave no answer within the patience.
        RejectedError: The vendor refuses.
    """
    reached: int | None = after
    while reached is not None and (until is None or reached < until):
        part = await _part(reading, stored, reached, until)
        yield part
        reached = part.reached


async def _part(reading: Reading, stored: Sequence[int], after: int, until: int | None) -> Part:
    present: set[int] = set()
    reached: int | None = after
    ours: Sequence[int] = ()
    while reached is not None and max(len(ours), len(present)) < PART and (until is None or reached < until):
        keys = await _declared(reading).keys(reading, reached, stored[bisect_right(stored, reached) :])
        reached = _further(reading, reached, keys.reached)
        present |= keys.present
        ours = _between(stored, after, _first(reached, until))
    end = _first(reached, until)
    theirs = {number for number in present if number > after and (end is None or number <= end)}
    pages, missing = await _again(reading, sorted(theirs ^ set(ours)))
    gone = [id_ for id_ in missing if int(id_) not in theirs]
    return Part(after, reached if until is None or reached is None else end, len(ours), frozenset(gone), pages)


async def _again(reading: Reading, numbers: Sequence[int]) -> tuple[tuple[Page, ...], list[str]]:
    """Read records by id: the pages of those that exist, and the ids of those that are gone."""
    ids = [str(number) for number in numbers]
    if reading.stream.by_ids is None:
        return (), [id_ for id_ in ids if not await reading.is_there(id_)]
    found = [item async for item in reading.named(ids)]
    return tuple(page for page, _ in found), [id_ for _, gone in found for id_ in gone]


def _declared(reading: Reading) -> Sweeping:
    if reading.stream.sweep is None:
        raise TypeError(f"Stream {reading.stream.name} declares no sweep.")
    return reading.stream.sweep


def _further(reading: Reading, before: int, reached: int | None) -> int | None:
    if reached is None or reached > before:
        return reached
    name = reading.client.source.name
    raise IncompleteError(
        f"{name}/{reading.stream.name}: the sweep asked which records follow and was led back to where it was. It "
        f"would never end, so it stops and goes on from there next time. Compare docs/connectors/{name}.md with the "
        f"vendor's changelog, then run: cdp sweep {name}",
        stream=reading.stream.name,
    )


def _first(reached: int | None, until: int | None) -> int | None:
    return min((number for number in (reached, until) if number is not None), default=None)


def _between(stored: Sequence[int], after: int, end: int | None) -> Sequence[int]:
    stop = len(stored) if end is None else bisect_right(stored, end)
    return stored[bisect_right(stored, after) : stop]
