from datetime import timedelta
from pathlib import Path

import pytest

from cdp_pipelines.lake import Lake, LakeSnapshotError, MaintenanceReport, Snapshot

NOTHING, LONG = timedelta(0), timedelta(days=1)


def _data_files(lake: Lake) -> set[Path]:
    return set((lake.root / "ticket").glob("layer=*/*"))


def _compacted(lake, rows) -> Snapshot:
    """A table whose first version is no longer part of the present one; returns that version."""
    lake.append("ticket", rows(("1", 1, "a"), ("2", 1, "a")))
    snapshot = lake.snapshot()
    lake.append("ticket", rows(("1", 2, "b")))
    lake.compact("ticket")
    return snapshot


def test_removes_what_no_version_needs(lake, rows, statuses):
    _compacted(lake, rows)
    report = lake.maintain(keep=NOTHING)
    assert (report.removed_files, len(_data_files(lake)), statuses(lake)) == (2, 1, {"1": "b", "2": "a"})
    assert lake.maintain(keep=NOTHING) == MaintenanceReport()


def test_keeps_versions_that_are_young(lake, rows):
    snapshot = _compacted(lake, rows)
    assert lake.maintain(keep=LONG) == MaintenanceReport()
    assert lake.current("ticket", snapshot, ["status"]).to_pylist() == [{"status": "a"}, {"status": "a"}]


@pytest.mark.parametrize("how", ["argument", "block"])
def test_keeps_what_is_pinned_and_removes_it_afterwards(lake, rows, ticket, how):
    snapshot = _compacted(lake, rows)
    if how == "argument":
        report = lake.maintain(keep=NOTHING, pinned=[snapshot])
    else:
        with lake.pinned(snapshot):
            report = Lake(lake.root, [ticket]).maintain(keep=NOTHING)
    kept = lake.current("ticket", snapshot, ["status"]).to_pylist()
    assert (report.removed_files, kept) == (1, [{"status": "a"}, {"status": "a"}])
    assert lake.maintain(keep=NOTHING).removed_files == 1


def test_a_snapshot_that_is_gone_cannot_be_pinned(lake, rows):
    snapshot = _compacted(lake, rows)
    lake.maintain(keep=NOTHING)
    with pytest.raises(LakeSnapshotError, match="1 of 1 files are gone"), lake.pinned(snapshot):
        pass
    assert not list((lake.root / ".pins").iterdir())


def test_a_pin_of_a_dead_process_is_forgotten(lake, rows):
    snapshot = _compacted(lake, rows)
    (lake.root / ".pins").mkdir()
    (lake.root / ".pins" / "dead.json").write_text(snapshot.to_json())
    assert lake.maintain(keep=NOTHING).removed_files == 2


def test_removes_files_of_a_writer_that_died(lake, rows, statuses):
    lake.append("ticket", rows(("1", 1, "a")))
    orphan = lake.root / "ticket" / "layer=tail" / "orphan.parquet"
    orphan.write_bytes(b"half a file")
    assert (lake.maintain(keep=LONG).removed_files, orphan.exists(), statuses(lake)) == (1, False, {"1": "a"})


def test_compacts_a_long_tail(lake, rows, statuses):
    for number in range(40):
        lake.append("ticket", rows((str(number), 1, "a")))
    report = lake.maintain(keep=LONG)
    files = lake.snapshot().tables["ticket"]
    assert (report.compacted, len(files.base), files.tail) == (("ticket",), 1, ())
    assert len(statuses(lake)) == 40


def test_compacting_twice_is_compacting_once(lake, rows):
    _compacted(lake, rows)
    before = lake.snapshot()
    lake.compact("ticket")
    assert lake.snapshot() == before


def test_the_log_stays_readable_after_maintenance(lake, rows, statuses):
    for number in range(45):
        lake.append("ticket", rows(("1", number, f"s{number}")))
        if number % 10 == 0:
            lake.maintain(keep=NOTHING)
    assert statuses(lake) == {"1": "s44"}


def test_refuses_to_keep_longer_than_the_log_remembers(lake):
    with pytest.raises(ValueError, match="remembers 30 days"):
        lake.maintain(keep=timedelta(days=31))


def test_maintains_a_lake_that_is_not_there(lake):
    assert lake.maintain(keep=NOTHING) == MaintenanceReport()


def test_many_ranges_make_sorted_files_that_do_not_overlap(lake, rows, monkeypatch):
    """With a tiny file size, so that the base has several files and the ranges several cuts."""
    monkeypatch.setattr("cdp_pipelines.lake.compaction._FILE_BYTES", 10_000)
    monkeypatch.setattr("cdp_pipelines.lake.compaction._SAMPLE", 4)
    numbers = [str(number * 7919 % 1000) for number in range(1000)]
    for start in range(0, 1000, 250):
        lake.append("ticket", rows(*((number, 1, "a") for number in numbers[start : start + 250])))
    lake.compact("ticket")
    lake.append("ticket", rows(("5", 2, "b")))
    lake.compact("ticket")
    found = lake.current("ticket", columns=["source_id", "status"]).to_pylist()
    assert len(lake.snapshot().tables["ticket"].base) > 3
    assert found == [{"source_id": i, "status": "b" if i == "5" else "a"} for i in sorted(numbers)]
