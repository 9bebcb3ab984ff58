import numpy as np
import pyarrow as pa
import pytest

from cdp_pipelines.identity.blocking import Blocks, blocks, sharing


def blocks_of(before: list[list[str]], after: list[list[str]], limit: int = 3) -> Blocks:
    old, new = (pa.array(lists, pa.list_(pa.string())) for lists in (before, after))
    return blocks(old, new, limit=limit)


def candidates(
    before: list[list[str]], after: list[list[str]], changed: list[int], limit: int = 3
) -> set[tuple[int, int]]:
    mask = np.isin(np.arange(len(after)), changed)
    left, right = blocks_of(before, after, limit).candidates(mask)
    return set(zip(left.tolist(), right.tolist(), strict=True))


def test_records_that_share_a_token_are_compared_once() -> None:
    assert candidates([], [["a", "b"], ["b", "a"], ["c"]], [0, 1, 2]) == {(0, 1)}


def test_only_pairs_with_a_changed_record_are_compared_again() -> None:
    tokens = [["a"], ["a"], ["a"]]
    assert candidates(tokens, tokens, [2]) == {(0, 2), (1, 2)}
    assert candidates(tokens, tokens, []) == set()


def test_a_token_that_too_many_share_is_dropped_and_counted() -> None:
    shared = blocks_of([], [["a"], ["a"], ["a"], ["a", "b"], ["b"]])
    assert shared.dropped == 1
    left, right = shared.candidates(np.ones(5, dtype=np.bool_))
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(3, 4)]


def test_a_block_that_was_too_large_is_compared_when_it_shrinks() -> None:
    before = [["a"], ["a"], ["a"], ["a"]]
    assert candidates(before, [["a"], ["a"], ["a"], []], [3]) == {(0, 1), (0, 2), (1, 2)}


@pytest.mark.parametrize("before", [[], [["a"]]])
def test_nobody_to_compare(before: list[list[str]]) -> None:
    assert candidates(before, [], []) == set()
    assert candidates(before, [[], ["a"]], [0, 1]) == set()


def test_sharing_looks_at_each_pair() -> None:
    rows, keys = np.array([0, 0, 1, 2]), np.array([5, 7, 7, 5])
    pairs = np.array([0, 0, 1, 3]), np.array([1, 2, 2, 0])
    assert sharing(pairs, rows, keys).tolist() == [True, True, False, False]
