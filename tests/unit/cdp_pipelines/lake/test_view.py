import duckdb
import pyarrow as pa
import pytest

from cdp_pipelines.lake import Lake, LakeSchemaError, Snapshot


@pytest.fixture
def query():
    """Runs a statement of the lake as an engine would."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield lambda sql: connection.sql(sql).to_arrow_table()


def _filled(lake, rows):
    """Base only, tail only, both in one key, both deleted, deleted and returned."""
    lake.append("ticket", rows(("1", 1, "a"), ("2", 1, "a"), ("3", 1, "a"), ("4", 1, "x", True)))
    lake.compact("ticket")
    lake.append("ticket", rows(("2", 2, "b"), ("3", 2, "b", True), ("5", 1, "b")))
    lake.append("ticket", rows(("2", 3, "c"), ("4", 2, "c")))


@pytest.mark.parametrize("include_deleted", [False, True])
def test_sql_and_arrow_agree(lake, rows, query, include_deleted):
    _filled(lake, rows)
    sql = lake.current_sql("ticket", lake.snapshot(), include_deleted=include_deleted)
    found = query(sql).sort_by("source_id")
    assert found.to_pylist() == lake.current("ticket", include_deleted=include_deleted).to_pylist()
    assert found["status"].to_pylist() == (["a", "c", "b", "c", "b"] if include_deleted else ["a", "c", "c", "b"])


@pytest.mark.parametrize("state", ["missing", "empty", "base", "tail", "both"])
def test_columns_and_types_are_the_same_in_every_state(lake, rows, query, state):
    if state == "empty":
        lake.append("ticket", rows())
    if state in ("base", "both", "tail"):
        lake.append("ticket", rows(("1", 1, "a")))
    if state in ("base", "both"):
        lake.compact("ticket")
    if state == "both":
        lake.append("ticket", rows(("1", 2, "b")))
    found = query(lake.current_sql("ticket", lake.snapshot(), columns=["title", "version_at", "title_tokens"]))
    assert found.schema.names == ["title", "version_at", "title_tokens"]
    assert found.schema.types == [pa.binary(), pa.timestamp("us", "UTC"), pa.list_(pa.binary())]
    assert len(found) == (0 if state in ("missing", "empty") else 1)


def test_a_path_with_a_quote_is_read(tmp_path, rows, ticket, query):
    lake = Lake(tmp_path / "o'lake", [ticket])
    lake.append("ticket", rows(("1", 1, "a")))
    assert len(query(lake.current_sql("ticket", lake.snapshot()))) == 1


def test_an_unknown_column_is_an_error(lake):
    with pytest.raises(LakeSchemaError, match=r"has no columns \['colour'\]"):
        lake.current_sql("ticket", Snapshot(), columns=["status", "colour"])


def test_a_snapshot_survives_json(lake, rows):
    _filled(lake, rows)
    snapshot = lake.snapshot()
    assert Snapshot.from_json(snapshot.to_json()) == snapshot


def test_a_snapshot_does_not_see_what_comes_after_it(lake, rows, query):
    lake.append("ticket", rows(("1", 1, "a")))
    snapshot = lake.snapshot()
    lake.append("ticket", rows(("1", 2, "b"), ("2", 1, "b")))
    lake.compact("ticket")
    assert query(lake.current_sql("ticket", snapshot, columns=["status"])).to_pylist() == [{"status": "a"}]
