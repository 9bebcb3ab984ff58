"""What a part of the benchmark gives back."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.report import Figure, table


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured, and sentences on what it means."""

    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """As it stands in the documents."""
        return "\n\n".join([table(self.figures), *self.notes])


@dataclass(frozen=True, slots=True)
class Part:
    """A part that can be measured alone.

    Attributes:
        name: As ``--only`` takes it.
        title: Its heading.
        run: Measures it.
    """

    name: str
    title: str
    run: Callable[[], Result]
