"""Every statement returns what its declaration promises: the labels it is sliced by, and numbers besides."""

import pytest
from small_worlds import SmallWorld

from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.segments import SCHEMES
from cdp_pipelines.transforms import transform
from cdp_pipelines.views import SESSION_TABLES

FED = [metric for metric in METRICS if metric.sources and set(metric.entities) <= set(SESSION_TABLES)]
OWN = {"at", "until", "profile_id"}
OF_STATES = {"channel", "slice_name", "slice_value"}
IS_NUMBER = ("int", "double", "float", "decimal", "bool")


@pytest.mark.parametrize("metric", FED, ids=lambda metric: metric.id)
def test_columns_are_declared_labels_or_numbers(metric, tmp_path):
    with SmallWorld(tmp_path).session(metric.purpose, tables=metric.tables) as session:
        for name in metric.transforms:
            session.derive(name, transform(name))
        found = session.query(metric.sql).schema
    labels = set(metric.slices) - set(SCHEMES) if metric.membership in ("period", "retained") else OF_STATES
    assert labels <= set(found.names)
    others = [field for field in found if field.name not in labels | OWN]
    assert [field.name for field in others if not str(field.type).startswith(IS_NUMBER)] == []
