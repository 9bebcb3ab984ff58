"""Finding and unpacking compressed streams anywhere in content.

A stream need not be a file: a blob in a database page, an entry of a pickle or a base64
cell is unpacked as well, and so is the readable beginning of a stream that was cut.
"""

import bz2
import io
import lzma
import re
import struct
import tarfile
import zlib
from base64 import b64decode
from collections.abc import Callable, Collection, Iterator
from typing import Protocol

import numpy as np
import pyarrow as pa

MAX_BYTES = 1 << 30
_BLOCK = 1 << 14
_SHORTEST = 8
_PAIRS = 1 << 17
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_HEADER = struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED, _ENCRYPTED_FLAG = 0, 8, 1
_TAR_MAGIC_AT = 257
# What gzip, JSON, zstd, base64 in base64, zip and zlib look like at the start of a base64 run.
_BASE64_STARTS = (b"H4sI", b"eyJ", b"KLUv", b"ZXlK", b"UEsD", b"eJ", b"eN", b"eA", b"eF")
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{24,}")


class StreamError(ValueError):
    """A compressed stream cannot be read to its end."""


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, /) -> bytes: ...


_FORMATS: dict[bytes, tuple[str, Callable[[], _Decoder]]] = {
    b"\x1f\x8b\x08": ("gzip", lambda: zlib.decompressobj(31)),
    b"\x78\x01": ("zlib", zlib.decompressobj),
    b"\x78\x5e": ("zlib", zlib.decompressobj),
    b"\x78\x9c": ("zlib", zlib.decompressobj),
    b"\x78\xda": ("zlib", zlib.decompressobj),
    b"BZh": ("bz2", bz2.BZ2Decompressor),
    b"\xfd7zXZ\0": ("xz", lzma.LZMADecompressor),
}
_MAGICS = (*_FORMATS, _ZSTD_MAGIC, _ZIP_MAGIC)


def unpacked(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Pairs of format and unpacked bytes, one for each stream and archive member.

    Raises:
        StreamError: After everything else, when ``content`` as a whole is a stream or
            archive of which something could not be read.
    """
    damaged = False
    if content[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        yield from _tar_members(content)
    if not content.isascii():
        for name, start, (text, whole) in _streams(content):
            is_file = start == 0 or (name == "zip member" and content.startswith(_ZIP_MAGIC))
            damaged |= is_file and not whole and name != "zlib"
            if len(text) >= _SHORTEST:
                yield name, text
    if b"\0" not in content:
        yield from (("base64", text) for text in _base64_runs(content))
    if damaged:
        msg = "unpacking a compressed file: cut, damaged, encrypted or of an unknown method"
        raise StreamError(msg)


def _streams(content: bytes) -> Iterator[tuple[str, int, tuple[bytes, bool]]]:
    for start, magic in _places(content, _MAGICS):
        if magic == _ZSTD_MAGIC:
            yield "zstd", start, _zstd(content, start)
        elif magic == _ZIP_MAGIC:
            yield "zip member", start, _zip_member(content, start)
        else:
            name, decoder = _FORMATS[magic]
            yield name, start, _drain(decoder(), content, start)


def _places(content: bytes, beginnings: Collection[bytes]) -> Iterator[tuple[int, bytes]]:
    """Where any of ``beginnings`` stands, in one pass with a table of their first two bytes."""
    is_first = np.zeros(1 << 16, np.bool_)
    is_first[[int.from_bytes(beginning[:2], "little") for beginning in beginnings]] = True
    pairs = np.ndarray((max(0, len(content) - 1),), "<u2", content, strides=(1,))
    for block in range(0, len(pairs), _PAIRS):
        for at in np.flatnonzero(is_first[pairs[block : block + _PAIRS]]).tolist():
            for beginning in beginnings:
                if content.startswith(beginning, block + at):
                    yield block + at, beginning


def _drain(decoder: _Decoder, content: bytes, start: int) -> tuple[bytes, bool]:
    """What a stream holds, and whether it was read to its end."""
    out = bytearray()
    try:
        while start < len(content) and not decoder.eof and len(out) < MAX_BYTES:
            out += decoder.decompress(content[start : start + _BLOCK])
            start += _BLOCK
    except (zlib.error, lzma.LZMAError, OSError, EOFError):
        return bytes(out), False
    return bytes(out), decoder.eof


def _zstd(content: bytes, start: int) -> tuple[bytes, bool]:
    coarse, whole = _read_zstd(content, start, step=_BLOCK)
    if whole:
        return coarse, True
    # A read that meets what follows the frame returns nothing: approach the end in small steps.
    fine, _ = _read_zstd(content, start, step=16, skip=len(coarse))
    return coarse + fine, False


def _read_zstd(content: bytes, start: int, *, step: int, skip: int = 0) -> tuple[bytes, bool]:
    source = pa.BufferReader(pa.py_buffer(content).slice(start))
    out = bytearray()
    try:
        with pa.CompressedInputStream(source, "zstd") as stream:
            stream.read(skip)
            while len(out) < MAX_BYTES and (block := stream.read(step)):
                out += block
    except OSError:
        return bytes(out), False
    return bytes(out), len(out) < MAX_BYTES


def _zip_member(content: bytes, start: int) -> tuple[bytes, bool]:
    fields = content[start : start + _ZIP_HEADER.size]
    if len(fields) < _ZIP_HEADER.size:
        return b"", False
    _, _, flags, method, _, _, _, stored, _, name, extra = _ZIP_HEADER.unpack(fields)
    first = start + _ZIP_HEADER.size + name + extra
    if flags & _ENCRYPTED_FLAG:
        return b"", False
    if method == _STORED:
        return content[first : first + stored], True
    if method == _DEFLATED:
        return _drain(zlib.decompressobj(-15), content, first)
    return b"", False


def _tar_members(content: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is not None:
                yield "tar member", file.read()


def _base64_runs(content: bytes) -> Iterator[bytes]:
    for start, _ in _places(content, _BASE64_STARTS):
        if run := _BASE64_RUN.match(content, start):
            text = run[0].translate(_STANDARD)
            # One character alone holds no byte; two or three want their padding back.
            yield b64decode(text[: len(text) - (len(text) % 4 == 1)] + b"==")


_STANDARD = bytes.maketrans(b"-_", b"+/")
