from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.shopify_search import Numbers, Times, Words, parse

DAY = 86_400


@dataclass(frozen=True)
class Thing:
    id: int
    at: int | None = 0
    state: str = "open"


FILTERS = {
    "id": Numbers(lambda t: t.id),
    "updated_at": Times(lambda t: t.at),
    "status": Words(lambda t: (t.state,)),
    "default": Words(lambda t: (t.state,)),
}
THINGS = [Thing(1, 0), Thing(2, DAY), Thing(3, DAY + 5, "closed"), Thing(4, 2 * DAY, "cancelled"), Thing(5, None)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {1, 2, 3, 4, 5}),
        ("id:2", {2}),
        ("id:gid://shopify/Order/2", {2}),
        ("id:1,4", {1, 4}),
        ("id:>2", {3, 4, 5}),
        ("id:<=2 OR id:5", {1, 2, 5}),
        ("id:>1 id:<4", {2, 3}),
        ("id:>1 AND id:<4 AND NOT id:3", {2}),
        ("-status:open", {3, 4}),
        ("status:closed,cancelled", {3, 4}),
        ("status:any", {1, 2, 3, 4, 5}),
        ("closed", {3}),
        ("(id:1 OR id:3) AND status:open", {1}),
        ("id:1 OR id:3 AND status:open", {1}),
        ("updated_at:1970-01-02", {2, 3}),
        ("updated_at:>1970-01-02", {4}),
        ("updated_at:>=1970-01-02", {2, 3, 4}),
        ("updated_at:<1970-01-02", {1}),
        ("updated_at:<=1970-01-02", {1, 2, 3}),
        ("updated_at:>'1970-01-02T00:00:00Z'", {3, 4}),
        ('updated_at:>="1970-01-02T00:00:05+00:00"', {3, 4}),
        ("updated_at:>='1970-01-02T00:00:00Z' AND updated_at:<'1970-01-03T00:00:00Z'", {2, 3}),
    ],
)
def test_finds(text, found):
    search = parse(text, FILTERS)
    assert {t.id for t in THINGS if search.test(t)} == found
    assert search.warnings == []


@pytest.mark.parametrize(
    ("text", "field", "code"),
    [
        ("created_at:>2026-01-01", "created_at", "invalid_field"),
        ("updated_at:>yesterday", "updated_at", "invalid_value"),
        ("id:none", "id", "invalid_value"),
    ],
)
def test_what_it_cannot_read_matches_everything_and_is_named(text, field, code):
    search = parse(text, FILTERS)
    assert all(search.test(t) for t in THINGS)
    assert [(w["field"], w["code"]) for w in search.warnings] == [(field, code)]


@given(st.text(alphabet="id:><=()'\"-ANDORT 123", max_size=40))
def test_no_text_breaks_it(text):
    search = parse(text, FILTERS)
    assert {search.test(t) for t in THINGS} <= {True, False}
