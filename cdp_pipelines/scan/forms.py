"""How a value may be written: the byte patterns to look for.

Every form but base64 is matched in any ASCII letter case. A text of more than
``WHOLE_CHARS`` characters is searched by windows, so a truncated text is found when any
window survives.
"""

import json
import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote

# Below 8 bytes a value is a word like "Anna"; it is looked for as a whole cell only.
MIN_BYTES = 8
# 10 base64 characters carry 60 bits: fewer would turn up by chance in random base64.
MIN_BASE64_CHARS = 10
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
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~ -]*")
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
    return MIN_CELL_BYTES <= len(text.encode()) < MIN_BYTES and not text.isdigit()


def patterns(text: str, *, plain_only: bool = False) -> Iterator[tuple[str, bytes]]:
    """Pairs of form and pattern, folded to lower case except for base64. May repeat.

    Args:
        text: A value, or a window of one.
        plain_only: Leave out what a later window of a text needs not, as the first has
            it: UTF-16, percent, hex and base64.
    """
    raw = text.encode()
    if plain_only and _UNRESERVED.fullmatch(text):  # most windows of most texts
        yield "utf-8", raw.lower()
        return
    spellings = _spellings(text)
    if len(raw) >= MIN_BYTES:
        yield from (("utf-8", spelling.encode().lower()) for spelling in spellings)
        yield from _digits(text)
        if not plain_only:
            yield from _encoded(text)
    for spelling in spellings:
        percent = () if plain_only else _percent(spelling)
        for form, pattern in (*_escaped(spelling), *percent):
            if len(pattern) >= MIN_BYTES and pattern != raw:
                yield form, pattern.lower()


def _encoded(text: str) -> Iterator[tuple[str, bytes]]:
    yield from _utf16(text)
    for encoded in {text.encode(), text.lower().encode()}:
        yield "hex", encoded.hex().encode()
        yield from (("base64", part) for part in _base64(encoded))


def _spellings(text: str) -> set[str]:
    if text.isascii():
        return {text}
    # Folding below works on ASCII bytes alone, so other letters need both cases spelled out.
    return {text, text.lower(), text.upper(), unicodedata.normalize("NFD", text)}


def _digits(text: str) -> Iterator[tuple[str, bytes]]:
    if _PHONE.fullmatch(text) and not _IPV4.fullmatch(text):
        digits = re.sub(r"\D", "", text)
        if len(digits) >= MIN_PHONE_DIGITS and digits != text:
            yield "digits", digits.encode()


def _utf16(text: str) -> Iterator[tuple[str, bytes]]:
    # For most letters the two byte orders differ by where the zero byte stands at the ends.
    little = text.encode("utf-16-le")[:-1].lower()
    big = text.encode("utf-16-be")[1:].lower()
    yield "utf-16", little
    if big != little:
        yield "utf-16", big


def _escaped(text: str) -> Iterator[tuple[str, bytes]]:
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return
    for keep in (True, False):
        once = json.dumps(text, ensure_ascii=keep)[1:-1]
        yield "json-escaped", once.encode()
        yield "json-escaped", json.dumps(once)[1:-1].encode()  # JSON in JSON, as in a Delta log
    yield "python-escaped", text.encode("unicode_escape")
    yield "python-escaped", repr(text.encode())[2:-1].encode()
    if not text.isascii():
        yield "latin-1", text.encode("latin-1", errors="ignore")


def _percent(text: str) -> Iterator[tuple[str, bytes]]:
    if _UNRESERVED.fullmatch(text):  # most texts, and quote is slow
        if " " in text:
            yield "percent-encoded", text.replace(" ", "%20").encode()
            yield "percent-encoded", text.replace(" ", "+").encode()
        return
    strict = quote(text, safe="")
    for encoded in (strict, quote(text, safe="@:/,;!'()*$&=")):
        yield "percent-encoded", encoded.encode()
        yield "percent-encoded", encoded.replace("%20", "+").encode()


def _base64(raw: bytes) -> Iterator[bytes]:
    """The characters that stand for ``raw`` whatever precedes and follows it."""
    for shift, first in ((0, 0), (1, 2), (2, 3)):
        whole = 8 * (len(raw) + shift) // 6
        part = b64encode(b"\0" * shift + raw)[first:whole]
        if len(part) >= MIN_BASE64_CHARS:
            yield part
            if b"+" in part or b"/" in part:
                yield part.translate(_URLSAFE)


_URLSAFE = bytes.maketrans(b"+/", b"-_")
