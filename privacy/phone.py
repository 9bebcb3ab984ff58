"""Short way through phonenumbers for the common case: numbers written with ``+`` and a country code.

``phonenumbers`` takes 55 µs for such a number, most of it spent on finding out that it is written plainly. This
module asks the same metadata the same questions in the same order, in 5 µs, and answers only where the library
cannot take another turn (no national prefix to strip, no letters, no extension); everywhere else it answers
``None``, and the caller asks the library. ``tests/property/test_privacy_laws.py`` holds the two equal.
"""

import re
from functools import cache
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

_PLAIN: Final = re.compile(r"\+[1-9](?:[ \-.()]{0,2}[0-9]){6,14}", re.ASCII)
_PUNCTUATION: Final = str.maketrans("", "", " -.()")
_KINDS: Final = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "fixed_line",
    "mobile",
)


def international(raw: str) -> str | None:
    """E.164 form of ``raw`` if it is a valid number plainly written; ``None`` says "ask the library"."""
    if not _PLAIN.fullmatch(raw):
        return None
    digits = raw[1:].translate(_PUNCTUATION)
    for size in (1, 2, 3):
        regions = _regions(digits[:size])
        if regions:
            return f"+{digits}" if _is_valid(digits[size:], regions) else None
    return None


def _is_valid(national: str, regions: tuple["_Region", ...]) -> bool:
    if regions[0].prefix.match(national):  # the library would try to strip it
        return False
    owner = next((region for region in regions if len(regions) == 1 or region.claims(national)), None)
    return owner is not None and owner.is_valid(national)


@cache
def _regions(code: str) -> tuple["_Region", ...]:
    """The regions that share a calling code, in the library's order; none for codes of no country."""
    names = COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())
    found = [PhoneMetadata.metadata_for_region(name, None) for name in names]
    return tuple(_Region(metadata) for metadata in found if metadata is not None)


class _Region:
    """Patterns of one region, compiled once."""

    def __init__(self, metadata: PhoneMetadata) -> None:
        self._general = _Pattern(metadata.general_desc)
        self._kinds = [_Pattern(desc) for kind in _KINDS if (desc := getattr(metadata, kind)) is not None]
        self._leading = re.compile(metadata.leading_digits) if metadata.leading_digits is not None else None
        self.prefix = re.compile(metadata.national_prefix_for_parsing or "(?!)")

    def is_valid(self, national: str) -> bool:
        """Whether the library would find a type for the number."""
        return self._general.fits(national) and any(kind.fits(national) for kind in self._kinds)

    def claims(self, national: str) -> bool:
        """Whether the library would decide that the number is of this region."""
        return self._leading.match(national) is not None if self._leading else self.is_valid(national)


class _Pattern:
    """One kind of number: its lengths and its pattern."""

    def __init__(self, desc: PhoneNumberDesc) -> None:
        self._lengths = frozenset(desc.possible_length)
        self._match = re.compile(desc.national_number_pattern or "(?!)").fullmatch

    def fits(self, national: str) -> bool:
        """Whether the number is of this kind."""
        return (not self._lengths or len(national) in self._lengths) and self._match(national) is not None
