"""What the files and the log on disk say, and what they must not say."""

import json

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from cdp_pipelines.lake import Lake, LakeTable


@pytest.fixture(params=["tail", "base"])
def layer(request, lake: Lake, rows) -> str:
    lake.append("ticket", rows(*((str(number), number, f"status {number}") for number in range(50))))
    if request.param == "base":
        lake.compact("ticket")
    return request.param


def _columns(lake: Lake, layer: str):
    for path in (lake.root / "ticket" / f"layer={layer}").iterdir():
        group = pq.read_metadata(path).row_group(0)
        yield from (group.column(number) for number in range(group.num_columns))


def test_only_keys_and_times_have_statistics(lake, layer, ticket: LakeTable):
    with_statistics = {column.path_in_schema for column in _columns(lake, layer) if column.is_stats_set}
    assert with_statistics == set(ticket.statistics)


def test_binary_has_no_dictionary_and_everything_is_zstd(lake, layer):
    columns = list(_columns(lake, layer))
    assert {column.compression for column in columns} == {"ZSTD"}
    assert not [
        c.path_in_schema
        for c in columns
        if c.physical_type == "BYTE_ARRAY"
        and c.path_in_schema.startswith(("title", "digest"))
        and c.has_dictionary_page
    ]


def test_files_are_sorted_by_key(lake, layer):
    for path in (lake.root / "ticket" / f"layer={layer}").iterdir():
        keys = pq.ParquetFile(path).read(columns=["source", "source_id"]).to_pylist()
        assert keys == sorted(keys, key=lambda key: (key["source"], key["source_id"]))


@pytest.mark.usefixtures("layer")
def test_the_log_names_no_value(lake, ticket):
    """Neither in statistics nor in what commits say about themselves."""
    logged = [
        json.loads(line)
        for path in (lake.root / "ticket" / "_delta_log").glob("*.json")
        for line in path.read_text().splitlines()
    ]
    statistics = [json.loads(entry["add"]["stats"]) for entry in logged if "add" in entry]
    commits = [entry["commitInfo"] for entry in logged if "commitInfo" in entry]
    assert {name for found in statistics for name in found["minValues"]} == set(ticket.statistics)
    assert "status 7" not in json.dumps([statistics, commits])
    assert not [commit for commit in commits if "predicate" in commit.get("operationParameters", {})]


@pytest.mark.usefixtures("layer")
def test_delta_reads_its_own_table(lake):
    """Any engine that speaks Delta can read the rows without this program."""
    table = DeltaTable(lake.root / "ticket")
    assert sorted(table.to_pyarrow_table(filters=[("source_id", "=", "7")])["status"].to_pylist()) == ["status 7"]
    assert table.to_pyarrow_table(columns=["layer"]).num_rows == 50
