"""Text that looks like an e-mail address or an international phone number."""

import re
from collections import Counter

# At least three characters before the sign and in the domain, or random bytes would match.
_EMAIL = re.compile(rb"(?:@|%40)((?:[a-z0-9-]+\.)*[a-z0-9-]{3,63}\.[a-z]{2,24})(?![a-z0-9-])", re.IGNORECASE)
_LOCAL_PART = re.compile(rb"[a-z0-9._%+-]{3,64}\Z", re.IGNORECASE)
_PHONE = re.compile(rb"\+[1-9][0-9]{7,14}(?![0-9])")
_LOCAL_BYTES = 64
_SHORTEST_IN_PACKED_BYTES = 12


def count_shapes(content: bytes, allowed: frozenset[str]) -> Counter[tuple[str, str]]:
    """How often each shape occurs, except for what ``allowed`` names in lower case."""
    found: Counter[tuple[str, str]] = Counter()
    shortest = _SHORTEST_IN_PACKED_BYTES if b"\0" in content else 0
    if b"@" in content or b"%40" in content:
        for match in _EMAIL.finditer(content):
            before = content[max(0, match.start() - _LOCAL_BYTES) : match.start()]
            local = _LOCAL_PART.search(before)
            if (
                local
                and len(local[0] + match[1]) >= shortest
                and not _is_allowed(local[0].decode(), match[1].decode(), allowed)
            ):
                found["e-mail shape", "utf-8"] += 1
    for match in _PHONE.finditer(content):
        found["phone shape", "utf-8"] += match[0].decode() not in allowed
    return +found


def _is_allowed(local: str, domain: str, allowed: frozenset[str]) -> bool:
    labels = domain.lower().split(".")
    domains = {".".join(labels[first:]) for first in range(len(labels))}
    return f"{local}@{domain}".lower() in allowed or not allowed.isdisjoint(domains)
