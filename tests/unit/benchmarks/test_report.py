"""Each benchmark owns its section of the page and leaves everything else alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.report import Figure, with_section

PAGE = """\
# Performance

By hand.

## One

old

### Inner

kept

## Reading

**Words.** By hand too.
"""


def test_a_section_is_replaced_and_the_rest_stays():
    page = with_section(PAGE, ["## One", "### Inner"], "new\n")
    assert page == PAGE.replace("kept", "new")


def test_a_new_section_comes_before_what_people_wrote():
    page = with_section(PAGE, ["## Two", "### Part"], "x")
    assert page == PAGE.replace("## Reading", "## Two\n\n### Part\n\nx\n\n## Reading")


def test_a_new_part_comes_at_the_end_of_its_section():
    page = with_section(PAGE, ["## One", "### Other"], "x")
    assert page == PAGE.replace("kept\n", "kept\n\n### Other\n\nx\n")


def test_an_empty_page_gets_one():
    assert with_section("# Performance\n", ["## One"], "x") == "# Performance\n\n## One\n\nx\n"


@given(st.lists(st.tuples(st.sampled_from(["## A", "## B"]), st.sampled_from(["### C", "### D"])), min_size=1))
def test_what_was_written_last_stands_and_writing_it_again_changes_nothing(writes):
    page = PAGE
    for number, headings in enumerate(writes):
        page = with_section(page, headings, f"body {number}")
    last = {headings: number for number, headings in enumerate(writes)}
    for headings, number in last.items():
        assert with_section(page, headings, f"body {number}") == page
    assert page.startswith("# Performance\n\nBy hand.\n\n## One\n")
    assert page.endswith("## Reading\n\n**Words.** By hand too.\n")


@pytest.mark.parametrize(
    ("figure", "limit", "verdict"),
    [
        (Figure("a", 95.0, "%", at_least=95), "must be ≥ 95", "yes"),
        (Figure("a", 94.9, "%", at_least=95), "must be ≥ 95", "**no**"),
        (Figure("a", 1, "s", must=1), "must be ≤ 1", "yes"),
        (Figure("a", 2, "s", aim=1), "aim: ≤ 1", "**no**"),
        (Figure("a", 2, "s"), "", ""),
    ],
)
def test_a_limit_is_said_and_judged(figure, limit, verdict):
    assert (figure.limit, figure.verdict) == (limit, verdict)
