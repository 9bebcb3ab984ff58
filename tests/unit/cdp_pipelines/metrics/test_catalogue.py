"""The declarations, the published catalogue and the document say the same."""

from pathlib import Path

import pytest

from cdp_pipelines.metrics import METRICS
from cdp_pipelines.metrics.catalogue import DOCUMENT, document
from cdp_pipelines.metrics.dimension import dim_rows
from cdp_pipelines.metrics.schedules import longest_gap
from cdp_pipelines.views import SESSION_TABLES
from models import PURPOSES
from models.marts import DimMetric

ROOT = Path(__file__).parents[4]


def test_the_document_is_what_the_declarations_say():
    written = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    assert written == document(), "write it anew: python -m cdp_pipelines.metrics.catalogue"


def test_every_column_of_the_catalogue_is_filled():
    columns = [column.name for column in DimMetric.__table__.columns]
    assert [sorted(row) for row in dim_rows()] == [sorted(columns)] * len(METRICS)


def test_ids_are_unique_and_purposes_known():
    assert len({metric.id for metric in METRICS}) == len(METRICS)
    assert {metric.purpose for metric in METRICS} <= set(PURPOSES)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_a_metric_that_can_be_fed_has_a_statement_and_one_that_cannot_has_none(metric):
    folder = ROOT / "cdp_pipelines/metrics/declarations"
    can_be_fed = bool(metric.sources) and set(metric.entities) <= set(SESSION_TABLES)
    assert (folder / f"{metric.id}.sql").exists() == can_be_fed


def test_every_statement_belongs_to_a_metric():
    statements = {path.stem for path in (ROOT / "cdp_pipelines/metrics/declarations").glob("*.sql")}
    assert statements <= {metric.id for metric in METRICS}


@pytest.mark.parametrize(
    ("cron", "hours"),
    [
        ("0 * * * *", 1),
        ("*/30 * * * *", 0.5),
        ("15 6,18 * * *", 12),
        ("0 9-17/4 * * *", 16),
        ("0 3 * * mon", 168),
        ("0 8 * * 1-5", 72),
        ("0 0 1 * *", 31 * 24),
        ("0 0 1 jan *", 366 * 24),
        ("0 6 13 * fri", 168),
    ],
)
def test_the_longest_gap_of_a_schedule(cron, hours):
    assert longest_gap(cron).total_seconds() / 3600 == hours
