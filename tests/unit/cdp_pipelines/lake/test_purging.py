"""Rows taken out for good: out of the files, the older versions, and the log."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from cdp_pipelines.lake import Lake, LakeLockedError, delta


def everything(lake: Lake) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(lake.root.rglob("*")) if path.is_file())


@pytest.fixture
def two_sources(lake, rows):
    """Rows of two systems in base and tail, each with an older version."""
    for source in ("hubspot", "zendesk"):
        for version in (1, 2):
            table = rows((f"{source}-first", version, f"{source}-status{version}"), (f"{source}-last", version, "x"))
            lake.append("ticket", table.set_column(0, "source", pa.array([source] * len(table))))
            if source == "hubspot" and version == 1:
                lake.compact("ticket")
    return lake


def test_nothing_of_the_source_is_left_and_the_others_stay(two_sources, rows, statuses):
    found = two_sources.purge("ticket", column="source", value="hubspot")

    assert found == 5  # two by two, and one in a file that a compaction replaced
    assert set(statuses(two_sources)) == {"zendesk-first", "zendesk-last"}
    assert b"hubspot" not in everything(two_sources)
    assert b"zendesk-first" in everything(two_sources)
    assert two_sources.purge("ticket", column="source", value="hubspot") == 0
    two_sources.append("ticket", rows(("9", 1, "new")))
    assert set(statuses(two_sources)) == {"zendesk-first", "zendesk-last", "9"}


def test_a_table_that_held_nothing_else_is_empty(lake, rows, statuses):
    lake.append("ticket", rows(("1", 1, "a")))
    source = rows(("1", 1, "a"))["source"][0].as_py()

    assert lake.purge("ticket", column="source", value=source) == 1
    assert statuses(lake) == {}
    lake.append("ticket", rows(("2", 1, "b")))
    assert statuses(lake) == {"2": "b"}


def test_a_file_whose_writer_was_killed_goes_too(two_sources, statuses):
    cut_short = two_sources.root / "ticket" / "layer=tail" / "0.parquet"
    cut_short.write_bytes(b"PAR1 hubspot")

    assert two_sources.purge("ticket", column="source", value="hubspot") > 0
    assert set(statuses(two_sources)) == {"zendesk-first", "zendesk-last"}
    assert b"hubspot" not in everything(two_sources)
    cut_short.write_bytes(b"PAR1 hubspot")
    assert two_sources.purge("ticket", column="source", value="hubspot") == 1
    assert not cut_short.exists()


def test_a_table_that_is_not_there_is_no_work(lake):
    assert lake.purge("ticket", column="source", value="hubspot") == 0


def test_what_a_running_refresh_reads_is_not_taken_away(two_sources, ticket):
    before = everything(two_sources)
    with (
        two_sources.pinned(two_sources.snapshot()),
        pytest.raises(LakeLockedError, match="a running refresh reads it"),
    ):
        Lake(two_sources.root, [ticket], lock_timeout_seconds=5).purge("ticket", column="source", value="hubspot")
    assert everything(two_sources) == before


def test_a_lake_that_was_opened_before_goes_on_writing(two_sources, rows, statuses):
    """Its view of the table is older than the log that is left."""
    old = delta.open_table(two_sources.root / "ticket")
    assert old is not None
    two_sources.append("ticket", rows(("8", 1, "a")))
    two_sources.append("ticket", rows(("9", 1, "a")))
    two_sources.purge("ticket", column="source", value="hubspot")

    old.update_incremental()
    assert old.version() == two_sources.snapshot().versions["ticket"]
    assert set(statuses(two_sources)) == {"zendesk-first", "zendesk-last", "8", "9"}


KILLED = """
import sys
sys.path[:0] = [{tests!r}]
from conftest import SCHEMA
from cdp_pipelines.lake import Lake, LakeTable
Lake({root!r}, [LakeTable("ticket", SCHEMA)]).purge("ticket", column="source", value="hubspot")
"""


def test_a_purge_killed_after_its_commit_is_ended_by_the_next(two_sources, statuses):
    code = KILLED.format(tests=str(Path(__file__).parent), root=str(two_sources.root))
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"CDP_KILL_AT": "purge_lake"}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert b"hubspot" in everything(two_sources)
    assert set(statuses(two_sources)) == {"zendesk-first", "zendesk-last"}

    assert two_sources.purge("ticket", column="source", value="hubspot") > 0

    assert b"hubspot" not in everything(two_sources)
