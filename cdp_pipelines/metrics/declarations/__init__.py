"""Every metric, one declaration each, with the statement of its units in the .sql file of its name."""

from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.declarations.automation import AUTOMATION
from cdp_pipelines.metrics.declarations.commerce import COMMERCE
from cdp_pipelines.metrics.declarations.consent import CONSENT
from cdp_pipelines.metrics.declarations.profiles import PROFILES
from cdp_pipelines.metrics.declarations.reviews import REVIEWS
from cdp_pipelines.metrics.declarations.sales import SALES
from cdp_pipelines.metrics.declarations.segments import SEGMENTS
from cdp_pipelines.metrics.declarations.self_service import SELF_SERVICE
from cdp_pipelines.metrics.declarations.support import SUPPORT
from cdp_pipelines.metrics.declarations.surveys import SURVEYS

METRICS: tuple[Metric, ...] = (
    *SURVEYS,
    *SUPPORT,
    *SELF_SERVICE,
    *COMMERCE,
    *REVIEWS,
    *SALES,
    *SEGMENTS,
    *CONSENT,
    *PROFILES,
    *AUTOMATION,
)

__all__ = ["METRICS"]
