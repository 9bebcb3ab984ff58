"""Consent-filtered sessions: the only way a metric reaches data. Nothing here computes a number."""

from cdp_pipelines.views.session import Session, open_session
from cdp_pipelines.views.tables import SESSION_TABLES, CurrentRows

__all__ = ["SESSION_TABLES", "CurrentRows", "Session", "open_session"]
