"""The root key and the key ring it wraps.

The root key comes from a file or from the environment and does one thing: it wraps the ring. The ring holds
one random key per purpose; what is used is derived from those with a label, so that no key serves two ends.
Rotating the root re-wraps the ring and touches no data.

Handles here do not print, compare or pickle. Raw key bytes leave a ring only through ``take_out_derived_key``,
so that every such place is one search away.
"""

import base64
import binascii
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privacy import labels
from privacy.errors import InvalidCiphertextError, RootKeyError, WrongRootKeyError
from privacy.sealing import NONCE_BYTES, VERSION, frame, seal, unseal

KEY_BYTES: Final = 32
ROOT_ID_BYTES: Final = 8
ROOT_KEY_VARIABLE: Final = "CDP_ROOT_KEY"
_ENTRY_BYTES: Final = 2 + KEY_BYTES
_ENCODED_BYTES: Final = 44


class Handle:
    """Something that holds a key and gives nothing away by accident."""

    __slots__ = ()

    def __repr__(self) -> str:
        """The class alone."""
        return f"<{type(self).__name__}>"

    def __eq__(self, other: object) -> NoReturn:
        """Comparing keys is never needed, and a comparison can leak one."""
        raise TypeError(f"{type(self).__name__} cannot be compared.")

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """A key that can be pickled ends in a cache or a job queue."""
        raise TypeError(f"{type(self).__name__} cannot be pickled or copied.")


class RootKey(Handle):
    """The key everything hangs on. Made by ``load_root_key``."""

    __slots__ = ("__secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise RootKeyError(f"A root key has {KEY_BYTES} bytes, not {len(secret)}. Restore the file it came from.")
        self.__secret = secret

    def ring_header(self) -> bytes:
        """Version and id of this root key; the id is derived, so it tells nothing about the key."""
        return bytes((VERSION,)) + _derive(self.__secret, labels.ROOT_ID)[:ROOT_ID_BYTES]

    def ring_aead(self) -> AESGCM:
        """The cipher that wraps the ring."""
        return AESGCM(_derive(self.__secret, labels.ROOT_RING))


def create_root_key(path: Path) -> None:
    """Write a new root key to ``path`` with mode 0600; an existing file is never touched.

    Raises:
        RootKeyError: The file exists, or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise RootKeyError(
            f"Creating the root key: {path} exists. It is never overwritten, because data written under it would be "
            "lost. Use it, or name another file."
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        _write_key(descriptor)
    except OSError as error:  # a full disk; half a key would be in the way of the next attempt
        path.unlink()
        raise _unwritable(path, error) from None


def load_root_key(path: Path | None, environment: Mapping[str, str]) -> RootKey:
    """The root key from the variable ``CDP_ROOT_KEY`` if it is set, else from ``path``.

    Raises:
        RootKeyError: Neither is there, the file is readable by others, or the content is not a root key.
    """
    value = environment.get(ROOT_KEY_VARIABLE)
    if value is not None:
        return _decoded(value.encode("utf-8", "replace"), f"the variable {ROOT_KEY_VARIABLE}")
    if path is None:
        raise RootKeyError(
            f"Loading the root key: neither a file nor the variable {ROOT_KEY_VARIABLE} is given. Nothing can be "
            "read or written without it. Run: cdp init"
        )
    return _decoded(_private_content(path), str(path))


def _write_key(descriptor: int) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _unwritable(path: Path, error: OSError) -> RootKeyError:
    return RootKeyError(
        f"Creating the root key: {path} cannot be written ({type(error).__name__}: {error.strerror}). Nothing was "
        "created. Make room or give access to the folder, or name another file."
    )


def _private_content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(2 * _ENCODED_BYTES)
    except OSError as error:
        raise RootKeyError(
            f"Loading the root key: {path} cannot be read ({type(error).__name__}). Nothing can be read or written "
            "without it. Restore the file, or run: cdp init"
        ) from None
    if mode & 0o077:
        raise RootKeyError(
            f"Loading the root key: {path} has mode {mode:04o}, so other users may have read it. Run: chmod 600 {path}"
        )
    return content


def _decoded(text: bytes, origin: str) -> RootKey:
    body = text.removesuffix(b"\n")
    try:
        secret = base64.b64decode(body, validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) != KEY_BYTES or base64.b64encode(secret) != body:
        raise RootKeyError(
            f"Loading the root key from {origin}: it is not the base64 form of {KEY_BYTES} bytes ({len(body)} "
            f"characters, expected {_ENCODED_BYTES}). Restore the file as it was written."
        )
    return RootKey(secret)


class KeyRing(Handle):
    """The keys of one installation, by purpose and key id. The highest id writes, all of them read."""

    __slots__ = ("__keys",)

    def __init__(self, keys: Mapping[tuple[str, int], bytes]) -> None:
        self.__keys = dict(keys)

    @classmethod
    def create(cls, root: RootKey) -> tuple[Self, bytes]:
        """A new ring and its wrapped form, which belongs in the vault."""
        ring = cls({(purpose, 1): os.urandom(KEY_BYTES) for purpose in labels.RING_PURPOSES})
        return ring, ring.rewrap(root)

    @classmethod
    def open(cls, root: RootKey, wrapped: bytes) -> Self:
        """The ring in ``wrapped``.

        Raises:
            WrongRootKeyError: It was wrapped under another root key.
            InvalidCiphertextError: It is damaged, or not a wrapped ring.
        """
        head = root.ring_header()
        if len(wrapped) < len(head) or wrapped[0] != VERSION:
            raise InvalidCiphertextError
        if not wrapped.startswith(head):
            raise WrongRootKeyError(
                "Opening the key ring: the root key given is not the one this data was written under. Nothing was read "
                "or written. Restore the right root key file, or point the configuration at the data it belongs to."
            )
        return cls(_parsed(unseal(root.ring_aead(), head, _ring_place(head), wrapped)))

    def rewrap(self, root: RootKey) -> bytes:
        """This ring wrapped under ``root``: how a root key is replaced. No data is touched."""
        return self._rewrap_with_fixed_nonce_for_vectors(root, os.urandom(NONCE_BYTES))

    def _rewrap_with_fixed_nonce_for_vectors(self, root: RootKey, nonce: bytes) -> bytes:
        head = root.ring_header()
        return seal(root.ring_aead(), nonce, head, _ring_place(head), _serialised(self.__keys))

    def with_new_key(self, purpose: str) -> Self:
        """This ring with one more key for ``purpose``, which writes from now on; the others still read.

        Made for ``kek``: the other purposes match what was written before, so a new key there matches nothing old.
        """
        return type(self)({**self.__keys, (purpose, self.key_id(purpose) + 1): os.urandom(KEY_BYTES)})

    def key_id(self, purpose: str) -> int:
        """Id of the key that writes for ``purpose``."""
        return max(key_id for name, key_id in self.__keys if name == purpose)

    def take_out_derived_key(self, label: str, key_id: int) -> bytes:
        """Raw bytes of the key for ``label``; for this package alone.

        Raises:
            InvalidCiphertextError: The ring has no key of that id: what named it was not written under this ring.
        """
        secret = self.__keys.get((label.split("/")[2], key_id))
        if secret is None:
            raise InvalidCiphertextError
        return _derive(secret, label)


def _derive(secret: bytes, label: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=label.encode()).derive(secret)


def _ring_place(head: bytes) -> bytes:
    return head + frame(labels.ROOT_RING)


def _serialised(keys: Mapping[tuple[str, int], bytes]) -> bytes:
    entries = sorted((labels.RING_PURPOSES.index(purpose) + 1, key_id, key) for (purpose, key_id), key in keys.items())
    return b"".join(bytes((code, key_id)) + key for code, key_id, key in entries)


def _parsed(plaintext: bytes) -> dict[tuple[str, int], bytes]:
    entries = [plaintext[at : at + _ENTRY_BYTES] for at in range(0, len(plaintext), _ENTRY_BYTES)]
    codes = [(entry[0], entry[1]) for entry in entries if len(entry) == _ENTRY_BYTES]
    known = {code for code, _ in codes} == set(range(1, len(labels.RING_PURPOSES) + 1))
    if len(codes) != len(entries) or codes != sorted(set(codes)) or not known or any(key_id < 1 for _, key_id in codes):
        raise InvalidCiphertextError
    return {(labels.RING_PURPOSES[entry[0] - 1], entry[1]): entry[2:] for entry in entries}
