"""The engine: bounded, alone, and silent about values."""

import pytest

from cdp_pipelines.engine import Engine, EngineError, EngineMemoryError, fetch, fetch_batches, run


@pytest.fixture
def engine(tmp_path):
    return Engine(memory_limit="64MB", threads=1, temp_directory=tmp_path / "spill")


def setting(connection, name):
    return fetch(connection, f"select current_setting('{name}') as x", doing="Asking")["x"][0].as_py()


def test_it_uses_what_it_may(engine, tmp_path):
    with engine.connection() as connection:
        used = [setting(connection, name) for name in ("memory_limit", "threads", "temp_directory", "TimeZone")]
    assert used == ["61.0 MiB", 1, str(tmp_path / "spill"), "UTC"]


def test_a_cursor_counts_in_utc_too(engine):
    with engine.connection() as connection, connection.cursor() as cursor:
        assert setting(cursor, "TimeZone") == "UTC"


def test_connections_know_nothing_of_each_other(engine):
    with engine.connection() as one, engine.connection() as other:
        run(one, "create table t as select 1 as x", doing="Making")
        with pytest.raises(EngineError):
            fetch(other, "select * from t", doing="Looking")


def test_an_error_says_what_was_done_and_quotes_no_value(engine):
    with engine.connection() as connection, pytest.raises(EngineError) as caught:
        fetch(connection, "select cast('anna@example.org' as integer) as x", doing="Counting apples")
    assert str(caught.value).startswith("Counting apples: the engine stopped with ConversionException.")
    assert "anna" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_too_little_memory_is_said_with_what_to_do(tmp_path):
    small = Engine(memory_limit="20MB", threads=1, temp_directory=tmp_path)
    with small.connection() as connection:
        connection.execute("set max_temp_directory_size = '1MB'")
        with pytest.raises(EngineMemoryError, match="Raise memory_limit"):
            run(connection, "create table t as select range as x, random() as y from range(20000000)", doing="Filling")


def test_a_result_comes_in_batches(engine):
    with engine.connection() as connection:
        batches = list(fetch_batches(connection, "select range as x from range(2500)", 1000, doing="Counting"))
    assert [batch.num_rows for batch in batches] == [1000, 1000, 500]
    assert sorted(x for batch in batches for x in batch["x"].to_pylist()) == list(range(2500))


def test_an_error_behind_the_first_batch_quotes_no_value_either(engine):
    late = """
        select case when range < 250000 then 1 else cast('anna@example.org' || range as integer) end
        from range(300000)
    """
    with engine.connection() as connection:
        batches = fetch_batches(connection, late, 1000, doing="Counting apples")
        assert next(batches).num_rows == 1000
        with pytest.raises(EngineError, match=r"^Counting apples: the engine stopped with an error\.") as caught:
            list(batches)
    assert "anna" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_too_little_memory_for_a_batch_is_said_too(tmp_path):
    small = Engine(memory_limit="20MB", threads=1, temp_directory=tmp_path)
    with small.connection() as connection:
        connection.execute("set max_temp_directory_size = '1MB'")
        with pytest.raises(EngineMemoryError, match="Raise memory_limit"):
            list(
                fetch_batches(connection, "select list(range) over (order by range) from range(9000000)", 9, doing="A")
            )


def test_a_setting_that_makes_no_sense_names_the_section(tmp_path):
    wrong = Engine(memory_limit="a lot", threads=1, temp_directory=tmp_path)
    with pytest.raises(EngineError, match=r"\[engine\] in the settings"), wrong.connection():
        pass
