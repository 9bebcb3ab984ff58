"""The audit log finds every change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from privacy.audit import GENESIS, AuditChain, AuditEntry, AuditReport
from privacy.errors import AuditBrokenError, InvalidCiphertextError, UnprotectableError
from privacy.keys import KeyRing, RootKey

AT = datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.fixture
def chain(ring: KeyRing) -> AuditChain:
    return AuditChain(ring)


@pytest.fixture
def log(chain: AuditChain) -> list[AuditEntry]:
    first = chain.next_entry(None, at=AT, actor="operator:1000", action="sync", detail={"rows": 5, "source": "hubspot"})
    second = chain.next_entry(first, at=AT, actor="officer:1001", action="reveal", reason="Jane Doe asked by phone")
    third = chain.next_entry(second, at=AT + timedelta(days=1), actor="operator:1000", action="sync")
    return [first, second, third]


def test_an_untouched_log_verifies_on_its_rows_and_the_ring(ring: KeyRing, log: list[AuditEntry]) -> None:
    report = AuditChain(ring).verify(log)
    assert report == AuditReport(3, AT, AT + timedelta(days=1), log[-1].code.hex())
    assert AuditChain(ring).verify([]) == AuditReport(0, None, None, GENESIS.hex())


def test_the_time_zone_of_a_stored_row_does_not_matter(chain: AuditChain, log: list[AuditEntry]) -> None:
    elsewhere = [replace(entry, at=entry.at.astimezone(timezone(timedelta(hours=2)))) for entry in log]
    assert chain.verify(elsewhere).entries == 3


Change = Callable[[list[AuditEntry]], list[AuditEntry]]


def changed(position: int, **values: Any) -> Change:
    return lambda log: [replace(one, **values) if at == position else one for at, one in enumerate(log)]


@pytest.mark.parametrize(
    ("change", "seq"),
    [
        pytest.param(lambda log: log[1:], 1, id="first removed"),
        pytest.param(lambda log: [log[0], log[2]], 2, id="one removed"),
        pytest.param(lambda log: [log[1], log[0], log[2]], 1, id="order"),
        pytest.param(lambda log: [log[0], log[0], *log[1:]], 2, id="one twice"),
        pytest.param(lambda log: [log[0], replace(log[0], seq=2), *log[1:]], 2, id="one inserted"),
        pytest.param(changed(0, actor="operator:1001"), 1, id="actor"),
        pytest.param(changed(0, action="scan"), 1, id="action"),
        pytest.param(changed(0, detail={"rows": 6, "source": "hubspot"}), 1, id="detail"),
        pytest.param(changed(0, at=AT + timedelta(microseconds=1)), 1, id="time"),
        pytest.param(changed(0, code=bytes(32)), 1, id="code"),
        pytest.param(changed(1, reason=None), 2, id="reason removed"),
        pytest.param(changed(1, reason=b"\x01\x01" + bytes(40)), 2, id="reason changed"),
        pytest.param(changed(2, previous=GENESIS), 3, id="predecessor"),
    ],
)
def test_finds_the_first_entry_that_was_changed(
    chain: AuditChain, log: list[AuditEntry], change: Change, seq: int
) -> None:
    with pytest.raises(AuditBrokenError) as caught:
        chain.verify(change(log))
    assert caught.value.seq == seq


def test_an_entry_of_another_log_of_the_same_ring_does_not_fit(chain: AuditChain, log: list[AuditEntry]) -> None:
    other = chain.next_entry(None, at=AT, actor="operator:1000", action="scan")
    foreign = chain.next_entry(other, at=AT, actor="operator:1000", action="sync")
    with pytest.raises(AuditBrokenError, match="entry 2 does not follow"):
        chain.verify([log[0], foreign, log[2]])


def test_another_ring_verifies_nothing(log: list[AuditEntry]) -> None:
    with pytest.raises(AuditBrokenError, match="entry 1"):
        AuditChain(KeyRing.create(RootKey(bytes(32)))[0]).verify(log)


def test_a_shortened_log_shows_in_the_last_code(chain: AuditChain, log: list[AuditEntry]) -> None:
    assert chain.verify(log[:2]).last_code != chain.verify(log).last_code


def test_the_reason_is_kept_encrypted_and_bound_to_its_entry(chain: AuditChain, log: list[AuditEntry]) -> None:
    assert [chain.reason(entry) for entry in log] == [None, "Jane Doe asked by phone", None]
    assert "reason" not in repr(log[1])
    assert b"Jane" not in (log[1].reason or b"")
    with pytest.raises(InvalidCiphertextError):
        chain.reason(replace(log[2], reason=log[1].reason))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"actor": "jane@example.com"}, id="address as actor"),
        pytest.param({"action": "looked at Jane"}, id="text as action"),
        pytest.param({"actor": ""}, id="nobody"),
        pytest.param({"detail": {"note": "Jane Doe"}}, id="text"),
        pytest.param({"detail": {"Jane Doe": 1}}, id="text as name"),
        pytest.param({"detail": {"phone": "+49301234567"}}, id="phone number"),
        pytest.param({"detail": {"ratio": 0.5}}, id="fraction"),
        pytest.param({"detail": {"count": 2**53}}, id="inexact number"),
    ],
)
def test_holds_codes_counts_and_ids_alone(chain: AuditChain, values: dict[str, Any]) -> None:
    with pytest.raises(UnprotectableError, match="codes") as caught:
        chain.next_entry(None, **{"at": AT, "actor": "a", "action": "b", **values})
    assert "Jane" not in str(caught.value)


def test_takes_codes_counts_ids_and_nothing(chain: AuditChain) -> None:
    detail = {"ok": True, "count": -3, "id": "0f-1a", "none": None}
    assert chain.next_entry(None, at=AT, actor="a", action="b", detail=detail).detail == detail
