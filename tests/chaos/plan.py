"""Which processes die, where, and how often before one is left to finish: worked out from a seed alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

_SYNC = (
    "lease_taken",
    "fetch_page",
    "row_protected",
    "append_before",
    "append_written",
    "append_after",
    "ledger_before",
    "ledger_after",
    "quarantine_written",
    "cursor_before",
    "cursor_after",
    "stream_done",
    "run_recorded",
)
_SYNC_WITH_NEWS = ("key_created", *_SYNC)
_RENEWAL = ("refresh_intended", "refresh_received", "refresh_stored")

POINTS = {
    "first_sync": _SYNC_WITH_NEWS,
    "next_sync": _SYNC_WITH_NEWS,
    "moving_sync": _SYNC_WITH_NEWS,
    "whole_again": (*_RENEWAL, *(point for point in _SYNC if not point.startswith("cursor"))),
    "sweep": ("sweep_part", "append_before", "append_written", "append_after"),
    "maintenance": ("compaction_before", "compaction_after", "maintenance_before", "maintenance_after"),
    "refresh": (
        "identity_pairs",
        "identity_register",
        "append_written",
        "append_after",
        "identity_links",
        "profile_published",
        "mart_written",
        "mart_published",
    ),
}
"""The parts of the way (``chaos.parts``), and the points of ``cdp_pipelines.barriers`` each of them comes to."""

FEW_KILLS, FEW_SEED = 20, 7270
"""What every run of the tests does: a plan that happens to have each kind of kill."""

_IN_A_ROW = (1, 1, 1, 2, 3)


@dataclass(frozen=True)
class Kill:
    """One SIGKILL.

    Attributes:
        share: From 0 to 1: how far. Of a point, among the times an undisturbed run comes to it; else, of the time
            that run takes.
        point: Name of a barrier; without one, a moment that nobody chose.
    """

    share: float
    point: str | None = None

    def __str__(self) -> str:
        return f"{self.point or 'time'}@{self.share:.2f}"


@dataclass(frozen=True)
class Case:
    """One part of the way, killed a few times in a row, to be run to its end afterwards."""

    number: int
    part: str
    kills: tuple[Kill, ...]

    def __str__(self) -> str:
        return "-".join([f"case{self.number}", self.part, *map(str, self.kills)])


def plan(seed: int, kills: int) -> list[Case]:
    """The cases with ``kills`` kills in all; the same for the same seed.

    The parts take turns. The first kill of a case is at a point, until each point of the part has been; then at points
    and at any time alike. Those that follow in the same case are at any time, because a run that goes on does not come
    to every point.
    """
    random = Random(seed)  # noqa: S311 - it has to be the same again
    firsts = {part: _first_points(random, points) for part, points in POINTS.items()}
    cases: list[Case] = []
    while kills:
        for part in random.sample(list(POINTS), len(POINTS)):
            count = min(kills, random.choice(_IN_A_ROW))
            if not count:
                break
            points = [next(firsts[part]), *[None] * (count - 1)]
            cases.append(Case(len(cases), part, tuple(Kill(random.random(), point) for point in points)))
            kills -= count
    return cases


def _first_points(random: Random, points: tuple[str, ...]) -> Iterator[str | None]:
    yield from random.sample(points, len(points))
    while True:
        yield random.choice((*points, *[None] * len(points)))
