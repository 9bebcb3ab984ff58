"""The lake against a dictionary: any order of writes, repeats, crashes and upkeep gives the same current rows."""

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cdp_pipelines.lake import Lake, LakeTable, compaction, store

MICROSECONDS = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("version_at", MICROSECONDS),
        pa.field("deleted", pa.bool_()),
        pa.field("value", pa.int64()),
        pa.field("read_at", MICROSECONDS),
        pa.field("run_id", pa.string()),
        pa.field("digest", pa.binary(16)),
        pa.field("commit_seq", pa.int64()),
    ]
)
TABLE = LakeTable("thing", SCHEMA)

Row = tuple[str, str, int, int, int, bool]
sources = st.sampled_from("ab")
# Few keys, so that rows meet: with ten of them, removing the check for stale rows went unnoticed.
ids = st.sampled_from(["1", "é"])
rows = st.tuples(sources, ids, st.integers(0, 4), st.integers(0, 2), st.integers(0, 2), st.booleans())
batches = st.lists(rows, min_size=1, max_size=6)


class Killed(Exception):  # noqa: N818 - not an error: a process that is gone
    """The writer died here."""


class LakeAgainstDict(RuleBasedStateMachine):
    """The model keeps, for each key, the row that counts: (version, read, value, deleted)."""

    @initialize(small_files=st.booleans())
    def start(self, small_files):
        self.root = Path(tempfile.mkdtemp())
        self.lake = Lake(self.root / "lake", [TABLE], lock_timeout_seconds=5)
        self.model = {}
        self.patch = pytest.MonkeyPatch()
        self.pins = []
        self.connection = duckdb.connect(config={"threads": 1})
        if small_files:
            self.patch.setattr(compaction, "_FILE_BYTES", 200)
            self.patch.setattr(compaction, "_SAMPLE", 1)

    @rule(batch=batches, then_compact=st.booleans())
    def append_twice(self, batch, then_compact):
        for _ in range(2):
            self.lake.append("thing", _table(batch))
            self._model_append(batch)
        if then_compact:
            self.lake.compact("thing")

    @rule(batch=batches)
    def append(self, batch):
        self.lake.append("thing", _table(batch))
        self._model_append(batch)

    @rule(batch=batches, committed=st.booleans())
    def die_in_append(self, batch, committed):
        """Between the files and the commit, or just after it; the rerun is another rule."""
        written = self._killed_at("append_after" if committed else "append_written", "append", "thing", _table(batch))
        if committed and written:
            self._model_append(batch)

    @rule()
    def die_in_compaction(self):
        self._killed_at("compaction_before", "compact", "thing")

    @rule(pin=st.booleans())
    def maintain(self, pin):
        if pin:
            self.pin()
        with self.patch.context() as patch:
            patch.setattr(compaction, "_MANY_FILES", 1)
            self.lake.maintain(keep=timedelta(0), pinned=[snapshot for snapshot, _ in self.pins])

    @rule()
    def pin(self):
        self.pins = [*self.pins[-1:], (self.lake.snapshot(), dict(self.model))]

    @invariant()
    def the_current_rows_are_those_of_the_model(self):
        self._compare(self.lake.snapshot(), self.model)

    @invariant()
    def pinned_snapshots_read_what_they_did(self):
        for snapshot, model in self.pins:
            self._compare(snapshot, model)

    def teardown(self):
        if hasattr(self, "root"):
            self.connection.close()
            self.patch.undo()
            shutil.rmtree(self.root)

    def _model_append(self, batch):
        """The newest row of each key in the batch counts, unless it says nothing new or is older."""
        newest = {}
        for source, source_id, version, read, value, deleted in batch:
            known = newest.get((source, source_id))
            if known is None or (version, read) >= known[:2]:
                newest[source, source_id] = (version, read, value, deleted)
        for key, row in newest.items():
            known = self.model.get(key)
            if known is None or (row[2:] != known[2:] and row[:2] >= known[:2]):
                self.model[key] = row

    def _killed_at(self, barrier, method, *arguments):
        """Run a method that dies at ``barrier``; whether it got there."""

        def die(name):
            if name == barrier:
                raise Killed

        with self.patch.context() as patch:
            patch.setattr(store, "reach", die)
            try:
                getattr(self.lake, method)(*arguments)
            except Killed:
                return True
        return False

    def _compare(self, snapshot, model):
        alive = {key: row[:3] for key, row in model.items() if not row[3]}
        found = self.lake.current("thing", snapshot).to_pylist()
        assert [_key(row) for row in found] == sorted(alive)
        assert {_key(row): _seen(row) for row in found} == alive
        sql = self.lake.current_sql("thing", snapshot, columns=["source", "source_id", "value"], include_deleted=True)
        through_sql = self.connection.execute(sql).fetchall()
        assert sorted(through_sql) == sorted((*key, row[2]) for key, row in model.items())


TestLakeAgainstDict = LakeAgainstDict.TestCase
TestLakeAgainstDict.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)

_START = datetime(2026, 1, 1, tzinfo=UTC)


def _key(row):
    return row["source"], row["source_id"]


def _seen(row):
    return (row["version_at"] - _START).seconds, (row["read_at"] - _START).seconds, row["value"]


def _table(batch):
    return pa.Table.from_pylist(
        [
            {
                "source": source,
                "source_id": source_id,
                "version_at": _START + timedelta(seconds=version),
                "read_at": _START + timedelta(seconds=read),
                "deleted": deleted,
                "value": value,
                "run_id": "run",
                "digest": blake2b(bytes([value]), digest_size=16).digest(),
            }
            for source, source_id, version, read, value, deleted in batch
        ],
        schema=TABLE.rows,
    )
