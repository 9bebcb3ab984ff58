"""Opening DuckDB and running statements on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from cdp_pipelines.engine.errors import EngineError, EngineMemoryError

_OUT_OF_MEMORY = "Out of Memory Error"


@dataclass(frozen=True, slots=True)
class Engine:
    """What one run may use of the machine.

    Attributes:
        memory_limit: Upper bound of DuckDB's own memory, as DuckDB writes it (``1GB``).
        threads: Threads one statement may use.
        temp_directory: Where larger sorts and joins spill to; inside the data folder, because what spills is
            personal data in law.
    """

    memory_limit: str
    threads: int
    temp_directory: Path

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A fresh database in memory that ends with the block.

        It can read files, so only code that reads the lake asks for it; metrics get a session
        (``cdp_pipelines.views``).

        Raises:
            EngineError: The database could not be opened.
        """
        opened = self._open()
        try:
            yield opened
        finally:
            opened.close()

    def _open(self) -> duckdb.DuckDBPyConnection:
        try:
            self.temp_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            opened = duckdb.connect(":memory:", config=self._settings())
            opened.execute("SET GLOBAL TimeZone = 'UTC'")  # cursors have it too
        except (duckdb.Error, OSError) as error:
            raise EngineError(
                f"Opening the engine: {type(error).__name__}. Check [engine] in the settings (memory_limit is "
                f"{self.memory_limit}, threads {self.threads}) and that the data folder can be written."
            ) from None
        return opened

    def _settings(self) -> dict[str, str | bool | int | float | list[str]]:
        return {
            "memory_limit": self.memory_limit,
            "threads": self.threads,
            "temp_directory": str(self.temp_directory),
            "preserve_insertion_order": False,
            "python_enable_replacements": False,  # a name in SQL never means a Python variable
        }


def run(connection: duckdb.DuckDBPyConnection, sql: str, *, doing: str) -> None:
    """Run one statement whose result is not wanted.

    Args:
        connection: From ``Engine.connection``.
        sql: The statement.
        doing: What it is for, in words; the only description an error will have.

    Raises:
        EngineMemoryError: It needs more memory than allowed.
        EngineError: It failed for another reason; the message names the kind of failure, never a value.
    """
    with _own_errors(doing):
        connection.execute(sql)


def fetch(connection: duckdb.DuckDBPyConnection, sql: str, *, doing: str) -> pa.Table:
    """The result of one query; arguments and errors as ``run``."""
    with _own_errors(doing):
        return connection.sql(sql).to_arrow_table()


def fetch_batches(
    connection: duckdb.DuckDBPyConnection, sql: str, batch_rows: int, *, doing: str
) -> Iterator[pa.Table]:
    """The result of one query, at most ``batch_rows`` rows at a time and never held whole; else as ``fetch``."""
    with _own_errors(doing):
        batches = connection.sql(sql).to_arrow_reader(batch_rows)
    while (batch := _next(batches, doing)) is not None:
        yield pa.Table.from_batches([batch])


def _next(batches: pa.RecordBatchReader, doing: str) -> pa.RecordBatch | None:
    with _own_errors(doing):
        return next(batches, None)


@contextmanager
def _own_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except (duckdb.OutOfMemoryException, MemoryError):
        raise _memory_error(doing) from None
    except OSError as error:  # of a reader of batches: Arrow passes on DuckDB's message alone
        raise (_memory_error(doing) if _OUT_OF_MEMORY in str(error) else _error(doing, "an error")) from None
    except duckdb.Error as error:
        raise _error(doing, type(error).__name__) from None


def _memory_error(doing: str) -> EngineMemoryError:
    return EngineMemoryError(
        f"{doing}: more memory is needed than one run may use. "
        "Raise memory_limit in [engine] of the settings, or make room on the disk of the data folder."
    )


def _error(doing: str, kind: str) -> EngineError:
    return EngineError(
        f"{doing}: the engine stopped with {kind}. Its message is left out because it may "
        "quote values. The statement is part of the program: please report it with the words above."
    )
