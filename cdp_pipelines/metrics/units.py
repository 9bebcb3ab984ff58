"""The rows a metric's SQL returns, one per unit, as arrays."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_pipelines.metrics.periods import Days
from cdp_pipelines.metrics.statistics import Codes, Numbers

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Labels:
    """A column of labels: ``codes`` point into ``names``; -1 is no label.

    Attributes:
        codes: One code per unit, or those of all units one after another if a unit may have several.
        names: The labels.
        ends: Where the codes of each unit end, if a unit may have several.
    """

    codes: Codes
    names: tuple[str, ...]
    ends: Codes | None = None

    def of(self, units: Codes) -> tuple[Codes, Codes]:
        """The labels of ``units``: positions in ``units``, and the code of each label."""
        if self.ends is None:
            codes = self.codes[units]
            place = np.flatnonzero(codes != NOBODY)
            return place, codes[place]
        counts = np.diff(self.ends, prepend=0)[units]
        place = np.repeat(np.arange(len(units)), counts)
        behind = np.repeat(self.ends[units] - np.cumsum(counts), counts)
        codes = self.codes[behind + np.arange(len(place))]
        known = codes != NOBODY
        return place[known], codes[known]

    def chosen(self, units: Codes) -> "Labels":
        """The labels of ``units`` alone."""
        if self.ends is None:
            return Labels(self.codes[units], self.names)
        place, codes = self.of(units)
        return Labels(codes, self.names, np.cumsum(np.bincount(place, minlength=len(units))))


@dataclass(frozen=True, slots=True)
class Units:
    """Units of one metric.

    Attributes:
        days: Local day of each.
        until: Local day on which it ended, NaT while it lasts; None for metrics whose units are moments.
        order: Seconds since 1970 of each, to say which of two units is the later one.
        persons: Number of its person; -1 where it is about nobody identifiable.
        labels: Channel, source and other slices.
        values: Every other column.
        profiles: The persons the numbers point at.
    """

    days: Days
    until: Days | None
    order: Numbers
    persons: Codes
    labels: dict[str, Labels]
    values: dict[str, Numbers]
    profiles: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.days)

    def chosen(self, units: Codes) -> "Units":
        """Some of the units, in the order given."""
        return Units(
            days=self.days[units],
            until=None if self.until is None else self.until[units],
            order=self.order[units],
            persons=self.persons[units],
            labels={name: label.chosen(units) for name, label in self.labels.items()},
            values={name: column[units] for name, column in self.values.items()},
            profiles=self.profiles,
        )


def units_of(table: pa.Table, labels: Collection[str]) -> Units:
    """The units in a result with the columns day, moment, until_day (or none), profile_id, labels and values."""
    values = set(table.column_names) - {"day", "until_day", "moment", "profile_id", "at", "until", *labels}
    persons = _codes(table, "profile_id")
    return Units(
        days=_days(table["day"]),
        until=_days(table["until_day"]) if "until_day" in table.column_names else None,
        order=_numbers(table["moment"]),
        persons=persons.codes,
        labels={name: _codes(table, name) for name in labels if name in table.column_names},
        values={name: _numbers(table[name]) for name in sorted(values)},
        profiles=persons.names,
    )


def _days(column: pa.ChunkedArray) -> Days:
    days: Days = column.cast(pa.date32()).to_numpy().astype("datetime64[D]")
    return days


def _numbers(column: pa.ChunkedArray) -> Numbers:
    numbers: Numbers = pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy()
    return numbers


def _codes(table: pa.Table, name: str) -> Labels:
    if name not in table.column_names:
        return Labels(np.full(len(table), NOBODY, dtype=np.int64), ())
    column = table[name].combine_chunks()
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_list(column.type):
        ends = np.cumsum(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False))
        return replace(_encoded(column.flatten()), ends=ends.astype(np.int64))
    return _encoded(column)


def _encoded(column: pa.Array) -> Labels:
    # Sorted: rows come in any order, and which of two equally small cells is hidden goes by their order. Were it
    # another one tomorrow, both would have been shown.
    encoded = column.cast(pa.string()).dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    place = np.append(np.argsort(order.to_numpy()), NOBODY)
    codes = pc.fill_null(encoded.indices, NOBODY).to_numpy(zero_copy_only=False)
    return Labels(place[codes], tuple(encoded.dictionary.take(order).to_pylist()))
