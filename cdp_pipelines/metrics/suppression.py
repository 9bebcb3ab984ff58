"""Small cells: which published numbers would say something about fewer than k persons, alone or by subtraction.

A cell is hidden when it has units of fewer than k persons. A *family* is a set of cells that add up to another
published cell: the slices of one period, the days of a week or a month. If a family hides exactly one number it
can be calculated from the others, and if its hidden cells together have fewer than k persons their sum can; then
the next smallest cell is hidden too, until neither holds in any family. What has no label is in the total and in no
slice of it: it counts with the hidden cells.

A state is published day after day, and what changed is the difference of two days. A *series* is the states of one
slice in the order of their days: a day is hidden unless what changed since the last day shown rests on at least k
persons. That is so when k persons came in, whatever else happened; when nobody did, each other count must have moved
by nothing or by at least k; and of those who changed anything there must be none or k, because one person can move a
sum by any amount. Looking forward only, so what was shown yesterday is still shown today.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cdp_pipelines.metrics.cells import ALL, Keys, Rest
from cdp_pipelines.metrics.periods import number_of
from cdp_pipelines.metrics.statistics import Codes, Numbers

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Family:
    """Cells that add up to the cell ``total`` (None where no total is published), with ``rest`` persons in no cell."""

    parts: Codes
    total: int | None
    rest: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """Cells of one slice in the order of their days.

    Attributes:
        cells: The cells.
        counts: Their published counts, persons first: a row per cell.
        moved: The persons who changed something on the day of each cell; None where that is not known.
    """

    cells: Codes
    counts: NDArray[np.float64]
    moved: Sequence[Codes] | None = None


def hidden_cells(
    n: Numbers, persons: Numbers, families: Sequence[Family], k: int, series: Sequence[Series] = ()
) -> Flags:
    """The cells that must not be shown.

    Args:
        n: Units per cell.
        persons: Distinct identified persons per cell.
        families: What adds up to what.
        k: Smallest number of persons a cell may rest on; 0 for metrics that are not about persons.
        series: What can be subtracted from what because one is the state of a later day.
    """
    hidden = (n > 0) & (persons < k)
    changed = True
    while changed:
        # What one family hides may open another, so all are looked at until none hides more.
        before = hidden.sum()
        for family in families:
            _hide_more(family, hidden, n, persons, k)
        for one in series:
            _hide_small_steps(one, hidden, k)
        changed = hidden.sum() > before
    return hidden


def _hide_small_steps(series: Series, hidden: Flags, k: int) -> None:
    last = None
    since: set[int] = set()
    for place, (cell, counts) in enumerate(zip(series.cells, series.counts, strict=True)):
        since.update(series.moved[place].tolist() if series.moved is not None else ())
        if hidden[cell]:
            continue
        step = np.zeros(len(counts)) if last is None else np.abs(counts - last)
        if _is_small(step, k) or 0 < len(since) < k:
            hidden[cell] = True
        else:
            last = counts
            since.clear()


def _is_small(step: Numbers, k: int) -> bool:
    few = (step > 0) & (step < k)
    return bool(few[0] or (step[0] == 0 and few.any()))


def _hides_total(family: Family, hidden: Flags) -> bool:
    return family.total is not None and bool(hidden[family.total])


def _hide_more(family: Family, hidden: Flags, n: Numbers, persons: Numbers, k: int) -> None:
    """Hide further parts of ``family`` until nothing can be subtracted out."""
    while _can_be_subtracted(family, hidden, persons, k):
        shown = family.parts[~hidden[family.parts] & (n[family.parts] > 0)]
        if not len(shown):
            break
        hidden[shown[np.lexsort((shown, n[shown], persons[shown]))[0]]] = True


def _can_be_subtracted(family: Family, hidden: Flags, persons: Numbers, k: int) -> bool:
    parts = family.parts[hidden[family.parts]]
    if _hides_total(family, hidden):
        return len(parts) == 0
    unseen = persons[parts].sum() + family.rest
    return len(parts) == 1 or (len(parts) + family.rest > 0 and unseen < k)


def families_of(keys: Keys, *, additive_days: bool, rest: Rest = MappingProxyType({})) -> list[Family]:
    """The families among cells.

    Args:
        keys: The cells.
        additive_days: Whether days add up to weeks and months (not so for states and distinct persons).
        rest: What no slice holds, though the total does.
    """
    place = {key: number for number, key in enumerate(_tuples(keys))}
    slices: dict[tuple[str, int, str], list[int]] = {}
    days: dict[tuple[str, int, str, str, str], list[int]] = {}
    weeks, months = number_of(keys.start, "week"), number_of(keys.start, "month")
    for key, number in place.items():
        grain, start, channel, name, value = key
        if (channel, name) != (ALL, ALL):
            slices.setdefault((grain, start, name), []).append(number)
        if grain == "day" and additive_days:
            days.setdefault(("week", int(weeks[number]), channel, name, value), []).append(number)
            days.setdefault(("month", int(months[number]), channel, name, value), []).append(number)
    totals = {
        (grain, int((weeks if grain == "week" else months)[number]), channel, name, value): number
        for (grain, _, channel, name, value), number in place.items()
        if grain in ("week", "month")
    }
    return [
        *(
            Family(np.array(parts), place.get((key[0], key[1], ALL, ALL, ALL)), rest.get(key, 0))
            for key, parts in slices.items()
        ),
        *(Family(np.array(parts), totals.get(key)) for key, parts in days.items()),
    ]


def series_of(keys: Keys, counts: Sequence[Numbers], moved: tuple[Codes, Codes]) -> list[Series]:
    """The series among cells of states.

    Args:
        keys: The cells.
        counts: What is published of each, persons first.
        moved: Pairs of a cell and a person who changed something on its day.
    """
    columns = np.stack(counts, axis=1)
    cells: dict[tuple[str, str, str, str], list[int]] = {}
    for number in np.argsort(keys.start, kind="stable"):
        name = (keys.grain[number], keys.channel[number], keys.slice_name[number], keys.slice_value[number])
        cells.setdefault(name, []).append(number)
    order = np.argsort(moved[0], kind="stable")
    movers = np.split(moved[1][order], np.searchsorted(moved[0][order], np.arange(1, len(keys))))
    return [
        Series(np.array(numbers), columns[numbers], [movers[number] for number in numbers])
        for numbers in cells.values()
    ]


def _tuples(keys: Keys) -> Iterator[tuple[str, int, str, str, str]]:
    start = keys.start.astype("datetime64[D]").astype(np.int64).tolist()
    return zip(keys.grain, start, keys.channel, keys.slice_name, keys.slice_value, strict=True)
