"""Laws of protection and consent."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fake_vault import FakeVault
from hypothesis import given
from hypothesis import strategies as st
from property.strategies import addresses, decisions, instants, persons, phones, refusals, texts, values

from models import Person
from models.derive import personal_fields
from models.fields import Match
from privacy.audit import AuditChain, AuditEntry
from privacy.consent import Policy, effective_state
from privacy.errors import AuditBrokenError, InvalidCiphertextError
from privacy.fields import Ciphertext, FieldCipher, Place
from privacy.index import BlindIndex
from privacy.keys import KeyRing, RootKey
from privacy.normalise import _parsed_phone, normalise_email, normalise_phone
from privacy.phone import plain_number
from privacy.protect import Protector, Revealer, refuse_unprotected
from privacy.redaction import redact
from privacy.sealing import frame
from privacy.subjects import SubjectKeys

RING = KeyRing.create(RootKey(bytes(32)))[0]
KEYS = SubjectKeys(RING)
CIPHER = FieldCipher(RING)
SUBJECT, STRANGER = KEYS.new(2)
EU = Policy.for_jurisdiction("EU")
AT = datetime(2026, 1, 1, tzinfo=UTC)
PERSONAL = [plan.name for plan in personal_fields(Person)]
places = st.builds(Place, table=texts, field=texts, source=texts, source_id=texts)


@given(values, places)
def test_decrypting_gives_what_was_encrypted(value: str | list[str], place: Place) -> None:
    stored = CIPHER.encrypt(value, subject=SUBJECT, place=place)
    assert CIPHER.decrypt(stored, subject=SUBJECT, place=place) == value


@given(values, places, st.data())
def test_any_flipped_bit_is_noticed(value: str | list[str], place: Place, data: st.DataObject) -> None:
    stored = bytearray(CIPHER.encrypt(value, subject=SUBJECT, place=place).stored)
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(InvalidCiphertextError):
        CIPHER.decrypt(Ciphertext(bytes(stored)), subject=SUBJECT, place=place)


@given(values, places, places)
def test_another_place_or_subject_opens_nothing(value: str | list[str], place: Place, other: Place) -> None:
    stored = CIPHER.encrypt(value, subject=SUBJECT, place=place)
    with pytest.raises(InvalidCiphertextError):
        CIPHER.decrypt(stored, subject=STRANGER, place=place)
    if other != place:
        with pytest.raises(InvalidCiphertextError):
            CIPHER.decrypt(stored, subject=SUBJECT, place=other)


@given(st.lists(texts, max_size=4), st.lists(texts, max_size=4))
def test_framing_joins_no_two_lists(one: list[str], other: list[str]) -> None:
    assert (frame(*one) == frame(*other)) == (one == other)


@given(st.lists(persons(), max_size=5))
def test_protected_rows_reveal_what_went_in(rows: list[dict[str, object]]) -> None:
    vault = FakeVault()
    protected = Protector(RING, vault, phone_region="DE").protect(Person, rows, run_id="r", read_at=AT)
    refuse_unprotected(Person, protected.table)
    columns = ["source", "source_id", *PERSONAL]
    assert Revealer(RING, vault).reveal(Person, protected.table, PERSONAL) == [
        {name: row[name] for name in columns} for row in rows
    ]


@given(persons(), persons())
def test_equal_rows_have_equal_digests(one: dict[str, object], other: dict[str, object]) -> None:
    rows = [one, dict(one), other]
    table = Protector(RING, FakeVault(), phone_region="DE").protect(Person, rows, run_id="r", read_at=AT).table
    first, again, second = table["digest"].to_pylist()
    assert first == again
    assert (first == second) == (one == other)


@given(texts, texts)
def test_tokens_match_themselves_and_nothing_else(one: str, other: str) -> None:
    emails, phone_numbers = BlindIndex(RING, Match.EMAIL), BlindIndex(RING, Match.PHONE)
    assert (emails.of(one) == emails.of(other)) == (one == other)
    assert emails.of(one) != phone_numbers.of(one)


@given(addresses)
def test_normalising_an_address_twice_is_normalising_it_once(raw: str) -> None:
    once = normalise_email(raw)
    assert once is None or normalise_email(once) == once


@given(phones())
def test_normalising_a_number_twice_is_normalising_it_once(number: tuple[str, str]) -> None:
    once = normalise_phone(*number)
    assert once is None or normalise_phone(once, number[1]) == once


@given(phones())
def test_the_short_way_says_what_the_library_says(number: tuple[str, str]) -> None:
    short = plain_number(*number)
    assert short is None or short == _parsed_phone(*number)


@given(st.lists(decisions, max_size=8), refusals, st.none() | instants, st.sampled_from(["all", "email"]))
def test_a_refusal_added_only_narrows(known: list, refusal: object, as_of: datetime | None, channel: str) -> None:
    for purpose in ("service_delivery", "analytics", "profiling"):
        for scope in ("all", "news"):
            question = {"channel": channel, "scope": scope, "policy": EU, "as_of": as_of}
            before = effective_state(known, purpose, **question)
            after = effective_state([*known, refusal], purpose, **question)
            assert before.permitted or not after.permitted


@given(st.lists(decisions, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(known: list, random: object) -> None:
    shuffled = list(known)
    random.shuffle(shuffled)
    assert effective_state(shuffled, "analytics", policy=EU) == effective_state(known, "analytics", policy=EU)


@given(st.lists(decisions, max_size=8), instants)
def test_what_comes_later_is_not_known_before(known: list, as_of: datetime) -> None:
    past = [
        replace(decision, ended_at=None) if decision.ended_at and decision.ended_at > as_of else decision
        for decision in known
        if decision.at <= as_of
    ]
    assert effective_state(known, "profiling", policy=EU, as_of=as_of) == effective_state(past, "profiling", policy=EU)


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.none() | texts), min_size=2, max_size=5), st.data())
def test_a_log_with_an_entry_changed_or_moved_does_not_verify(acts: list, data: st.DataObject) -> None:
    chain, log = AuditChain(RING), list[AuditEntry]()
    for action, reason in acts:
        log.append(chain.next_entry(log[-1] if log else None, at=AT, actor="x", action=action, reason=reason))
    assert chain.verify(log).entries == len(log)
    one, other = data.draw(st.permutations(range(len(log))))[:2]
    swapped = list(log)
    swapped[one], swapped[other] = log[other], log[one]
    changed = [replace(entry, action="c") if at == one else entry for at, entry in enumerate(log)]
    for broken in (swapped, changed, log[1:]):
        with pytest.raises(AuditBrokenError):
            chain.verify(broken)


@given(texts)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(st.emails(), texts)
def test_no_address_survives_redaction(address: str, text: str) -> None:
    local, _, domain = address.partition("@")
    if local.isalnum():
        assert address not in redact(f"{text} {local}@{domain} {text}")
