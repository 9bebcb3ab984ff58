"""How a value may be written: the byte patterns to look for.

Every form but base64 is matched in any ASCII letter case. A text of more than
``WHOLE_CHARS`` characters is searched by windows, so a truncated text is found when any
window survives.
"""

import re
import unicodedata
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator
from json.encoder import encode_basestring, encode_basestring_ascii
from urllib.parse import quote

import numpy as np

Kinds = dict[str, int]
"""Texts, and the number of the kind each was given with."""

_Forms = tuple[tuple[str, Callable[[str], bytes]], ...]

# Below 8 bytes a value is a word like "Anna"; it is looked for as a whole cell only.
MIN_BYTES = 8
MIN_CELL_BYTES = 3
WHOLE_CHARS = 64
WINDOW_CHARS = 24
WINDOW_STEP_CHARS = 64
# A window of dashes or blanks is nobody's text.
MIN_DISTINCT_CHARS = 6
MIN_PHONE_DIGITS = 8

FORMS = (
    "utf-8",
    "digits",
    "latin-1",
    "utf-16",
    "json-escaped",
    "python-escaped",
    "percent-encoded",
    "hex",
    "base64",
    "whole cell",
)

_PHONE = re.compile(r"[+(]?\d[\d ()./-]*")
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")
_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}")


def windows(value: str) -> list[str]:
    """The pieces a value is searched by: itself, or windows of a long text."""
    text = value.strip()
    if len(text) <= WHOLE_CHARS:
        return [text]
    starts = range(0, len(text) - WINDOW_CHARS + 1, WINDOW_STEP_CHARS)
    pieces = (text[start : start + WINDOW_CHARS] for start in starts)
    return [piece for piece in pieces if len(set(piece)) >= MIN_DISTINCT_CHARS]


def is_cell(text: str) -> bool:
    """Whether a short value can be searched for as a whole cell: 3 to 7 bytes, not a number."""
    return len(text) < MIN_BYTES and MIN_CELL_BYTES <= len(text.encode()) < MIN_BYTES and not text.isdigit()


def is_searchable(text: str) -> bool:
    """Whether ``text`` can be searched for in any form."""
    if len(text) >= MIN_BYTES or is_cell(text):
        return True
    return any(len(pattern) >= MIN_BYTES for _, written, _ in patterns({text: 0}, {}) for pattern in written)


def patterns(texts: Kinds, later: Kinds) -> Iterator[tuple[str, Iterable[bytes], Iterable[int]]]:
    """Every form of many values: its name, the patterns, and the kind each belongs to.

    Patterns are folded to lower case except for base64. Some repeat, and some are too short
    to be searched for.

    Args:
        texts: Values and first windows of texts, with the kind of each.
        later: Further windows. What the first window has is left out for these: UTF-16,
            percent, hex and base64.
    """
    whole = _long(texts)
    spelled, spelled_later = _spelled(texts), _spelled(later)
    yield from _written(_PLAIN, _long(spelled))
    yield from _written(_PLAIN, _long(spelled_later))
    yield from _written(_DIGITS, _chosen(whole | _long(later), _is_phone))
    yield from _written(_WIDE, whole)
    folded = whole | _long({text.lower(): kind for text, kind in texts.items()})
    yield "hex", (text.encode().hex().encode() for text in folded), folded.values()
    base64 = {part: kind for text, kind in folded.items() for part in _base64(text.encode())}
    yield "base64", base64, base64.values()
    urlsafe = {part.translate(_URLSAFE): kind for part, kind in base64.items() if b"+" in part or b"/" in part}
    yield "base64", urlsafe, urlsafe.values()
    yield from _written(_ESCAPED, _chosen(spelled | spelled_later, _is_escaped))
    special = _chosen(spelled, _is_quoted)
    quoted = {
        pattern: kind for safe in _SAFE for pattern, kind in zip(_quoted(special, safe), special.values(), strict=False)
    }
    yield "percent-encoded", map(bytes.lower, quoted), quoted.values()
    blanks = {pattern.replace(b"%20", b"+"): kind for pattern, kind in quoted.items() if b"%20" in pattern}
    yield "percent-encoded", map(bytes.lower, blanks), blanks.values()


def _written(forms: _Forms, texts: Kinds) -> Iterator[tuple[str, Iterable[bytes], Iterable[int]]]:
    for form, write in forms:
        yield form, map(bytes.lower, map(write, texts)), texts.values()


def _chosen(texts: Kinds, wanted: Callable[[str], bool]) -> Kinds:
    return {text: kind for text, kind in texts.items() if wanted(text)}


def _long(texts: Kinds) -> Kinds:
    return _chosen(texts, lambda text: len(text.encode()) >= MIN_BYTES)


def _spelled(texts: Kinds) -> Kinds:
    # Folding works on ASCII bytes alone, so other letters need both cases spelled out.
    spelled = dict(texts)
    for text, kind in texts.items():
        if not text.isascii():
            for spelling in (text.lower(), text.upper(), unicodedata.normalize("NFD", text)):
                spelled.setdefault(spelling, kind)
    return spelled


def _is_phone(text: str) -> bool:
    return _PHONE.fullmatch(text) is not None and not _IPV4.fullmatch(text) and len(_digits(text)) >= MIN_PHONE_DIGITS


def _is_escaped(text: str) -> bool:
    return not (text.isascii() and text.isprintable()) or '"' in text or "\\" in text


def _is_quoted(text: str) -> bool:
    return not _UNRESERVED.fullmatch(text)


def _digits(text: str) -> bytes:
    return re.sub(r"\D", "", text).encode()


def _json(text: str) -> str:
    return encode_basestring_ascii(text)[1:-1]


def _json_of_utf8(text: str) -> str:
    return encode_basestring(text)[1:-1]


def _quoted(texts: Iterable[str], safe: str) -> list[bytes]:
    """``urllib.parse.quote``, which takes 10 µs for each text, for all of them by a table."""
    # The byte 255 is in no UTF-8, and a line end in nothing quoted.
    written = [*(quote(bytes([byte]), safe=safe).encode() for byte in range(255)), b"\n"]
    table = np.array(written, "S3").view(np.uint8).reshape(256, 3)
    spelled = table[np.frombuffer(b"\xff".join(map(str.encode, texts)), np.uint8)]
    lines: bytes = spelled[spelled != 0].tobytes()
    return lines.split(b"\n")


def _base64(raw: bytes) -> Iterator[bytes]:
    """The characters that stand for ``raw`` whatever precedes and follows it."""
    size = 8 * len(raw)
    yield b2a_base64(raw)[: size // 6]
    yield b2a_base64(b"\0" + raw)[2 : (size + 8) // 6]
    yield b2a_base64(b"\0\0" + raw)[3 : (size + 16) // 6]


_URLSAFE = bytes.maketrans(b"+/", b"-_")
_SAFE = ("", "@:/,;!'()*$&=")
_PLAIN: _Forms = (("utf-8", str.encode),)
_DIGITS: _Forms = (("digits", _digits),)
# For most letters the two byte orders differ by where the zero byte stands at the ends.
_WIDE: _Forms = (
    ("utf-16", lambda text: text.encode("utf-16-le")[:-1]),
    ("utf-16", lambda text: text.encode("utf-16-be")[1:]),
)
_ESCAPED: _Forms = (
    ("json-escaped", lambda text: _json(text).encode()),
    ("json-escaped", lambda text: _json_of_utf8(text).encode()),
    # JSON in JSON, as in a Delta log.
    ("json-escaped", lambda text: _json(_json(text)).encode()),
    ("json-escaped", lambda text: _json(_json_of_utf8(text)).encode()),
    ("python-escaped", lambda text: text.encode("unicode_escape")),
    ("python-escaped", lambda text: repr(text.encode())[2:-1].encode()),
    ("latin-1", lambda text: text.encode("latin-1", errors="ignore")),
)
