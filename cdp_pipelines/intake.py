"""Where pages of several streams come together and become batches, written one after the other by one thread.

Reading goes on while a batch is written, so requests stay in flight. In memory are at most about two batches of rows,
the one being written and those that are gathered, however many streams are read and however slow the disk is:
whoever has a page too many waits.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from connectors.reading import Page, Sweep
from models import Entity
from models.derive import personal_fields

BATCH_ROWS = 10_000
"""Rows gathered before they are written: an append costs about a tenth of a second however few they are."""
_MANY_PERSONAL = 5
"""From so many personal fields on a row is wide: 10,000 persons in a batch took 20 MB more than 5,000."""
_WIDE_ROWS = BATCH_ROWS // 2
"""Wide rows gathered before they are written."""


@dataclass(slots=True)
class Batch:
    """What consecutive pages of one stream brought.

    Attributes:
        count: How many rows.
        wide: How many of them are wide.
        read_at: When the first page was read: what was found gone since then stays gone.
        listed_at: When the last one was.
        rejected: Kinds of error by record, for those the last page that has them rejects.
        recovered: Records the last page that has them lets go.
        cursor: The place behind the last page.
    """

    rows: dict[type[Entity], list[dict[str, Any]]] = field(default_factory=dict)
    count: int = 0
    wide: int = 0
    read_at: datetime | None = None
    listed_at: datetime | None = None
    rejected: dict[str, str] = field(default_factory=dict)
    recovered: set[str] = field(default_factory=set)
    sweeps: list[Sweep] = field(default_factory=list)
    cursor: dict[str, Any] | None = None

    def add(self, page: Page, read_at: datetime) -> None:
        """Take a page in."""
        for entity, rows in page.rows.items():
            self.rows.setdefault(entity, []).extend(rows)
            self.count += len(rows)
            self.wide += len(rows) if len(personal_fields(entity)) >= _MANY_PERSONAL else 0
        self.read_at = self.read_at or read_at
        self.listed_at = read_at
        self._decide(page)
        self.sweeps += page.sweeps
        self.cursor = page.cursor if page.cursor is not None else self.cursor

    def _decide(self, page: Page) -> None:
        """What waits after this page; a record that comes twice on it, once in order and once not, does."""
        rejected = {item.record_id: item.error_class for item in page.rejected}
        for record_id in page.recovered:
            self.rejected.pop(record_id, None)
        self.rejected |= rejected
        self.recovered = self.recovered.union(page.recovered) - rejected.keys()


class Intake:
    """Gathers pages and has them written. Use it as a context manager around everything that reads.

    On leaving, also after an error or an interruption, it waits for the batch that is being written, so that whatever
    guards the writing (a lease) may be given up; what was only gathered then is left to the next run.

    Args:
        write: Writes a batch of the stream named; called in one thread, one call at a time. What it raises is raised
            by the next ``take`` or ``flush`` of any stream.
    """

    def __init__(self, write: Callable[[str, Batch], None]) -> None:
        self._write = write
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writing")
        self._gathered: dict[str, Batch] = {}
        self._under_way: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    async def take(self, stream: str, page: Page, read_at: datetime) -> None:
        """Take a page in; returns when there is room for the next one, and for a milestone when it is written."""
        self._gathered.setdefault(stream, Batch()).add(page, read_at)
        if page.is_milestone:
            await self.flush(stream)
        while self._is_full():
            await self._idle()
            if self._is_full():  # nobody else who waited has begun a write
                self._begin(max(self._gathered, key=lambda name: self._gathered[name].count))

    async def flush(self, stream: str) -> None:
        """Write what has been gathered of ``stream``; returns when that, and what came before it, is written."""
        await self._idle()
        self._begin(stream)
        await self._idle()

    async def _idle(self) -> None:
        """Wait until nothing is being written."""
        while self._under_way is not None and not self._under_way.done():
            await asyncio.wait({self._under_way})
        if self._under_way is not None:
            self._under_way.result()

    def _begin(self, stream: str) -> None:
        batch = self._gathered.pop(stream, None)
        if batch is not None:
            loop = asyncio.get_running_loop()
            self._under_way = loop.run_in_executor(self._thread, self._write, stream, batch)

    def _is_full(self) -> bool:
        gathered = self._gathered.values()
        return (
            sum(batch.count for batch in gathered) >= BATCH_ROWS or sum(batch.wide for batch in gathered) >= _WIDE_ROWS
        )
