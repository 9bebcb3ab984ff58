# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""Customer accounts of the shop: how the same people look there, and what marketing they allow."""

from random import Random

from sandbox import spelling
from sandbox.names import LOCALES
from sandbox.records import Business, Person
from sandbox.shop_records import MarketingConsent, PostalAddress, ShopCustomer, ShopData
from sandbox.spelling import pick
from sandbox.zendesk_records import changed_email

COUNTRY_CODES = {
    "Germany": "DE",
    "Austria": "AT",
    "Switzerland": "CH",
    "France": "FR",
    "Spain": "ES",
    "United Kingdom": "GB",
}
_LEVELS = ("SINGLE_OPT_IN", "SINGLE_OPT_IN", "SINGLE_OPT_IN", "CONFIRMED_OPT_IN", "UNKNOWN")
_TAGS = ((), (), (), ("newsletter",), ("vip",), ("wholesale", "net30"))
_NOTES = ("{name} asks for deliveries after six, call {phone}.", "Bitte Rechnung an {email} senden ({name}).")


def add_customer(
    data: ShopData, rng: Random, person: Person, business: Business | None, at: int, noise: float
) -> ShopCustomer:
    """Open an account for ``person`` at ``at``, written as people write themselves down when they buy something."""
    random, locale = rng.random, LOCALES[person.locale]
    email = _free(data, _email(rng, person, noise))
    phone = _free(data, person.phone) if random() < 0.45 or email is None else None
    customer = ShopCustomer(
        data.next_id("customer", 7_300_000_000_101),
        person,
        *_names(rng, person, noise),
        email,
        phone,
        at,
        at,
        locale.language,
        _consent(rng, at, 0.6) if email else MarketingConsent(),
        _consent(rng, at, 0.3) if phone else MarketingConsent(),
        tags=pick(rng, _TAGS),
        state="ENABLED" if random() < 0.4 else "DISABLED",
        sale_opt_out=random() < 0.02,
    )
    if random() < 0.9:
        customer.address = address_of(data, rng, person, business)
    if random() < 0.04:
        customer.note = pick(rng, _NOTES).format(name=person.name, phone=person.phone, email=person.email)
    data.customers[customer.id] = customer
    data.ids_of.setdefault(person.key, []).append(customer.id)
    return customer


def _free(data: ShopData, value: str | None) -> str | None:
    """``value`` if no account has it yet: the shop keeps addresses and numbers unique."""
    if value is None or value in data.taken:
        return None
    data.taken.add(value)
    return value


def _email(rng: Random, person: Person, noise: float) -> str | None:
    """Lower-case, as the vendor stores it."""
    chance = rng.random()
    if chance < noise * 0.1:
        return None
    if chance < noise * 0.4:
        return changed_email(rng, person)
    if chance > 0.8 and person.second_email:
        return person.second_email
    if 0.77 < chance < 0.8:
        return person.email.replace("@", "+shop@")
    return person.email


def _names(rng: Random, person: Person, noise: float) -> tuple[str | None, str | None]:
    chance, first, last = rng.random(), person.first, person.last
    if chance < noise * 0.3:
        return spelling.typo(rng, first), last
    if chance < 0.15:
        return spelling.plain(first), spelling.plain(last)
    if chance < 0.22:
        return first.lower(), last.lower()
    if chance < 0.26:
        return None, last
    return (f"{first[0]}.", last) if chance < 0.3 else (first, last)


def address_of(data: ShopData, rng: Random, person: Person, business: Business | None) -> PostalAddress:
    """Where ``person`` has things sent; the number beside it is typed as it comes."""
    locale, company = LOCALES[person.locale], business if business and rng.random() < 0.4 else None
    number, where = person.phone, person.locale
    if company and person.uses_office_phone:
        number, where = company.office_phone, 0
    return PostalAddress(
        data.next_id("address", 8_900_000_000_203),
        person.first,
        spelling.plain(person.last) if rng.random() < 0.15 else person.last,
        company.name if company else None,
        person.street,
        person.zip,
        person.city,
        locale.country,
        COUNTRY_CODES[locale.country],
        spelling.phone(rng, number, where) if rng.random() < 0.6 else None,
    )


def _consent(rng: Random, at: int, asked: float) -> MarketingConsent:
    """What was ticked when the account was opened."""
    random = rng.random
    if random() > asked:
        return MarketingConsent()
    chance = random()
    state = "SUBSCRIBED" if chance < 0.8 else "UNSUBSCRIBED" if chance < 0.93 else "PENDING"
    return MarketingConsent(state, pick(rng, _LEVELS), at, "SHOPIFY" if random() < 0.85 else "OTHER")


def decide(rng: Random, customer: ShopCustomer, at: int, *, channel: str, state: str) -> None:
    """``channel`` ("email" or "sms") becomes ``state`` at ``at``."""
    level = pick(rng, _LEVELS)
    consent = customer.email_consent if channel == "email" else customer.sms_consent
    consent.state, consent.level, consent.at = state, consent.level or level, at
    consent.collected_from = consent.collected_from or "SHOPIFY"
    customer.updated = max(customer.updated, at)


def add_second_account(data: ShopData, rng: Random, person: Person, at: int) -> ShopCustomer:
    """The same person again, under an address nobody knows, living where they live."""
    customer = add_customer(data, rng, person, None, at, 0.0)
    if customer.email:
        data.taken.discard(customer.email)
    customer.email = _free(data, changed_email(rng, person))
    customer.phone = _free(data, person.phone) or customer.phone
    customer.address = address_of(data, rng, person, None)
    return customer


def merge(data: ShopData, kept: ShopCustomer, lost: ShopCustomer, at: int) -> None:
    """``lost`` disappears; ``kept`` takes over its orders and what itself lacks."""
    lost.merged_into, lost.updated, kept.updated = kept.id, at, at
    kept.phone = kept.phone or lost.phone
    kept.email = kept.email or lost.email
    kept.address = kept.address or lost.address
    moved = data.orders_of.pop(lost.id, [])
    data.orders_of.setdefault(kept.id, []).extend(moved)
    for order in moved:
        order.customer_id, order.updated = kept.id, max(order.updated, at)
    for checkout in data.checkouts.values():
        if checkout.customer_id == lost.id:
            checkout.customer_id, checkout.updated = kept.id, max(checkout.updated, at)


def erase(data: ShopData, customer: ShopCustomer, at: int) -> None:
    """What is left of an account and its orders after the vendor has redacted them."""
    for order in data.orders_of.get(customer.id, ()):
        order.address = order.email = order.phone = order.ip = order.note = None
        order.updated = max(order.updated, at)
    customer.erased, customer.updated = True, at
    customer.first = customer.last = customer.email = customer.phone = customer.note = None
    customer.address, customer.tags, customer.state = None, (), "DISABLED"
    customer.email_consent, customer.sms_consent = (
        MarketingConsent("REDACTED", at=at),
        MarketingConsent("REDACTED", at=at),
    )
