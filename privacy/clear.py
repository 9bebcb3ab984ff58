"""A personal value in clear, outside the hot path."""

from typing import NoReturn

from models.fields import Category


class Clear:
    """Holds a value in clear and shows only its category.

    The value does not appear in ``repr``, ``str``, f-strings or tracebacks, and cannot be pickled.
    """

    __slots__ = ("__value", "category")

    def __init__(self, category: Category, value: str | list[str]) -> None:
        self.category = category
        self.__value = value

    def __repr__(self) -> str:
        """The category."""
        return f"Clear({self.category.value})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Values in clear do not travel between processes."""
        raise TypeError("A personal value in clear cannot be pickled or copied.")

    def take_out(self) -> str | list[str]:
        """The value itself; search for this name to find every place that looks."""
        return self.__value
