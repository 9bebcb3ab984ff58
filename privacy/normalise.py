"""Identifiers in their canonical form, so that equal identifiers get equal tokens.

This is part of the token format: a change here changes tokens, so it needs a new version byte (docs/formats.md,
"Token"). What is obviously no identifier gives ``None``: no token, while the value itself is kept encrypted.

E-mail addresses keep plus tags and dots. Gmail ignores them, most providers do not, and taking two people for
one does more harm than missing a match.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_valid_number, parse

from models.fields import Match
from privacy.phone import plain_number

LONGEST_EMAIL: Final = 254  # RFC 5321, erratum 1690
LONGEST_PHONE: Final = 40  # an E.164 number has 15 digits; the rest leaves room for any spelling of it
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LOCAL: Final = re.compile(r"[^\s@<>()\[\]\\,;:\"]{1,64}")
_DOMAIN: Final = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")
_ASCII_EMAIL: Final = re.compile(rf"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{{1,64}}@{_DOMAIN.pattern}")


def normalise_email(raw: str) -> str | None:
    """Canonical form of an e-mail address: NFKC, trimmed, lower case, domain in IDNA; ``None`` if it is none."""
    if raw.isascii():  # NFKC and IDNA change nothing here
        text = raw.strip().lower()
        return text if len(text) <= LONGEST_EMAIL and _ASCII_EMAIL.fullmatch(text) else None
    return _normalise_international_email(raw)


def normalise_phone(raw: str, region: str) -> str | None:
    """E.164 form of a phone number; ``None`` if it is no valid number.

    Args:
        raw: The number as somebody typed it.
        region: Country (ISO 3166-1 alpha-2) of a number written without a country code.
    """
    if len(raw) > LONGEST_PHONE:
        return None
    return plain_number(raw, region) or _parsed_phone(raw, region)


def normaliser(match: Match, *, phone_region: str) -> Callable[[str], str | None]:
    """The function that puts identifiers of kind ``match`` into their canonical form."""
    if match is Match.EMAIL:
        return normalise_email
    return lambda raw: normalise_phone(raw, phone_region)


def _normalise_international_email(raw: str) -> str | None:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", raw).strip().lower())
    local, _, domain = text.rpartition("@")
    if not _LOCAL.fullmatch(local) or not local.isprintable():
        return None
    try:
        encoded = domain.encode("idna").decode().lower()
    except UnicodeError:
        return None
    joined = f"{local}@{encoded}"
    return joined if len(joined) <= LONGEST_EMAIL and _DOMAIN.fullmatch(encoded) else None


def _parsed_phone(raw: str, region: str) -> str | None:
    try:
        number = parse(raw, region)
    except NumberParseException:
        return None
    return format_number(number, PhoneNumberFormat.E164) if is_valid_number(number) else None
