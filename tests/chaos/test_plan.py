"""Laws of the plan that says who dies where."""

import pytest
from chaos.plan import FEW_KILLS, FEW_SEED, POINTS, plan
from hypothesis import given
from hypothesis import strategies as st

from cdp_pipelines.barriers import NAMES

KINDS = {
    "fetch": {"fetch_page"},
    "key creation": {"key_created"},
    "append": {"append_before", "append_written", "append_after"},
    "cursor commit": {"cursor_before", "cursor_after"},
    "compaction": {"compaction_before", "compaction_after"},
    "maintenance": {"maintenance_before", "maintenance_after"},
    "token rotation": {"refresh_intended", "refresh_received", "refresh_stored"},
    "any time": {None},
}


@given(st.integers(), st.integers(1, 300))
def test_a_seed_gives_the_same_cases_with_as_many_kills_as_asked_for(seed: int, kills: int) -> None:
    cases = plan(seed, kills)

    assert plan(seed, kills) == cases
    assert sum(len(case.kills) for case in cases) == kills


@pytest.mark.parametrize("seed", range(20))
def test_200_kills_begin_at_every_point_of_every_part(seed: int) -> None:
    begun = {(case.part, case.kills[0].point) for case in plan(seed, 200)}

    assert {(part, point) for part, points in POINTS.items() for point in points} <= begun


def test_every_point_belongs_to_a_part_or_is_met_elsewhere() -> None:
    """``test_removing.py`` kills removals of a source, ``test_reading_again.py`` the end of a full sync."""
    elsewhere = {name for name in NAMES if name.startswith(("purge_", "whole_"))}

    assert {point for points in POINTS.values() for point in points} == set(NAMES) - elsewhere


@pytest.mark.parametrize("kind", KINDS)
def test_the_few_kills_of_every_test_run_are_of_every_kind(kind: str) -> None:
    assert KINDS[kind] & {kill.point for case in plan(FEW_SEED, FEW_KILLS) for kill in case.kills}
