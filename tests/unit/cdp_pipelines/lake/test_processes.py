"""Two processes on one table, and disks and locks that refuse."""

import resource
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from forks import FORKS

from cdp_pipelines.lake import Lake, LakeDamagedError, LakeLockedError, LakeWriteError, files, locks


def _append_many(root, table, batches) -> None:
    lake = Lake(root, [table])
    for batch in batches:
        lake.append("ticket", batch)


def _append_with_file_limit(root, table, batch, answers) -> None:
    """Every write beyond 1,000 bytes fails as on a full disk; then the limit goes and it is tried again."""
    lake = Lake(root, [table])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        lake.append("ticket", batch)
    except LakeWriteError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        answers.put((str(error), lake.append("ticket", batch).rows))


def _pin_with_file_limit(root, table, answers) -> None:
    """A pin that the disk has no room for, then maintenance, which makes room."""
    lake = Lake(root, [table])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))  # some of the pin can be written, not all of it
    try:
        with lake.pinned(lake.snapshot()):
            pass
    except LakeWriteError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        answers.put((str(error), lake.maintain(keep=timedelta(0)).removed_files))


def _hold(root, table, ready, done) -> None:
    lake = Lake(root, [table])
    with locks.exclusive(lake.root / ".locks", "ticket", timeout_seconds=5):
        ready.set()
        done.wait(30)


def _started(target, *arguments):
    process = FORKS.Process(target=target, args=arguments)
    process.start()
    return process


def test_two_processes_append_to_one_new_table(lake, rows, ticket, statuses):
    batches = [
        [rows((f"{who}-{n}", 1, "a"), ("both", n * 2 + who, f"{n * 2 + who}")) for n in range(12)] for who in (0, 1)
    ]
    writers = [_started(_append_many, lake.root, ticket, given) for given in batches]
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    expected = {f"{who}-{n}": "a" for who in (0, 1) for n in range(12)} | {"both": "23"}
    assert statuses(lake) == expected


def test_nothing_is_lost_when_compaction_and_maintenance_run_beside_an_append(lake, rows, ticket, statuses):
    batches = [rows((str(n), 1, "a"), ("same", n, str(n))) for n in range(30)]
    writer = _started(_append_many, lake.root, ticket, batches)
    rounds = 0
    while writer.is_alive():
        lake.compact("ticket")
        lake.maintain(keep=timedelta(0))
        rounds += bool(lake.snapshot().tables["ticket"].base)
    assert (writer.exitcode, rounds > 1) == (0, True)
    assert statuses(lake) == {str(n): "a" for n in range(30)} | {"same": "29"}


def test_a_held_table_is_waited_for_and_then_named(lake, rows, ticket):
    ready, done = FORKS.Event(), FORKS.Event()
    holder = _started(_hold, lake.root, ticket, ready, done)
    assert ready.wait(30)
    impatient = Lake(lake.root, [ticket], lock_timeout_seconds=0.1)
    with pytest.raises(LakeLockedError, match="the lock of lake table ticket: another process still holds it"):
        impatient.append("ticket", rows(("1", 1, "a")))
    done.set()
    holder.join(30)
    assert impatient.append("ticket", rows(("1", 1, "a"))).rows == 1


@pytest.mark.parametrize("how", ["gone", "damaged"])
@pytest.mark.parametrize("act", ["append", "read", "query", "compact"])
def test_a_file_that_cannot_be_read_is_named(lake, rows, act, how):
    lake.append("ticket", rows(("1", 1, "open")))
    (path,) = lake.root.glob("ticket/layer=*/*")
    forget_footers()
    path.unlink() if how == "gone" else path.write_bytes(path.read_bytes()[:100])
    acts = {
        "append": lambda: lake.append("ticket", rows(("1", 2, "solved"))),
        "read": lambda: lake.current("ticket"),
        "query": lambda: lake.current_sql("ticket", lake.snapshot()),
        "compact": lambda: lake.compact("ticket"),
    }
    with pytest.raises(LakeDamagedError, match=f"{path.name} is {how}, .* put the file back from a backup"):
        acts[act]()


def forget_footers() -> None:
    """As in a new process."""
    for known in (files.footer, files.metadata):
        known.cache_clear()


def test_a_full_disk_is_our_error_and_loses_nothing(lake, rows, ticket, statuses):
    lake.append("ticket", rows(("1", 1, "a")))
    answers = FORKS.Queue()
    process = _started(_append_with_file_limit, lake.root, ticket, rows(("2", 1, "b")), answers)
    message, written = answers.get(timeout=60)
    assert written == 1
    assert message == (
        "Appending to lake table ticket: the disk or the log refused (File too large), so the lake is as it was "
        "before. Free some space or make the folder writable, then run this again."
    )
    process.join(30)
    assert statuses(lake) == {"1": "a", "2": "b"}
    assert len(list((lake.root / "ticket" / "layer=tail").iterdir())) == 2


def test_a_pin_without_room_on_the_disk_does_not_stop_whoever_makes_room(lake, rows):
    lake.append("ticket", rows(("1", 1, "a")))
    lake.append("ticket", rows(("1", 2, "b")))
    lake.compact("ticket")
    answers = FORKS.Queue()
    process = _started(_pin_with_file_limit, lake.root, lake.tables["ticket"], answers)
    message, removed = answers.get(timeout=60)
    process.join(30)
    assert message.startswith("Pinning a snapshot of the lake: the disk or the log refused (File too large)")
    assert removed == 2
    assert not list((lake.root / ".pins").iterdir())


@pytest.mark.parametrize("blocked", ["layer=tail", "_delta_log"])
def test_a_folder_that_cannot_be_written_is_our_error(lake, rows, statuses, blocked):
    """A file in the place of a folder stands for a read-only disk: root may write to the latter."""
    lake.append("ticket", rows(("1", 1, "a")))
    folder = lake.root / "ticket" / blocked
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("")
    with pytest.raises(LakeWriteError, match="lake table ticket"):
        lake.append("ticket", rows(("2", 1, "b")))
    folder.unlink()
    aside.rename(folder)
    lake.append("ticket", rows(("2", 1, "b")))
    assert statuses(lake) == {"1": "a", "2": "b"}


def test_a_root_that_cannot_be_made_is_our_error(ticket, rows, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeWriteError, match="Not a directory"):
        Lake(Path(tmp_path / "file" / "lake"), [ticket]).append("ticket", rows(("1", 1, "a")))
