"""Profile ids for clusters: what was given out before is kept, what is new is asked for, every change is explained.

A profile that is spread over several clusters stays with the record linked to it first. A cluster to which several
profiles come keeps the id registered first; the others are merged into it.
"""

from dataclasses import dataclass

import numpy as np

from cdp_pipelines.identity.keys import Mask, Rows


@dataclass(frozen=True, slots=True)
class Change:
    """One merge or split.

    Attributes:
        kind: "merge" or "split".
        profile: Profile number that is kept (merge) or left (split).
        other: Profile number that is merged away, or that the records left for.
        record: Row of the first record concerned.
    """

    kind: str
    profile: int
    other: int
    record: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """Profile numbers by record (-1: not linked), how many of them are new, and what changed.

    Profile numbers from 0 are those of the previous links, in order of registration; new ones follow.
    """

    profiles: Rows
    new: int
    changes: tuple[Change, ...]


def assign(labels: Rows, linked: Mask, previous: Rows, linked_at: Rows, *, registered: int) -> Assignment:
    """Give every cluster with a linked record one profile.

    Args:
        labels: Cluster of each record; records are sorted by key, so that a tie has one outcome.
        linked: Records that get a link.
        previous: Profile number each record was linked to, or -1; a lower number was registered earlier.
        linked_at: When it was linked, any unit.
        registered: How many profile numbers are in use.
    """
    rows = np.flatnonzero(linked & (previous >= 0))
    heir = _heirs(labels[rows], previous[rows], linked_at[rows], registered)
    kept = np.full(len(labels), -1, dtype=np.int64)
    claims = np.flatnonzero(heir >= 0)[::-1]
    kept[heir[claims]] = claims  # written from the latest to the earliest, so the earliest stays
    unnamed = np.flatnonzero(np.bincount(labels[linked], minlength=len(labels)).astype(bool) & (kept < 0))
    kept[unnamed] = registered + np.arange(len(unnamed))
    changes = (*_merges(rows, previous, heir, kept), *_splits(rows, labels, previous, heir, kept))
    return Assignment(np.where(linked, kept[labels], -1), len(unnamed), changes)


def _heirs(labels: Rows, previous: Rows, linked_at: Rows, registered: int) -> Rows:
    """By profile number, the cluster of the record linked to it first, or -1."""
    order = np.lexsort((np.arange(len(labels)), linked_at, previous))
    found, first = np.unique(previous[order], return_index=True)
    heir = np.full(registered, -1, dtype=np.int64)
    heir[found] = labels[order][first]
    return heir


def _merges(rows: Rows, previous: Rows, heir: Rows, kept: Rows) -> list[Change]:
    profiles, first = np.unique(previous[rows], return_index=True)
    lost = kept[heir[profiles]] != profiles
    return [
        Change("merge", int(kept[heir[profile]]), int(profile), int(row))
        for profile, row in zip(profiles[lost], rows[first[lost]], strict=True)
    ]


def _splits(rows: Rows, labels: Rows, previous: Rows, heir: Rows, kept: Rows) -> list[Change]:
    gone = rows[labels[rows] != heir[previous[rows]]]
    pairs, first = np.unique(np.stack([previous[gone], kept[labels[gone]]]), axis=1, return_index=True)
    return [
        Change("split", int(profile), int(other), int(gone[at]))
        for profile, other, at in zip(pairs[0], pairs[1], first, strict=True)
    ]
