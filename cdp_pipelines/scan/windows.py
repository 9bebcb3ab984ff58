"""An index of byte patterns by short windows, hashed with numpy.

From each pattern, windows at three successive offsets go into the index. In content, then,
one window out of three is enough: whatever the alignment of an occurrence, exactly one of
the three lies on a sampled position, so nothing is missed and nothing is counted twice.
A bit table drops nearly all sampled windows; the rest are looked up.

Long patterns use long windows, because texts share their words: a six-byte window of a
common word would point to thousands of patterns wherever the word occurs.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Places = NDArray[np.int64]

STRIDE = 3
SHORTEST = 8
_STEP = SHORTEST - STRIDE + 1
_SPANS = (_STEP, 2 * _STEP, 3 * _STEP)
LONGEST_SPAN = _SPANS[-1]
# Multiplying by 2**16 drops the two bytes beyond six; an odd factor then mixes the other
# 48 bits one-to-one.
_MIX = np.uint64((0x9E3779B97F4A7C15 << 16) % 2**64)
_REMIX = np.uint64(0xBF58476D1CE4E5B9)
# A table eight times as wide as what is in it lets one window in eight pass by chance.
_BITS_PER_WINDOW = 8
_MAX_COUNT_BITS = 22


def words(text: bytes, stride: int) -> Words:
    """The eight-byte words that begin at every ``stride``-th byte, without a copy."""
    count = max(0, (len(text) - 8) // stride + 1)
    return np.ndarray((count,), "<u8", text, strides=(stride,))


class WindowIndex:
    """Finds where a pattern may begin; the caller compares.

    Args:
        patterns: Each at least ``SHORTEST`` bytes long.
    """

    def __init__(self, patterns: Sequence[bytes]) -> None:
        lengths = np.fromiter(map(len, patterns), np.int64, len(patterns))
        starts = np.cumsum(lengths) - lengths
        text = words(b"".join(patterns).lower() + bytes(8), 1)
        fits = np.searchsorted(np.array(_SPANS) + STRIDE - 1, lengths, "right") - 1
        members = [np.flatnonzero(fits == number) for number in range(len(_SPANS))]
        self._bits = max(8, (len(patterns) * STRIDE * _BITS_PER_WINDOW).bit_length())
        self._spans = [
            _Span(span, self._bits, text, starts[chosen], lengths[chosen], chosen)
            for span, chosen in zip(_SPANS, members, strict=True)
        ]
        self._first = np.zeros(2**self._bits // 8, np.uint8)
        for span in self._spans:
            self._first |= span.first_table

    def candidates(self, low: bytes, sampled: int) -> Iterator[tuple[int, int]]:
        """Places and patterns worth comparing.

        Args:
            low: Content in lower case, with ``LONGEST_SPAN + 8`` bytes beyond the last sample.
            sampled: How many samples to take, one every ``STRIDE`` bytes.

        Yields:
            Pairs of the place in ``low`` where a pattern may begin, which may be negative,
            and the pattern's number.
        """
        hashes = words(low, STRIDE)[:sampled] * _MIX
        kept = np.flatnonzero(_is_set(self._first, _slots(hashes, self._bits)))
        if not len(kept):
            return
        text, places, hashes = words(low, 1), kept * STRIDE, hashes[kept]
        for span in self._spans:
            yield from span.candidates(text, places, hashes)


class _Span:
    """The patterns that are indexed by windows of one length."""

    def __init__(self, span: int, bits: int, text: Words, starts: Places, lengths: Places, owners: Places) -> None:
        self._span, self._bits = span, bits
        offsets = _rarest_offsets(span, min(bits, _MAX_COUNT_BITS), text, starts, lengths)
        shifted = [starts + offsets + step for step in range(STRIDE)]
        at = np.concatenate(shifted)
        first = text[at] * _MIX
        self.first_table = _table(_slots(first, bits), bits)
        hashes = _extended(span, text, at, first)
        order = np.argsort(hashes)
        self._hashes = hashes[order]
        self._owners = np.tile(owners, STRIDE)[order]
        self._offsets = (at - np.tile(starts, STRIDE))[order]
        self._table = _table(_slots(hashes * _REMIX, bits), bits)

    def candidates(self, text: Words, places: Places, first: Words) -> Iterator[tuple[int, int]]:
        if not len(self._hashes):
            return iter(())
        hashes = _extended(self._span, text, places, first)
        kept = np.flatnonzero(_is_set(self._table, _slots(hashes * _REMIX, self._bits)))
        if not len(kept):
            return iter(())
        hashes, places = hashes[kept], places[kept]
        lows = np.searchsorted(self._hashes, hashes, "left")
        equal = self._hashes.take(lows, mode="clip") == hashes
        hashes, places, lows = hashes[equal], places[equal], lows[equal]
        sizes = np.searchsorted(self._hashes, hashes, "right") - lows
        ends = np.cumsum(sizes)
        entries = np.repeat(lows - ends + sizes, sizes) + np.arange(ends[-1] if len(ends) else 0)
        begins = np.repeat(places, sizes) - self._offsets[entries]
        return zip(begins.tolist(), self._owners[entries].tolist(), strict=True)


def _extended(span: int, text: Words, at: Places, first: Words) -> Words:
    """Hashes of the windows of ``span`` bytes at ``at``, from those of their first six."""
    hashes = first
    for further in range(_STEP, span, _STEP):
        hashes = (hashes ^ (hashes >> np.uint64(29))) * _REMIX + text[at + further] * _MIX
    return hashes ^ (hashes >> np.uint64(32))


def _rarest_offsets(span: int, bits: int, text: Words, starts: Places, lengths: Places) -> Places:
    """For each pattern the offset, of three tried, whose window fewest patterns share.

    Beginnings and ends repeat: "+49", "@example.com".
    """
    room = lengths - span - STRIDE + 1
    tried = np.stack([room * step // 2 for step in range(3)])
    hashes = np.stack([_extended(span, text, at, text[at] * _MIX) for at in starts + tried])
    slots = _slots(hashes * _REMIX, bits).view(np.int64)
    shared = np.bincount(slots.ravel(), minlength=1)[slots]
    best: Places = tried[shared.argmin(axis=0), np.arange(len(lengths))]
    return best


def _slots(hashes: Words, bits: int) -> Words:
    return hashes >> np.uint64(64 - bits)


def _table(slots: Words, bits: int) -> NDArray[np.uint8]:
    flags = np.zeros(2**bits, np.bool_)
    flags[slots] = True
    return np.packbits(flags, bitorder="little")


def _is_set(table: NDArray[np.uint8], slots: Words) -> NDArray[np.bool_]:
    found = table.take((slots >> np.uint64(3)).view(np.int64), mode="clip")
    found >>= slots.astype(np.uint8) & np.uint8(7)
    found &= np.uint8(1)
    return found.view(np.bool_)
