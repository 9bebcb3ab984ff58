"""Field ciphertexts: reversible, randomised, bound to their place.

The subject of the row chooses the key. Table, field and row key are authenticated, so a ciphertext that was
moved to another row or column does not open. ``protect`` uses the functions below directly; the class is for
single values and for tests, and runs the same code.
"""

import os
from dataclasses import dataclass
from typing import Final

import orjson

from privacy.errors import InvalidCiphertextError, UnprotectableError
from privacy.keys import KeyRing
from privacy.sealing import NONCE_BYTES, TAG_BYTES, frame, header, seal, unseal
from privacy.subjects import StoredSubject, SubjectKey, SubjectKeys

FIELD_KEY_ID: Final = 1  # a subject has one key in this format; the byte leaves room for a second one
FIELD_HEADER: Final = header(FIELD_KEY_ID)
SMALLEST_CIPHERTEXT: Final = len(FIELD_HEADER) + NONCE_BYTES + len(b'""') + TAG_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value is kept: ``Place(table="person", field="email", source="hubspot", source_id="123")``."""

    table: str
    field: str
    source: str
    source_id: str

    def encoded(self) -> bytes:
        """Associated data of the value at this place."""
        return column_place(self.table, self.field) + row_place(self.source, self.source_id)


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """A protected value as it is stored.

    Raises:
        InvalidCiphertextError: Not a field ciphertext by version, key id or length.
    """

    stored: bytes

    def __post_init__(self) -> None:
        """Refuse what cannot be a ciphertext."""
        if len(self.stored) < SMALLEST_CIPHERTEXT or not self.stored.startswith(FIELD_HEADER):
            raise InvalidCiphertextError


class FieldCipher:
    """Encrypts and decrypts single values; whole batches go through ``privacy.protect``."""

    def __init__(self, ring: KeyRing) -> None:
        self._keys = SubjectKeys(ring)

    def encrypt(self, value: str | list[str], *, subject: StoredSubject, place: Place) -> Ciphertext:
        """The ciphertext of ``value``; never twice the same.

        Raises:
            ErasedError: The subject's key was destroyed.
            UnprotectableError: The text is not valid Unicode.
        """
        return self._encrypt_with_fixed_nonce_for_vectors(
            value, subject=subject, place=place, nonce=os.urandom(NONCE_BYTES)
        )

    def decrypt(self, stored: Ciphertext, *, subject: StoredSubject, place: Place) -> str | list[str]:
        """The value in ``stored``.

        Raises:
            ErasedError: The subject's key was destroyed.
            InvalidCiphertextError: It was not written for this subject and place, or was changed.
        """
        return open_value(self._keys.open(subject), place.encoded(), stored.stored)

    def _encrypt_with_fixed_nonce_for_vectors(
        self, value: str | list[str], *, subject: StoredSubject, place: Place, nonce: bytes
    ) -> Ciphertext:
        return Ciphertext(seal_value(self._keys.open(subject), nonce, place.encoded(), value))


def column_place(table: str, field: str) -> bytes:
    """First part of the associated data: the same for a whole column."""
    return FIELD_HEADER + frame(table, field)


def row_place(source: str, source_id: str) -> bytes:
    """Second part of the associated data: the same for a whole row."""
    return frame(source, source_id)


def seal_value(key: SubjectKey, nonce: bytes, place: bytes, value: str | list[str]) -> bytes:
    """``value`` as JSON, encrypted. ``nonce`` is 12 fresh random bytes."""
    return seal(key.aead, nonce, FIELD_HEADER, place, json_bytes(value))


def open_value(key: SubjectKey, place: bytes, stored: bytes) -> str | list[str]:
    """The value ``seal_value`` encrypted at ``place``."""
    value: str | list[str] = orjson.loads(unseal(key.aead, FIELD_HEADER, place, stored))
    return value


def json_bytes(value: object) -> bytes:
    """Canonical JSON of ``value``.

    Raises:
        UnprotectableError: A text in it is not valid Unicode.
    """
    try:
        return orjson.dumps(value)
    except TypeError:  # orjson's error; its cause chain may hold the value
        raise UnprotectableError(
            "Protecting a row: a value is not valid Unicode text or has a type without a JSON form. Validation should "
            "have refused it before. Report the stream it came from."
        ) from None
