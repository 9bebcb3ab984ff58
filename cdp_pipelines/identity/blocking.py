"""Which records are worth comparing: those that share a keyed token, found without decrypting anybody.

The tokens of a record are kept with a stamp of what they were made from, so a run decrypts the records that changed,
and of the others those alone that have to be compared with a changed one. A token that more records share than
``max_records_per_block`` says nothing and would multiply: its block is dropped, and the report counts it.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_pipelines.identity.keys import Carried, Mask, Rows

Pairs = tuple[Rows, Rows]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Who shares which token, now and when the last run ended.

    Attributes:
        rows: Records, aligned with ``keys`` and sorted by key and row.
        keys: Number of the token the record carries.
        before: By token number, how many records carried it.
        after: By token number, how many carry it now.
        limit: A token of more records is dropped.
    """

    rows: Rows
    keys: Rows
    before: Rows
    after: Rows
    limit: int

    @property
    def dropped(self) -> int:
        """Tokens too many records share."""
        return int((self.after > self.limit).sum())

    def usable(self) -> "Blocks":
        """The blocks that are compared."""
        keep = ((self.after > 1) & (self.after <= self.limit))[self.keys]
        return Blocks(self.rows[keep], self.keys[keep], self.before, self.after, self.limit)

    def candidates(self, changed: Mask) -> Pairs:
        """Pairs of rows, each once, that no earlier run compared as they are now.

        One of them changed, or their block was too large before.
        """
        block, fresh = self.usable(), self.before > self.limit
        found = [np.array([], dtype=np.int64)]
        for distance in range(1, int(self.after[block.keys].max(initial=1))):
            left, right, key = block.rows[:-distance], block.rows[distance:], block.keys[distance:]
            wanted = (block.keys[:-distance] == key) & (changed[left] | changed[right] | fresh[key])
            found.append(np.unique(left[wanted] * len(changed) + right[wanted]))
        pairs = np.unique(np.concatenate(found))
        return pairs // len(changed), pairs % len(changed)


def blocks(before: pa.ListArray, after: pa.ListArray, *, limit: int) -> Blocks:
    """Blocks from the tokens of each record as they were and as they are.

    Args:
        before: Tokens of each record the last run knew, in any order.
        after: Tokens of each record now, by row.
        limit: As ``Blocks.limit``.
    """
    old, new = pc.list_flatten(before), pc.list_flatten(after)
    rows = pc.list_parent_indices(after).to_numpy(zero_copy_only=False).astype(np.int64)
    encoded = pa.concat_arrays([old, new]).dictionary_encode()
    codes = np.asarray(encoded.indices.to_numpy(), dtype=np.int64)
    count = len(encoded.dictionary)
    keys = codes[len(old) :]
    order = np.lexsort((rows, keys))
    known, now = (np.bincount(part, minlength=count).astype(np.int64) for part in (codes[: len(old)], keys))
    return Blocks(rows[order], keys[order], known, now, limit)


def sharing(pairs: Pairs, rows: Rows, keys: Rows) -> Mask:
    """By pair, whether both records carry one of the keys; ``rows`` and ``keys`` say who carries what."""
    left, right = pairs
    size = int(max(rows.max(initial=0), left.max(initial=0), right.max(initial=0))) + 1
    order = np.argsort(rows, kind="stable")
    counts = np.bincount(rows, minlength=size)
    starts = np.cumsum(counts) - counts
    pair = np.repeat(np.arange(len(left)), counts[left])
    within = np.arange(len(pair)) - np.repeat(np.cumsum(counts[left]) - counts[left], counts[left])
    key = keys[order][np.repeat(starts[left], counts[left]) + within]
    both = np.isin(key * size + right[pair], keys * size + rows)
    return np.bincount(pair[both], minlength=len(left)).astype(np.bool_)


def shared_by_few(pairs: Pairs, carried: Carried, limit: int) -> Mask:
    """By pair, whether both records carry a key that not too many others carry."""
    few = carried.only(carried.sizes() <= limit)
    return sharing(pairs, few.rows, few.keys)
