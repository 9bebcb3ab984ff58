"""Blind index: one-way tokens that match themselves, for joining and looking up without decryption.

A token says "the same identifier" to whoever holds the index key and nothing to anybody else. Equal inputs
show: that is the purpose, and the reason why tokens are treated as personal data. Phone numbers can be
enumerated, so an unkeyed digest of one would be the number itself; hence the key.

16 bytes of HMAC-SHA-256 are kept: among a hundred million identifiers the chance that any two different ones
share a token is below 1 in 10^22, and half the length halves what every join reads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from models.fields import Match
from privacy import labels
from privacy.errors import InvalidCiphertextError
from privacy.keys import KeyRing
from privacy.sealing import header

MAC_BYTES: Final = 16
TOKEN_BYTES: Final = 2 + MAC_BYTES
BLOCKING_BYTES: Final = 8
_LABELS: Final = {Match.EMAIL: labels.INDEX_EMAIL, Match.PHONE: labels.INDEX_PHONE}


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is stored.

    Raises:
        InvalidCiphertextError: Not a token by version or length.
    """

    stored: bytes

    def __post_init__(self) -> None:
        """Refuse what cannot be a token."""
        if len(self.stored) != TOKEN_BYTES or not self.stored.startswith(header(0)[:1]):
            raise InvalidCiphertextError

    def __bytes__(self) -> bytes:
        """The stored form."""
        return self.stored


class BlindIndex:
    """Tokens of one kind of identifier."""

    def __init__(self, ring: KeyRing, match: Match) -> None:
        key_id = ring.key_id("index")
        self._head = header(key_id)
        self._mac = keyed_mac(ring.take_out_derived_key(_LABELS[match], key_id))

    def of(self, normalised: str) -> Token:
        """The token of an identifier that ``privacy.normalise`` has put into its canonical form."""
        return Token(self.token_bytes(normalised))

    def token_bytes(self, normalised: str) -> bytes:
        """Bytes of ``of(normalised)``, for whole columns."""
        return self._head + self._mac(normalised.encode())[:MAC_BYTES]


class BlockingIndex:
    """Tokens of blocking keys: what two records must share to be worth comparing.

    Shorter than other tokens and written as text: two keys with one token cost a needless comparison, nothing else.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._mac = keyed_mac(ring.take_out_derived_key(labels.INDEX_BLOCKING, ring.key_id("index")))

    def token(self, key: str) -> str:
        """The token of ``key``."""
        return self._mac(key.encode())[:BLOCKING_BYTES].hex()


def keyed_mac(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA-256 under ``key`` with the key absorbed once, which makes a token of a short text twice as cheap."""
    prepared = HMAC(key, SHA256())

    def mac(message: bytes) -> bytes:
        context = prepared.copy()
        context.update(message)
        return context.finalize()

    return mac
