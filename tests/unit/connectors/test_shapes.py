"""What fields look like: counted by name and type, read anyway where that is beyond doubt, never told by a value."""

import pytest

from connectors.shapes import MOST_NAMES, NO_VALUE, OTHER, Kind, Seen, Shapes, coerced, fields

DECLARED = fields(whole="id", text="name", flag="active", any="extra", object="properties")


def test_fields_that_are_as_declared_are_counted_and_nothing_else():
    records = [{"id": 1, "name": "a", "active": None}, {"id": 2, "extra": []}, {"id": 3, "extra": 1.5}]
    assert Shapes(DECLARED).take(records) == Seen({"id": 3, "name": 1, "active": 1, "extra": 2}, {})


def test_each_page_is_counted_by_itself():
    shapes = Shapes(DECLARED)
    pages = [shapes.take([{"id": 1}]), shapes.take([{"id": 1, "name": "a"}]), shapes.take([])]
    assert [page.present for page in pages] == [{"id": 1}, {"id": 1, "name": 1}, {}]
    whole = Seen()
    for page in [*pages, Seen({}, {("hat", "string"): 2})]:
        whole.add(page)
    assert whole == Seen({"id": 2, "name": 1}, {("hat", "string"): 2})


def test_new_and_retyped_fields_are_told_with_the_type_they_came_as():
    records = [{"id": "7", "hat": None}, {"id": 8, "hat": "red"}, {"id": [], "hat": "blue"}]
    assert Shapes(DECLARED).take(records).odd == {
        ("id", "string"): 1, ("id", "array"): 1, ("hat", "null"): 1, ("hat", "string"): 2,
    }  # fmt: skip
    assert records == [{"id": 7, "hat": None}, {"id": 8, "hat": "red"}, {"id": NO_VALUE, "hat": "blue"}]


def test_texts_asked_for_by_name_are_looked_at_like_fields():
    shapes = Shapes(DECLARED, texts_in="properties")
    records = [{"id": 1, "properties": {"zip": "1", "city": None}}, {"id": 2, "properties": {"zip": 89073}}]
    assert shapes.take(records) == Seen(
        {"id": 2, "properties": 2, "properties.zip": 2, "properties.city": 1}, {("properties.zip", "integer"): 1}
    )
    assert records[1]["properties"] == {"zip": "89073"}
    assert shapes.take([{"id": 1, "properties": None}]).present == {"id": 1, "properties": 1}


@pytest.mark.parametrize(
    "name", ["a@example.com", "+49 731 1", "", "Anna Schmidt", "x" * 65, "Grüße"]
)  # fmt: skip
def test_a_name_that_may_be_a_value_is_not_repeated(name):
    assert Shapes(DECLARED).take([{"id": 1, name: "x"}]).odd == {(OTHER, "string"): 1}


def test_only_so_many_names_are_repeated():
    shapes = Shapes(DECLARED)
    for number in range(3 * MOST_NAMES):
        shapes.take([{"id": 1, f"f{number}": 1}])
    assert shapes.take([{"f0": 1, "f1": 1, "f149": 1, "f150": 1}]).odd == {
        ("f0", "integer"): 1, ("f1", "integer"): 1, (OTHER, "integer"): 2,
    }  # fmt: skip


def test_what_is_no_object_is_left_to_the_reader():
    assert Shapes(DECLARED).take(["a@example.com", None, [1]]) == Seen()


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (7, Kind.TEXT, "7"),
        (7.0, Kind.TEXT, "7"),
        (7.5, Kind.TEXT, "7.5"),
        (True, Kind.TEXT, "true"),
        (1767323045, Kind.TIME, "2026-01-02T03:04:05+00:00"),
        (1767323045000, Kind.TIME, "2026-01-02T03:04:05+00:00"),
        (1767323045.5, Kind.TIME, "2026-01-02T03:04:05.500000+00:00"),
        (10**30, Kind.TIME, 10**30),
        ("-12", Kind.WHOLE, -12),
        ("12a", Kind.WHOLE, "12a"),
        ("١٢", Kind.WHOLE, "١٢"),
        ("1_0", Kind.WHOLE, "1_0"),
        (12.0, Kind.WHOLE, 12),
        (12.5, Kind.WHOLE, 12.5),
        ("12.5", Kind.NUMBER, 12.5),
        ("nan", Kind.NUMBER, "nan"),
        ("True", Kind.FLAG, True),
        ("yes", Kind.FLAG, "yes"),
        (1, Kind.FLAG, True),
        (2, Kind.FLAG, 2),
        ("[]", Kind.LIST, "[]"),
        (True, Kind.WHOLE, True),
        (None, Kind.TEXT, None),
    ],
)
def test_what_is_beyond_doubt_is_made_what_it_should_be_and_the_rest_stays(value, kind, expected):
    found = coerced(value, kind)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("empty", [[], {}])
def test_an_empty_list_is_not_taken_for_no_value_where_a_single_one_belongs(empty):
    found = coerced(empty, Kind.TEXT)
    assert (found, bool(found)) == (NO_VALUE, True)
    with pytest.raises(TypeError):
        f"{found}"
    assert (coerced(empty, Kind.LIST), coerced(empty, Kind.OBJECT), coerced(empty, Kind.ANY)) == (empty, empty, empty)


def test_a_kind_there_is_not_is_refused():
    with pytest.raises(KeyError, match="TXT"):
        fields(txt="name")
