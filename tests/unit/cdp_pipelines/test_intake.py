"""Pages on their way to the one thread that writes."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_pipelines import intake as module
from cdp_pipelines.intake import Batch, Intake
from connectors.reading import Page, Rejected
from models import Person, Ticket

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FULL = 100
"""Rows of a batch in these tests."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(module, "BATCH_ROWS", FULL)


def page(number, rows, *, is_milestone=False):
    return Page({Person: [{"n": number}] * rows}, (), (), {"place": number}, rows, {}, is_milestone=is_milestone)


class Lake:
    """Remembers what is written; writes only while ``is_open``."""

    def __init__(self):
        self.is_open, self.is_writing, self.written = threading.Event(), threading.Event(), []
        self.is_open.set()

    def write(self, stream, batch):
        assert not self.is_writing.is_set()
        self.is_writing.set()
        self.is_open.wait()
        self.written.append((stream, [row["n"] for rows in batch.rows.values() for row in rows], batch.cursor))
        self.is_writing.clear()


def test_a_batch_counts_as_read_when_its_first_page_was():
    """What a sweep found gone since then stays gone."""
    batch, later = Batch(), NOW + timedelta(minutes=5)
    batch.add(page(0, 1), NOW)
    batch.add(page(1, 1), later)
    assert (batch.read_at, batch.listed_at) == (NOW, later)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 150)), max_size=12))
def test_each_stream_is_written_whole_in_its_order_behind_its_cursor(pages):
    lake, module.BATCH_ROWS = Lake(), FULL

    async def run():
        with Intake(lake.write) as intake:
            for number, (stream, rows) in enumerate(pages):
                await intake.take(stream, page(number, rows), NOW)
            for stream in "abc":
                await intake.flush(stream)

    asyncio.run(run())
    for stream in "abc":
        mine = [(numbers, cursor) for name, numbers, cursor in lake.written if name == stream]
        expected = [number for number, (name, rows) in enumerate(pages) if name == stream for _ in range(rows)]
        assert [number for numbers, _ in mine for number in numbers] == expected
        assert all(cursor["place"] >= max(numbers, default=0) for numbers, cursor in mine)


def test_reading_goes_on_while_a_batch_is_written_until_the_next_one_is_full():
    lake, taken = Lake(), []
    lake.is_open.clear()

    async def read(intake):
        for number in range(10):
            await intake.take("a", page(number, FULL // 2), NOW)
            taken.append(number)

    async def run():
        with Intake(lake.write) as intake:
            reading = asyncio.create_task(read(intake))
            await asyncio.to_thread(lake.is_writing.wait)
            for _ in range(100):
                await asyncio.sleep(0)
            before = list(taken)
            lake.is_open.set()
            await reading
            return before

    assert asyncio.run(run()) == [0, 1, 2]
    assert taken == list(range(10))


@pytest.mark.parametrize(("entity", "rows_of_a_batch"), [(Person, FULL // 2), (Ticket, FULL)])
def test_rows_of_which_much_is_encrypted_are_written_in_smaller_batches(monkeypatch, entity, rows_of_a_batch):
    monkeypatch.setattr(module, "_WIDE_ROWS", FULL // 2)
    lake = Lake()

    async def run():
        with Intake(lake.write) as intake:
            for number in range(2 * FULL):
                await intake.take("a", Page({entity: [{"n": number}]}, (), (), None, 1, {}), NOW)

    asyncio.run(run())
    assert {len(numbers) for _, numbers, _ in lake.written} == {rows_of_a_batch}


def test_the_fullest_stream_makes_room_for_the_others():
    lake = Lake()

    async def run():
        with Intake(lake.write) as intake:
            await intake.take("few", page(1, 10), NOW)
            await intake.take("many", page(2, 80), NOW)
            await intake.take("few", page(3, 10), NOW)

    asyncio.run(run())
    assert [(stream, len(rows)) for stream, rows, _ in lake.written] == [("many", 80)]


def test_a_milestone_is_written_before_reading_goes_on():
    lake = Lake()

    async def run():
        with Intake(lake.write) as intake:
            await intake.take("a", page(1, 0, is_milestone=True), NOW)
            return list(lake.written)

    assert asyncio.run(run()) == [("a", [], {"place": 1})]


def test_what_writing_raised_reaches_whoever_comes_next():
    def write(_stream, _batch):
        raise OSError("the disk is full")

    async def run():
        with Intake(write) as intake:
            await intake.take("a", page(1, FULL), NOW)
            with pytest.raises(OSError, match="the disk is full"):
                await intake.flush("b")

    asyncio.run(run())


def test_an_interruption_waits_for_the_batch_that_is_being_written():
    lake = Lake()
    lake.is_open.clear()

    async def run():
        with Intake(lake.write) as intake:
            await intake.take("a", page(1, FULL), NOW)
            await intake.take("a", page(2, 1), NOW)
            await asyncio.to_thread(lake.is_writing.wait)
            threading.Timer(0.05, lake.is_open.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(run())
    assert [(stream, cursor) for stream, _, cursor in lake.written] == [("a", {"place": 1})]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), max_size=8))
def test_whether_a_record_waits_is_decided_by_the_last_page_that_has_it(pages):
    batch = Batch()
    for number, (is_in_order, record_id) in enumerate(pages):
        rejected = () if is_in_order else (Rejected(record_id, str(number)),)
        recovered = (record_id,) if is_in_order else ()
        batch.add(Page({}, rejected, recovered, None, 1, {}), NOW)

    last = {record_id: (is_in_order, str(number)) for number, (is_in_order, record_id) in enumerate(pages)}
    assert batch.recovered == {record_id for record_id, (is_in_order, _) in last.items() if is_in_order}
    assert batch.rejected == {record_id: at for record_id, (is_in_order, at) in last.items() if not is_in_order}


def test_a_record_that_is_on_a_page_in_order_and_not_waits():
    batch = Batch()
    batch.add(Page({}, (Rejected("a", "KeyError"),), ("a",), None, 2, {}), NOW)
    assert (batch.rejected, batch.recovered) == ({"a": "KeyError"}, set())
