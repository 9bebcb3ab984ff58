"""Counting a million byte patterns in content, without a compiled dependency.

Values of 3 to 7 bytes are compared with whole cells: what stands between two delimiters
(quotes, commas, tabs, line ends and the like), in the letter case given.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from cdp_pipelines.scan.forms import FORMS, MIN_BYTES, Kinds, is_cell, is_searchable, patterns, windows
from cdp_pipelines.scan.windows import LONGEST_SPAN, STRIDE, WindowIndex, words

_Hits = Counter[tuple[str, str]]

_BLOCK = STRIDE << 16
_PLAIN = {FORMS.index("utf-8"), FORMS.index("digits")}
_BASE64 = FORMS.index("base64")
_CELL = FORMS.index("whole cell")
_PACKED_BYTES = 10
_WHOLE_NUMBER_BYTES = 12
_MASKS = np.array([2 ** (8 * length) - 1 for length in range(MIN_BYTES)], dtype=np.uint64)
_DIGITS = frozenset(b"0123456789")
_WORD = _DIGITS | frozenset(b"abcdefghijklmnopqrstuvwxyz")


class Matcher:
    """An index over the forms of many values.

    Args:
        values: Pairs of kind and value. Repetitions are searched once.
    """

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        kinds: dict[str, int] = {}
        texts: Kinds = {}
        later: Kinds = {}
        self.values = self.unsearchable = 0
        for kind, value in dict.fromkeys(values):
            number = kinds.setdefault(kind, len(kinds))
            pieces = windows(value)
            self.values += 1
            self.unsearchable += not any(map(is_searchable, pieces))
            for piece in pieces[:1]:
                texts.setdefault(piece, number)
            for piece in pieces[1:]:
                later.setdefault(piece, number)
        self._names = list(kinds)
        needles = _needles(texts, later)
        self._needles = list(needles)
        self._labels = list(needles.values())
        self._longest = max(map(len, self._needles), default=0)
        self._index = WindowIndex(self._needles)
        self._cells = {_packed(text): kind * len(FORMS) + _CELL for text, kind in texts.items() if is_cell(text)}
        self._cell_keys = np.sort(np.fromiter(self._cells, np.uint64, len(self._cells)))

    def count(self, content: bytes) -> _Hits:
        """How often each (kind, form) occurs in ``content``."""
        labels: Counter[int] = Counter()
        packed = b"\0" in content
        for start in range(0, len(content), _BLOCK):
            labels.update(self._in_block(content, start, packed=packed))
            if len(self._cell_keys):
                labels.update(self._cells_in_block(content, start))
        found: _Hits = Counter()
        for label, count in labels.items():
            kind, form = divmod(label, len(FORMS))
            found[self._names[kind], FORMS[form]] += count
        return found

    def _in_block(self, content: bytes, start: int, *, packed: bool) -> Iterator[int]:
        begin = max(0, start - self._longest - 4)
        block = content[begin : start + _BLOCK + self._longest + 8]
        low = block.lower()
        at = start - begin
        padded = low[at : at + _BLOCK + LONGEST_SPAN] + bytes(LONGEST_SPAN + 8)
        sampled = -(-min(_BLOCK, len(content) - start) // STRIDE)
        for place, owner in self._index.candidates(padded, sampled):
            first = at + place
            if (
                first >= 0
                and self._is_there(block, low, first, owner)
                and self._is_whole(low, first, owner, packed=packed)
            ):
                yield self._labels[owner]

    def _is_there(self, block: bytes, low: bytes, first: int, owner: int) -> bool:
        exact = self._labels[owner] % len(FORMS) == _BASE64
        return (block if exact else low).startswith(self._needles[owner], first)

    def _is_whole(self, low: bytes, first: int, owner: int, *, packed: bool) -> bool:
        """Whether a number is not part of a longer one; true for all that are no numbers."""
        needle = self._needles[owner]
        if self._labels[owner] % len(FORMS) not in _PLAIN or needle.upper() != needle:
            return True
        # In database pages and pickles the neighbour may be another column's digit.
        if packed and len(needle) >= _PACKED_BYTES:
            return True
        return _stands_alone(low, first, first + len(needle))

    def _cells_in_block(self, content: bytes, start: int) -> Iterator[int]:
        end = start + _BLOCK
        block = (content[start - 1 : start] if start else b"\n") + content[start : end + MIN_BYTES]
        if b"\0" in block:  # not text, or none that ends in delimiters
            return
        text = block + b"\n" + bytes(8)
        edges = np.flatnonzero(_is_delimiter(np.frombuffer(text, np.uint8)))
        edges = edges[: np.searchsorted(edges, _BLOCK) + 1]
        starts, ends = edges[:-1] + 1, edges[1:]
        starts = starts + (np.frombuffer(text, np.uint8)[starts] == ord(" "))
        sizes = ends - starts
        short = (sizes > 0) & (sizes < MIN_BYTES)
        keys = words(text, 1)[starts[short]] & _MASKS[sizes[short]]
        spots = np.searchsorted(self._cell_keys, keys).clip(max=len(self._cell_keys) - 1)
        for key in keys[self._cell_keys[spots] == keys].tolist():
            yield self._cells[key]


def _stands_alone(low: bytes, first: int, last: int) -> bool:
    """Whether a number is not part of a longer one, nor a short one part of a hex digest."""
    joined = _WORD if last - first < _WHOLE_NUMBER_BYTES else _DIGITS
    # In "%2049…" the digit before belongs to an escaped blank.
    before = low[first - 1 : first] if low[max(0, first - 3) : first][:1] != b"%" else b""
    return not joined.intersection(before) and not joined.intersection(low[last : last + 1])


def _is_delimiter(text: NDArray[np.uint8]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = text < ord(" ")
    for byte in b"\"&',:;<=>|":
        found |= text == byte
    return found


def _needles(texts: Kinds, later: Kinds) -> dict[bytes, int]:
    """Every pattern with its label. The first form that writes a pattern has it."""
    needles: dict[bytes, int] = {}
    last = max(texts.values(), default=-1)
    for form, written, kinds in reversed(list(patterns(texts, later))):
        labels = [kind * len(FORMS) + FORMS.index(form) for kind in range(last + 1)]
        needles.update(zip(written, map(labels.__getitem__, kinds), strict=True))
    for short in [pattern for pattern in needles if len(pattern) < MIN_BYTES]:
        del needles[short]
    return needles


def _packed(cell: str) -> int:
    return int.from_bytes(cell.encode(), "little")
