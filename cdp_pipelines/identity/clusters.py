"""Which records are one person: a pure function of the current records, whatever order they arrived in.

Keys are applied from the strongest to the weakest: the source's own merges, cross-references between systems,
e-mail addresses, mailboxes (an address without its "+tag"), phone numbers. The last two prove nothing by
themselves, so who shares one is joined only if the names agree. What keys leave apart is joined by an operator's
answer, then by similarity (``Likeness``). A cluster that a weaker reason would make impossible (two different ids in
one system, two records an operator calls different) or too large stays what the stronger ones say.
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
from cdp_pipelines.identity.blocking import sharing
from cdp_pipelines.identity.keys import Carried, Mask, Rows

KEY_TYPES = ("source_merge", "cross_reference", "email", "email", "phone")
"""Kind of key by stage, from the strongest to the weakest; the second "email" is the mailbox."""

CAUSES = (*KEY_TYPES, "answer", "similarity")
"""What joins records, by stage: keys first."""

METHODS = (*("deterministic" for _ in KEY_TYPES), "manual", "probabilistic")
"""How a stage links records."""

_MERGE, _REFERENCE, _EMAIL, _MAILBOX, _PHONE, _ANSWER, _SIMILARITY = range(7)

_NEARLY_SURE = 0.9999

MAX_CLUSTER_RECORDS = 100
"""No person has more records than this; a larger cluster is the work of a key that means nothing."""

Edges = tuple[Rows, Rows]


class Answers(NamedTuple):
    """Pairs of records an operator calls one person, and pairs called different people."""

    same: Edges
    different: Edges

    @classmethod
    def none(cls) -> "Answers":
        """Nobody was asked."""
        rows = np.array([], dtype=np.int64)
        return cls((rows, rows), (rows, rows))


class Likeness(NamedTuple):
    """What is known of pairs of records besides keys; aligned arrays but for the answers.

    Attributes:
        left: Row of the first record.
        right: Row of the second one.
        probability: That they are one person.
        joins: Whether that is enough to join them.
        joins_same_source: Whether it is enough where that brings two records of one system together.
        answers: What operators said.
    """

    left: Rows
    right: Rows
    probability: npt.NDArray[np.float64]
    joins: Mask
    joins_same_source: Mask
    answers: Answers

    @classmethod
    def of(cls, answers: Answers) -> "Likeness":
        """Nothing but answers."""
        rows, no = np.array([], dtype=np.int64), np.array([], dtype=np.bool_)
        return cls(rows, rows, rows.astype(np.float64), no, no, answers)


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
        stages: By record, index into ``CAUSES`` of the strongest reason it shares with its cluster, or -1.
        confidence: By record, how sure its link is: 1 but for similarity.
        linked: By record, whether it is live, or merged into a live one.
        blocked: Number of keys that joined nobody, by reason.
        history: Labels after each stage.
    """

    labels: Rows
    stages: npt.NDArray[np.int8]
    confidence: npt.NDArray[np.float64]
    linked: Mask
    blocked: dict[str, int]
    history: tuple[Rows, ...]

    def cause(self, some: Rows, others: Rows) -> str | None:
        """What brought any of the records ``some`` and any of ``others`` together; None if nothing did."""
        joined = (np.isin(labels[some], labels[others]).any() for labels in self.history)
        return next((cause for cause, together in zip(CAUSES, joined, strict=True) if together), None)


def members(records: pa.Table) -> Mask:
    """Records that can be joined: live customers who are not there for testing."""
    return ~_flag(records, "deleted") & _joinable(records)


def cluster(
    records: pa.Table, values: Values, *, max_records_per_key: int, likeness: Likeness | None = None
) -> Clusters:
    """Group person records into persons.

    Only live customers join; staff, bots and test records stay alone, deleted records take part only through
    the merge that deleted them.

    Args:
        records: One row per record: source, source_id, kind, is_test, is_guest, deleted, email_token,
            other_emails_tokens, phone_token, other_phones_tokens, cross_source, cross_id, merged_into.
        values: Answers questions about values in clear.
        max_records_per_key: A key carried by more records joins nobody. A guest has a record per order, so all
            guests' records of one source count as one.
        likeness: What is known of pairs besides keys.
    """
    live, merged = ~_flag(records, "deleted"), keys.merged(records)
    able, likeness = members(records), likeness or Likeness.of(Answers.none())
    growing = _Growing(records, able, values, max_records_per_key)
    growing.join(_MERGE, keys.merges(records, _joinable(records) & (live | merged)))
    growing.join(_REFERENCE, growing.usable("cross_reference", keys.references(records, able)).edges())
    emails = keys.tokens(records, "email_token", "other_emails_tokens", able)
    seen = growing.look(emails)
    growing.join(_EMAIL, growing.usable("email", emails, seen.roles).edges())
    growing.join(_MAILBOX, growing.agreeing(growing.usable("mailbox", _mailboxes(emails, seen))))
    phones = keys.tokens(records, "phone_token", "other_phones_tokens", able)
    growing.join(_PHONE, growing.agreeing(growing.usable("phone", phones)))
    growing.keep_apart(likeness.answers.different)
    growing.join(_ANSWER, likeness.answers.same)
    growing.join(_SIMILARITY, growing.similar(likeness))
    linked = live | (merged & np.isin(growing.labels, growing.labels[live]))
    return Clusters(
        labels=growing.labels,
        stages=growing.stages(),
        confidence=growing.confidence(likeness),
        linked=linked,
        blocked=growing.blocked,
        history=tuple(growing.history),
    )


@dataclass(slots=True)
class _Growing:
    """Clusters in the making; ``join`` is called once per stage, strongest first."""

    records: pa.Table
    members: Mask
    values: Values
    limit: int
    labels: Rows = field(init=False)
    merged: Rows = field(init=False)
    counted_as: Rows = field(init=False)
    edges: list[Edges] = field(default_factory=list)
    history: list[Rows] = field(default_factory=list)
    apart: Edges | None = None
    blocked: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.labels = self.merged = np.arange(self.records.num_rows, dtype=np.int64)
        guest = self.records.num_rows + keys.codes(self.records["source"])
        self.counted_as = np.where(_flag(self.records, "is_guest"), guest, self.labels)

    def usable(self, kind: str, carried: Carried, roles: set[bytes] = frozenset()) -> Carried:  # type: ignore[assignment]
        """The keys that say something: carried by some, not by many, and not by a function."""
        sizes, is_role = carried.sizes(), carried.among(roles)
        shared, many = (sizes > 1) & ~is_role, self._distinct(carried.keys, carried.rows, len(sizes)) > self.limit
        self._count(f"{kind}_shared_by_many", int((shared & many).sum()))
        self._count("role_address", int(((sizes > 1) & is_role).sum()))
        return carried.only(shared & ~many)

    def _distinct(self, groups: Rows, rows: Rows, length: int) -> Rows:
        """Number of records of each group, a source's guests counted as one."""
        size = 2 * self.records.num_rows
        return np.bincount(np.unique(groups * size + self.counted_as[rows]) // size, minlength=length)

    def look(self, emails: Carried) -> Addresses:
        """Look at one carrier of each shared address, and at every record with an address nobody shares.

        Any carrier will do: what it has besides is either shared too, or makes it one of the others.
        """
        sizes = emails.sizes()
        shared = (sizes > 1) & (self._distinct(emails.keys, emails.rows, len(sizes)) <= self.limit)
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
        self.edges.append(edges)
        if len(edges[0]):
            self._connect(stage, edges)
        self.history.append(self.labels)

    def _connect(self, stage: int, edges: Edges) -> None:
        before, together = self.labels, connected(self.labels, edges)
        if stage == _MERGE:  # the source itself says so; there is nothing to doubt
            self.labels = self.merged = together
        else:
            impossible = self._impossible(together)[together]
            self.labels = np.where(impossible, before, together)
            self._count("conflict", len(np.unique(together[impossible & (before != together)])))

    def keep_apart(self, pairs: Edges) -> None:
        """From now on, nothing brings these together; whom a key has joined stays joined."""
        separate = self.labels[pairs[0]] != self.labels[pairs[1]]
        self.apart = pairs[0][separate], pairs[1][separate]
        self._count("answered_different_but_joined_by_key", int((~separate).sum()))

    def similar(self, likeness: Likeness) -> Edges:
        """Pairs similar enough to join, without those of a cluster that fits two others which do not fit each other.

        Two clusters that both have records of one system need more evidence than others.
        """
        if not len(likeness.left):
            return likeness.left, likeness.right
        left, right = self.labels[likeness.left], self.labels[likeness.right]
        enough = np.where(self._share_a_source(left, right), likeness.joins_same_source, likeness.joins)
        chosen = np.flatnonzero(enough & (left != right))
        whole = _each_with_each(left[chosen], right[chosen], len(self.labels))
        self._count("similar_to_several", len(np.unique(np.concatenate([left[chosen][~whole], right[chosen][~whole]]))))
        return likeness.left[chosen[whole]], likeness.right[chosen[whole]]

    def confidence(self, likeness: Likeness) -> npt.NDArray[np.float64]:
        """By record, the highest probability of a pair that holds it to its cluster, if nothing but similarity does."""
        stages, result = self.stages(), np.zeros(self.records.num_rows)
        holds = likeness.joins & (self.labels[likeness.left] == self.labels[likeness.right])
        for side in (likeness.left, likeness.right):
            np.maximum.at(result, side[holds], likeness.probability[holds])
        return np.where(stages == _SIMILARITY, np.minimum(result.round(4), _NEARLY_SURE), 1.0)

    def _share_a_source(self, left: Rows, right: Rows) -> Mask:
        """By pair of labels, whether both clusters have a live record of the same system."""
        systems = keys.codes(self.records["source"])
        of_cluster = np.unique(np.stack([self.labels[self.members], systems[self.members]]), axis=1)
        return sharing((left, right), of_cluster[0], of_cluster[1])

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
        rows = np.arange(len(together))
        result = self._distinct(together, rows, len(together)) > MAX_CLUSTER_RECORDS
        rows, system, target = keys.stated_identifiers(self.records, self.merged, self.members)
        stated = np.unique(np.stack([together[rows], system, target]), axis=1)
        pairs, number = np.unique(stated[:2], axis=1, return_counts=True)
        result[pairs[0][number > 1]] = True
        if self.apart is not None:
            left, right = (together[side] for side in self.apart)
            result[left[left == right]] = True
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


def _each_with_each(left: Rows, right: Rows, size: int) -> Mask:
    """By edge between clusters, whether all clusters connected with it are connected directly, each with each."""
    edges = np.unique(np.stack([np.minimum(left, right), np.maximum(left, right)]), axis=1)
    group = connected(np.arange(size), (left, right))
    clusters = np.bincount(group[np.unique(np.concatenate([left, right]))], minlength=size)
    direct = np.bincount(group[edges[0]], minlength=size)
    return np.asarray((direct == clusters * (clusters - 1) // 2)[group[left]], dtype=np.bool_)


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


def _joinable(records: pa.Table) -> Mask:
    customer = np.asarray(pc.equal(records["kind"], "customer").to_numpy(), dtype=np.bool_)
    return customer & ~_flag(records, "is_test")


def _flag(records: pa.Table, name: str) -> Mask:
    return np.asarray(records[name].to_numpy(), dtype=np.bool_)
