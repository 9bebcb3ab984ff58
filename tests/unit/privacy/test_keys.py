"""Root key, key ring and subject keys."""

import copy
import errno
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from privacy import labels
from privacy.errors import ErasedError, InvalidCiphertextError, RootKeyError, WrongRootKeyError
from privacy.keys import Handle, KeyRing, RootKey, create_root_key, load_root_key
from privacy.sealing import seal
from privacy.subjects import StoredSubject, SubjectKeys

ENCODED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def test_creates_a_file_nobody_else_can_read_and_loads_it(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    create_root_key(path)
    assert (path.stat().st_mode & 0o777, len(path.read_bytes())) == (0o600, 45)
    wrapped = KeyRing.create(load_root_key(path, {}))[1]
    assert KeyRing.open(load_root_key(path, {}), wrapped).key_id("kek") == 1


def test_never_overwrites_a_root_key(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    path.write_text("something")
    with pytest.raises(RootKeyError, match="never overwritten"):
        create_root_key(path)
    assert path.read_text() == "something"


def test_says_when_the_file_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(RootKeyError, match="No such file or directory"):
        create_root_key(tmp_path / "absent" / "root.key")


def test_a_full_disk_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RootKeyError, match="No space left"):
        create_root_key(tmp_path / "root.key")
    monkeypatch.undo()
    create_root_key(tmp_path / "root.key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_refuses_a_file_that_others_can_reach(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "root.key"
    create_root_key(path)
    path.chmod(mode)
    with pytest.raises(RootKeyError, match="chmod 600"):
        load_root_key(path, {})


def test_the_environment_comes_before_the_file(root: RootKey, tmp_path: Path) -> None:
    wrapped = KeyRing.create(root)[1]
    assert KeyRing.open(load_root_key(tmp_path / "absent", {"CDP_ROOT_KEY": ENCODED}), wrapped).key_id("kek") == 1


def test_says_when_there_is_no_root_key(tmp_path: Path) -> None:
    with pytest.raises(RootKeyError, match="cdp init"):
        load_root_key(None, {})
    with pytest.raises(RootKeyError, match="FileNotFoundError"):
        load_root_key(tmp_path / "absent", {})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(ENCODED[:-4], id="short"),
        pytest.param(ENCODED[:-1], id="padding missing"),
        pytest.param(ENCODED + "\n\n", id="two line ends"),
        pytest.param(" " + ENCODED, id="blank before"),
        pytest.param(ENCODED.replace("A", "*"), id="alphabet"),
        pytest.param(ENCODED[:-2] + "9=", id="bits after the end"),
        pytest.param("ä" * 44, id="not ASCII"),
        pytest.param("\udcff" * 44, id="not even text"),
    ],
)
def test_refuses_what_is_not_a_root_key_and_does_not_quote_it(text: str) -> None:
    with pytest.raises(RootKeyError) as caught:
        load_root_key(None, {"CDP_ROOT_KEY": text})
    assert "CDP_ROOT_KEY" in str(caught.value)
    assert "AAEC" not in str(caught.value)


def test_tells_a_wrong_root_key_from_a_damaged_ring(root: RootKey) -> None:
    wrapped = KeyRing.create(root)[1]
    with pytest.raises(WrongRootKeyError, match="not the one"):
        KeyRing.open(RootKey(bytes(32)), wrapped)
    for at in (0, 9, len(wrapped) - 1):
        damaged = bytearray(wrapped)
        damaged[at] ^= 1
        with pytest.raises(InvalidCiphertextError):
            KeyRing.open(root, bytes(damaged))
    with pytest.raises(InvalidCiphertextError):
        KeyRing.open(root, wrapped[:8])


def test_a_root_key_has_one_length() -> None:
    with pytest.raises(RootKeyError, match="31"):
        RootKey(bytes(31))


def entries(*changes: tuple[int, int]) -> bytes:
    codes = [(code, 1) for code in range(1, len(labels.RING_PURPOSES) + 1)]
    return b"".join(bytes(code) + bytes(32) for code in [*codes, *changes])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(entries()[:-1], id="cut"),
        pytest.param(entries()[34:], id="a purpose missing"),
        pytest.param(entries((7, 1)), id="unknown purpose"),
        pytest.param(entries((6, 1)), id="twice"),
        pytest.param(entries((1, 2)), id="not in order"),
        pytest.param(bytes((1, 0)) + bytes(32) + entries(), id="key id zero"),
    ],
)
def test_refuses_a_ring_that_is_not_canonical(root: RootKey, content: bytes) -> None:
    head = root.ring_header()
    place = head + b"\0\0\0\x10cdp/v1/root/ring"
    with pytest.raises(InvalidCiphertextError):
        KeyRing.open(root, seal(root.ring_aead(), bytes(12), head, place, content))


def test_a_new_root_key_opens_the_same_ring(ring: KeyRing) -> None:
    new_root = RootKey(bytes(32))
    again = KeyRing.open(new_root, ring.rewrap(new_root))
    assert again.take_out_derived_key(labels.DIGEST_ROW, 1) == ring.take_out_derived_key(labels.DIGEST_ROW, 1)


def test_every_label_gives_another_key(ring: KeyRing) -> None:
    names = [label for name, label in vars(labels).items() if isinstance(label, str) and label.startswith("cdp/v1/")]
    derived = [ring.take_out_derived_key(label, 1) for label in names if "/root/" not in label]
    assert len(set(derived)) == len(derived) == 8


def test_rotating_the_key_encryption_key_rewraps_subjects(ring: KeyRing, root: RootKey) -> None:
    (old,) = SubjectKeys(ring).new()
    erased = old._replace(wrapped_key=None)
    newer = KeyRing.open(root, ring.with_new_key("kek").rewrap(root))
    keys = SubjectKeys(newer)
    moved = keys.rewrap(old)
    assert (moved.kek_id, moved.subject_id) == (2, old.subject_id)
    assert keys.rewrap(moved) is moved
    assert keys.rewrap(erased) is erased
    nonce, place = bytes(12), b"place"
    assert keys.open(old).aead.encrypt(nonce, b"x", place) == keys.open(moved).aead.encrypt(nonce, b"x", place)
    with pytest.raises(InvalidCiphertextError):
        SubjectKeys(ring).open(moved)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda one: one._replace(subject_id=bytes(16)), id="another subject"),
        pytest.param(lambda one: one._replace(kek_id=2), id="another key id"),
        pytest.param(lambda one: one._replace(wrapped_key=b"\x02" + one.wrapped_key[1:]), id="another version"),
        pytest.param(lambda one: one._replace(wrapped_key=one.wrapped_key[:-1]), id="cut"),
        pytest.param(lambda one: one._replace(wrapped_key=one.wrapped_key[:5]), id="cut in the nonce"),
        pytest.param(lambda one: one._replace(wrapped_key=b"\x01"), id="no key id"),
        pytest.param(lambda one: one._replace(wrapped_key=b"\x01\x00" + one.wrapped_key[2:]), id="key id zero"),
    ],
)
def test_a_changed_subject_does_not_open(
    ring: KeyRing, subject: StoredSubject, change: Callable[[StoredSubject], StoredSubject]
) -> None:
    with pytest.raises(InvalidCiphertextError):
        SubjectKeys(ring).open(change(subject))


def test_a_wrapped_key_has_one_length(ring: KeyRing) -> None:
    keys = SubjectKeys(ring)
    with pytest.raises(InvalidCiphertextError):
        keys.open(keys._wrap(bytes(16), bytes(16), bytes(12)))


def test_a_destroyed_key_is_another_answer(ring: KeyRing, subject: StoredSubject) -> None:
    with pytest.raises(ErasedError):
        SubjectKeys(ring).open(subject._replace(wrapped_key=None))


def test_handles_give_nothing_away(root: RootKey, ring: KeyRing, subject: StoredSubject) -> None:
    handles: list[Handle] = [root, ring, SubjectKeys(ring).open(subject)]
    assert [repr(handle) for handle in handles] == ["<RootKey>", "<KeyRing>", "<SubjectKey>"]
    for handle in handles:
        with pytest.raises(TypeError, match="pickled"):
            pickle.dumps(handle)
        with pytest.raises(TypeError, match="copied"):
            copy.deepcopy(handle)
        with pytest.raises(TypeError, match="compared"):
            assert handle == handle  # noqa: PLR0124 - the comparison is the subject
        with pytest.raises(TypeError):
            hash(handle)
