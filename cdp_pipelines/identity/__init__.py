"""Who is who: person records of all sources become profiles. Values are in clear here, in memory alone."""

from cdp_pipelines.identity.profiles import (
    ProfileReport,
    build_profiles,
    consent_history,
    golden_record,
    permissions,
)
from cdp_pipelines.identity.resolving import IdentityReport, resolve

__all__ = [
    "IdentityReport",
    "ProfileReport",
    "build_profiles",
    "consent_history",
    "golden_record",
    "permissions",
    "resolve",
]
