"""Sorted views of the world that pages are cut from; rebuilt whenever the world has changed."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Ordered(Generic[T]):
    """Records in the order of a key, with the keys beside them for bisection."""

    def __init__(self, records: Iterable[T], key: Callable[[T], Any]) -> None:
        """``key`` must be unique, or at least orderable, over ``records``."""
        self.records = sorted(records, key=key)
        self.keys = [key(record) for record in self.records]

    def from_key(self, key: object) -> int:
        """The position of the first record at or after ``key``."""
        return bisect_left(self.keys, key)

    def after_key(self, key: object) -> int:
        """The position of the first record after ``key``."""
        return bisect_right(self.keys, key)
