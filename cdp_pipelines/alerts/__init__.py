"""Being told: which troubles there are, which of them are news, and the message: names and counts, no value."""

from cdp_pipelines.alerts.memory import Memory
from cdp_pipelines.alerts.sending import Delivery, send
from cdp_pipelines.alerts.troubles import Trouble, closed_installation, failed_run, overdue_sources

__all__ = ["Delivery", "Memory", "Trouble", "closed_installation", "failed_run", "overdue_sources", "send"]
