"""From units to cells: one cell per grain, period, channel and slice, and what is counted in each.

A *tally* answers what the class of a metric asks of its cells: sums of a column, and, where units are moments,
which unit lies in which cell. There are four ways for a unit to be in a period:

- ``period``: it lies in the period, or in the trailing window that ends with it;
- ``state``: units are changes, and a cell at the end of a day holds everything that has added up until then:
  ``n`` of persons, or of things if ``persons`` are counted beside them;
- ``interval``: a unit lasts from a day to a day and is in every period it touches, once per person;
- ``retained``: units are signs of life; a person with one in the year before a period is in that period once, with
  ``x`` = 1 for one in the year before its end (a period under way: before tomorrow).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cdp_pipelines.metrics.periods import TRAILING_DAYS, Days, Grain, number_of, start_of, trailing_ends
from cdp_pipelines.metrics.statistics import Codes, Numbers
from cdp_pipelines.metrics.units import NOBODY, Units

Membership = Literal["period", "state", "interval", "retained"]
Names = NDArray[np.object_]

Rest = Mapping[tuple[str, int, str], int]
"""By grain, first day (since 1970) and slice: the persons of the period with a unit that has no label there."""

ALL = "all"
ACTIVE_BUYER_DAYS = 365


@dataclass(frozen=True, slots=True)
class Keys:
    """What tells cells apart, as columns of equal length."""

    grain: Names
    start: Days
    end: Days
    channel: Names
    slice_name: Names
    slice_value: Names

    def __len__(self) -> int:
        return len(self.start)


def _no_codes() -> Codes:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Tally:
    """Cells, and who is in them.

    Attributes:
        keys: The cells.
        n: Units per cell.
        n_persons: Distinct identified persons per cell.
        unit, cell: The pairs (unit, cell) of membership, in the order of cell and person; empty where only sums
            are known.
        persons: Person of each pair; units of nobody identifiable each count as somebody else.
        is_first: Whether a pair is the first of its person in its cell.
        columns: Columns of the units.
        sums: Sums per cell known without the pairs.
        exposure: Hours of each cell's period that have passed.
        moved_cell, moved_person: Of states: the pairs (cell, person) in which a person changed something.
        rest: Of moments and states: persons that no slice holds, though the total does.
    """

    keys: Keys
    n: Numbers
    n_persons: Numbers
    unit: Codes
    cell: Codes
    persons: Codes
    is_first: NDArray[np.bool_]
    columns: dict[str, Numbers]
    sums: dict[str, Numbers]
    exposure: Numbers
    moved_cell: Codes = field(default_factory=_no_codes)
    moved_person: Codes = field(default_factory=_no_codes)
    rest: Rest = field(default_factory=dict)

    def sum(self, column: str, power: int = 1) -> Numbers:
        """Sum of a column (to a power; of states, the column ``<column>_squared``) per cell."""
        known = column if power == 1 else f"{column}_squared"
        if known in self.sums:
            return self.sums[known]
        weights = self.columns[column][self.unit] ** power
        return np.bincount(self.cell, weights, minlength=len(self.keys)).astype(np.float64)

    def of_cells(self, column: str) -> Numbers:
        """A column, one value per pair of unit and cell."""
        return self.columns[column][self.unit]

    def of_whole(self, numbers: Numbers, slices: Collection[str]) -> Numbers:
        """Numbers per cell; in ``slices`` those of the whole period, because its parts say nothing of it there."""
        chosen = np.isin(self.keys.slice_name.astype(str), list(slices))
        if not chosen.any():
            return numbers
        whole = (self.keys.channel == ALL) & (self.keys.slice_name == ALL)
        place = {key: number for number, key in zip(np.flatnonzero(whole), self._periods(whole), strict=True)}
        found = numbers.copy()
        found[chosen] = numbers[[place[key] for key in self._periods(chosen)]]
        return found

    def _periods(self, cells: NDArray[np.bool_]) -> list[tuple[str, np.datetime64]]:
        return list(zip(self.keys.grain[cells], self.keys.start[cells], strict=True))

    def by_person(self, columns: Numbers) -> tuple[Numbers, Codes]:
        """Sums of ``columns`` (one value per pair) over the units of a person in a cell, and the cell of each."""
        first = np.flatnonzero(self.is_first)
        if not len(first):
            return np.empty(0), first
        return np.add.reduceat(columns, first), self.cell[first]


def tally(
    units: Units,
    *,
    membership: Membership,
    grains: Sequence[Grain],
    slices: Sequence[str],
    today: np.datetime64,
    latest_only: bool = False,
    schemes: Sequence[str] = (),
) -> Tally:
    """Put ``units`` into cells.

    Args:
        units: What to count.
        membership: How a unit is in a period; see the module.
        grains: Grains wanted.
        slices: Labels to slice by, one at a time; ``channel`` fills the column of that name.
        today: Local day the periods run up to.
        latest_only: Keep only the latest unit of a person in a cell.
        schemes: Segmentations to slice by too, for months and longer: shorter periods hold few persons of a segment.
    """
    named = {grain: (*slices, *(() if grain in ("day", "week") else schemes)) for grain in grains}
    if membership == "period":
        return _of_moments(units, named, today, latest_only=latest_only)
    if membership == "retained":
        return _together(
            [
                _of_moments(_retained(units, grain, today), {grain: named[grain]}, today, latest_only=False)
                for grain in grains
            ]
        )
    lasting = _together(
        [_of_lasting(chosen, name, membership, grain, today) for name, chosen in _by_slice(units) for grain in grains]
    )
    return replace(lasting, rest=_in_no_slice(lasting)) if membership == "state" else lasting


def _together(parts: Sequence[Tally]) -> Tally:
    """One tally of the cells of several, whose units are different ones."""
    cells = np.cumsum([0, *(len(part.keys) for part in parts)])
    units = np.cumsum([0, *(len(next(iter(part.columns.values()), part.unit)) for part in parts)])
    return Tally(
        keys=_joined([part.keys for part in parts]),
        n=np.concatenate([part.n for part in parts]),
        n_persons=np.concatenate([part.n_persons for part in parts]),
        unit=np.concatenate([part.unit + offset for part, offset in zip(parts, units[:-1], strict=True)]),
        cell=np.concatenate([part.cell + offset for part, offset in zip(parts, cells[:-1], strict=True)]),
        persons=np.concatenate([part.persons for part in parts]),
        is_first=np.concatenate([part.is_first for part in parts]),
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns},
        sums={name: np.concatenate([part.sums[name] for part in parts]) for name in parts[0].sums},
        exposure=np.empty(0),
        moved_cell=np.concatenate([part.moved_cell + offset for part, offset in zip(parts, cells[:-1], strict=True)]),
        moved_person=np.concatenate([part.moved_person for part in parts]),
        rest={key: found for part in parts for key, found in part.rest.items()},
    )


def _in_no_slice(states: Tally) -> Rest:
    """By day, how many more persons the total has than the cells of a slice have together.

    Where a person may be in several of them there is no telling; so it is with channels.
    """
    keys, days = states.keys, states.keys.start.astype("datetime64[D]").astype(np.int64)
    totals: dict[tuple[str, int], int] = {}
    held: dict[tuple[str, int, str], int] = {}
    cells = zip(keys.grain, days.tolist(), keys.channel, keys.slice_name, states.n_persons.tolist(), strict=True)
    for grain, day, channel, name, persons in cells:
        if name != ALL:
            held[grain, day, name] = held.get((grain, day, name), 0) + round(persons)
        elif channel == ALL:
            totals[grain, day] = round(persons)
    return {key: rest for key, persons in held.items() if (rest := totals.get(key[:2], 0) - persons) > 0}


def _retained(units: Units, grain: Grain, today: np.datetime64) -> Units:
    """One unit per person and period at whose beginning the person was active, on the first day of the period."""
    starts, ends = _every_period(units.days, units.days, grain, today)
    members, stayed = [np.empty(0, np.int64)], [np.empty(0, bool)]
    for start, end in zip(starts, np.minimum(ends, today + 1), strict=True):
        before, later = _active_before(units, start), _active_before(units, end)
        members.append(before)
        stayed.append(np.isin(units.persons[before], units.persons[later]))
    unit = np.concatenate(members)
    return replace(
        units.chosen(unit),
        days=np.repeat(starts, [len(part) for part in members[1:]]),
        values={"x": np.concatenate(stayed).astype(np.float64)},
    )


def _active_before(units: Units, end: np.datetime64) -> Codes:
    """The first unit of each person in the year before ``end``."""
    inside = np.flatnonzero((units.days < end) & (units.days >= end - ACTIVE_BUYER_DAYS))
    _, first = np.unique(units.persons[inside], return_index=True)
    chosen: Codes = inside[first]
    return chosen


def _of_moments(
    units: Units, slices: Mapping[Grain, Sequence[str]], today: np.datetime64, *, latest_only: bool
) -> Tally:
    """Cells of moments: per grain, those of all its units and those of its slices."""
    keys: list[Keys] = []
    members: list[Codes] = []
    places: list[Codes] = []
    rest: dict[tuple[str, int, str], int] = {}
    everyone = _everyone(units)
    offset = 0
    for grain, names in slices.items():
        unit, start, end = _periods(units.days, grain, today)
        for name in (ALL, *names):
            key, kept, cell = _slice(units, grain, name, (unit, start, end), today)
            keys.append(key)
            members.append(unit[kept])
            places.append(cell + offset)
            offset += len(key)
            without = np.delete(np.arange(len(unit)), kept)
            rest |= _without_label(grain, name, start[without], everyone[unit[without]])
    unit, cell = np.concatenate(members), np.concatenate(places)
    if latest_only:
        unit, cell = _latest(units, unit, cell)
    return replace(_counted(units, _joined(keys), unit, cell), rest=rest)


def _without_label(grain: Grain, name: str, starts: Days, persons: Codes) -> dict[tuple[str, int, str], int]:
    """By period, the persons whose units a slice leaves out; each unit of nobody identifiable is somebody else."""
    pairs = np.unique(np.stack([starts.astype("datetime64[D]").astype(np.int64), persons]), axis=1)
    days, counts = np.unique(pairs[0], return_counts=True)
    slice_name = ALL if name == "channel" else name
    return {(grain, day, slice_name): count for day, count in zip(days.tolist(), counts.tolist(), strict=True)}


def _periods(days: Days, grain: Grain, today: np.datetime64) -> tuple[Codes, Days, Days]:
    """Pairs of (unit, start and end of a period it is in)."""
    every = np.arange(len(days))
    if grain in TRAILING_DAYS:
        length = TRAILING_DAYS[grain]
        ends = trailing_ends(days.min() if len(days) else today, today)
        hit = [np.flatnonzero((days < end) & (days >= end - length)) for end in ends]
        end = np.repeat(ends, [len(found) for found in hit])
        return np.concatenate([*hit, every[:0]]), end - length, end
    numbers = number_of(days, grain)
    return every, start_of(numbers, grain), start_of(numbers + 1, grain)


def _slice(
    units: Units, grain: Grain, name: str, periods: tuple[Codes, Days, Days], today: np.datetime64
) -> tuple[Keys, Codes, Codes]:
    """The cells of one slice at one grain, which pairs are in it, and the cell of each of these.

    A pair whose unit has several labels is in the cell of each.
    """
    unit, start, end = periods
    if name == ALL:
        starts, ends = _every_period(start, end, grain, today)
        cell = np.searchsorted(starts, start)
        return _keys(grain, starts, ends, name, np.full(len(starts), ALL, object)), np.arange(len(unit)), cell
    label = units.labels[name]
    kept, codes = label.of(unit)
    combined = start[kept].astype("datetime64[D]").astype(np.int64) * max(len(label.names), 1) + codes
    _, first, cell = np.unique(combined, return_index=True, return_inverse=True)
    values = np.array(label.names, object)[codes[first]]
    return _keys(grain, start[kept][first], end[kept][first], name, values), kept, cell


def _every_period(start: Days, end: Days, grain: Grain, today: np.datetime64) -> tuple[Days, Days]:
    """All periods from the first with a unit to today's, those without a unit too."""
    if grain in TRAILING_DAYS:
        ends = trailing_ends(end.min() - 1 if len(end) else today, today)
        return ends - TRAILING_DAYS[grain], ends
    last = number_of(np.array([today]), grain)[0]
    first = number_of(start.min(keepdims=True), grain)[0] if len(start) else last
    numbers = np.arange(first, max(first, last) + 1)
    return start_of(numbers, grain), start_of(numbers + 1, grain)


def _keys(grain: str, start: Days, end: Days, name: str, values: Names) -> Keys:
    everywhere = np.full(len(start), ALL, object)
    is_channel = name == "channel"
    return Keys(
        grain=np.full(len(start), grain, object),
        start=start,
        end=end,
        channel=values if is_channel else everywhere,
        slice_name=everywhere if is_channel else np.full(len(start), name, object),
        slice_value=everywhere if is_channel else values,
    )


def _joined(keys: Sequence[Keys]) -> Keys:
    return Keys(*(np.concatenate([getattr(key, name) for key in keys]) for name in Keys.__slots__))


def _latest(units: Units, unit: Codes, cell: Codes) -> tuple[Codes, Codes]:
    """Only the latest unit of each person in each cell; those of nobody identifiable all stay.

    Of units of one moment their values decide, never the order rows were read in.
    """
    person = _everyone(units)[unit]
    values = [units.values[name][unit] for name in sorted(units.values, reverse=True)]
    order = np.lexsort((*values, units.order[unit], person, cell))[::-1]
    kept = order[_starts(cell[order], person[order])]
    return unit[kept], cell[kept]


def _starts(cell: Codes, person: Codes) -> NDArray[np.bool_]:
    """Where a new person or cell begins, in pairs ordered by cell and person."""
    starts = np.ones(len(cell), bool)
    starts[1:] = (cell[1:] != cell[:-1]) | (person[1:] != person[:-1])
    return starts


def _everyone(units: Units) -> Codes:
    """Persons, with a number of its own for each unit of nobody identifiable."""
    return np.where(units.persons == NOBODY, units.persons.max(initial=0) + 1 + np.arange(len(units)), units.persons)


def _counted(units: Units, keys: Keys, unit: Codes, cell: Codes) -> Tally:
    everyone = _everyone(units)
    order = np.argsort(cell * (int(everyone.max(initial=0)) + 1) + everyone[unit])
    unit, cell = unit[order], cell[order]
    is_first = _starts(cell, everyone[unit])
    identified = is_first & (units.persons[unit] != NOBODY)
    return Tally(
        keys=keys,
        n=np.bincount(cell, minlength=len(keys)).astype(np.float64),
        n_persons=np.bincount(cell[identified], minlength=len(keys)).astype(np.float64),
        unit=unit,
        cell=cell,
        persons=everyone[unit],
        is_first=is_first,
        columns=units.values,
        sums={},
        exposure=np.empty(0),
    )


def _by_slice(units: Units) -> Iterator[tuple[tuple[str, str, str], Units]]:
    """The units of each slice that they name themselves; of the whole if there are none."""
    if not len(units):
        yield (ALL, ALL, ALL), units.chosen(np.empty(0, np.int64))
        return
    labels = [units.labels[name] for name in ("channel", "slice_name", "slice_value")]
    combined = np.zeros(len(units), np.int64)
    for label in labels:
        combined = combined * len(label.names) + label.codes
    order = np.argsort(combined, kind="stable")
    for chosen in np.split(order, np.flatnonzero(np.diff(combined[order])) + 1):
        channel, name, value = (label.names[label.codes[chosen[0]]] for label in labels)
        yield (channel, name, value), units.chosen(chosen)


def _of_lasting(
    units: Units, name: tuple[str, str, str], membership: Membership, grain: Grain, today: np.datetime64
) -> Tally:
    """Cells of changes or of lasting units of one slice."""
    starts, ends = _every_period(units.days, units.days, grain, today)
    first = number_of(starts[:1], grain)[0]
    count = len(starts)
    if membership == "state":
        place = number_of(units.days, grain) - first
        sums = {key: _added_up(place, column, count) for key, column in units.values.items()}
    else:
        sums = _held(units, grain, int(first), count)
    channel, slice_name, slice_value = name
    keys = Keys(
        *(np.full(count, grain, object), starts, ends),
        *(np.full(count, value, object) for value in (channel, slice_name, slice_value)),
    )
    none = np.empty(0, np.int64)
    persons = sums.get("persons", sums["n"])
    moved = (number_of(units.days, grain) - first, units.persons) if membership == "state" else (none, none)
    return Tally(keys, sums["n"], persons, none, none, none, none.astype(bool), {}, sums, np.empty(0), *moved)


def _added_up(place: Codes, changes: Numbers, count: int) -> Numbers:
    return np.cumsum(np.bincount(place, changes, count)).astype(np.float64)


def _held(units: Units, grain: Grain, first: int, count: int) -> dict[str, Numbers]:
    """Per period: persons with a unit in it (n), and persons with a unit that ended in it by its flag x."""
    start = number_of(units.days, grain) - first
    lasting = np.isnat(units.until) if units.until is not None else np.ones(len(units), bool)
    ended = np.full(len(units), count, dtype=np.int64)
    if units.until is not None:
        ended[~lasting] = number_of(units.until[~lasting], grain) - first
    order = np.lexsort((units.order, units.persons))
    start, ended, x, person = start[order], ended[order], units.values["x"][order], units.persons[order]
    # A person who came back within the period of leaving is in that period once.
    again = np.append(False, (person[1:] == person[:-1]) & (start[1:] <= ended[:-1]))[: len(start)]
    begin = np.where(again, np.append(0, ended[:-1])[: len(start)] + 1, start)
    counted = begin <= ended
    change = np.bincount(begin[counted], minlength=count + 2) - np.bincount(ended[counted] + 1, minlength=count + 2)
    gone = (x > 0) & (ended < count)
    left = np.unique(person[gone] * count + ended[gone]) % count
    return {
        "n": np.cumsum(change)[:count].astype(np.float64),
        "x": np.bincount(left, minlength=count)[:count].astype(np.float64),
    }
