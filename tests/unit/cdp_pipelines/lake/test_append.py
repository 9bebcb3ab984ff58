from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from cdp_pipelines.lake import Appended, Lake, LakeFormatError, LakeSchemaError, LakeTable, entity_table
from models import ENTITIES


def test_reports_what_was_written_and_what_was_not(lake, rows):
    first = lake.append("ticket", rows(("1", 1, "open"), ("2", 1, "open"), ("3", 1, "gone", True)))
    again = lake.append("ticket", rows(("1", 1, "open"), ("2", 2, "solved")))
    assert (first, again) == (
        Appended(rows=3, skipped=0, tombstones=1, version=1),
        Appended(rows=1, skipped=1, tombstones=0, version=2),
    )


def test_a_repeated_batch_makes_no_commit_and_no_file(lake, rows):
    lake.append("ticket", rows(("1", 1, "open")))
    before = lake.snapshot()
    lake.append("ticket", rows(("1", 9, "open"), read=7))
    assert lake.snapshot() == before


@pytest.mark.parametrize("compacted", [False, True])
def test_the_newest_version_wins_whatever_arrives_last(lake, rows, statuses, compacted):
    lake.append("ticket", rows(("1", 5, "new")))
    if compacted:
        lake.compact("ticket")
    stale = lake.append("ticket", rows(("1", 4, "old")))
    assert (stale.skipped, statuses(lake)) == (1, {"1": "new"})


def test_of_equal_versions_the_later_read_wins_then_the_later_commit(lake, rows, statuses):
    lake.append("ticket", rows(("1", 1, "a"), ("2", 1, "a"), read=5))
    lake.append("ticket", rows(("1", 1, "b"), read=4))
    lake.append("ticket", rows(("2", 1, "b"), read=5))
    assert statuses(lake) == {"1": "a", "2": "b"}


def test_the_newest_of_a_key_within_one_batch_wins(lake, rows, statuses):
    lake.append("ticket", rows(("1", 2, "second"), ("1", 1, "first"), ("1", 2, "last")))
    assert statuses(lake) == {"1": "last"}


def test_a_content_that_comes_back_is_written_again(lake, rows, statuses):
    for version, status in enumerate(["open", "solved", "open"]):
        lake.append("ticket", rows(("1", version, status)))
    assert statuses(lake) == {"1": "open"}


def test_a_tombstone_hides_the_row_and_a_return_shows_it(lake, rows, statuses):
    lake.append("ticket", rows(("1", 1, "open")))
    lake.append("ticket", rows(("1", 2, "open", True)))
    hidden = statuses(lake)
    kept = lake.current("ticket", columns=["deleted"], include_deleted=True).to_pylist()
    lake.append("ticket", rows(("1", 3, "open")))
    assert (hidden, kept, statuses(lake)) == ({}, [{"deleted": True}], {"1": "open"})


def test_current_rows_have_the_declared_schema_and_the_given_values(lake, rows, ticket):
    given = rows(("2", 1, "open"), ("1", 1, "open"))
    lake.append("ticket", given)
    found = lake.current("ticket")
    assert found.schema.names == ticket.schema.names
    assert found.schema.types == ticket.schema.types
    assert found.drop_columns(["commit_seq"]).to_pylist() == given.sort_by("source_id").to_pylist()


def test_a_differing_schema_is_refused_by_column(lake, rows):
    wrong = rows(("1", 1, "open")).drop_columns(["title"]).append_column("extra", pa.array([1]))
    wrong = wrong.set_column(wrong.column_names.index("status"), "status", pa.array([1]))
    with pytest.raises(LakeSchemaError) as raised:
        lake.append("ticket", wrong)
    assert str(raised.value) == (
        "Appending to lake table ticket: title is missing; extra is not declared; status is int64, not string. "
        "Nothing was written. Correct the rows."
    )


@pytest.mark.parametrize("column", ["source", "source_id", "version_at", "read_at", "deleted", "digest"])
def test_a_missing_key_or_version_is_refused(lake, rows, column):
    given = rows(("1", 1, "open"))
    empty = pa.nulls(1, given.schema.field(column).type)
    with pytest.raises(LakeSchemaError, match=f"{column} has nulls"):
        lake.append("ticket", given.set_column(given.column_names.index(column), column, empty))


def test_a_check_that_raises_keeps_the_rows_out(lake, rows, ticket):
    def refuse(_rows: pa.Table) -> None:
        raise PermissionError

    guarded = Lake(lake.root, [replace(ticket, check=refuse)])
    with pytest.raises(PermissionError):
        guarded.append("ticket", rows(("1", 1, "open")))
    assert lake.snapshot().versions == {"ticket": -1}


def test_an_unknown_table_is_an_error_that_names_the_known_ones(lake):
    with pytest.raises(LakeSchemaError, match=r"there is none\. Known tables: ticket"):
        lake.current("tickets")


def test_a_column_added_later_is_null_in_old_rows(lake, rows, ticket):
    """Before and after compaction, and while base and tail differ in their columns."""
    lake.append("ticket", rows(("1", 1, "open"), ("2", 1, "open")))
    wider = replace(ticket, schema=ticket.schema.append(pa.field("due_at", pa.timestamp("us", "UTC"))))
    later = Lake(lake.root, [wider])
    later.compact("ticket")
    due = datetime(2026, 3, 1, tzinfo=UTC)
    later.append(
        "ticket",
        rows(("2", 2, "open"), ("3", 1, "new")).append_column(
            wider.schema.field("due_at"), pa.array([due, due], pa.timestamp("us", "UTC"))
        ),
    )
    before = later.current("ticket", columns=["source_id", "due_at"]).to_pylist()
    later.compact("ticket")
    after = later.current("ticket", columns=["source_id", "due_at"]).to_pylist()
    # Row 2 came back with the digest it had, so it is unchanged by definition.
    expected = [{"source_id": i, "due_at": d} for i, d in (("1", None), ("2", None), ("3", due))]
    assert (before, after) == (expected, expected)


def test_a_lake_with_columns_of_a_newer_program_is_left_alone(lake, rows, ticket):
    wider = replace(ticket, schema=ticket.schema.append(pa.field("due_at", pa.timestamp("us", "UTC"))))
    due = pa.nulls(1, pa.timestamp("us", "UTC"))
    Lake(lake.root, [wider]).append("ticket", rows(("1", 1, "open")).append_column(wider.schema.field("due_at"), due))
    with pytest.raises(LakeSchemaError, match=r"does not know: \['due_at'\]"):
        lake.append("ticket", rows(("2", 1, "open")))


@pytest.mark.parametrize("marker", ['{"format": 99}', "", "[]"])
def test_an_unknown_format_is_refused(lake, rows, ticket, marker):
    lake.append("ticket", rows(("1", 1, "open")))
    (lake.root / "format.json").write_text(marker)
    with pytest.raises(LakeFormatError, match="this program reads format 1"):
        Lake(lake.root, [ticket])


def test_tables_without_a_marker_are_refused(lake, rows, ticket):
    lake.append("ticket", rows(("1", 1, "open")))
    (lake.root / "format.json").unlink()
    with pytest.raises(LakeFormatError, match="not stated"):
        Lake(lake.root, [ticket])


def test_an_object_store_is_refused(ticket):
    with pytest.raises(LakeFormatError, match="Give a local folder"):
        Lake("s3://bucket/lake", [ticket])


@pytest.mark.parametrize("name", ["Jane Doe", "Müller", "50%", "a#b", "a?b"])
def test_a_folder_may_have_any_name(tmp_path, ticket, rows, statuses, name):
    lake = Lake(tmp_path / name, [ticket])
    lake.append("ticket", rows(("1", 1, "open")))
    lake.append("ticket", rows(("2", 1, "open")))
    lake.compact("ticket")
    assert lake.purge("ticket", column="source_id", value="1") == 2
    assert statuses(lake) == {"2": "open"}


def test_opening_a_lake_writes_nothing(lake):
    lake.snapshot()
    lake.current("ticket")
    assert not lake.root.exists()


def test_a_declaration_reports_all_its_problems(ticket):
    schema = pa.schema([*(f for f in ticket.schema if f.name != "digest"), pa.field("layer", pa.string())])
    with pytest.raises(LakeSchemaError) as raised:
        LakeTable("ticket", schema, statistics=("source", "title"))
    assert str(raised.value) == (
        "Declaring lake table ticket: column digest must be binary; column layer is the lake's own; "
        "column title may not have statistics. Correct its entity in models/."
    )


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__entity__)
def test_every_entity_makes_a_table(entity, tmp_path):
    table = entity_table(entity)
    lake = Lake(tmp_path, [table])
    assert lake.append(table.name, table.rows.empty_table()).rows == 0
    assert lake.current(table.name).schema.types == table.schema.types
