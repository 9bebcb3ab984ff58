"""Person records in clear for tests, and the one table that identity sees of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from cdp_pipelines.identity.clusters import Addresses, Likeness, cluster
from cdp_pipelines.identity.roles import is_role_address

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("source", "source_id", "kind")),
        *((name, pa.bool_()) for name in ("is_test", "is_guest", "deleted")),
        *((name, pa.binary()) for name in ("email_token", "phone_token")),
        *((name, pa.list_(pa.binary())) for name in ("other_emails_tokens", "other_phones_tokens")),
        *((name, pa.string()) for name in ("cross_source", "cross_id", "merged_into")),
    ]
)


@dataclass(frozen=True)
class Person:
    """A record as a source describes it."""

    source_id: str
    source: str = "crm"
    name: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    cross: tuple[str, str] | None = None
    merged_into: str | None = None
    kind: str = "customer"
    is_test: bool = False
    is_guest: bool = False
    deleted: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.source_id


@dataclass(frozen=True)
class Clear:
    """The values behind the tokens."""

    people: Sequence[Person]

    def addresses(self, rows: Sequence[int]) -> Addresses:
        seen = [address for row in rows for address in self.people[row].emails]
        roles = {token(address) for address in seen if is_role_address(address)}
        tagged = [address for address in seen if "+" in address and not is_role_address(address)]
        return Addresses(roles, {token(address): token(_untagged(address)) for address in tagged})

    def names(self, rows: Sequence[int]) -> list[str | None]:
        return [self.people[row].name for row in rows]


def token(value: str) -> bytes:
    return value.encode()


def table(people: Iterable[Person]) -> pa.Table:
    return pa.Table.from_pylist([_row(person) for person in people], schema=SCHEMA)


def groups(
    people: Iterable[Person], limit: int = 10, likeness: Likeness | None = None
) -> set[frozenset[tuple[str, str]]]:
    """The linked records of each cluster."""
    people = list(people)
    result = cluster(table(people), Clear(people), max_records_per_key=limit, likeness=likeness)
    found: dict[int, set[tuple[str, str]]] = {}
    for person, label, linked in zip(people, result.labels, result.linked, strict=True):
        if linked:
            found.setdefault(int(label), set()).add(person.key)
    return {frozenset(group) for group in found.values()}


def _row(person: Person) -> dict[str, object]:
    emails, phones = [token(e) for e in person.emails], [token(p) for p in person.phones]
    return {
        **{name: getattr(person, name) for name in ("source", "source_id", "kind", "merged_into")},
        **{name: getattr(person, name) for name in ("is_test", "is_guest", "deleted")},
        "email_token": emails[0] if emails else None,
        "other_emails_tokens": emails[1:] or None,
        "phone_token": phones[0] if phones else None,
        "other_phones_tokens": phones[1:] or None,
        "cross_source": person.cross and person.cross[0],
        "cross_id": person.cross and person.cross[1],
    }


def _untagged(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
