"""The matrix judges by what is loaded, and claims no more than that."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fault_matrix.dlts import Dlts
from benchmarks.fault_matrix.faults import ROWS, live, prepared
from benchmarks.fault_matrix.ours import Ours
from benchmarks.fault_matrix.page import document
from benchmarks.fault_matrix.verdicts import Cell, Repair, Run, contact, difference, judge

TRUTH = {"1": ("a@example.com", "sommer"), "2": ("", "")}
RIGHT, LOST = Run(TRUTH), Run({"1": TRUTH["1"]})


@pytest.mark.parametrize(
    ("faulty", "after", "repair", "verdict", "detail"),
    [
        (RIGHT, RIGHT, RIGHT, "repaired", "in the same run"),
        (LOST, RIGHT, RIGHT, "repaired", "by the next run"),
        (Run({}, "401"), RIGHT, RIGHT, "repaired", "the run said so, the next one repaired it"),
        (LOST, LOST, RIGHT, "silently wrong", "1 missing; repaired by reading everything again"),
        (LOST, LOST, LOST, "silently wrong", "1 missing; stays so"),
        (Run(LOST.rows, "one set aside"), LOST, RIGHT, "noticed", "1 missing; repaired by reading everything again"),
        (LOST, Run(LOST.rows, "late, but said"), LOST, "noticed", "1 missing; stays so"),
        (RIGHT, LOST, RIGHT, "silently wrong", "1 missing; repaired by reading everything again"),
    ],
)
def test_the_verdict(faulty, after, repair, verdict, detail):
    repairs = [Repair("the sweep", LOST, is_scheduled=True), Repair("reading everything again", repair)]
    assert judge(TRUTH, faulty, after, repairs) == Cell(verdict, detail)


def test_what_a_schedule_repairs_is_repaired_but_not_at_once():
    sweep = Repair("the next sweep", RIGHT, is_scheduled=True)
    assert judge(TRUTH, LOST, LOST, [sweep]) == Cell("repaired", "1 missing until the next sweep")


ROW_SETS = st.dictionaries(st.sampled_from("123456"), st.tuples(st.sampled_from(["", "a", "b"]), st.just("")))


@given(ROW_SETS, ROW_SETS)
def test_there_is_a_difference_exactly_when_the_rows_differ(truth, loaded):
    assert bool(difference(truth, loaded)) == (truth != loaded)


@given(ROW_SETS, ROW_SETS, ROW_SETS, st.sampled_from(["", "said"]))
def test_nothing_is_called_repaired_that_is_not_right_in_the_end(truth, faulty, after, said):
    cell = judge(truth, Run(faulty, said), Run(after), [Repair("by hand", Run(truth))])
    assert (cell.verdict == "repaired") == (after == truth)
    assert (cell.verdict == "noticed") == (after != truth and bool(said))


def test_case_and_spaces_are_no_difference_and_a_list_is_no_name():
    assert contact(" A@Example.com ", None) == contact("a@example.com", [])


def test_the_page_shows_each_row_and_says_what_it_was_seen_with():
    cells = {row.name: {"ours": Cell("repaired", "x"), "dlt": Cell("silently wrong", "y")} for row in ROWS}
    page = document(cells, (Ours, Dlts), datetime(2026, 1, 2, tzinfo=UTC))
    assert page.count("| repaired: x | **silently wrong**: y |") == len(ROWS)
    assert "2026-01-02 with dlt 1." in page


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_makes_something_happen_to_contacts_that_exist(row):
    world = prepared()
    before = {contact.id for contact in live(world)}
    faults = row.happen(world)
    gone = before - {contact.id for contact in live(world)}
    assert bool(faults) != bool(gone)
    assert len(gone) in {0, 3}
    assert all(set(fault.ids) <= before for fault in faults)
