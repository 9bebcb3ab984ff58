"""How well identities were resolved, pair by pair, against the truth of the generated business."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

Record = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Pairs of records: joined by us, belonging together in truth, and both."""

    joined: int
    true: int
    both: int

    @property
    def precision(self) -> float:
        """Share of our pairs that belong together."""
        return self.both / self.joined if self.joined else 1.0

    @property
    def recall(self) -> float:
        """Share of the true pairs that we found."""
        return self.both / self.true if self.true else 1.0


def accuracy(links: Mapping[Record, str], truth: Mapping[str, Any]) -> Accuracy:
    """Compare the profiles of live records with the people they really are.

    Args:
        links: Record to profile id, for every record we linked.
        truth: The sandbox's truth.
    """
    people: dict[Record, str] = {}
    for person in truth["people"]:
        gone = {tuple(record) for record in person["inactive"]}
        people.update(
            {(source, id_): person["person"] for source, id_ in person["records"] if (source, id_) not in gone}
        )
    people.update({("shopify", f"guest-order:{order}"): person for order, person in truth["guest_orders"].items()})
    ours = _pairs((links[record], record) for record in people if record in links)
    theirs = _pairs((person, record) for record, person in people.items() if record in links)
    return Accuracy(len(ours), len(theirs), len(ours & theirs))


def _pairs(members: Iterable[tuple[str, Record]]) -> set[tuple[Record, Record]]:
    groups: dict[str, list[Record]] = {}
    for group, record in members:
        groups.setdefault(group, []).append(record)
    return {pair for records in groups.values() for pair in combinations(sorted(records), 2)}
