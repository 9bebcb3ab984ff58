"""How much of a vendor's limit was used, counted from the vendor's own log of requests."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answered:
    """A request the vendor answered.

    Attributes:
        at: Seconds, by the vendor's clock.
        spent: What it took from the limit: 1 call, or points; 0 when it was refused.
        is_refused: Answered with "too many".
    """

    at: float
    spent: float
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Use of a limit in steady state.

    Attributes:
        percent: Share of what whole windows after the first allowed; None when there was no whole one.
        windows: How many those were.
        refused: Refusals after the first window.
        mean: What one accepted request took from the limit.
    """

    percent: float | None
    windows: int
    refused: int
    mean: float


def usage(log: Sequence[Answered], *, limit: float, seconds: float) -> Usage:
    """Use of ``limit`` in any ``seconds``.

    The first window is left out, because it may start with a full bucket; so is what comes after the last whole window,
    because work runs out in it.
    """
    accepted = [line for line in log if not line.is_refused]
    mean = sum(line.spent for line in accepted) / len(accepted) if accepted else 0.0
    begin = min((line.at for line in log), default=0.0) + seconds
    windows = max(0, int((max((line.at for line in accepted), default=0.0) - begin) / seconds))
    end = begin + windows * seconds
    spent = sum(line.spent for line in accepted if begin <= line.at < end)
    return Usage(
        percent=100 * spent / (windows * limit) if windows else None,
        windows=windows,
        refused=sum(line.is_refused for line in log if line.at >= begin),
        mean=mean,
    )


def serial_ceiling(mean: float, *, seconds: float, latency_seconds: float) -> float:
    """What a reader that waits for each answer can take in ``seconds`` at most, if a request takes ``mean``."""
    return mean * seconds / latency_seconds
