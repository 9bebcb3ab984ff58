from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pytest

from cdp_pipelines.lake import Lake, LakeTable

MICROSECONDS = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("version_at", MICROSECONDS),
        pa.field("deleted", pa.bool_()),
        pa.field("status", pa.string()),
        pa.field("title", pa.binary()),
        pa.field("title_tokens", pa.list_(pa.binary())),
        pa.field("read_at", MICROSECONDS),
        pa.field("run_id", pa.string()),
        pa.field("digest", pa.binary(16)),
        pa.field("commit_seq", pa.int64()),
    ]
)
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def ticket() -> LakeTable:
    return LakeTable("ticket", SCHEMA)


@pytest.fixture
def lake(tmp_path: Path, ticket: LakeTable) -> Lake:
    return Lake(tmp_path / "lake", [ticket], lock_timeout_seconds=5)


@pytest.fixture
def rows() -> Callable[..., pa.Table]:
    """Rows from (id, version, status) with an optional fourth element: deleted."""

    def build(*given: tuple, read: int = 0) -> pa.Table:  # type: ignore[type-arg]
        return pa.Table.from_pylist([_row(*row, read=read) for row in given], schema=_input_schema())

    return build


@pytest.fixture
def statuses() -> Callable[[Lake], dict[str, str]]:
    """What a reader sees: status by id."""

    def read(lake: Lake) -> dict[str, str]:
        found = lake.current("ticket").to_pylist()
        by_id = {row["source_id"]: row["status"] for row in found}
        assert len(by_id) == len(found)
        return by_id

    return read


def _input_schema() -> pa.Schema:
    return pa.schema([field for field in SCHEMA if field.name != "commit_seq"])


def _row(source_id: str, version: int, status: str, deleted: bool = False, *, read: int) -> dict[str, object]:  # noqa: FBT001, FBT002
    return {
        "source": "acme",
        "source_id": source_id,
        "version_at": START + timedelta(seconds=version),
        "deleted": deleted,
        "status": status,
        "title": b"ciphertext of " + status.encode(),
        "title_tokens": [b"token"],
        "read_at": START + timedelta(days=1, seconds=read),
        "run_id": "run",
        "digest": blake2b(status.encode(), digest_size=16).digest(),
    }
