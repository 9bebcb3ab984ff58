"""The one byte layout of everything encrypted: header, nonce, ciphertext with tag (docs/formats.md).

The header is always the first part of the associated data, so version and key id cannot be changed. Nobody
outside this package calls these functions; the public classes choose key, nonce and place themselves.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy.errors import InvalidCiphertextError

VERSION: Final = 1
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16


def frame(*parts: str) -> bytes:
    """Encode ``parts`` so that no two lists of parts give the same bytes: length (u32, big-endian), then UTF-8."""
    return b"".join(framed(part.encode()) for part in parts)


def framed(part: bytes) -> bytes:
    """``part`` with its length before it."""
    return len(part).to_bytes(4, "big") + part


def header(key_id: int) -> bytes:
    """Two bytes: format version and key id (1 to 255)."""
    return bytes((VERSION, key_id))


def key_id_of(sealed: bytes) -> int:
    """The key id in a two-byte header.

    Raises:
        InvalidCiphertextError: There is none.
    """
    if len(sealed) < 2 or sealed[0] != VERSION or sealed[1] == 0:  # noqa: PLR2004 - version and key id
        raise InvalidCiphertextError
    return sealed[1]


def seal(aead: AESGCM, nonce: bytes, head: bytes, place: bytes, plaintext: bytes) -> bytes:
    """``head ‖ nonce ‖ ciphertext ‖ tag``; ``place`` is the associated data and must begin with ``head``."""
    return head + nonce + aead.encrypt(nonce, plaintext, place)


def unseal(aead: AESGCM, head: bytes, place: bytes, sealed: bytes) -> bytes:
    """The plaintext of what ``seal`` returned.

    Raises:
        InvalidCiphertextError: Anything at all is not as it was written.
    """
    start = len(head)
    end = start + NONCE_BYTES
    if not sealed.startswith(head):
        raise InvalidCiphertextError
    try:
        return aead.decrypt(sealed[start:end], sealed[end:], place)
    except (InvalidTag, ValueError):  # ValueError: the nonce is cut short
        raise InvalidCiphertextError from None
