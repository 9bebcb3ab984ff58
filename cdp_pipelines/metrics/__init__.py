"""The definitions of the numbers people quote, and the machinery that computes and publishes them."""

from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.refreshing import MetricsReport, refresh

__all__ = ["METRICS", "MetricsReport", "refresh"]
