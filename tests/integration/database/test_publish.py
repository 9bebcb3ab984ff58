"""Publishing: one transaction, views, copies, and what commands show of it."""

import itertools
import threading
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from sqlalchemy import column, select, table, text

from cdp_pipelines.database import (
    finish_run,
    metric_history,
    metric_overview,
    profile_facts,
    publish_mart,
    publish_profile,
    quarantine_put,
    source_overview,
    start_run,
    write_copies,
)
from cdp_pipelines.database.rows import arrow_schema, read_table, table_of
from cdp_pipelines.errors import StoreError, UnknownMetricError
from models import MetricComponent, MetricValue

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)


def value(**changes):
    row = {
        "metric_id": "csat",
        "definition_version": 1,
        "grain": "month",
        "period_start": JANUARY,
        "period_end": FEBRUARY,
        "channel": "all",
        "segment_scheme": "all",
        "segment": "all",
        "slice_name": "all",
        "slice_value": "all",
        "stat": "value",
        "variant": "default",
        "value": 0.5,
        "n": 10,
        "ci_low": 0.4,
        "ci_high": 0.6,
        "status": "ok",
        "is_final": True,
        "is_stale": False,
        "basis_changed": False,
        "unit": "ratio",
        "run_id": "r1",
        "computed_at": NOON,
    }
    return row | changes


def meaning(**changes):
    row = {
        "metric_id": "csat",
        "definition_version": 1,
        "name": "Customer satisfaction",
        "family": "customer_centricity",
        "tier": 1,
        "class": "T",
        "definition": "satisfied ÷ answered",
        "lag_hours": 0,
        "grains": "day,week,month",
        "slices": "channel",
        "unit": "ratio",
        "better": "up",
        "purpose": "service_delivery",
        "is_sensitive": False,
        "k": 5,
        "n_min": 10,
        "n_ok": 30,
        "roll_up": "sum parts",
        "sources": ["zendesk"],
        "entities": ["survey_response"],
        "seed_refs": [],
        "valid_from": date(2020, 1, 1),
    }
    return row | changes


def rows(stores, query):
    with stores.mart.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_recomputed_periods_are_replaced_and_others_stay(stores):
    first = [value(), value(period_start=FEBRUARY), value(period_start=FEBRUARY, channel="chat"), value(grain="week")]
    assert publish_mart(stores, first, [meaning()]) == 4
    publish_mart(stores, [value(period_start=FEBRUARY, value=0.9)], [meaning()])
    assert rows(stores, "select grain, channel, value from metric_value order by grain, period_start, channel") == [
        ("month", "all", 0.5),
        ("month", "all", 0.9),
        ("week", "all", 0.5),
    ]


def test_rows_by_column_are_stored_like_rows_by_row(stores):
    publish_mart(stores, [value()], [meaning()])
    by_row = rows(stores, "select * from metric_value")
    publish_mart(stores, pa.Table.from_pylist([value()], arrow_schema(table_of(MetricValue).columns)), [meaning()])
    assert rows(stores, "select * from metric_value") == by_row


def test_a_publishing_that_fails_changes_nothing(stores):
    publish_mart(stores, [value()], [meaning()])
    with pytest.raises(StoreError):
        publish_mart(stores, [value(value=0.9), value(value=0.9)], [meaning()])
    assert rows(stores, "select value from metric_value") == [(0.5,)]


def test_an_unknown_column_is_refused(stores):
    with pytest.raises(KeyError, match="metric_value has no columns colour"):
        publish_mart(stores, [value(colour="red")], [meaning()])


def test_nothing_to_publish_is_fine(stores):
    assert publish_mart(stores, [], []) == 0
    assert rows(stores, "select * from metric_wide_month") == []


def test_the_latest_view_holds_the_newest_version_and_period_of_each_key(stores):
    values = [
        value(),
        value(period_start=FEBRUARY),
        value(definition_version=2, value=0.7),
        value(channel="chat", value=0.1),
        value(metric_id="nps", unit="points", value=30),
    ]
    publish_mart(stores, values, [meaning()])
    latest = rows(stores, "select metric_id, definition_version, channel, value from metric_latest order by 1, 3")
    assert latest == [("csat", 2, "all", 0.7), ("csat", 1, "chat", 0.1), ("nps", 1, "all", 30.0)]


def test_the_wide_view_has_a_column_per_tier_1_metric(stores):
    values = [
        value(),
        value(period_start=FEBRUARY, period_end=MARCH, value=0.6),
        value(channel="chat", value=0.1),
        value(metric_id="ttr", stat="p50", value=4.0),
        value(metric_id="ttr", stat="p90", value=9.0),
        value(metric_id="rare", value=1.0),
    ]
    dims = [meaning(), meaning(metric_id="ttr", **{"class": "Q"}), meaning(metric_id="rare", tier=2)]
    publish_mart(stores, values, dims)
    with stores.mart.connect() as connection:
        wide = connection.execute(text("select * from metric_wide_month order by period_start")).mappings().all()
    assert [{key: str(cell) for key, cell in row.items()} for row in wide] == [
        {"period_start": "2026-01-01", "period_end": "2026-02-01", "csat": "0.5", "ttr": "4.0"},
        {"period_start": "2026-02-01", "period_end": "2026-03-01", "csat": "0.6", "ttr": "None"},
    ]


def test_the_wide_view_shows_states_by_their_last_day_and_cohorts_by_their_month(stores):
    days = [date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 3)]
    states = [
        value(metric_id="worth", grain="asof", period_start=day, period_end=day + timedelta(1), value=number)
        for number, day in enumerate(days)
    ]
    values = [value(), value(period_start=FEBRUARY, period_end=MARCH), value(metric_id="returns", grain="cohort")]
    dims = [meaning(), meaning(metric_id="worth", grains="asof"), meaning(metric_id="returns", grains="cohort")]
    publish_mart(stores, values + states, dims)
    with stores.mart.connect() as connection:
        query = text('select worth, "returns" from metric_wide_month order by period_start')
        assert connection.execute(query).all() == [(1, 0.5), (2, None)]


def test_the_wide_view_follows_a_new_metric_and_a_new_version(stores):
    publish_mart(stores, [value()], [meaning()])
    again = [value(definition_version=2, value=0.8), value(metric_id="nps", value=30.0)]
    publish_mart(stores, again, [meaning(definition_version=2), meaning(metric_id="nps")])
    assert rows(stores, "select csat, nps from metric_wide_month") == [(0.8, 30.0)]


def test_a_metric_id_that_is_no_name_is_refused(stores):
    with pytest.raises(ValueError, match="cannot name a column"):
        publish_mart(stores, [], [meaning(metric_id='x"; drop table dim_metric; --')])


def test_a_reader_sees_the_old_or_the_new_whole_and_is_never_blocked(stores):
    """A reader asks all the time while a writer publishes; every answer is one publishing, complete."""
    cells = [("csat", f"channel {number}") for number in range(200)]
    seen, failures, done = set(), [], threading.Event()

    def publish(number: int) -> None:
        values = [value(metric_id=metric, channel=channel, value=float(number)) for metric, channel in cells]
        publish_mart(stores, values, [meaning(name=str(number))])

    def read() -> None:
        query = (
            "select (select name from dim_metric), count(*), min(value), max(value) from metric_value "
            "where metric_id = 'csat'"
        )
        while not done.is_set():
            try:
                seen.update(rows(stores, query))
            except StoreError as error:
                failures.append(error)

    publish(0)
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 8):
        publish(number)
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert seen <= {(str(number), len(cells), float(number), float(number)) for number in range(8)}
    assert len(seen) > 1


def test_an_open_reader_keeps_its_state_and_does_not_hold_up_publishing(stores):
    publish_mart(stores, [value()], [meaning()])
    with stores.mart.connect() as reader:
        if reader.dialect.name == "postgresql":
            reader.exec_driver_sql("set transaction isolation level repeatable read")
        assert reader.execute(text("select csat from metric_wide_month")).scalar() == 0.5
        publish_mart(stores, [value(value=0.9)], [meaning()])
        assert reader.execute(text("select csat from metric_wide_month")).scalar() == 0.5
    assert rows(stores, "select csat from metric_wide_month") == [(0.9,)]


def component(**changes):
    of_row = {name: content for name, content in value().items() if name in MetricComponent.model_fields}
    made = {"component_id": "nps", "weight": 0.5, "weight_used": 1.0, "lo": 0.0, "hi": 1.0, "status": "ok"}
    return of_row | made | changes


def test_what_an_index_is_made_of_is_replaced_with_its_periods(stores):
    first = {"metric_component": [component(), component(component_id="ces"), component(period_start=FEBRUARY)]}
    publish_mart(stores, [value(), value(period_start=FEBRUARY)], [meaning()], first)
    publish_mart(stores, [value()], [meaning()], {"metric_component": [component(weight_used=0.5)]})
    found = rows(stores, "select period_start, component_id, weight_used from metric_component order by 1, 2")
    assert [(str(start), name, weight) for start, name, weight in found] == [
        (str(JANUARY), "nps", 0.5),
        (str(FEBRUARY), "nps", 1.0),
    ]


def test_copies_hold_what_the_mart_holds(stores, settings):
    publish_mart(stores, [value(), value(period_start=FEBRUARY, value=None)], [meaning()])
    settings.data.mkdir(exist_ok=True)
    names = {path.name for path in write_copies(stores, settings)}
    tables = (
        "metric_value",
        "dim_metric",
        "metric_component",
        "index_sensitivity",
        "metric_latest",
        "metric_wide_month",
    )
    assert names == {f"{table}.{suffix}" for table in tables for suffix in ("csv", "parquet")}
    values = parquet.read_table(settings.data / "metric_value.parquet")
    assert values.schema == arrow_schema(table_of(MetricValue).columns)
    assert values.select(["period_start", "value", "is_final", "computed_at"]).to_pylist() == [
        {"period_start": JANUARY, "value": 0.5, "is_final": True, "computed_at": NOON},
        {"period_start": FEBRUARY, "value": None, "is_final": True, "computed_at": NOON},
    ]
    as_csv = csv.read_csv(settings.data / "metric_value.csv")
    assert as_csv["value"].to_pylist() == [0.5, None]
    assert parquet.read_table(settings.data / "dim_metric.parquet")["sources"].to_pylist() == ['["zendesk"]']


def test_the_copy_of_the_latest_rows_is_what_the_view_shows(stores, settings):
    series = itertools.product(("day", "month"), ("all", "chat"), ("p50", "p90"))
    made = [
        value(grain=grain, channel=channel, stat=stat, period_start=start, definition_version=version, value=number)
        for number, ((grain, channel, stat), start, version) in enumerate(
            itertools.product(series, (JANUARY, FEBRUARY), (1, 2, 10))
        )
        if (start, version) != (FEBRUARY, 10) or channel == "chat"  # the newest version need not have the newest period
    ]
    publish_mart(stores, made, [meaning()])
    write_copies(stores, settings)
    view = table("metric_latest", *(column(one.name, one.type) for one in table_of(MetricValue).columns))
    query = select(view).order_by(*(view.c[one.name] for one in table_of(MetricValue).primary_key.columns))
    with stores.mart.connect() as connection:
        shown = read_table(connection, query)
    assert shown.num_rows == 8
    assert parquet.read_table(settings.data / "metric_latest.parquet").equals(shown)


def test_a_copy_that_cannot_be_written_leaves_the_earlier_one(stores, settings):
    publish_mart(stores, [value()], [meaning()])
    write_copies(stores, settings)
    earlier = (settings.data / "metric_value.csv").read_bytes()
    (settings.data / "metric_value.parquet").unlink()
    (settings.data / "metric_value.parquet").mkdir()
    publish_mart(stores, [value(value=0.9)], [meaning()])
    with pytest.raises(StoreError, match=r"Writing the copy metric_value\.parquet of the mart"):
        write_copies(stores, settings)
    assert (settings.data / "metric_value.csv").read_bytes() != earlier
    assert [path.name for path in settings.data.iterdir() if path.name.startswith(".")] == []


def test_profile_tables_are_replaced_whole(stores):
    customer = {"profile_id": "p1", "source_count": 2, "refreshed_at": NOON, "consent_marketing": False}
    state = {"purpose": "marketing", "scope": "all", "state": "withdrawn", "since": NOON, "is_default": False}
    link = {"source": "hubspot", "source_id": "1", "method": "single", "confidence": 1.0, "linked_at": NOON}
    tables = {
        "customer_360": [customer, customer | {"profile_id": "p2"}],
        "consent_state": [state | {"profile_id": "p1", "inferred": True}],
        "identity_link": [link | {"profile_id": "p1"}],
        "segment_membership": [],
    }
    publish_profile(stores, tables)
    publish_profile(stores, {"customer_360": [customer]})
    facts = profile_facts(stores.profile, "p1")
    assert {name: fact for name, fact in facts["customer_360"].items() if fact is not None} == customer
    assert facts["records"] == [{"source": "hubspot", "source_id": "1", "linked_by": "single"}]
    assert facts["consent"] == [{"purpose": "marketing", "scope": "all", "state": "withdrawn", "since": NOON}]
    assert profile_facts(stores.profile, "p2") == {"customer_360": {}, "records": [], "consent": []}


def test_a_nul_character_is_published_as_far_as_the_database_can(stores, database):
    publish_profile(
        stores, {"customer_360": [{"profile_id": "p1", "region": "D\0E", "source_count": 1, "refreshed_at": NOON}]}
    )
    region = profile_facts(stores.profile, "p1")["customer_360"]["region"]
    assert region == {"sqlite": "D\0E", "postgresql": "D\ufffdE"}[database]


def test_metrics_are_shown_with_their_latest_month(stores):
    values = [value(), value(period_start=FEBRUARY, value=0.6), value(channel="chat"), value(grain="day")]
    publish_mart(stores, values, [meaning()])
    (row,) = metric_overview(stores.mart)
    assert (row["metric_id"], row["period"], row["value"], row["status"]) == ("csat", "2026-02-01", 0.6, "ok")
    shown = metric_history(stores.mart, "csat", grain="month")
    assert (shown["name"], shown["definition"]) == ("Customer satisfaction", "satisfied ÷ answered")
    assert [(row["period"], row["channel"]) for row in shown["values"]] == [
        ("2026-02-01", "all"),
        ("2026-01-01", "all"),
        ("2026-01-01", "chat"),
    ]


def test_a_metric_without_months_is_listed_and_shown_at_what_it_has(stores):
    publish_mart(stores, [value(grain="cohort")], [meaning(grains="cohort")])
    assert [row["metric_id"] for row in metric_overview(stores.mart)] == ["csat"]
    shown = metric_history(stores.mart, "csat")
    assert (shown["grain"], len(shown["values"])) == ("cohort", 1)


def test_an_unknown_metric_is_told_the_known_ones(stores):
    publish_mart(stores, [], [meaning()])
    with pytest.raises(UnknownMetricError, match="Published are: csat"):
        metric_history(stores.mart, "cast", grain="month")


def test_sources_are_shown_with_their_latest_run(stores, settings):
    finish_run(stores.control, start_run(stores.control, "sync/hubspot"), "success", counts={"records": 7})
    quarantine_put(stores.control, "hubspot", "contacts", [("1", "MappingError")])
    found = {row["source"]: row for row in source_overview(stores.control, settings)}
    hubspot, zendesk = found["hubspot"], found["zendesk"]
    assert (hubspot["source"], hubspot["status"], hubspot["records"], hubspot["in quarantine"]) == (
        "hubspot",
        "success",
        7,
        1,
    )
    assert zendesk == {
        "source": "zendesk",
        "configured": False,
        "schedule": None,
        "last run": None,
        "status": None,
        "records": None,
        "in quarantine": 0,
    }


@pytest.mark.parametrize("database", ["postgresql"])
def test_bi_may_read_the_mart_and_every_view_made_later(stores):
    publish_mart(stores, [value()], [meaning()])
    publish_mart(stores, [], [meaning(metric_id="nps")])
    names = ("metric_value", "metric_component", "metric_latest", "metric_wide_month")
    rights = [f"has_table_privilege('bi_reader', '{name}', 'select')" for name in names]
    assert rows(stores, f"select {', '.join(rights)}") == [(True,) * 4]
    assert rows(stores, "select has_table_privilege('bi_reader', 'metric_value', 'insert')") == [(False,)]
