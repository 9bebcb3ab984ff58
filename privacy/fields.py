"""Field ciphertexts: reversible, randomised, bound to their place.

The subject of the row chooses the key. Table, field and row key are authenticated, so a ciphertext that was
moved to another row or column does not open. ``protect`` encrypts whole columns with ``sealed_column``; the
class encrypts single values with the same function.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag

from privacy.errors import InvalidCiphertextError, UnprotectableError
from privacy.keys import KeyRing
from privacy.sealing import NONCE_BYTES, TAG_BYTES, frame, header
from privacy.subjects import StoredSubject, SubjectKeys

FIELD_KEY_ID: Final = 1  # a subject has one key in this format; the byte leaves room for a second one
FIELD_HEADER: Final = header(FIELD_KEY_ID)
SMALLEST_CIPHERTEXT: Final = len(FIELD_HEADER) + NONCE_BYTES + len(b'""') + TAG_BYTES

Encrypt = Callable[[bytes, bytes, bytes], bytes]
"""Nonce, plaintext, associated data to ciphertext and tag."""
Decrypt = Callable[[bytes, bytes, bytes], bytes]
"""Nonce, ciphertext and tag, associated data to plaintext."""
_NONCE: Final = slice(len(FIELD_HEADER), len(FIELD_HEADER) + NONCE_BYTES)
_SEALED: Final = slice(len(FIELD_HEADER) + NONCE_BYTES, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value is kept: ``Place(table="person", field="email", source="hubspot", source_id="123")``."""

    table: str
    field: str
    source: str
    source_id: str

    def column(self) -> bytes:
        """The part that is the same for a whole column."""
        return column_place(self.table, self.field)

    def row(self) -> bytes:
        """The part that is the same for a whole row."""
        return row_places([self.source], [self.source_id])[0]


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
        decrypt = self._keys.open(subject).aead.decrypt
        (value,) = opened_column(place.column(), [place.row()], [decrypt], [stored.stored])
        result: str | list[str] = value
        return result

    def _encrypt_with_fixed_nonce_for_vectors(
        self, value: str | list[str], *, subject: StoredSubject, place: Place, nonce: bytes
    ) -> Ciphertext:
        encrypt = self._keys.open(subject).aead.encrypt
        (stored,) = sealed_column(place.column(), [place.row()], [encrypt], [value], random=nonce)
        return Ciphertext(stored)


def column_place(table: str, field: str) -> bytes:
    """First part of the associated data: the same for a whole column."""
    return FIELD_HEADER + frame(table, field)


def row_places(sources: Sequence[str], source_ids: Sequence[str]) -> list[bytes]:
    """Second part of the associated data, one per row."""
    framed = {source: frame(source) for source in set(sources)}
    encoded = [source_id.encode() for source_id in source_ids]
    return [framed[source] + len(id_).to_bytes(4, "big") + id_ for source, id_ in zip(sources, encoded, strict=True)]


def sealed_column(
    column: bytes, rows: Sequence[bytes], encrypts: Sequence[Encrypt], values: Sequence[Any], *, random: bytes
) -> list[Any]:
    """The ciphertexts of a column; ``None`` stays ``None``.

    Args:
        column: Place of the column.
        rows: Place of each row.
        encrypts: The ``encrypt`` of each row's subject key.
        values: Text or list of texts of each row.
        random: 12 fresh random bytes for each row.

    Raises:
        UnprotectableError: A text is not valid Unicode.
    """
    starts = range(0, NONCE_BYTES * len(values), NONCE_BYTES)
    nonces = [random[start : start + NONCE_BYTES] for start in starts]
    try:
        return [  # sealing.seal, written out: this line runs for every value of every row
            None if value is None else FIELD_HEADER + nonce + encrypt(nonce, orjson.dumps(value), column + row)
            for value, nonce, encrypt, row in zip(values, nonces, encrypts, rows, strict=True)
        ]
    except TypeError:  # orjson's error; its cause chain holds the value
        raise UnprotectableError(_NOT_TEXT) from None


def opened_column(
    column: bytes, rows: Sequence[bytes], decrypts: Sequence[Decrypt | None], stored: Sequence[Any]
) -> list[Any]:
    """The values ``sealed_column`` encrypted; a row without a key gives ``None``.

    Raises:
        InvalidCiphertextError: A ciphertext was not written at its place, or was changed.
    """
    if not all(value is None or value.startswith(FIELD_HEADER) for value in stored):
        raise InvalidCiphertextError
    try:
        return [  # sealing.unseal, written out for the same reason
            None
            if value is None or decrypt is None
            else orjson.loads(decrypt(value[_NONCE], value[_SEALED], column + row))
            for value, decrypt, row in zip(stored, decrypts, rows, strict=True)
        ]
    except (InvalidTag, ValueError):  # ValueError: the nonce is cut short
        raise InvalidCiphertextError from None


_NOT_TEXT: Final = (
    "Protecting a row: a value is not valid Unicode text. Validation should have refused it before. Nothing was "
    "written. Report the stream it came from."
)
