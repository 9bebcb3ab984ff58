"""The look at values in clear: batch by batch, in memory.

One of the three places where personal values are in clear. Nothing here is logged or kept: what leaves the module
are tokens, row numbers and, to be compared at once, names and features.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa

from cdp_pipelines.identity.clusters import Addresses
from cdp_pipelines.identity.features import Comparing, Features
from cdp_pipelines.identity.roles import is_role_address, without_tag
from models import Account, Entity, Match, Person
from privacy.protect import Protector, Revealer

ReadColumns = Callable[[type[Entity], Sequence[int], Sequence[str]], Iterable[pa.Table]]
"""Reads protected columns of person records, or of their organisations, by the row numbers of the persons, batch by
batch in any order: ``rows`` (the numbers, as asked for, of the person or of all persons of the organisation), source,
source_id, subject_id and the columns."""

_Revealed = tuple[int, dict[str, Any]]

_NAME = ("given_name", "family_name", "full_name")
_COMPARED = (*_NAME, "email", "other_emails", "phone", "other_phones", "street", "postal_code", "city")


class LakeValues:
    """Answers the questions of ``clusters.Values`` by decrypting the records asked about.

    What it noted of the addresses of a record that was compared, or was told of them, it need not decrypt again.
    """

    def __init__(self, read: ReadColumns, *, protector: Protector, revealer: Revealer) -> None:
        self._read = read
        self._protector = protector
        self._revealer = revealer
        self._seen: set[int] = set()
        self._noted: defaultdict[int, Addresses] = defaultdict(lambda: Addresses(set(), {}))

    def addresses(self, rows: Sequence[int]) -> Addresses:
        """Role addresses and tagged addresses among those of the records."""
        unseen = [row for row in rows if row not in self._seen]
        for row, values in _each(self._revealed(Person, unseen, ("email", "other_emails"))):
            self._look(row, values)
        result = Addresses(set(), {})
        for noted in (self._noted[row] for row in rows if row in self._noted):
            result.roles.update(noted.roles)
            result.mailboxes.update(noted.mailboxes)
        return result

    def is_plain(self, row: int) -> bool:
        """Whether a record that was looked at has neither an address of a function nor one with a tag."""
        return row in self._seen and row not in self._noted

    def note_plain(self, rows: Iterable[int]) -> None:
        """Take it from an earlier run that these records are plain, as ``is_plain`` says it."""
        self._seen.update(rows)

    def names(self, rows: Sequence[int]) -> list[str | None]:
        """Full names, in the order of ``rows``."""
        found = {row: _name(values) for row, values in _each(self._revealed(Person, rows, _NAME))}
        return [found.get(row) for row in rows]

    def features(self, rows: Sequence[int], comparing: Comparing) -> Iterator[list[tuple[int, Features]]]:
        """What each record is compared by, batch by batch in any order; one whose key was destroyed has nothing."""
        companies = dict(_each(self._revealed(Account, rows, ("name", "domain"))))
        for batch in self._revealed(Person, rows, _COMPARED):
            for row, values in batch:
                self._look(row, values)
            yield [(row, comparing.features(_compared(values, companies.get(row, {})))) for row, values in batch]

    def _look(self, row: int, values: dict[str, Any]) -> None:
        """Note the tokens of the addresses of a record that are a function's or have a tag; most are neither."""
        self._seen.add(row)
        for address in _addresses(values):
            bare = without_tag(address)
            if is_role_address(address):
                self._noted[row].roles.update(self._tokens(address))
            elif bare != address:
                self._noted[row].mailboxes.update(zip(self._tokens(address), self._tokens(bare), strict=False))

    def _tokens(self, address: str) -> list[bytes]:
        token = self._protector.token(Match.EMAIL, address)
        return [] if token is None else [token.stored]

    def _revealed(self, entity: type[Entity], rows: Sequence[int], columns: Sequence[str]) -> Iterator[list[_Revealed]]:
        """The values in clear of each record or of its organisation, batch by batch."""
        for batch in self._read(entity, rows, columns) if rows else ():
            revealed = self._revealer.reveal(entity, batch, columns)
            yield [
                (row, values)
                for about, values in zip(batch["rows"].to_pylist(), revealed, strict=True)
                for row in about
            ]


def _each(batches: Iterable[list[_Revealed]]) -> Iterator[_Revealed]:
    return chain.from_iterable(batches)


def _addresses(values: dict[str, Any]) -> list[str]:
    return [address for address in (values["email"], *(values["other_emails"] or ())) if address]


def _name(values: dict[str, Any]) -> str | None:
    split = " ".join(part for part in (values["given_name"], values["family_name"]) if part)
    return split or values["full_name"]


def _compared(values: dict[str, Any], company: dict[str, Any]) -> dict[str, Any]:
    numbers = (values["phone"], *(values["other_phones"] or ()))
    return {
        "name": _name(values),
        "emails": _addresses(values),
        "phones": [number for number in numbers if number],
        "company": company.get("name"),
        "domain": company.get("domain"),
        **{name: values[name] for name in ("street", "postal_code", "city")},
    }
