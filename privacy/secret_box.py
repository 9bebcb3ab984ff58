"""Single texts encrypted under a key of the ring: credentials of connected systems, reasons in the audit log.

They belong to no subject, so they have keys of their own, and an erasure does not reach them.
"""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy import labels
from privacy.keys import KeyRing
from privacy.sealing import NONCE_BYTES, frame, header, key_id_of, seal, unseal


class SecretBox:
    """Encrypts texts under one label of the ring; each is bound to the name it is kept under."""

    def __init__(self, ring: KeyRing, label: str) -> None:
        self._ring = ring
        self._label = label
        self._purpose = label.split("/")[2]

    def encrypt(self, text: str, *, name: str) -> bytes:
        """The ciphertext of ``text``, readable under the same ``name`` alone."""
        return self._encrypt_with_fixed_nonce_for_vectors(text, name=name, nonce=os.urandom(NONCE_BYTES))

    def decrypt(self, stored: bytes, *, name: str) -> str:
        """The text in ``stored``.

        Raises:
            InvalidCiphertextError: It was not written under this ring, label and name, or was changed.
        """
        head = header(key_id_of(stored))
        return unseal(self._aead(head[1]), head, self._place(head, name), stored).decode()

    def _encrypt_with_fixed_nonce_for_vectors(self, text: str, *, name: str, nonce: bytes) -> bytes:
        head = header(self._ring.key_id(self._purpose))
        return seal(self._aead(head[1]), nonce, head, self._place(head, name), text.encode())

    def _aead(self, key_id: int) -> AESGCM:
        return AESGCM(self._ring.take_out_derived_key(self._label, key_id))

    def _place(self, head: bytes, name: str) -> bytes:
        return head + frame(self._label, name)


def credential_box(ring: KeyRing) -> SecretBox:
    """Box for access tokens; ``name`` is the source they belong to."""
    return SecretBox(ring, labels.CREDENTIAL_SECRET)
