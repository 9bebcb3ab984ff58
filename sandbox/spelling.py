# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""How the same person is written differently in two systems."""

import unicodedata
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from sandbox.names import LOCALES
from sandbox.records import Person

T = TypeVar("T")

_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ı": "i"})  # noqa: RUF001 - a Turkish letter


def pick(rng: Random, options: Sequence[T]) -> T:
    """One of ``options``; several times faster than ``Random.choice``."""
    return options[int(rng.random() * len(options))]


def plain(text: str) -> str:
    """Without umlauts and accents, as foreign keyboards write it."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_GERMAN))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def typo(rng: Random, text: str) -> str:
    """Two neighbouring letters swapped."""
    if len(text) < 4:
        return text + text[-1]
    at = 1 + int(rng.random() * (len(text) - 3))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


_NAME_FORMS: tuple[Callable[[Person], str], ...] = (
    lambda p: f"{p.last}, {p.first}",
    lambda p: p.name.lower(),
    lambda p: f"{p.first[0]}. {p.last}",
    lambda p: plain(p.name),
    lambda p: p.name.upper(),
)


def name(rng: Random, person: Person, noise: float) -> str:
    """A full name as one field holds it: a third of them in another form, ``noise`` of them mistyped."""
    chance = rng.random()
    if chance < noise * 0.5:
        return typo(rng, person.name)
    return pick(rng, _NAME_FORMS)(person) if chance > 0.67 else person.name


def email(rng: Random, address: str) -> str:
    """Upper and lower case mixed for some addresses."""
    chance = rng.random()
    if chance > 0.92:
        return address.upper()
    return address.title() if chance > 0.85 else address


def phone(rng: Random, number: str, locale: int) -> str:
    """A number (``+`` and digits) as people type it; the national form only where the business is at home (Germany)."""
    country = LOCALES[locale]
    rest = number[1 + len(country.calling) :]
    code = country.calling
    forms = [
        number,
        f"+{code} {rest[:3]} {rest[3:]}",
        f"00{code} {rest[:3]} {rest[3:]}",
        f"+{code} (0){rest[:3]} {rest[3:]}",
    ]
    if code == "34":
        forms.pop()  # Spain has no trunk prefix: "(0)" would be another number there.
    if code == "49":
        forms += [f"0{rest[:3]} {rest[3:]}", f"0{rest[:3]}/{rest[3:]}"]
    return pick(rng, forms)
