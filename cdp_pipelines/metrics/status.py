"""What a number may be called: ok, or why it is flagged or missing. One rule, in one order, for every metric."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cdp_pipelines.metrics.statistics import Numbers

Flags = NDArray[np.bool_]
Names = NDArray[np.object_]

COVERAGE_FLOOR = 0.30
SURVEY_COVERAGE_FLOOR = 0.10


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides the status of each cell.

    Attributes:
        missing_input: Per cell: a zero that nobody was there to observe.
        needs_config: Per cell: a part of it cannot be valued before something is added to the settings.
        hidden: Per cell: suppressed.
        enough: Per cell: the sample, as the class counts it.
        unreached: Per cell: the data do not reach the number (a median not yet passed).
        n_min, n_ok: Smallest sample shown, and shown without a flag.
        coverage: Per cell, 0 to 1; NaN where it is unknown.
        floor: Lowest coverage without a flag.
    """

    missing_input: Flags
    needs_config: Flags
    hidden: Flags
    enough: Numbers
    unreached: Flags
    n_min: int
    n_ok: int
    coverage: Numbers
    floor: float


def status_of(at: Circumstances) -> tuple[Names, Names]:
    """Status and its reason (None where it needs none) per cell; the first that holds, in the order below."""
    order = (
        (at.needs_config, "insufficient_data", "needs_config"),
        (at.missing_input, "insufficient_data", "missing_input"),
        (at.hidden, "suppressed", None),
        (~(at.enough >= at.n_min) | (at.enough <= 0) & (at.n_min > 0), "insufficient_data", "below_minimum"),
        (at.unreached, "insufficient_data", "below_minimum"),
        (at.coverage < at.floor, "low_coverage", None),
        (at.enough < at.n_ok, "low_sample", None),
    )
    status = np.full(len(at.enough), "ok", object)
    reason = np.full(len(at.enough), None, object)
    for holds, name, why in reversed(order):
        status[holds] = name
        reason[holds] = why
    return status, reason
