"""Identifiers in their canonical form."""

import pytest

from models.fields import Match
from privacy.normalise import normalise_email, normalise_phone, normaliser
from privacy.phone import plain_number


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("jane@example.com", "jane@example.com"),
        ("  Jane.Doe+News@Example.COM\n", "jane.doe+news@example.com"),
        ("JANÉ@EXAMPLE.COM", "jané@example.com"),
        ("jane@bücher.example", "jane@xn--bcher-kva.example"),
        ("jane@XN--bcher-kva.example", "jane@xn--bcher-kva.example"),
        ("jane＠example.com", "jane@example.com"),  # noqa: RUF001 - full width, as some keyboards type it
        ("\u00a0jane@example.com\u3000", "jane@example.com"),
    ],
)
def test_email(raw: str, expected: str) -> None:
    assert normalise_email(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "jane",
        "@example.com",
        "jane@",
        "jane@localhost",
        "jane@@example.com",
        "jane@example..com",
        "jane@-example.com",
        "jane doe@example.com",
        "Jane <jane@example.com>",
        "mailto:jane@example.com",
        "jane@example.com, joe@example.com",
        "jane\x00@example.com",
        "jané",
        "ja né@example.com",
        "jané\u200b@example.com",
        "jané@localhost",
        "jané@" + "ü" * 64 + ".com",
        "jané@..com",
        "x" * 65 + "@example.com",
        "x@" + "y" * 60 + "." + ("y" * 60 + ".") * 4 + "com",
        "é@" + "y" * 60 + "." + ("y" * 60 + ".") * 4 + "com",
    ],
)
def test_what_is_no_email_has_no_form(raw: str) -> None:
    assert normalise_email(raw) is None


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("+49 30 1234567", "DE", "+49301234567"),
        ("030 / 123 45 67", "DE", "+49301234567"),
        ("(030) 1234567", "DE", "+49301234567"),
        ("0049 30 1234567", "DE", "+49301234567"),
        ("+49 (0)30 1234567", "US", "+49301234567"),
        ("415-555-2671", "US", "+14155552671"),
        ("1 (415) 555-2671", "US", "+14155552671"),
        ("+39 06 6982", "US", "+39066982"),
        ("+1 415 555 2671 ext. 5", "DE", "+14155552671"),
        ("+800 1234 5678", "DE", "+80012345678"),
        ("Tel: 030 1234567", "DE", "+49301234567"),
    ],
)
def test_phone(raw: str, region: str, expected: str) -> None:
    assert normalise_phone(raw, region) == expected


@pytest.mark.parametrize(
    "raw", ["", "none", "12", "+49 1", "+999 123456789", "000000000", "+1 000 000 0000", "1" * 41, "030 1" * 9]
)
def test_what_is_no_phone_number_has_no_form(raw: str) -> None:
    assert normalise_phone(raw, "DE") is None


def test_a_region_nobody_knows_leaves_numbers_from_abroad() -> None:
    assert normalise_phone("030 1234567", "XX") is None
    assert normalise_phone("+49 30 1234567", "XX") == "+49301234567"


@pytest.mark.parametrize("raw", ["030~1234567", "+49 30 1234567 ext 5", "(+49) 30 1234567", "+999 1234567"])
def test_the_short_way_leaves_the_rest_to_the_library(raw: str) -> None:
    assert plain_number(raw, "DE") is None


def test_each_kind_has_its_rule() -> None:
    assert normaliser(Match.EMAIL, phone_region="DE")("A@B.de") == "a@b.de"
    assert normaliser(Match.PHONE, phone_region="DE")("030 1234567") == "+49301234567"
