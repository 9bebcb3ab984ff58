"""Which record carries which key: the tokens, references and merges of person records as arrays of row numbers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Carried:
    """Aligned arrays: record ``rows[i]`` carries key ``keys[i]``. Each pair once, sorted by key and row."""

    rows: Rows
    keys: Rows
    values: pa.Array
    """The key itself by key number."""

    def sizes(self) -> Rows:
        """How many records carry each key."""
        return np.bincount(self.keys, minlength=len(self.values)).astype(np.int64)

    def only(self, keep: Mask) -> "Carried":
        """The pairs whose key is kept; ``keep`` goes by key number."""
        chosen = keep[self.keys]
        return Carried(self.rows[chosen], self.keys[chosen], self.values)

    def of(self, members: Mask) -> "Carried":
        """The pairs of ``members``, which goes by record."""
        chosen = members[self.rows]
        return Carried(self.rows[chosen], self.keys[chosen], self.values)

    def among(self, wanted: Collection[bytes]) -> Mask:
        """By key number, whether the key is one of ``wanted``."""
        return _numpy(pc.is_in(self.values, value_set=pa.array(list(wanted), type=self.values.type)))

    def plus(self, pairs: Sequence[tuple[int, bytes]]) -> "Carried":
        """These pairs and further ones (record, key)."""
        rows = np.array([row for row, _ in pairs], dtype=np.int64)
        further = pa.array([value for _, value in pairs], type=self.values.type)
        values = pa.concat_arrays([self.values.take(pa.array(self.keys)), further])
        return _carried(np.concatenate([self.rows, rows]), values)

    def edges(self) -> tuple[Rows, Rows]:
        """Pairs of rows that connect all carriers of each key: its first carrier with every other one."""
        starts = np.flatnonzero(np.diff(self.keys, prepend=-1))
        first = np.repeat(self.rows[starts], np.diff(starts, append=len(self.keys)))
        other = first != self.rows
        return first[other], self.rows[other]

    def first_rows(self) -> Rows:
        """The first carrier of each key that has any, in key order."""
        return self.rows[np.flatnonzero(np.diff(self.keys, prepend=-1))]

    def groups(self) -> list[Rows]:
        """All carriers of each key that has any, in key order."""
        return np.split(self.rows, np.flatnonzero(np.diff(self.keys)) + 1) if len(self.keys) else []


def tokens(records: pa.Table, single: str, many: str, members: Mask) -> Carried:
    """The tokens of columns ``single`` and ``many`` (a list column) carried by ``members``."""
    main, lists = records[single].combine_chunks(), records[many].combine_chunks()
    rows = np.concatenate([np.arange(len(main)), pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)])
    values = pa.concat_arrays([main, pc.list_flatten(lists)])
    return _carried(rows.astype(np.int64), values).of(members)


def references(records: pa.Table, members: Mask) -> Carried:
    """Cross-references: a record carries the one it states, and where another one refers to it its own id.

    A reference to a record that was merged is one to its survivor.
    """
    own, stated = record_keys(records), _joined(records["cross_source"], records["cross_id"])
    named = _numpy(pc.is_in(own, value_set=stated.drop_null()))
    rows = np.arange(records.num_rows, dtype=np.int64)
    everything = pa.concat_arrays([stated, own.filter(pa.array(named))])
    return _carried(np.concatenate([rows, survivors(records)[named]]), everything).of(members)


def merges(records: pa.Table, members: Mask) -> tuple[Rows, Rows]:
    """Pairs of rows (merged record, record it was merged into), both members."""
    target = rows_of(records, _joined(records["source"], records["merged_into"]))
    losers = np.flatnonzero((target >= 0) & members)
    losers = losers[members[target[losers]]]
    return losers.astype(np.int64), target[losers]


def merged(records: pa.Table) -> Mask:
    """Deleted records that were merged into another one we know."""
    target = rows_of(records, _joined(records["source"], records["merged_into"]))
    return _numpy(records["deleted"].combine_chunks()) & (target >= 0)


def survivors(records: pa.Table) -> Rows:
    """By record, the row of the one it was merged into in the end, or its own."""
    target = rows_of(records, _joined(records["source"], records["merged_into"]))
    losers, found = np.flatnonzero(merged(records)), np.arange(records.num_rows, dtype=np.int64)
    found[losers] = target[losers]
    for _ in range(len(losers).bit_length()):  # each round goes twice as far; a circle would have no end
        found[losers] = found[found[losers]]
    return found


def record_keys(records: pa.Table) -> pa.Array:
    """Source and id of each record as one string."""
    return _joined(records["source"], records["source_id"])


def rows_of(records: pa.Table, keys: pa.Array) -> Rows:
    """Row number of each of ``keys`` (as ``record_keys`` writes them) in ``records``, or -1."""
    found = pc.fill_null(pc.index_in(keys, value_set=record_keys(records), skip_nulls=True), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def stated_identifiers(records: pa.Table, labels: Rows, members: Mask) -> tuple[Rows, Rows, Rows]:
    """The unique identifiers members state: rows, system referred to, record referred to (equal if merged)."""
    stated = _joined(records["cross_source"], records["cross_id"])
    rows = np.flatnonzero(_numpy(pc.is_valid(stated)) & members).astype(np.int64)
    target = rows_of(records, stated)[rows]
    strange = records.num_rows + _codes(stated)[rows]
    return rows, codes(records["cross_source"])[rows], np.where(target >= 0, labels[target], strange)


def _carried(rows: Rows, values: pa.Array) -> Carried:
    encoded = values.filter(values.is_valid()).dictionary_encode()
    rows = rows[_numpy(values.is_valid())]
    count = int(rows.max(initial=0)) + 1
    pairs = np.sort(_indices(encoded) * count + rows)
    pairs = pairs[np.diff(pairs, prepend=-1) != 0]  # np.unique hashes, which takes three times as long here
    return Carried(pairs % count, pairs // count, encoded.dictionary)


def _joined(source: pa.ChunkedArray, source_id: pa.ChunkedArray) -> pa.Array:
    # A null in either part makes the whole null.
    return pc.binary_join_element_wise(source.combine_chunks(), source_id.combine_chunks(), "\x1f")


def codes(column: pa.ChunkedArray) -> Rows:
    """Equal values as equal numbers, -1 for none."""
    return _codes(column.combine_chunks())


def _codes(values: pa.Array) -> Rows:
    return _indices(values.dictionary_encode())


def _indices(encoded: pa.DictionaryArray) -> Rows:
    return np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _numpy(values: pa.Array) -> Mask:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.bool_)
