"""Field ciphertexts, tokens and the boxes for single texts."""

import copy
import pickle
import traceback

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.fields import Category, Match
from privacy import labels
from privacy.clear import Clear
from privacy.errors import ErasedError, InvalidCiphertextError, UnprotectableError
from privacy.fields import Ciphertext, FieldCipher, Place
from privacy.index import BlindIndex, Token
from privacy.keys import KeyRing
from privacy.sealing import seal, unseal
from privacy.secret_box import SecretBox, credential_box
from privacy.subjects import StoredSubject

PLACE = Place(table="person", field="email", source="hubspot", source_id="123")


@pytest.mark.parametrize("value", ["", "jane@example.com", "Jané 💚", [], ["a", "b"]])
def test_decrypts_what_it_encrypted(ring: KeyRing, subject: StoredSubject, value: str | list[str]) -> None:
    cipher = FieldCipher(ring)
    stored = cipher.encrypt(value, subject=subject, place=PLACE)
    assert cipher.decrypt(stored, subject=subject, place=PLACE) == value


def test_the_same_value_never_looks_the_same(ring: KeyRing, subject: StoredSubject) -> None:
    cipher = FieldCipher(ring)
    assert len({cipher.encrypt("x", subject=subject, place=PLACE) for _ in range(10)}) == 10


def test_an_erased_subject_can_neither_write_nor_read(ring: KeyRing, subject: StoredSubject) -> None:
    cipher = FieldCipher(ring)
    stored = cipher.encrypt("x", subject=subject, place=PLACE)
    erased = subject._replace(wrapped_key=None)
    with pytest.raises(ErasedError):
        cipher.encrypt("x", subject=erased, place=PLACE)
    with pytest.raises(ErasedError):
        cipher.decrypt(stored, subject=erased, place=PLACE)


def test_text_that_is_not_unicode_is_refused_without_being_quoted(ring: KeyRing, subject: StoredSubject) -> None:
    with pytest.raises(UnprotectableError) as caught:
        FieldCipher(ring).encrypt("secret\ud800", subject=subject, place=PLACE)
    assert "secret" not in "".join(traceback.format_exception(caught.value, chain=True)[-1:])
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x01\x01" + bytes(29), id="too short"),
        pytest.param(b"\x02\x01" + bytes(40), id="another version"),
        pytest.param(b"\x01\x02" + bytes(40), id="another key id"),
        pytest.param(b"jane@example.com, and some more text", id="clear"),
    ],
)
def test_a_ciphertext_is_checked_when_it_is_made(stored: bytes) -> None:
    with pytest.raises(InvalidCiphertextError):
        Ciphertext(stored)


@pytest.mark.parametrize(
    "stored", [bytes(18), b"\x01" + bytes(16), b"\x01" + bytes(18), b"jane@example.com.."], ids=len
)
def test_a_token_is_checked_when_it_is_made(stored: bytes) -> None:
    with pytest.raises(InvalidCiphertextError):
        Token(stored)


def test_tokens_of_two_kinds_or_two_rings_do_not_meet(ring: KeyRing) -> None:
    other = ring.with_new_key("index")
    tokens = {index.of("x") for index in (BlindIndex(ring, Match.EMAIL), BlindIndex(ring, Match.PHONE))}
    assert len(tokens | {BlindIndex(other, Match.EMAIL).of("x")}) == 3
    assert BlindIndex(ring, Match.EMAIL).of("x") in tokens
    assert {bytes(token) for token in tokens} == {token.stored for token in tokens}


def test_sealed_bytes_with_another_header_are_refused_before_the_key_is_tried() -> None:
    aead, place = AESGCM(bytes(32)), b"\x01\x01place"
    sealed = seal(aead, bytes(12), b"\x01\x01", place, b"x")
    assert unseal(aead, b"\x01\x01", place, sealed) == b"x"
    with pytest.raises(InvalidCiphertextError):
        unseal(aead, b"\x01\x01", place, b"\x02" + sealed[1:])


def test_a_credential_is_bound_to_its_source(ring: KeyRing) -> None:
    box = credential_box(ring)
    stored = box.encrypt("pat-na1-123", name="hubspot")
    assert box.decrypt(stored, name="hubspot") == "pat-na1-123"
    for read, name in ((box, "zendesk"), (SecretBox(ring, labels.AUDIT_REASON), "hubspot")):
        with pytest.raises(InvalidCiphertextError):
            read.decrypt(stored, name=name)


@pytest.mark.parametrize("stored", [b"", b"\x01", b"\x02\x01", b"\x01\x00", b"\x01\x09" + bytes(40), b"\x01\x01"])
def test_a_damaged_credential_does_not_open(ring: KeyRing, stored: bytes) -> None:
    with pytest.raises(InvalidCiphertextError):
        credential_box(ring).decrypt(stored, name="hubspot")


def test_a_clear_value_shows_its_category_alone() -> None:
    clear = Clear(Category.CONTACT, "jane@example.com")
    assert (repr(clear), str(clear), f"{clear}", clear.take_out()) == (*["Clear(contact)"] * 3, "jane@example.com")
    for copier in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="pickled or copied"):
            copier(clear)
