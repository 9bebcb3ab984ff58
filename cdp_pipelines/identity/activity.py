"""What each profile did: orders, requests for help, answers, reviews, as far as the person permits its use.

It comes through a session for ``service_delivery`` and the statements the metrics are made from, so a number in
``customer_360`` and the metric of the same name cannot mean different things.
"""

from datetime import datetime
from typing import Final

import pyarrow as pa

from cdp_pipelines.config import Settings
from cdp_pipelines.currency import read_rates
from cdp_pipelines.engine import Engine
from cdp_pipelines.lake import Lake, Snapshot
from cdp_pipelines.transforms import transform
from cdp_pipelines.views import open_session

TABLES: Final = (
    *("order", "order_line", "refund", "refund_line"),
    *("ticket", "message", "ticket_event", "survey_response", "review"),
)
"""Tables it is made from."""

STEPS: Final = (
    *("valid_order", "order_line_net", "order_net", "refund_net"),
    *("customer_ticket", "solve", "public_message", "contact", "touch", "issue_ticket", "issue"),
)
"""Views it rests on, in their order."""


def activity(
    *, lake: Lake, engine: Engine, settings: Settings, snapshot: Snapshot, permissions: pa.Table, now: datetime
) -> pa.Table:
    """One row per profile that did something, with the columns of ``profile_activity.sql``.

    Raises:
        ConfigError: The file of currency rates cannot be used.
        EngineError: The rows could not be read.
    """
    with open_session(
        "service_delivery",
        engine=engine,
        lake=lake,
        snapshot=snapshot,
        permissions=permissions,
        rates=read_rates(settings),
        time_zone=settings.company.time_zone,
        as_of=now,
        unknown_permitted=False,  # nobody identifiable has no profile
        tables=TABLES,
    ) as session:
        for name in STEPS:
            session.derive(name, transform(name))
        return session.query(transform("profile_activity"), doing="Describing what profiles did")
