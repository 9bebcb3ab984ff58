"""Segmentations: which group each person is in, from what the person did.

RFM (Hughes) ranks the buyers of a year three times: how recently they bought (R), how often (F) and for how much (M),
and cuts each order into fifths. Equal values have equal ranks, so they are always in the same fifth.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from cdp_pipelines.metrics.statistics import Codes, Numbers
from cdp_pipelines.metrics.units import NOBODY, Labels, Units

SCHEMES = ("rfm",)
"""Names of the segmentations; as slices they fill the segment columns."""
RFM_VERSION = 1

# Rows: R from 1 to 5. Columns: F from 1 to 5.
_GROUPS = (
    ("lost", "lost", "at_risk", "at_risk", "cannot_lose"),
    ("hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"),
    ("about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"),
    ("promising", "potential_loyal", "potential_loyal", "loyal", "loyal"),
    ("new", "potential_loyal", "potential_loyal", "champions", "champions"),
)
RFM_GROUPS = tuple(sorted({group for row in _GROUPS for group in row}))
"""Names of the groups, by R and F; M is in the code."""


@dataclass(frozen=True, slots=True)
class Members:
    """Who is in which group of a scheme now.

    Attributes:
        scheme: Name of the segmentation.
        version: Of its rule.
        placed: profile_id, segment, score, n_evidence: one row per person who has a group.
        permitted: Everybody whom the scheme may place; of anybody else nothing may be kept.
    """

    scheme: str
    version: int
    placed: pa.Table
    permitted: frozenset[str]

    @property
    def groups(self) -> Mapping[str, str]:
        """Profile to group."""
        return dict(zip(self.placed["profile_id"].to_pylist(), self.placed["segment"].to_pylist(), strict=True))


def quintiles(values: Numbers) -> Codes:
    """The fifth of each value, 1 lowest: floor(5 (rank - 1) / n) + 1 with the average rank of equal values."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    # Twice the average rank less one, so that everything stays whole: equal values hold the ranks first .. last.
    last = np.cumsum(counts)
    twice = (last - counts + 1) + last - 2
    fifths: Codes = 5 * twice[place] // (2 * max(len(values), 1)) + 1
    return fifths


def rfm_code(recency: Numbers, frequency: Numbers, amount: Numbers) -> tuple[Codes, Codes, Codes]:
    """R, F and M of each person, 5 best.

    Args:
        recency: Time since the last order; little is good.
        frequency: Orders.
        amount: Net revenue.
    """
    return quintiles(-recency), quintiles(frequency), quintiles(amount)


def place_by_rfm(units: Units) -> tuple[Units, Codes]:
    """The persons with the label ``rfm``, and the code of each: 543 for R 5, F 4, M 3.

    If the amount of anybody is not known nobody's rank is, so nobody has a label then.
    """
    columns = units.values
    if np.isnan(columns["amount"]).any():
        nowhere = Labels(np.full(len(units), NOBODY), ())
        unknown = np.full(len(units), np.nan)
        return _labelled(units, nowhere, unknown), np.zeros(len(units), np.int64)
    r, f, m = rfm_code(columns["recency"], columns["orders"], columns["amount"])
    place = {group: number for number, group in enumerate(RFM_GROUPS)}
    table = np.array([[place[group] for group in row] for row in _GROUPS])
    return _labelled(units, Labels(table[r - 1, f - 1], RFM_GROUPS), columns["amount"]), 100 * r + 10 * f + m


def with_groups(units: Units, groups: Mapping[str, Mapping[str, str]]) -> Units:
    """The units with the groups that their persons are in now, by scheme; none for persons without one."""
    labels = {}
    for scheme, members in groups.items():
        names = tuple(sorted(set(members.values())))
        place = {name: number for number, name in enumerate(names)}
        codes = [place.get(members.get(profile, ""), NOBODY) for profile in units.profiles]
        # The last one is for persons with number -1: nobody identifiable has no group.
        labels[scheme] = Labels(np.array([*codes, NOBODY], np.int64)[units.persons], names)
    return replace(units, labels=units.labels | labels)


def _labelled(units: Units, label: Labels, amount: Numbers) -> Units:
    return replace(units, labels=units.labels | {"rfm": label}, values=units.values | {"amount": amount})


def members_of(units: Units, codes: Codes, permitted: frozenset[str]) -> Members:
    """The members of ``rfm``, from labelled units and their codes."""
    label = units.labels["rfm"]
    placed = np.flatnonzero(label.codes >= 0)
    table = pa.table(
        {
            "profile_id": pa.array([units.profiles[person] for person in units.persons[placed]], pa.string()),
            "segment": pa.array([label.names[code] for code in label.codes[placed]], pa.string()),
            "score": codes[placed].astype(np.float64),
            "n_evidence": units.values["orders"][placed].astype(np.int64),
        }
    )
    return Members("rfm", RFM_VERSION, table, permitted)
