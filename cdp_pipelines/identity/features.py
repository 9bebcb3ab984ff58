"""What two records are compared by, and what makes them worth comparing: pure functions of values in clear.

A feature is a value in a form in which spellings of the same thing are equal. A blocking key is what two records
must share to be compared at all; only its keyed token is ever stored (``blocking``). Keys carry the kind of what
they are made of, so that a town never meets a company.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from cdp_pipelines.identity import names
from cdp_pipelines.identity.roles import is_role_address, without_tag
from privacy.normalise import normalise_email, normalise_phone

VERSION = 1
"""Of the features and blocking keys: another one makes every record be looked at again."""

_REMEMBERED = 20_000
_TAIL_DIGITS = 7
_FULL_NAME = 2
_MOST_WORDS = 4
_SHORTEST_COMPANY = 3
_NUMBERED = re.compile(r"(?=.*[a-z].*[a-z].*[a-z])(?=.*\d.*\d)")
_STREET = re.compile(r"str(?:\.|\b)")
_REPEATED = re.compile(r"(.)\1+")
_NO_WORD = re.compile(r"[\W_]+")
_LEGAL_FORMS = frozenset(
    """
    ab ag as bv co company corp ek eg ev gbr gmbh inc kg kgaa limited llc llp ltd mbh nv og ohg plc sa sarl sas
    se sl slu spa srl ug und
    """.split()  # noqa: SIM905 - thirty quoted words would hide the list
)
_CLASSES = str.maketrans(
    {**dict.fromkeys("ckqg", "k"), **dict.fromkeys("szx", "s"), **dict.fromkeys("dt", "t"), **dict.fromkeys("bp", "p")}
    | {**dict.fromkeys("vw", "f"), "n": "m", **dict.fromkeys("aeiouyhj", None)}
)


class Features(NamedTuple):
    """One record in comparable form; what is not known is None.

    Attributes:
        words: Words of the name, sorted; None below two.
        name: The words as one text, if none of them is an initial.
        sound: The words as they sound, as one text.
        emails: Addresses in canonical form without tag, those of functions left out.
        letters: The addresses with the letters before the @ in alphabetical order: equal if letters were swapped.
        numbered: What stands before the @, where it has letters and a number of two digits or more.
        phones: Numbers in E.164.
        tails: Their last seven digits.
        street: Street and house number.
        postal: Postal code.
        city: Town.
        companies: Name and domain of the organisation.
    """

    words: list[str] | None
    name: str | None
    sound: str | None
    emails: list[str] | None
    letters: list[str] | None
    numbered: list[str] | None
    phones: list[str] | None
    tails: list[str] | None
    street: str | None
    postal: str | None
    city: str | None
    companies: list[str] | None


class Comparing:
    """Puts records into comparable form.

    It remembers some of the words, towns and organisations it met, because they come again and again; so it lives no
    longer than the run.
    """

    def __init__(self, phone_region: str) -> None:
        """``phone_region`` is the country of numbers written without a prefix."""
        self._phone_region = phone_region
        remembering = lru_cache(_REMEMBERED)
        self._sound, self._place, self._companies = remembering(sound), remembering(_place), remembering(_companies)

    def features(self, values: dict[str, Any]) -> Features:
        """The comparable form of a record.

        Args:
            values: Values in clear: name, emails and phones (lists), street, postal_code, city, company, domain.
        """
        words = names.words(values["name"])
        called = len(words) >= _FULL_NAME
        emails = _each(map(_address, values["emails"]))
        phones = _each(normalise_phone(raw, self._phone_region) for raw in values["phones"])
        return Features(
            words=list(words) if called else None,
            name=" ".join(words) if called and all(len(word) > 1 for word in words) else None,
            sound=" ".join(sorted(map(self._sound, words))) if called else None,
            emails=emails,
            letters=_each(map(_sorted_letters, emails or ())),
            numbered=_each(map(_numbered, emails or ())),
            phones=phones,
            tails=_each(number[-_TAIL_DIGITS:] for number in phones or ()),
            street=_joined(_STREET.sub("strasse", names.plain(values["street"] or ""))),
            postal=self._place(values["postal_code"]),
            city=self._place(values["city"]),
            companies=self._companies(values["company"], values["domain"]),
        )

    def blocking_keys(self, found: Features) -> list[str]:
        """What other records must share one of to be compared with this one."""
        places = [("postal", found.postal), ("city", found.city), *(("company", one) for one in found.companies or ())]
        sounds = [self._sound(word) for word in (found.words or ())[:_MOST_WORDS] if len(word) > 1]
        keys = {f"{kind}|{heard}|{place}" for kind, place in places if place for heard in sounds}
        keys.update(f"phone|{tail}" for tail in found.tails or ())
        keys.update(f"letters|{one}" for one in found.letters or ())
        keys.update(f"numbered|{one}" for one in found.numbered or ())
        if found.name:
            keys.add(f"name|{found.name}")
        return sorted(keys)


def sound(word: str) -> str:
    """``word`` by the classes of its consonants: Meyer and Maier, Schmidt and Schmitt are one."""
    word = word.replace("ph", "f")
    classes = word[1:].translate(_CLASSES)
    return word[:1] + _REPEATED.sub(r"\1", classes)


def _each(values: Iterable[str | None]) -> list[str] | None:
    return sorted({value for value in values if value}) or None


def _place(text: str | None) -> str | None:
    return _joined(names.plain(text or ""))


def _companies(name: str | None, domain: str | None) -> list[str] | None:
    return _each((_company(name), _domain(domain)))


def _joined(text: str) -> str | None:
    return _NO_WORD.sub(" ", text).strip() or None


def _address(raw: str) -> str | None:
    address = normalise_email(raw)
    return None if address is None or is_role_address(address) else without_tag(address)


def _sorted_letters(address: str) -> str:
    local, _, domain = address.rpartition("@")
    # Digits stay as they are: a number in an address tells two people apart.
    number = "".join(filter(str.isdigit, local))
    letters = [c for c in local if not c.isdigit()] if number else local
    return f"{''.join(sorted(letters))}{number}@{domain}"


def _numbered(address: str) -> str | None:
    local = address.rpartition("@")[0]
    return local if _NUMBERED.match(local) else None


def _company(name: str | None) -> str | None:
    words = [word for word in (_joined(names.plain(name or "")) or "").split() if word not in _LEGAL_FORMS]
    text = " ".join(words)
    return text if len(text) >= _SHORTEST_COMPANY else None


def _domain(domain: str | None) -> str | None:
    return (domain or "").strip().casefold().removeprefix("www.") or None
