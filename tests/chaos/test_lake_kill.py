"""A process killed with SIGKILL at every barrier of the lake, then run again, ends like one that was not."""

import os
import signal
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import pyarrow as pa
import pytest
from forks import FORKS

from cdp_pipelines.lake import Lake, LakeTable

UTC_TIME = pa.timestamp("us", "UTC")
START = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = LakeTable(
    "thing",
    pa.schema(
        [
            pa.field("source", pa.string()),
            pa.field("source_id", pa.string()),
            pa.field("version_at", UTC_TIME),
            pa.field("deleted", pa.bool_()),
            pa.field("read_at", UTC_TIME),
            pa.field("run_id", pa.string()),
            pa.field("digest", pa.binary(16)),
            pa.field("commit_seq", pa.int64()),
        ]
    ),
)
POINTS = [
    *(f"append_{where}:{n}" for where in ("before", "written", "after") for n in (1, 3)),
    *(f"{what}_{where}" for what in ("compaction", "maintenance") for where in ("before", "after")),
]


def _batch(number: int) -> pa.Table:
    """Five new keys and five that the batch before had, in a newer version."""
    ids = range(number * 5, number * 5 + 10)
    row = {"source": "acme", "version_at": START + timedelta(seconds=number), "read_at": START, "run_id": "run"}
    content = {"deleted": False, "digest": blake2b(bytes([number]), digest_size=16).digest()}
    return pa.Table.from_pylist([row | content | {"source_id": str(i)} for i in ids], schema=TABLE.rows)


def _work(root, kill_at: str | None) -> None:
    if kill_at:
        os.environ["CDP_KILL_AT"] = kill_at
    lake = Lake(root, [TABLE])
    for number in range(4):
        lake.append("thing", _batch(number))
    lake.compact("thing")
    lake.append("thing", _batch(4))
    lake.maintain(keep=timedelta(0))


def _run(root, kill_at: str | None = None) -> int | None:
    process = FORKS.Process(target=_work, args=(root, kill_at))
    process.start()
    process.join(60)
    return process.exitcode


def _current(root) -> list[dict[str, object]]:
    return Lake(root, [TABLE]).current("thing").drop_columns(["commit_seq"]).to_pylist()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[dict[str, object]]:
    root = tmp_path_factory.mktemp("undisturbed")
    assert _run(root) == 0
    return _current(root)


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_repeated_is_undisturbed(tmp_path, undisturbed, point):
    assert _run(tmp_path, point) == -signal.SIGKILL
    assert _run(tmp_path) == 0
    assert _current(tmp_path) == undisturbed
    named = set(Lake(tmp_path, [TABLE]).snapshot().tables["thing"].files)
    assert {str(path.relative_to(tmp_path / "thing")) for path in (tmp_path / "thing").glob("layer=*/*")} == named
