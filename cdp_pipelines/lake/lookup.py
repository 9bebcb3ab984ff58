"""Which rows of a batch are new: a look-up in the current rows that reads a few bytes a row.

Three steps, each for the rows the step before left undecided: find the keys by their hash,
compare the heads of the digests, and only then read keys and times. Between batches half of each
hash is kept, four bytes a row of the tail: a first load would otherwise read every file it has
written again for every batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cdp_pipelines.lake.files import TAIL, Key, footer, metadata

RowGroup = tuple[Path, int]
"""A file and the number of one of its row groups."""
Ints = npt.NDArray[np.int64]
Halves = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]

# 2**18 flags fit the second-level cache; with 10,000 keys in them 4 % of foreign hashes pass.
_SIEVE_BITS = 18


def key_hashes(rows: pa.Table, key: tuple[str, ...]) -> pa.Array:
    """64-bit hash of each row's key."""
    joined = pc.binary_join_element_wise(*(rows[name] for name in key), "\0").cast(pa.binary())
    hashes = b"".join(blake2b(value, digest_size=8).digest() for value in joined.to_pylist())
    return pa.array(np.frombuffer(hashes, np.int64))


def content_heads(rows: pa.Table) -> pa.Array:
    """63 bits of each row's digest with the deleted flag as the last bit."""
    first = pc.binary_slice(rows["digest"].cast(pa.binary()), 0, 8).combine_chunks().cast(pa.binary(8))
    heads = np.frombuffer(first.buffers()[1], np.int64, count=len(rows), offset=first.offset * 8)
    return pa.array((heads & ~np.int64(1)) | rows["deleted"].to_numpy())


def to_write(rows: pa.Table, paths: list[Path], key: tuple[str, ...]) -> Flags:
    """Which of ``rows`` differ from their key's current row and are not older than it.

    Args:
        rows: One row per key, sorted by key, with the look-up columns.
        paths: All files of the table.
        key: The key columns.
    """
    batch = _Batch(rows, key)
    hits = _find(batch, paths)
    hits = hits.where(~batch.settle_by_content(hits))
    hits = hits.where(~batch.settle_by_version(hits))
    batch.settle_exactly(hits)
    return batch.wanted


class _Batch:
    """The rows being looked up, and which of them are still wanted."""

    def __init__(self, rows: pa.Table, key: tuple[str, ...]) -> None:
        self.key = key
        self.keys: list[Key] = list(zip(*(rows[name].to_pylist() for name in key), strict=True))
        self.hashes = _ints(rows["key_hash"])
        self.heads = _ints(rows["content_head"])
        self.versions = _ints(rows["version_at"])
        self.reads = _ints(rows["read_at"])
        self.wanted: Flags = np.ones(len(rows), np.bool_)

    def settle_by_content(self, hits: "_Hits") -> Flags:
        """Drop the rows whose key has one row so far, with the same content."""
        same: Flags = self._single(hits) & (hits.ints("content_head") == self.heads[hits.at])
        self.wanted[hits.at[same]] = False
        return same

    def settle_by_version(self, hits: "_Hits") -> Flags:
        """Which hits need no more reading: one row so far, and an older one."""
        newer: Flags = self._single(hits) & (self.versions[hits.at] > hits.ints("version_at"))
        return newer

    def settle_exactly(self, hits: "_Hits") -> None:
        """Compare with the current row of each key, found by its order among all rows of the key."""
        hits = hits.where(hits.is_key(self.key, self.keys))
        version, read = hits.ints("version_at"), hits.ints("read_at")
        order = np.lexsort((hits.ints("commit_seq"), read, version, hits.at))
        last = order[np.flatnonzero(np.diff(hits.at[order], append=-1))]
        at = hits.at[last]
        same = hits.ints("content_head")[last] == self.heads[at]
        older = (self.versions[at] < version[last]) | (
            (self.versions[at] == version[last]) & (self.reads[at] < read[last])
        )
        self.wanted[at[same | older]] = False

    def _single(self, hits: "_Hits") -> Flags:
        """Which hits are the only one of their key."""
        single: Flags = np.bincount(hits.at, minlength=len(self.keys))[hits.at] == 1
        return single


@dataclass(frozen=True)
class _Hits:
    """Rows of the files that share a key hash with a row of the batch.

    Attributes:
        groups: The row groups they are in. Not open: a hit in every file would hold every footer in memory.
        group: For each hit, the index into ``groups``; ascending.
        row: For each hit, its place in the row group.
        at: For each hit, the row of the batch.
    """

    groups: list[RowGroup]
    group: Ints
    row: Ints
    at: Ints

    def where(self, mask: Flags) -> "_Hits":
        return _Hits(self.groups, self.group[mask], self.row[mask], self.at[mask])

    def ints(self, name: str) -> Ints:
        parts = [_ints(column)[rows] for column, rows in self._columns(name)]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def is_key(self, names: tuple[str, ...], keys: list[Key]) -> Flags:
        found = zip(*(self._strings(name) for name in names), strict=True)
        equal = [key == keys[at] for key, at in zip(found, self.at, strict=True)]
        return np.array(equal, np.bool_)

    def _strings(self, name: str) -> list[str]:
        return [text for column, rows in self._columns(name) for text in column.take(rows).to_pylist()]

    def _columns(self, name: str) -> list[tuple[pa.ChunkedArray, Ints]]:
        found = []
        for group in np.unique(self.group):
            start, stop = np.searchsorted(self.group, [group, group + 1])
            found.append((_read(self.groups[group], name), self.row[start:stop]))
        return found


def _find(batch: _Batch, paths: list[Path]) -> _Hits:
    order = np.argsort(batch.hashes)
    hashes = batch.hashes[order]
    halves = np.sort(_half(hashes))
    sieve = np.zeros(1 << _SIEVE_BITS, np.bool_)
    sieve[_sieve_place(hashes)] = True
    groups: list[RowGroup] = []
    found: list[tuple[Ints, Ints, Ints]] = []
    for candidate in _candidates(batch, paths):
        kept = _kept_halves(candidate)
        if kept is not None and not _have_common(halves, kept[sieve[_sieve_place(kept)]]):
            continue
        stored = _ints(_read(candidate, "key_hash"))
        rows = np.flatnonzero(sieve[_sieve_place(stored)])
        place = np.minimum(np.searchsorted(hashes, stored[rows]), len(hashes) - 1)
        equal = hashes[place] == stored[rows]
        if equal.any():
            rows = rows[equal]
            found.append((np.full(len(rows), len(groups)), rows, order[place[equal]]))
            groups.append(candidate)
    nothing = [(np.empty(0, np.int64),) * 3]
    return _Hits(groups, *(np.concatenate(part) for part in zip(*(found or nothing), strict=True)))


def _candidates(batch: _Batch, paths: list[Path]) -> Iterator[RowGroup]:
    for path in paths:
        for number in footer(path, batch.key).groups_with(batch.keys):
            yield path, number


@lru_cache(maxsize=2048)  # at most 20 kB each
def _kept_halves(group: RowGroup) -> Halves | None:
    """Half of each key's hash in a row group of the tail; None for one of the base, which is six times as long."""
    path, _ = group
    return _half(_ints(_read(group, "key_hash"))) if path.parent.name == f"layer={TAIL}" else None


def _half(hashes: Ints) -> Halves:
    return hashes.astype(np.uint32)  # the lower one


def _have_common(ascending: Halves, others: Halves) -> bool:
    place = np.minimum(np.searchsorted(ascending, others), len(ascending) - 1)
    return bool((ascending[place] == others).any())


def _sieve_place(hashes: Ints | Halves) -> Ints | Halves:
    return hashes & ((1 << _SIEVE_BITS) - 1)


def _read(group: RowGroup, name: str) -> pa.ChunkedArray:
    path, number = group
    with pq.ParquetFile(path, metadata=metadata(path)) as file:
        return file.read_row_group(number, columns=[name], use_threads=False)[name]


def _ints(column: pa.ChunkedArray) -> Ints:
    numbers: Ints = column.cast(pa.int64()).to_numpy()
    return numbers
