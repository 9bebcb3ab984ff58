import numpy as np

from cdp_pipelines.identity.assign import Assignment, Change, assign


def run(
    labels: list[int], previous: list[int], linked_at: list[int] | None = None
) -> tuple[list[int], tuple[Change, ...]]:
    def array(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    result: Assignment = assign(
        array(labels),
        np.ones(len(labels), dtype=np.bool_),
        array(previous),
        array(linked_at or [0] * len(labels)),
        registered=max(previous, default=-1) + 1,
    )
    return result.profiles.tolist(), result.changes


def test_new_clusters_get_new_profiles() -> None:
    assert run([0, 0, 2], [-1, -1, -1]) == ([0, 0, 1], ())


def test_nothing_new_changes_nothing() -> None:
    assert run([0, 0, 2], [1, 1, 0]) == ([1, 1, 0], ())


def test_a_record_that_joins_gets_the_profile_of_the_cluster() -> None:
    assert run([0, 0], [-1, 0]) == ([0, 0], ())


def test_a_merge_keeps_the_profile_registered_first() -> None:
    assert run([0, 0], [1, 0]) == ([0, 0], (Change("merge", 0, 1, 0),))


def test_a_split_leaves_the_profile_with_the_record_linked_first() -> None:
    assert run([0, 1], [0, 0], linked_at=[5, 3]) == ([1, 0], (Change("split", 0, 1, 0),))


def test_a_record_that_moves_leaves_one_profile_for_the_other() -> None:
    assert run([0, 1, 1], [0, 0, 1], linked_at=[3, 5, 4]) == ([0, 1, 1], (Change("split", 0, 1, 1),))


def test_records_that_are_not_linked_get_no_profile() -> None:
    linked = np.array([True, False])
    zeros = np.zeros(2, dtype=np.int64)
    result = assign(np.array([0, 1]), linked, np.array([-1, -1]), zeros, registered=0)
    assert (result.profiles.tolist(), result.new, result.changes) == ([0, -1], 1, ())
