"""Publishing: what BI tools and people read changes in one transaction or not at all.

A reader in the middle of it sees the old whole or the new whole. Nothing here waits for readers, with one
exception on PostgreSQL: a changed set of tier-1 metrics makes the wide view anew, which waits for queries on it.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, TypeAlias

import pyarrow as pa
from sqlalchemy import Connection, Integer, bindparam, cast, delete, func, select
from sqlmodel import SQLModel

from cdp_pipelines.barriers import reach
from cdp_pipelines.database.rows import insert_table, table_of
from cdp_pipelines.database.stores import Stores, writing
from models.marts import (
    ConsentState,
    Customer360,
    DimMetric,
    IndexSensitivity,
    MetricComponent,
    MetricValue,
    ProfileLink,
    SegmentMembership,
)

Rows: TypeAlias = pa.Table | Sequence[Mapping[str, Any]]
"""Rows of a table, by column or by row."""

_VALUE, _DIM = table_of(MetricValue), table_of(DimMetric)
_SUPPORTING: Mapping[str, type[SQLModel]] = {
    str(model.__tablename__): model for model in (MetricComponent, IndexSensitivity)
}
_PROFILE = {str(model.__tablename__): model for model in (Customer360, ConsentState, ProfileLink, SegmentMembership)}


def publish_mart(
    stores: Stores,
    metric_rows: Rows,
    dims: Rows,
    supporting: Mapping[str, Rows] = MappingProxyType({}),
    *,
    whole: Collection[str] = (),
) -> int:
    """Replace what was recomputed and what it means, in one transaction.

    Of every (metric, definition version, grain) in ``metric_rows`` the periods from the first to the last one
    given are replaced whole, so that a slice that no longer exists goes; other periods stay, but those before the first
    of a metric in ``whole``.

    Args:
        stores: The open stores.
        metric_rows: Rows of ``metric_value``.
        dims: Rows of ``dim_metric``; the same metric and version is replaced.
        supporting: Table name to rows that say more about rows of ``metric_value``.
        whole: Metrics computed from everything there is: what was before the first period is no more.

    Returns:
        Number of rows of ``metric_value`` written.

    Raises:
        StoreError: Nothing was published; readers keep what they had.
    """
    values, meanings = _table(metric_rows), _table(dims)
    with writing(stores.mart) as connection:
        _delete_recomputed(connection, values, whole)
        insert_table(connection, MetricValue, metric_rows)
        for name, rows in supporting.items():
            insert_table(connection, _SUPPORTING[name], rows)
        _delete_meanings(connection, meanings)
        insert_table(connection, DimMetric, dims)
        _refresh_wide_view(connection)
        reach("mart_written")
    reach("mart_published")
    return len(values)


def publish_profile(stores: Stores, tables: Mapping[str, Rows]) -> None:
    """Replace whole tables of the profile store, all in one transaction.

    Args:
        stores: The open stores.
        tables: Table name to its rows.

    Raises:
        StoreError: Nothing was published; readers keep what they had.
    """
    with writing(stores.profile) as connection:
        for name, rows in tables.items():
            connection.execute(delete(table_of(_PROFILE[name])))
            insert_table(connection, _PROFILE[name], rows)


def _table(rows: Rows) -> pa.Table:
    """The columns that say which rows are replaced."""
    names = ("metric_id", "definition_version", "grain", "period_start")
    if isinstance(rows, pa.Table):
        return rows.select([name for name in names if name in rows.column_names])
    return pa.table({name: [row[name] for row in rows] for name in names if rows and name in rows[0]})


def _delete_recomputed(connection: Connection, values: pa.Table, whole: Collection[str]) -> None:
    if len(values) == 0:
        return
    ranges = values.group_by(["metric_id", "definition_version", "grain"]).aggregate(
        [("period_start", "min"), ("period_start", "max")]
    )
    replaced = [
        row | ({"period_start_min": date.min} if row["metric_id"] in whole else {}) for row in ranges.to_pylist()
    ]
    for table in (_VALUE, *map(table_of, _SUPPORTING.values())):
        statement = delete(table).where(
            table.c.metric_id == bindparam("metric_id"),
            table.c.definition_version == bindparam("definition_version"),
            table.c.grain == bindparam("grain"),
            table.c.period_start.between(bindparam("period_start_min"), bindparam("period_start_max")),
        )
        connection.execute(statement, replaced)


def _delete_meanings(connection: Connection, meanings: pa.Table) -> None:
    if len(meanings) == 0:
        return
    statement = delete(_DIM).where(
        _DIM.c.metric_id == bindparam("metric_id"), _DIM.c.definition_version == bindparam("definition_version")
    )
    connection.execute(statement, meanings.to_pylist())


def _refresh_wide_view(connection: Connection) -> None:
    """Make ``metric_wide_month`` anew when the tier-1 metrics or their versions are not those it was made from."""
    body = _wide_view(connection)
    mark = hashlib.sha256(body.encode()).hexdigest()
    if _mark_of_wide_view(connection) == mark:
        return
    connection.exec_driver_sql("drop view if exists metric_wide_month")
    connection.exec_driver_sql(f"create view metric_wide_month as {body} -- {mark}")
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"comment on view metric_wide_month is '{mark}'")


def _mark_of_wide_view(connection: Connection) -> str | None:
    if connection.dialect.name == "postgresql":
        query = "select obj_description(to_regclass('metric_wide_month'), 'pg_class')"
    else:
        query = "select substr(sql, -64) from sqlite_master where name = 'metric_wide_month'"
    mark: str | None = connection.exec_driver_sql(query).scalar()
    return mark


_WIDE_GRAINS = ("month", "cohort", "asof")
"""By which of its grains a metric is given in a row per month, the first it has: a cohort is that of the month's
orders, a state that of the month's last day, or of the newest one."""


def _wide_view(connection: Connection) -> str:
    """One row per month, one column per tier-1 metric in its newest definition."""
    newest = (
        select(_DIM.c.metric_id, func.max(_DIM.c.definition_version).label("version"))
        .group_by(_DIM.c.metric_id)
        .subquery()
    )
    metrics = connection.execute(
        select(_DIM.c.metric_id, cast(newest.c.version, Integer), _DIM.c["class"], _DIM.c.grains)
        .join(newest, (newest.c.metric_id == _DIM.c.metric_id) & (newest.c.version == _DIM.c.definition_version))
        .where(_DIM.c.tier == 1)
        .order_by(_DIM.c.metric_id)
    ).all()
    columns = "".join(f", {_wide_column(*metric)}" for metric in metrics)
    return f"""
        with total as (
            select * from metric_value
            where grain in {_WIDE_GRAINS} and channel = 'all' and segment_scheme = 'all' and slice_name = 'all'
                and variant = 'default'
        ),
        month as (select distinct period_start, period_end from total where grain <> 'asof'),
        told as (
            select
                month.period_start, month.period_end, metric_id, definition_version, grain, stat, value,
                row_number() over (
                    partition by month.period_start, metric_id, definition_version, grain, stat
                    order by total.period_start desc
                ) as place
            from month
            join total on total.period_start >= month.period_start and total.period_start < month.period_end
        )
        select period_start, period_end{columns} from told where place = 1 group by period_start, period_end
    """  # noqa: S608 - ids are checked below


def _wide_column(metric_id: str, version: int, kind: str, grains: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", metric_id):
        raise ValueError(f"{metric_id!r} cannot name a column; use lower-case letters, digits and underscores.")
    stat = "p50" if kind.startswith("Q") else "value"  # the headline of a quantile is its median
    grain = next((one for one in _WIDE_GRAINS if one in grains.split(",")), "none")
    return (
        f"max(case when metric_id = '{metric_id}' and definition_version = {version} and stat = '{stat}' "
        f"and grain = '{grain}' then value end) as \"{metric_id}\""
    )
