"""Whose key protects what: orders and what hangs on them follow the buyer, a review follows nobody."""

from datetime import UTC, datetime
from typing import Any

import pytest
from fake_vault import FakeVault

from models import Checkout, Deal, Order, OrderLine, Person, Refund, RefundLine, ReturnLine, Review
from models.derive import validator
from models.fields import Entity
from privacy.protect import Protector, Revealer
from privacy.subjects import SubjectRef

AT = datetime(2026, 1, 2, tzinfo=UTC)
EURO = {"currency": "EUR"}


def subject(protector: Protector, entity: type[Entity], source_id: str, **values: Any) -> bytes:
    row = validator(entity)({"source": "shop", "source_id": source_id, "version_at": AT, **values})
    found: bytes = protector.protect(entity, [row], run_id="r", read_at=AT).table["subject_id"][0].as_py()
    return found


def order(protector: Protector, number: str, person: str | None) -> bytes:
    return subject(protector, Order, number, person_id=person, placed_at=AT, is_valid=True, **EURO)


def hanging(protector: Protector, number: str) -> set[bytes]:
    """Subjects of what refers to an order."""
    amount = {"quantity": 1, **EURO}
    refund = {"refund_id": "r", "order_line_id": "l", "amount_micros": 1}
    return {
        subject(protector, OrderLine, "l", order_id=number, unit_price_micros=1, **amount),
        subject(protector, Refund, "r", order_id=number, refunded_at=AT, amount_micros=1, **EURO),
        subject(protector, RefundLine, "rl", order_id=number, **refund, **amount),
        subject(protector, ReturnLine, "tl", order_id=number, quantity=1, status="open"),
    }


@pytest.mark.parametrize("person", ["7", "guest-order:1"])
def test_an_order_and_what_hangs_on_it_are_about_the_buyer(protector: Protector, person: str) -> None:
    about = subject(protector, Person, person, email="anna@example.com")
    assert order(protector, "1", person) == about
    assert hanging(protector, "1") == {about}


def test_an_order_that_names_nobody_is_its_own_subject_and_its_lines_share_it(protector: Protector) -> None:
    first, second = order(protector, "1", None), order(protector, "2", None)
    assert first != second
    assert hanging(protector, "1") == {first}


def test_lines_read_before_their_order_are_found_with_it(protector: Protector, vault: FakeVault) -> None:
    (early,) = hanging(protector, "1")
    assert vault.find([SubjectRef("shop", "order", "1")])[SubjectRef("shop", "order", "1")].subject_id == early
    assert order(protector, "1", None) == early


def test_a_deal_is_about_its_first_person_else_its_organisation(protector: Protector) -> None:
    with_person = subject(protector, Deal, "1", person_id="7", account_id="acme", created_at=AT)
    alone = subject(protector, Deal, "2", account_id="acme", created_at=AT)
    assert (
        with_person
        == subject(protector, Person, "7")
        == subject(protector, Checkout, "c", person_id="7", started_at=AT)
    )
    assert alone != with_person
    assert alone == subject(protector, Deal, "3", account_id="acme", created_at=AT)


def test_every_review_is_its_own_subject_and_its_author_can_be_forgotten_alone(
    protector: Protector, revealer: Revealer, vault: FakeVault
) -> None:
    said = {"source": "google", "version_at": AT, "platform": "google", "at": AT, "author": "Anna Sand", "text": "good"}
    rows = [validator(Review)(said | {"source_id": number}) for number in "12"]
    table = protector.protect(Review, rows, run_id="r", read_at=AT).table
    assert b"Anna" not in b"".join(table["author"].to_pylist())
    vault.erase(SubjectRef("google", "review", "1"))
    assert [row["author"] for row in revealer.reveal(Review, table, ["author", "text"])] == [None, "Anna Sand"]
