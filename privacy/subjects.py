"""Subjects: whom a row is about, and the key its personal values are encrypted with.

The vault keeps one wrapped key per subject and the references that lead to it; this module says what it must
offer (``SubjectStore``) and how a key is wrapped. Destroying the wrapped key is what erases a person.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy import labels
from privacy.errors import ErasedError, InvalidCiphertextError
from privacy.keys import KEY_BYTES, Handle, KeyRing
from privacy.sealing import NONCE_BYTES, frame, header, key_id_of, seal, unseal

SUBJECT_ID_BYTES: Final = 16


class SubjectRef(NamedTuple):
    """A record of a source that stands for its subject, for example ``("zendesk", "ticket", "77")``.

    A named tuple, because thousands are built and looked up per batch.
    """

    source: str
    kind: str
    id: str


class StoredSubject(NamedTuple):
    """A subject as the vault keeps it. A named tuple for the same reason.

    Attributes:
        subject_id: 16 random bytes.
        wrapped_key: The subject's key, wrapped; ``None`` once it was destroyed.
        kek_id: Id of the key-encryption key it is wrapped under.
    """

    subject_id: bytes
    wrapped_key: bytes | None
    kek_id: int


class SubjectStore(Protocol):
    """What the vault must do for this package."""

    def find(self, refs: Collection[SubjectRef]) -> dict[SubjectRef, StoredSubject]:
        """The subjects of those ``refs`` that are known."""
        ...

    def by_id(self, subject_ids: Collection[bytes]) -> dict[bytes, StoredSubject]:
        """The subjects of those ids that are known."""
        ...

    def create(
        self, subjects: Sequence[StoredSubject], aliases: Sequence[tuple[SubjectRef, bytes]]
    ) -> dict[SubjectRef, StoredSubject]:
        """Keep new subjects and references to subjects, in one transaction.

        The first writer of a reference wins. The result says what each given reference resolves to now.
        """
        ...


class SubjectKey(Handle):
    """The unwrapped key of one subject, for the length of a batch."""

    __slots__ = ("aead",)

    def __init__(self, aead: AESGCM) -> None:
        self.aead = aead


class SubjectKeys:
    """Makes, opens and re-wraps subject keys under the ring's key-encryption keys."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._kek_id = ring.key_id("kek")
        self._aeads: dict[int, AESGCM] = {}
        self._open: dict[bytes, SubjectKey] | None = None

    @contextmanager
    def one_batch(self) -> Iterator[None]:
        """Within this block a key is unwrapped once at most, and one that was made here is not unwrapped at all."""
        self._open = {}
        try:
            yield
        finally:
            self._open = None

    def new(self, count: int = 1) -> list[StoredSubject]:
        """New subjects with random ids and keys; the randomness is asked for once: each question is a system call."""
        size = SUBJECT_ID_BYTES + KEY_BYTES + NONCE_BYTES
        random = os.urandom(size * count)
        parts = (random[start : start + size] for start in range(0, len(random), size))
        return [self._new_with_fixed_random_for_vectors(part) for part in parts]

    def _new_with_fixed_random_for_vectors(self, random: bytes) -> StoredSubject:
        subject_id, rest = random[:SUBJECT_ID_BYTES], random[SUBJECT_ID_BYTES:]
        key, nonce = rest[:KEY_BYTES], rest[KEY_BYTES:]
        if self._open is not None:
            self._open[subject_id] = SubjectKey(AESGCM(key))
        return self._wrap(subject_id, key, nonce)

    def open(self, stored: StoredSubject) -> SubjectKey:
        """The key of ``stored``.

        Raises:
            ErasedError: It was destroyed.
            InvalidCiphertextError: It is damaged, or belongs to another subject or ring.
        """
        if self._open is None:
            return SubjectKey(AESGCM(self._unwrap(stored)))
        known = self._open.get(stored.subject_id) if stored.wrapped_key is not None else None
        if known is None:
            known = self._open[stored.subject_id] = SubjectKey(AESGCM(self._unwrap(stored)))
        return known

    def rewrap(self, stored: StoredSubject) -> StoredSubject:
        """``stored`` under the newest key-encryption key; a destroyed or up-to-date key stays as it is."""
        if stored.wrapped_key is None or stored.kek_id == self._kek_id:
            return stored
        return self._wrap(stored.subject_id, self._unwrap(stored), os.urandom(NONCE_BYTES))

    def _wrap(self, subject_id: bytes, key: bytes, nonce: bytes) -> StoredSubject:
        head = header(self._kek_id)
        wrapped = seal(self._aead(self._kek_id), nonce, head, _place(head, subject_id), key)
        return StoredSubject(subject_id, wrapped, self._kek_id)

    def _unwrap(self, stored: StoredSubject) -> bytes:
        if stored.wrapped_key is None:
            raise ErasedError
        head = header(key_id_of(stored.wrapped_key))
        key = unseal(self._aead(head[1]), head, _place(head, stored.subject_id), stored.wrapped_key)
        if len(key) != KEY_BYTES or head[1] != stored.kek_id:
            raise InvalidCiphertextError
        return key

    def _aead(self, kek_id: int) -> AESGCM:
        if kek_id not in self._aeads:
            self._aeads[kek_id] = AESGCM(self._ring.take_out_derived_key(labels.KEK_SUBJECT, kek_id))
        return self._aeads[kek_id]


_PLACE: Final = frame(labels.KEK_SUBJECT)


def _place(head: bytes, subject_id: bytes) -> bytes:
    return head + _PLACE + subject_id
