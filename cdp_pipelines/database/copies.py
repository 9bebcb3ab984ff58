"""Copies of the mart for tools that open no database: one CSV and one Parquet file per table and view.

They lie beside ``mart.db``. Each is written under another name and then renamed, so that a reader never meets half
a file.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Connection, Select, inspect, select

from cdp_pipelines.config import Settings
from cdp_pipelines.database.rows import read_table, table_of
from cdp_pipelines.database.stores import Stores
from cdp_pipelines.errors import StoreError
from models.marts import DimMetric, IndexSensitivity, MetricComponent, MetricValue


def write_copies(stores: Stores, settings: Settings) -> list[Path]:
    """Write all copies from one state of the mart.

    Returns:
        The files written.

    Raises:
        StoreError: The disk is full or cannot be written; earlier copies stay as they were.
    """
    from pyarrow import csv, parquet  # loaded by nothing else in the process that syncs

    writers = {"csv": csv.write_csv, "parquet": parquet.write_table}
    with stores.mart.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("set transaction isolation level repeatable read")
        tables = {name: read_table(connection, query) for name, query in _queries(connection).items()}
    tables["metric_latest"] = _latest(tables["metric_value"])
    return [
        _write(table, settings.data / f"{name}.{suffix}", write)
        for name, table in tables.items()
        for suffix, write in writers.items()
    ]


def _queries(connection: Connection) -> dict[str, Select[tuple[object, ...]]]:
    values, meanings = table_of(MetricValue), table_of(DimMetric)
    supporting = (table_of(MetricComponent), table_of(IndexSensitivity))
    queries = {
        "metric_value": select(values).order_by(*values.primary_key.columns),
        "dim_metric": select(meanings).order_by(*meanings.primary_key.columns),
        **{table.name: select(table).order_by(*table.primary_key.columns) for table in supporting},
    }
    if inspect(connection).has_table("metric_wide_month"):  # there from the first publishing on
        wide = _wide(connection)
        queries["metric_wide_month"] = select(wide).order_by(wide.c.period_start)
    return queries


def _latest(values: pa.Table) -> pa.Table:
    """The rows of the view ``metric_latest``, from those of ``metric_value`` in the order of its key.

    In that order the last row of each series is its newest; the database would sort all rows whole once more.
    """
    keys = [column.name for column in table_of(MetricValue).primary_key.columns]
    series = [name for name in keys if name not in {"definition_version", "period_start"}]
    numbered = values.select(series).append_column("place", pa.array(np.arange(len(values))))
    newest = numbered.group_by(series).aggregate([("place", "max")])
    return values.take(newest["place_max"].combine_chunks().sort())


def _wide(connection: Connection) -> sa.TableClause:
    names = [column["name"] for column in inspect(connection).get_columns("metric_wide_month")]
    periods = ("period_start", "period_end")
    return sa.table(
        "metric_wide_month", *(sa.column(name, sa.Date() if name in periods else sa.Float()) for name in names)
    )


def _write(table: pa.Table, path: Path, write: Callable[[pa.Table, Path], None]) -> Path:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(table, unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise StoreError(
            f"Writing the copy {path.name} of the mart: {error.strerror or 'the disk refused'}. The earlier copy is "
            "kept. Free some space or check the permissions of the data folder, then publish again."
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return path
