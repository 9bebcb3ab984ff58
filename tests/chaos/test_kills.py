"""Processes killed with SIGKILL, at points and at any time, and then run again end like ones that were not.

Few by themselves; ``make test-chaos`` kills many, with a seed it prints. The same seed gives the same cases. Any
moment but a point is a share of what an undisturbed run takes, so it is met again only about.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chaos.plan import FEW_KILLS, FEW_SEED, POINTS, Case, Kill, plan
from chaos.remains import assert_whole, known_records
from chaos.scene import Scene, Undisturbed, playing
from installations import Home

SEED = int(os.environ.get("CHAOS_SEED", FEW_SEED))
KILLS = int(os.environ.get("CHAOS_KILLS", FEW_KILLS))
TRIES = 10
"""How often a process may have ended before its kill, each one's time taken from the one before."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with playing(tmp_path_factory.mktemp("scene")) as scene:
        yield scene


@pytest.mark.parametrize("case", plan(SEED, KILLS), ids=str)
def test_killed_and_run_again_ends_like_undisturbed(case: Case, scene: Scene, tmp_path: Path) -> None:
    undisturbed = scene.undisturbed(case.part)
    home = scene.begin(case.part, tmp_path)

    with saying_how_to_repeat(case):
        for kill in case.kills:
            strike(scene, home, case.part, kill, undisturbed)
        if case.part == "moving_sync":
            home = scene.a_few_days_later(home)
        assert scene.run(home, case.part).code == 0

        assert scene.differing(case.part, home) == {}
        assert_whole(home, known_records(scene.undisturbed("first_sync").home))


@contextmanager
def saying_how_to_repeat(case: Case) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        error.add_note(f"The same again: make test-chaos SEED={SEED} KILLS={KILLS} CASE={case.number}")
        raise


def strike(scene: Scene, home: Home, part: str, kill: Kill, undisturbed: Undisturbed) -> None:
    """Start the part and kill it: at its point, or if it came to an end before that, at a moment.

    Streams are read side by side, so they come to a point not always as often as they did undisturbed.
    """
    if kill.point is not None:
        at = f"{kill.point}:{1 + int(kill.share * undisturbed.ended.reached[kill.point])}"
        ended = scene.run(home, part, kill_at=at)
    else:
        ended = scene.run(home, part, after=kill.share * undisturbed.ended.seconds)
    for _ in range(TRIES):
        if ended.code == -signal.SIGKILL:
            return
        assert ended.code == 0
        ended = scene.run(home, part, after=kill.share * ended.seconds)  # what is done already takes no time again
    raise AssertionError(f"ended {TRIES} times before its kill")


@pytest.mark.parametrize("part", POINTS)
def test_an_undisturbed_part_comes_to_its_points_and_leaves_everything_whole(part: str, scene: Scene) -> None:
    undisturbed = scene.undisturbed(part)

    assert set(POINTS[part]) <= undisturbed.ended.reached.keys()
    assert_whole(undisturbed.home, known_records(undisturbed.home))
