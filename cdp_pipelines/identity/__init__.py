"""Who is who: person records of all sources become profiles. Values are in clear here, in memory alone."""

from cdp_pipelines.identity.profiles import (
    ProfileReport,
    build_profiles,
    golden_record,
    read_consents,
)
from cdp_pipelines.identity.resolving import IdentityReport, resolve

__all__ = [
    "IdentityReport",
    "ProfileReport",
    "build_profiles",
    "golden_record",
    "read_consents",
    "resolve",
]
