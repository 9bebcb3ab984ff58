"""Several things at once: look-ups whose answers are all wanted, and readers whose pages are taken as they come.

Both fail as a whole, with the first error, after everything else they had begun has stopped: nothing goes on behind
the back of whoever asked. How fast it goes is not decided here but by the limiter every call passes.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")

WIDTH, _WIDEST = 16, 32
"""How many calls one reader has under way, and at most: each may hold a page in memory."""
_UNEVEN = 1.5
"""Answers take unequally long, so that the mean alone would leave the limit unused at times."""


def width_for(per_second: float, answer_seconds: float) -> int:
    """How many calls must be under way for a limit to be used: what arrives in the time of one answer (Little's law).

    Args:
        per_second: Calls the limit allows.
        answer_seconds: How long an answer takes on average.
    """
    return math.ceil(min(_WIDEST, max(WIDTH, _UNEVEN * per_second * answer_seconds)))


async def together(work: Iterable[Coroutine[Any, Any, T]], *, width: int = WIDTH) -> list[T]:
    """The results of ``work``, in its order.

    Args:
        work: What to do; where one waits for another, ``width`` must hold them all.
        width: How many are under way at a time.

    Raises:
        BaseException: The first one that any of them raised.
    """
    turn = asyncio.Semaphore(width)

    async def in_turn(one: Coroutine[Any, Any, T]) -> T:
        async with turn:
            return await one

    failed: BaseException | None = None
    coroutines = list(work)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(one)) for one in coroutines]
    except BaseExceptionGroup as errors:
        failed = errors.exceptions[0]
    finally:
        for one in coroutines:
            one.close()  # those whose turn never came
    if failed is not None:
        raise failed  # outside of the handler, so that its own cause stays its cause
    return [task.result() for task in tasks]


async def merged(readers: Iterable[Callable[[], AsyncGenerator[T]]], *, width: int = WIDTH) -> AsyncGenerator[T]:
    """What ``readers`` yield, as it comes: each reader's items in its order, those of several in any.

    No reader runs ahead of whoever takes the items by more than one item. Use it within ``aclosing``: readers stop
    where they are when it is closed.

    Args:
        readers: What to begin with when one of ``width`` is free; asked for the next one only then.
        width: How many are under way at a time.

    Raises:
        Exception: The first one that any of them raised.
    """
    waiting, ready = iter(readers), asyncio.Queue[tuple[T] | Exception | None](maxsize=1)
    tasks = [asyncio.create_task(_hand_over(waiting, ready)) for _ in range(width)]
    try:
        for _ in tasks:
            while (found := await ready.get()) is not None:
                if isinstance(found, Exception):
                    raise found
                yield found[0]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _hand_over(
    waiting: Iterator[Callable[[], AsyncGenerator[T]]], ready: asyncio.Queue[tuple[T] | Exception | None]
) -> None:
    """Read one of ``waiting`` after the other; None says that there are no more, an error that this one stopped."""
    try:
        for reader in waiting:
            async with aclosing(reader()) as items:
                async for item in items:
                    await ready.put((item,))
    except Exception as error:  # noqa: BLE001 - raised where the items are taken
        await ready.put(error)
    else:
        await ready.put(None)
