"""Text that looks like an e-mail address or an international phone number.

Hundreds of megabytes of ciphertext hold such a shape by chance. In content that is not
text, then, a shape counts only inside enough printable characters in a row.
"""

import re
import string
from collections import Counter

# At least three characters before the sign and in the domain, or random bytes would match.
_EMAIL = re.compile(rb"(?:@|%40)((?:[a-z0-9-]+\.)*[a-z0-9-]{3,63}\.[a-z]{2,24})(?![a-z0-9-])", re.IGNORECASE)
_LOCAL_PART = re.compile(rb"[a-z0-9._%+-]{3,64}\Z", re.IGNORECASE)
_PHONE = re.compile(rb"\+[1-9][0-9]{7,14}(?![0-9])")
_LOCAL_BYTES = 64
_PRINTABLE = string.printable.encode()
_PRINTABLE_RUN = 24
_BASE64 = frozenset(string.ascii_letters.encode() + string.digits.encode() + b"+/")


def count_shapes(content: bytes, allowed: frozenset[str]) -> Counter[tuple[str, str]]:
    """How often each shape occurs, except for what ``allowed`` names in lower case."""
    found: Counter[tuple[str, str]] = Counter()
    is_text = _is_text(content)
    if b"@" in content or b"%40" in content:
        for match in _EMAIL.finditer(content):
            local = _LOCAL_PART.search(content[max(0, match.start() - _LOCAL_BYTES) : match.start()])
            if (
                local
                and (is_text or _is_among_text(content, match))
                and not _is_allowed(local[0].decode(), match[1].decode(), allowed)
            ):
                found["e-mail shape", "utf-8"] += 1
    for match in _PHONE.finditer(content):
        if (is_text or _is_among_text(content, match)) and not _is_in_base64(content, match):
            found["phone shape", "utf-8"] += match[0].decode() not in allowed
    return +found


def _is_text(content: bytes) -> bool:
    try:
        return b"\0" not in content and bool(content.decode())
    except UnicodeDecodeError:
        return False


def _is_among_text(content: bytes, match: re.Match[bytes]) -> bool:
    before = content[max(0, match.start() - _PRINTABLE_RUN) : match.start()]
    after = content[match.end() : match.end() + _PRINTABLE_RUN]
    beside = len(before) - len(before.rstrip(_PRINTABLE)) + len(after) - len(after.lstrip(_PRINTABLE))
    return beside + len(match[0]) >= _PRINTABLE_RUN


def _is_in_base64(content: bytes, match: re.Match[bytes]) -> bool:
    """Whether base64 goes on at both sides: one in 200 million of its characters begins a number."""
    before, after = match.start() - 1, match.end()
    return before >= 0 and after < len(content) and {content[before], content[after]} <= _BASE64


def _is_allowed(local: str, domain: str, allowed: frozenset[str]) -> bool:
    labels = domain.lower().split(".")
    domains = {".".join(labels[first:]) for first in range(len(labels))}
    return f"{local}@{domain}".lower() in allowed or not allowed.isdisjoint(domains)
