# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""True people and businesses, before any system has written them down."""

from collections.abc import Iterable
from random import Random

from sandbox.names import COMPANY_FORMS, COMPANY_TRADES, COMPANY_WORDS, CONSUMER_DOMAINS, LOCALES, Locale
from sandbox.records import Business, Person
from sandbox.spelling import pick, plain

OFFICE_PHONE_MEMBERS = 24
"""Only businesses of this size share an office number or a role address: enough people for sharing to show."""

_LOCALE_TABLE = tuple(index for index, locale in enumerate(LOCALES) for _ in range(locale.weight))


def new_business(rng: Random, number: int) -> Business:
    """Business ``number``; its name and domain are unique by construction."""
    word = COMPANY_WORDS[number % len(COMPANY_WORDS)]
    trade = pick(rng, COMPANY_TRADES)
    suffix = "" if number < len(COMPANY_WORDS) else f" {number}"
    domain = f"{plain(word)}-{plain(trade)}{number}.example".lower()
    phone = _number(LOCALES[0], LOCALES[0].landline, 9_000_000 + number)
    return Business(
        f"{word} {trade}{suffix} {pick(rng, COMPANY_FORMS)}",
        domain,
        phone,
        str(25_177_000_001 + number),
        7_200_000_001 + number,
    )


def _number(locale: Locale, shape: tuple[str, int], serial: int) -> str:
    prefix, digits = shape
    # A fixed stride with no factor in common with powers of ten: scattered, and no number is given out twice.
    scattered = (serial * 7_368_787 + 2_345_678) % 10**digits
    return f"+{locale.calling}{prefix}{scattered:0{digits}}"


def new_person(rng: Random, number: int, businesses: list[Business]) -> Person:
    """Person ``number``; the addresses and the mobile number belong to nobody else."""
    locale_index = pick(rng, _LOCALE_TABLE)
    locale = LOCALES[locale_index]
    first, last = pick(rng, locale.first), pick(rng, locale.last)
    # Squared: few large businesses and many small ones.
    company = int(len(businesses) * rng.random() ** 2) if rng.random() < 0.55 else -1
    zip_code, city = pick(rng, locale.cities)
    domain = pick(rng, CONSUMER_DOMAINS) if company < 0 else businesses[company].domain
    person = Person(
        key=f"p{number:07}",
        locale=locale_index,
        first=first,
        last=last,
        email=f"{mailbox(first)}.{mailbox(last)}{number}@{domain}",
        second_email=f"{mailbox(last)}{number}@{pick(rng, CONSUMER_DOMAINS)}" if rng.random() < 0.2 else None,
        phone=_number(locale, locale.mobile, number),
        street=f"{pick(rng, locale.streets)} {1 + int(rng.random() * 180)}",
        zip=zip_code,
        city=city,
        company=company,
    )
    if company >= 0:
        businesses[company].members.append(person)
    return person


def mailbox(name: str) -> str:
    """The part of an address made from a name."""
    return "".join(c for c in plain(name).lower() if c.isalnum())


def share_office_phones(rng: Random, businesses: Iterable[Business]) -> None:
    """Most people of each large business give the switchboard as their number: a key that joins strangers."""
    for business in businesses:
        if len(business.members) >= OFFICE_PHONE_MEMBERS:
            for person in business.members:
                person.uses_office_phone = rng.random() < 0.6
