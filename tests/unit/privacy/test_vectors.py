"""The formats, byte by byte, against tests/vectors (made by a second implementation of docs/formats.md)."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
from fake_vault import FakeVault

from models.derive import validator
from models.fields import Category, Entity, Fact, Match, Personal
from privacy.audit import AuditChain, AuditEntry
from privacy.errors import AuditBrokenError, InvalidCiphertextError, WrongRootKeyError
from privacy.fields import Ciphertext, FieldCipher, Place
from privacy.index import Token
from privacy.keys import KeyRing, RootKey, load_root_key
from privacy.normalise import normaliser
from privacy.protect import Protector
from privacy.secret_box import credential_box
from privacy.subjects import StoredSubject, SubjectKeys

FOLDER = Path(__file__).parents[2] / "vectors"


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


def invalid(name: str) -> list[Any]:
    return [pytest.param(case, id=label) for label, case in load(name)["invalid"].items()]


RING, SUBJECT, FIELD = load("ring"), load("subject_key"), load("field")


@pytest.fixture
def root() -> RootKey:
    return load_root_key(None, {"CDP_ROOT_KEY": RING["root"]})


@pytest.fixture
def ring(root: RootKey) -> KeyRing:
    return KeyRing.open(root, bytes.fromhex(RING["wrapped"]))


@pytest.fixture
def subject() -> StoredSubject:
    return StoredSubject(bytes.fromhex(SUBJECT["subject_id"]), bytes.fromhex(SUBJECT["wrapped"]), SUBJECT["kek_id"])


@pytest.fixture
def place() -> Place:
    table, field, source, source_id = FIELD["place"]
    return Place(table=table, field=field, source=source, source_id=source_id)


def test_wraps_the_ring(root: RootKey) -> None:
    ring = KeyRing({(purpose, key_id): bytes.fromhex(key) for purpose, key_id, key in RING["keys"]})
    wrapped = ring._rewrap_with_fixed_nonce_for_vectors(root, bytes.fromhex(RING["nonce"]))
    assert wrapped.hex() == RING["wrapped"]


def test_tells_a_ring_of_another_root(root: RootKey) -> None:
    with pytest.raises(WrongRootKeyError):
        KeyRing.open(root, bytes.fromhex(RING["wrong_root"]))


@pytest.mark.parametrize("wrapped", invalid("ring"))
def test_refuses_a_ring(root: RootKey, wrapped: str) -> None:
    with pytest.raises(InvalidCiphertextError):
        KeyRing.open(root, bytes.fromhex(wrapped))


def test_wraps_a_subject_key(ring: KeyRing, subject: StoredSubject) -> None:
    random = bytes.fromhex(SUBJECT["subject_id"] + SUBJECT["key"] + SUBJECT["nonce"])
    assert SubjectKeys(ring)._new_with_fixed_random_for_vectors(random) == subject


@pytest.mark.parametrize("wrapped", invalid("subject_key"))
def test_refuses_a_subject_key(ring: KeyRing, subject: StoredSubject, wrapped: str) -> None:
    with pytest.raises(InvalidCiphertextError):
        SubjectKeys(ring).open(subject._replace(wrapped_key=bytes.fromhex(wrapped)))


@pytest.mark.parametrize("case", FIELD["valid"], ids=lambda case: repr(case["value"]))
def test_encrypts_and_decrypts_a_field(
    ring: KeyRing, subject: StoredSubject, place: Place, case: dict[str, Any]
) -> None:
    cipher, nonce = FieldCipher(ring), bytes.fromhex(FIELD["nonce"])
    stored = cipher._encrypt_with_fixed_nonce_for_vectors(case["value"], subject=subject, place=place, nonce=nonce)
    assert stored.stored.hex() == case["stored"]
    assert cipher.decrypt(stored, subject=subject, place=place) == case["value"]


@pytest.mark.parametrize("stored", invalid("field"))
def test_refuses_a_field(ring: KeyRing, subject: StoredSubject, place: Place, stored: str) -> None:
    with pytest.raises(InvalidCiphertextError):
        FieldCipher(ring).decrypt(Ciphertext(bytes.fromhex(stored)), subject=subject, place=place)


@pytest.mark.parametrize("case", load("token")["valid"], ids=lambda case: repr(case["raw"]))
def test_normalises_and_tokenises(ring: KeyRing, case: dict[str, Any]) -> None:
    match, region = Match(case["match"]), load("token")["phone_region"]
    token = Protector(ring, FakeVault(), phone_region=region).token(match, case["raw"])
    assert normaliser(match, phone_region=region)(case["raw"]) == case["normalised"]
    assert (token and token.stored.hex()) == case["token"]


@pytest.mark.parametrize("stored", invalid("token"))
def test_refuses_a_token(stored: str) -> None:
    with pytest.raises(InvalidCiphertextError):
        Token(bytes.fromhex(stored))


class Thing(Entity):
    __entity__: ClassVar[str] = "thing"
    __grain__: ClassVar[str] = "none"
    text: Annotated[str | None, Personal(Category.NAME, "Text")]
    texts: Annotated[list[str] | None, Personal(Category.NAME, "Texts")]
    whole: Annotated[int | None, Fact("Whole")]
    fraction: Annotated[float | None, Fact("Fraction")]


def test_digests_rows(ring: KeyRing) -> None:
    vectors = load("row_digest")
    common = {"source": "hubspot", "source_id": "123", "version_at": vectors["version_at"]}
    expected = [case.pop("digest") for case in vectors["valid"]]
    rows = [validator(Thing)(common | case) for case in vectors["valid"]]
    protector = Protector(ring, FakeVault(), phone_region="DE")
    read_at = datetime.fromisoformat(vectors["version_at"])
    table = protector.protect(Thing, rows, run_id="r", read_at=read_at).table
    assert [digest.hex() for digest in table["digest"].to_pylist()] == expected


def entries(changed: dict[str, Any] | None = None) -> list[AuditEntry]:
    log = [_entry(one) for one in load("audit")["valid"]]
    if changed:
        position = changed.pop("entry")
        log[position] = _entry(load("audit")["valid"][position] | changed)
    return log


def _entry(stored: dict[str, Any]) -> AuditEntry:
    return AuditEntry(
        seq=stored["seq"],
        at=datetime.fromisoformat(stored["at"]),
        actor=stored["actor"],
        action=stored["action"],
        detail=stored["detail"],
        reason=stored["reason"] and bytes.fromhex(stored["reason"]),
        previous=bytes.fromhex(stored["previous"]),
        code=bytes.fromhex(stored["code"]),
    )


def test_verifies_an_audit_log_and_opens_its_reasons(ring: KeyRing) -> None:
    chain = AuditChain(ring)
    assert chain.verify(entries()).entries == 2
    assert [chain.reason(entry) for entry in entries()] == [one["reason_in_clear"] for one in load("audit")["valid"]]


@pytest.mark.parametrize("changed", invalid("audit"))
def test_refuses_an_audit_log(ring: KeyRing, changed: dict[str, Any]) -> None:
    with pytest.raises(AuditBrokenError):
        AuditChain(ring).verify(entries(dict(changed)))


def test_encrypts_and_decrypts_a_credential(ring: KeyRing) -> None:
    vector, box = load("credential"), credential_box(ring)
    nonce = bytes.fromhex(vector["nonce"])
    stored = box._encrypt_with_fixed_nonce_for_vectors(vector["text"], name=vector["name"], nonce=nonce)
    assert stored.hex() == vector["stored"]
    assert box.decrypt(stored, name=vector["name"]) == vector["text"]


@pytest.mark.parametrize("stored", invalid("credential"))
def test_refuses_a_credential(ring: KeyRing, stored: str) -> None:
    with pytest.raises(InvalidCiphertextError):
        credential_box(ring).decrypt(bytes.fromhex(stored), name="hubspot")
