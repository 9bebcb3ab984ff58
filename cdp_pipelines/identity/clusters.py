"""Which records are one person: a pure function of the current records, whatever order they arrived in.

Keys are applied from the strongest to the weakest: the source's own merges, cross-references between systems,
e-mail addresses, mailboxes (an address without its "+tag"), phone numbers. The last two prove nothing by
themselves, so who shares one is joined only if the names agree. A cluster that a weaker key would make impossible
(two different ids in one system) or too large stays what the stronger keys say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from cdp_pipelines.identity import keys, names
from cdp_pipelines.identity.keys import Carried, Mask, Rows

KEY_TYPES = ("source_merge", "cross_reference", "email", "email", "phone")
"""Kind of key by stage, from the strongest to the weakest; the second "email" is the mailbox."""

_MERGE, _REFERENCE, _EMAIL, _MAILBOX, _PHONE = range(5)

MAX_CLUSTER_RECORDS = 100
"""No person has more records than this; a larger cluster is the work of a key that means nothing."""

Edges = tuple[Rows, Rows]


class Addresses(NamedTuple):
    """What a look at e-mail addresses tells: ``roles`` are tokens of addresses that belong to a function,
    ``mailboxes`` leads from the token of an address with a tag to the token of the address without it.
    """  # noqa: D205 - two fields, one sentence

    roles: set[bytes]
    mailboxes: dict[bytes, bytes]


class Values(Protocol):
    """Looks at values in clear, in memory, for the few questions that tokens cannot answer."""

    def addresses(self, rows: Sequence[int]) -> Addresses:
        """What there is to know of the e-mail addresses of these records."""
        ...

    def names(self, rows: Sequence[int]) -> list[str | None]:
        """Full name of each record."""
        ...


@dataclass(frozen=True, slots=True)
class Clusters:
    """The result: who belongs together and why.

    Attributes:
        labels: By record, the first row of its cluster.
        stages: By record, index into ``KEY_TYPES`` of the strongest key it shares with its cluster, or -1.
        linked: By record, whether it is live, or merged into a live one.
        blocked: Number of keys that joined nobody, by reason.
    """

    labels: Rows
    stages: npt.NDArray[np.int8]
    linked: Mask
    blocked: dict[str, int]


def cluster(records: pa.Table, values: Values, *, max_records_per_key: int) -> Clusters:
    """Group person records into persons.

    Only live customers join; staff, bots and test records stay alone, deleted records take part only through
    the merge that deleted them.

    Args:
        records: One row per record: source, source_id, kind, is_test, deleted, email_token,
            other_emails_tokens, phone_token, other_phones_tokens, cross_source, cross_id, merged_into.
        values: Answers questions about values in clear.
        max_records_per_key: A key carried by more records joins nobody.
    """
    live, merged = ~_flag(records, "deleted"), keys.merged(records)
    joinable = _is_customer(records) & ~_flag(records, "is_test")
    members = live & joinable
    growing = _Growing(records, members, values, max_records_per_key)
    growing.join(_MERGE, keys.merges(records, joinable & (live | merged)))
    growing.join(_REFERENCE, growing.usable("cross_reference", keys.references(records, members)).edges())
    emails = keys.tokens(records, "email_token", "other_emails_tokens", members)
    seen = growing.look(emails)
    growing.join(_EMAIL, growing.usable("email", emails, seen.roles).edges())
    growing.join(_MAILBOX, growing.agreeing(growing.usable("mailbox", _mailboxes(emails, seen))))
    phones = keys.tokens(records, "phone_token", "other_phones_tokens", members)
    growing.join(_PHONE, growing.agreeing(growing.usable("phone", phones)))
    linked = live | (merged & np.isin(growing.labels, growing.labels[live]))
    return Clusters(growing.labels, growing.stages(), linked, growing.blocked)


@dataclass(slots=True)
class _Growing:
    """Clusters in the making; ``join`` is called once per stage, strongest first."""

    records: pa.Table
    members: Mask
    values: Values
    limit: int
    labels: Rows = field(init=False)
    merged: Rows = field(init=False)
    edges: list[Edges] = field(default_factory=list)
    blocked: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.labels = self.merged = np.arange(self.records.num_rows, dtype=np.int64)

    def usable(self, kind: str, carried: Carried, roles: set[bytes] = frozenset()) -> Carried:  # type: ignore[assignment]
        """The keys that say something: carried by some, not by many, and not by a function."""
        sizes, is_role = carried.sizes(), carried.among(roles)
        shared = (sizes > 1) & ~is_role
        self._count(f"{kind}_shared_by_many", int((shared & (sizes > self.limit)).sum()))
        self._count("role_address", int(((sizes > 1) & is_role).sum()))
        return carried.only(shared & (sizes <= self.limit))

    def look(self, emails: Carried) -> Addresses:
        """Look at one carrier of each shared address, and at every record with an address nobody shares.

        Any carrier will do: what it has besides is either shared too, or makes it one of the others.
        """
        sizes = emails.sizes()
        shared = (sizes > 1) & (sizes <= self.limit)
        unshared = emails.only(sizes == 1)
        return self.values.addresses(np.union1d(emails.only(shared).first_rows(), unshared.rows).tolist())

    def agreeing(self, carried: Carried) -> Edges:
        """Pairs of carriers of one key who are not together yet and whose names agree."""
        groups = [group.tolist() for group in carried.groups() if len(set(self.labels[group].tolist())) > 1]
        rows = sorted({row for group in groups for row in group})
        called = dict(zip(rows, map(names.words, self.values.names(rows)), strict=True))
        found = [_of_one_name(group, called) for group in groups]
        self._count("names_differ", sum(not pairs for pairs in found))
        edges = np.array(sorted({pair for pairs in found for pair in pairs}), dtype=np.int64).reshape(-1, 2)
        return edges[:, 0], edges[:, 1]

    def join(self, stage: int, edges: Edges) -> None:
        """Join both ends of each edge, except where that makes an impossible cluster."""
        before, together = self.labels, connected(self.labels, edges)
        self.edges.append(edges)
        if stage == _MERGE:  # the source itself says so; there is nothing to doubt
            self.labels = self.merged = together
            return
        impossible = self._impossible(together)[together]
        self.labels = np.where(impossible, before, together)
        self._count("conflict", len(np.unique(together[impossible & (before != together)])))

    def stages(self) -> npt.NDArray[np.int8]:
        """By record, the strongest stage with an edge that holds."""
        result = np.full(self.records.num_rows, -1, dtype=np.int8)
        for stage, (left, right) in reversed(list(enumerate(self.edges))):
            holds = self.labels[left] == self.labels[right]
            result[left[holds]] = stage
            result[right[holds]] = stage
        return result

    def _impossible(self, together: Rows) -> Mask:
        """By label: whether the cluster is too large or states two ids in one system."""
        result = np.bincount(together, minlength=len(together)) > MAX_CLUSTER_RECORDS
        rows, system, target = keys.stated_identifiers(self.records, self.merged, self.members)
        stated = np.unique(np.stack([together[rows], system, target]), axis=1)
        pairs, number = np.unique(stated[:2], axis=1, return_counts=True)
        result[pairs[0][number > 1]] = True
        return result

    def _count(self, reason: str, number: int) -> None:
        if number:
            self.blocked[reason] = self.blocked.get(reason, 0) + number


def connected(labels: Rows, edges: tuple[Rows, Rows]) -> Rows:
    """Labels after joining the clusters at both ends of each edge; a label is the first row of its cluster."""
    left, right = (labels[side] for side in edges)
    size = len(labels)
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    _, first, inverse = np.unique(component[labels], return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.int64)


def _mailboxes(emails: Carried, seen: Addresses) -> Carried:
    """Who carries an address that is a mailbox of somebody's tagged one, or a tagged one itself."""
    tagged = emails.only(emails.among(seen.mailboxes))
    tokens = tagged.values.take(pa.array(tagged.keys)).to_pylist()
    pairs = [(row, seen.mailboxes[token]) for row, token in zip(tagged.rows.tolist(), tokens, strict=True)]
    extended = emails.plus(pairs)
    return extended.only(extended.among(set(seen.mailboxes.values())) & ~extended.among(seen.roles))


def _of_one_name(group: list[int], called: dict[int, tuple[str, ...]]) -> list[tuple[int, int]]:
    """Pairs of ``group`` with agreeing names, without those of a name that fits two different ones.

    "J. Sand" fits "Jan Sand" and "Jule Sand", so it is neither of them for us.
    """
    fits = {row: {other for other in group if names.agree(called[row], called[other])} for row in group}
    return [(a, b) for a, b in combinations(group, 2) if b in fits[a] and fits[a] == fits[b]]


def _is_customer(records: pa.Table) -> Mask:
    return np.asarray(pc.equal(records["kind"], "customer").to_numpy(), dtype=np.bool_)


def _flag(records: pa.Table, name: str) -> Mask:
    return np.asarray(records[name].to_numpy(), dtype=np.bool_)
