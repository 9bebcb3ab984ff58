"""Results of bulk operations: a file of JSON lines, each parent followed by its children, read as it arrives.

A file that ends early is noticed: by its connection, by a line that is half there, or by its number of lines. The last
parent of a file is handed on only when the file has proved whole, because children of it may be missing.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

import orjson

from connectors.client import Client
from connectors.errors import IncompleteError, RejectedError, RetriableError, SpoiltError
from connectors.spec import Json

_ATTEMPTS = 4
_LONGEST_LINE = 16 << 20
_PARENT = "__parentId"


@dataclass(frozen=True, slots=True)
class BulkFile:
    """Where a result is, and what it must hold.

    Attributes:
        url: Its address; a secret.
        label: What to call it in errors and in the log.
        lines: Number of lines the vendor says it has, None if it does not say.
        children: Field of the parent to collect children in, by the kind in their id (``LineItem``).
    """

    url: str = field(repr=False)
    label: str
    lines: int | None = None
    children: Mapping[str, str] = field(default_factory=dict)

    async def parents(self, client: Client, *, after: int = 0) -> AsyncGenerator[tuple[Json, int]]:
        """Each parent behind line ``after`` with its children, and the number of the line it ends with.

        Raises:
            RetriableError: The connection broke, again and again.
            SpoiltError: The file is cut or gone.
            IncompleteError: A child does not follow its parent.
        """
        number, parent = after, None
        async with aclosing(self._lines(client, after)) as lines:
            async for line in lines:
                record = self._parsed(line, number + 1)
                owner = record.pop(_PARENT, None)
                if owner is None:
                    if parent is not None:
                        yield parent, number
                    parent = record
                else:
                    self._adopt(parent, owner, record)
                number += 1
        if self.lines is not None and number < self.lines:
            raise SpoiltError(f"{self.label}: the file has {number} lines instead of {self.lines}, so it was cut.")
        if parent is not None:
            yield parent, number

    async def _lines(self, client: Client, done: int) -> AsyncGenerator[bytes]:
        """Lines after the first ``done``; a broken connection is taken up again where it broke."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with aclosing(self._once(client, done)) as lines:
                    async for line in lines:
                        done += 1
                        yield line
            except SpoiltError:
                raise
            except RetriableError:
                if attempt == _ATTEMPTS:
                    raise
                await client.rest(2.0**attempt)
            else:
                return

    async def _once(self, client: Client, after: int) -> AsyncGenerator[bytes]:
        """Lines after the first ``after``, as far as one connection brings them."""
        try:
            async with (
                client.file(self.url, self.label) as chunks,
                aclosing(_split(chunks)) as lines,
            ):
                async for line in lines:
                    after -= 1
                    if after < 0:
                        yield line
        except RejectedError as error:
            if error.status is None:  # it was not even asked for
                raise
            raise SpoiltError(f"{self.label}: the file is not there (status {error.status}).") from None

    def _parsed(self, line: bytes, number: int) -> Json:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            record = None
        if not isinstance(record, dict):
            raise SpoiltError(f"{self.label}: line {number} of the file is no JSON object, so the file was cut.")
        return record

    def _adopt(self, parent: Json | None, owner: str, child: Json) -> None:
        """Put a child into the field of its parent that collects its kind."""
        kind = str(child.get("id")).removeprefix("gid://").split("/")
        where = self.children.get(kind[1]) if len(kind) > 1 else None
        if parent is None or parent.get("id") != owner or where is None:
            raise IncompleteError(
                f"{self.label}: a line does not follow the record it belongs to, so it would be lost."
            )
        parent.setdefault(where, {"nodes": []})["nodes"].append(child)


async def _split(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Lines by line feeds alone: JSON may hold every other character that Unicode counts as the end of a line."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise SpoiltError(f"A line of a bulk result is longer than {_LONGEST_LINE >> 20} MB, so it is no record.")
        for line in lines:
            if line.strip():
                yield line
    if rest.strip():
        yield rest
