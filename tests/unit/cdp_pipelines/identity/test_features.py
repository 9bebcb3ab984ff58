from typing import Any

import pytest

from cdp_pipelines.identity.features import Comparing, Features, sound

GERMAN = Comparing("DE")
NOTHING: dict[str, Any] = {
    **dict.fromkeys(("name", "street", "postal_code", "city", "company", "domain")),
    "emails": [],
    "phones": [],
}


def of(**values: Any) -> Features:
    return GERMAN.features(NOTHING | values)


def test_spellings_of_the_same_thing_are_equal() -> None:
    one = of(
        name="Jürgen Groß",
        emails=["J.Gross77@A.example"],
        phones=["030 1234567"],
        street="Hauptstr. 5",
        postal_code="SW1A 1AA",
        city="München",
        company="Nordwind Bau GmbH",
        domain="www.Nordwind.example",
    )
    other = of(
        name="GROSS, Juergen",
        emails=["j.gross77+shop@a.example"],
        phones=["+49 30 1234567"],
        street="Hauptstraße 5",
        postal_code="sw1a 1aa",
        city="MÜNCHEN",
        company="NORDWIND BAU",
        domain="nordwind.example",
    )
    assert one == other
    assert GERMAN.blocking_keys(one) == GERMAN.blocking_keys(other)


def test_what_is_not_known_has_no_feature_and_no_key() -> None:
    assert of() == Features(*[None] * len(Features._fields))
    assert GERMAN.blocking_keys(of()) == []


def test_addresses_of_a_function_say_nothing() -> None:
    assert of(emails=["info@a.example", "not an address"]).emails is None


@pytest.mark.parametrize(
    ("address", "numbered"),
    [("anna.sand84@a.example", ["anna.sand84"]), ("anna.sand@a.example", None), ("a8412@a.example", None)],
    ids=["letters and number", "no number", "too few letters"],
)
def test_what_stands_before_the_at_tells_somebody_only_with_letters_and_a_number(
    address: str, numbered: list[str] | None
) -> None:
    assert of(emails=[address]).numbered == numbered


def test_swapped_letters_of_an_address_meet_and_swapped_digits_do_not() -> None:
    assert of(emails=["anna.snad12@a.example"]).letters == of(emails=["anna.sand12@a.example"]).letters
    assert of(emails=["anna.sand21@a.example"]).letters != of(emails=["anna.sand12@a.example"]).letters


def test_a_name_with_an_initial_is_no_name_to_block_by() -> None:
    assert of(name="A. Sand").name is None
    assert of(name="A. Sand").words == ["a", "sand"]
    assert of(name="Sand").words is None


@pytest.mark.parametrize(("word", "other"), [("meyer", "maier"), ("schmidt", "schmitt"), ("filip", "philipp")])
def test_words_that_sound_alike_are_one(word: str, other: str) -> None:
    assert sound(word) == sound(other)


def test_keys_of_different_kinds_never_meet() -> None:
    town, company = of(name="Anna Sand", city="Nordwind"), of(name="Anna Sand", company="Nordwind")
    assert set(GERMAN.blocking_keys(town)) & set(GERMAN.blocking_keys(company)) == {"name|anna sand"}
