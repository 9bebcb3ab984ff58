"""Laws of identity resolution: what must hold for any records in any order, and for any history of them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_pipelines.identity.assign import assign
from cdp_pipelines.identity.blocking import Blocks, blocks
from cdp_pipelines.identity.clusters import Answers, Likeness, cluster
from cdp_pipelines.identity.keys import Mask
from tests.unit.cdp_pipelines.identity.persons import Clear, Person, groups, table

Key = tuple[str, str]
Opinion = tuple[Key, Key, str]

KINDS = ("alike", "very alike", "same", "different")
ADDRESSES = ("anna@a.example", "anna+x@a.example", "ben@a.example", "cleo@b.example", "info@a.example")
NAMES = ("Anna Sand", "SAND, Anna", "A. Sand", "Ben Sand", "Cleo Wald", "")
IDS = tuple("1234567")


def _few(values: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


people = st.lists(
    st.builds(
        Person,
        source=st.sampled_from(("crm", "desk")),
        source_id=st.sampled_from(IDS),
        name=st.sampled_from(NAMES),
        emails=_few(ADDRESSES),
        phones=_few(("+491", "+492")),
        cross=st.none() | st.tuples(st.just("crm"), st.sampled_from(IDS)),
        merged_into=st.none() | st.sampled_from(IDS),
        kind=st.sampled_from(("customer", "customer", "customer", "staff")),
        is_test=st.sampled_from((False, False, False, True)),
        deleted=st.sampled_from((False, False, False, True)),
    ),
    max_size=12,
    unique_by=lambda person: person.key,
)


quick = settings(max_examples=40, deadline=None)


class History:
    """Links as they are kept from run to run, with profile numbers for ids."""

    def __init__(self) -> None:
        self.profiles: dict[Key, int] = {}
        self.linked_at: dict[Key, int] = {}
        self.merged: dict[int, int] = {}
        self.registered = 0
        self.runs = 0

    def run(self, found: Sequence[Person]) -> int:
        """Resolve; returns the number of links written."""
        found = sorted(found, key=lambda person: person.key)
        clusters = cluster(table(found), Clear(found), max_records_per_key=10)
        result = assign(
            clusters.labels,
            clusters.linked,
            np.array([self.profiles.get(person.key, -1) for person in found], dtype=np.int64),
            np.array([self.linked_at.get(person.key, 0) for person in found], dtype=np.int64),
            registered=self.registered,
        )
        self.runs += 1
        self.registered += result.new
        merged = {change.other: change.profile for change in result.changes if change.kind == "merge"}
        written = [
            (person.key, int(profile))
            for person, profile in zip(found, result.profiles, strict=True)
            if profile >= 0 and self.profiles.get(person.key) != profile
        ]
        for key, profile in written:
            self.profiles[key], self.linked_at[key] = profile, self.runs
        self.profiles = {key: merged.get(profile, profile) for key, profile in self.profiles.items()}
        return len(written) + len(result.changes)

    def partition(self, found: Sequence[Person]) -> set[frozenset[Key]]:
        keys = {key for group in groups(found) for key in group}
        by_profile: dict[int, set[Key]] = {}
        for key in keys:
            by_profile.setdefault(self.profiles[key], set()).add(key)
        return {frozenset(group) for group in by_profile.values()}


@quick
@given(people, st.randoms(use_true_random=False))
def test_who_is_who_does_not_depend_on_the_order_of_records(found: list[Person], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert groups(shuffled) == groups(found)


@quick
@given(people)
def test_every_live_record_is_linked_once_and_staff_and_tests_stay_alone(found: list[Person]) -> None:
    result = groups(found)
    live = {person.key for person in found if not person.deleted}
    assert live <= {key for group in result for key in group}
    alone = {person.key for person in found if not person.deleted and (person.kind != "customer" or person.is_test)}
    assert all(len(group) == 1 for group in result if group & alone)


@quick
@given(people)
def test_different_ids_in_one_system_never_meet(found: list[Person]) -> None:
    by_key = {person.key: person for person in found}
    separate = [replace(person, merged_into=None) for person in found]
    for group in groups(separate):
        stated = {by_key[key].cross for key in group if by_key[key].cross and not by_key[key].deleted}
        assert len(stated) <= 1


@quick
@given(st.lists(people, min_size=1, max_size=4))
def test_profiles_follow_the_clusters_through_any_history(steps: list[list[Person]]) -> None:
    history = History()
    for found in steps:
        history.run(found)
        assert history.partition(found) == groups(found)
        assert history.run(found) == 0


@quick
@given(st.lists(people, min_size=1, max_size=3), people)
def test_a_profile_whose_records_stay_together_keeps_its_id(steps: list[list[Person]], last: list[Person]) -> None:
    history = History()
    for found in steps:
        history.run(found)
    before, old = dict(history.profiles), groups(steps[-1])
    history.run(last)
    for group in old & groups(last):
        if sum(before[key] == before[next(iter(group))] for key in before) == len(group):
            assert {history.profiles[key] for key in group} == {before[key] for key in group}


@quick
@given(people, people)
def test_undoing_what_caused_merges_restores_who_was_who(found: list[Person], more: list[Person]) -> None:
    history = History()
    history.run(found)
    before = history.partition(found)
    known = {person.key for person in found}
    history.run([*found, *(person for person in more if person.key not in known)])
    history.run(found)
    assert history.partition(found) == before


@quick
@given(people)
def test_records_that_share_no_key_stay_apart(found: list[Person]) -> None:
    bare = [replace(person, emails=(), phones=(), cross=None, merged_into=None) for person in found]
    assert all(len(group) == 1 for group in groups(bare))
    assert sum(len(group) for group in groups(bare)) == sum(not person.deleted for person in bare)


@quick
@given(people)
def test_profiles_never_overlap(found: list[Person]) -> None:
    assert not any(a & b for a, b in combinations(groups(found), 2))


@st.composite
def opinions(draw: st.DrawFn) -> tuple[list[Person], list[Opinion]]:
    """Records, and what somebody thinks of some pairs of them."""
    found = draw(people)
    if len(found) < 2:
        return found, []
    keys = st.sampled_from([person.key for person in found])
    said = draw(
        st.lists(st.tuples(keys, keys, st.sampled_from(KINDS)), max_size=8, unique_by=lambda one: frozenset(one[:2]))
    )
    return found, [one for one in said if one[0] != one[1]]


def likeness(found: Sequence[Person], said: Sequence[Opinion]) -> Likeness:
    """The opinions by row, as a model and operators give them: about live customers alone."""
    rows = {person.key: row for row, person in enumerate(found)}
    able = {person.key for person in found if person.kind == "customer" and not (person.is_test or person.deleted)}
    known = [(rows[a], rows[b], kind) for a, b, kind in said if {a, b} <= able]
    pairs = {kind: np.array([one[:2] for one in known if one[2] == kind], np.int64).reshape(-1, 2).T for kind in KINDS}
    left, right = np.concatenate([pairs["alike"], pairs["very alike"]], axis=1)
    sure = np.arange(len(left)) >= pairs["alike"].shape[1]
    answers = Answers((pairs["same"][0], pairs["same"][1]), (pairs["different"][0], pairs["different"][1]))
    return Likeness(left, right, np.where(sure, 0.9999, 0.995), np.ones_like(sure), sure, answers)


@quick
@given(opinions(), st.randoms(use_true_random=False))
def test_likeness_joins_the_same_whatever_the_order(given_: tuple[list[Person], list[Opinion]], random: object) -> None:
    found, said = given_
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert groups(shuffled, likeness=likeness(shuffled, said)) == groups(found, likeness=likeness(found, said))


@quick
@given(opinions())
def test_likeness_only_brings_together_what_keys_leave_apart(given_: tuple[list[Person], list[Opinion]]) -> None:
    found, said = given_
    alike, by_key = groups(found, likeness=likeness(found, said)), groups(found)
    assert all(any(group <= larger for larger in alike) for group in by_key)
    known = {key for one in said for key in one[:2]}
    assert all(group in by_key for group in alike if not group & known)


@quick
@given(opinions())
def test_nobody_an_operator_calls_different_is_joined_but_by_a_key(
    given_: tuple[list[Person], list[Opinion]],
) -> None:
    found, said = given_
    able = {person.key for person in found if person.kind == "customer" and not (person.is_test or person.deleted)}
    by_key = groups(found)
    for group in groups(found, likeness=likeness(found, said)):
        for a, b, kind in said:
            if kind == "different" and {a, b} <= able and {a, b} <= group:
                assert any({a, b} <= one for one in by_key)


@quick
@given(opinions())
def test_likeness_never_brings_two_stated_ids_together(given_: tuple[list[Person], list[Opinion]]) -> None:
    found, said = given_
    separate = [replace(person, merged_into=None) for person in found]
    by_key = {person.key: person for person in separate}
    for group in groups(separate, likeness=likeness(separate, said)):
        stated = {by_key[key].cross for key in group if by_key[key].cross and not by_key[key].deleted}
        assert len(stated) <= 1


tokens = st.lists(st.lists(st.sampled_from("abcd"), max_size=3, unique=True), min_size=6, max_size=6)


@quick
@given(st.lists(tokens, min_size=1, max_size=5))
def test_comparing_what_changed_compares_everything_in_the_end(steps: list[list[list[str]]]) -> None:
    before: list[list[str]] = [[] for _ in steps[0]]
    kept: set[tuple[int, int]] = set()
    for after in steps:
        changed = np.array([old != new for old, new in zip(before, after, strict=True)])
        shared = blocks_of(before, after)
        kept = {pair for pair in kept if not changed[list(pair)].any()} & all_pairs(after) | compared(shared, changed)
        assert kept == all_pairs(after) == compared(blocks_of([], after), np.ones(len(after), dtype=np.bool_))
        before = after


def blocks_of(before: list[list[str]], after: list[list[str]]) -> Blocks:
    old, new = (pa.array(lists, pa.list_(pa.string())) for lists in (before, after))
    return blocks(old, new, limit=3)


def compared(shared: Blocks, changed: Mask) -> set[tuple[int, int]]:
    left, right = shared.candidates(changed)
    return set(zip(left.tolist(), right.tolist(), strict=True))


def all_pairs(found: list[list[str]], limit: int = 3) -> set[tuple[int, int]]:
    """Pairs that share a token of not too many, one by one."""
    few = {token for token in "abcd" if sum(token in one for one in found) <= limit}
    return {(a, b) for a, b in combinations(range(len(found)), 2) if set(found[a]) & set(found[b]) & few}
