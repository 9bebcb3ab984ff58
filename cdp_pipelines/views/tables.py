"""The tables a session may hold: where their rows come from and in which order they are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from models import ENTITIES
from models.derive import fact_fields
from models.fields import Entity


class CurrentRows(Protocol):
    """What a session needs of the lake."""

    def current_sql(
        self,
        table: str,
        snapshot: Any,  # noqa: ANN401 - the lake's own type
        *,
        columns: Sequence[str] | None = None,
        include_deleted: bool = False,
    ) -> str:
        """A SELECT of the current rows of ``table``."""
        ...


@dataclass(frozen=True, slots=True)
class SessionTable:
    """One table of a session.

    Attributes:
        name: Its name, also that of the lake table it is made from.
        at: The column that says on which day an excluded row is counted; None if its rows are not counted.
        channel: The column counted as channel, if there is one.
        after: Tables that have to be made before.
    """

    name: str
    at: str | None = None
    channel: str | None = None
    after: tuple[str, ...] = ()


_TABLES = (
    SessionTable("person", at="created_at"),
    SessionTable("identity_link", at="linked_at"),
    SessionTable("account", at="created_at"),
    SessionTable("automation_run"),
    SessionTable("consent_event", at="at"),
    SessionTable("ticket", at="created_at", channel="channel"),
    SessionTable("message", at="at", channel="channel", after=("ticket",)),
    SessionTable("ticket_event", at="at", after=("ticket",)),
    SessionTable("survey_invitation", at="delivered_at", channel="request_channel", after=("ticket",)),
    SessionTable("survey_response", at="answered_at", channel="channel", after=("ticket",)),
    SessionTable("review", at="at"),
    SessionTable("order", at="placed_at", channel="channel"),
    SessionTable("order_line", after=("order",)),
    SessionTable("refund", after=("order",)),
    SessionTable("refund_line", after=("order",)),
    SessionTable("return_line", after=("order",)),
    SessionTable("checkout", at="started_at", channel="channel"),
    SessionTable("deal", at="created_at"),
)

SESSION_TABLES: dict[str, SessionTable] = {table.name: table for table in _TABLES}
"""Every table a session may hold, by name, in the order they are made."""

STAGED: frozenset[str] = frozenset(base for table in _TABLES for base in table.after)
"""Tables whose rows with their standing are needed by others; kept until the session is complete."""

_ENTITIES: dict[str, type[Entity]] = {entity.__entity__: entity for entity in ENTITIES}


def facts(table: str) -> list[str]:
    """The columns of a lake table that hold facts: no ciphertext, no token, no system column."""
    return [plan.name for plan in fact_fields(_ENTITIES[table])]


def in_order(wanted: frozenset[str]) -> tuple[SessionTable, ...]:
    """The tables to make for ``wanted``: these and what they rest on, each once."""
    needed = wanted | {base for name in wanted for base in SESSION_TABLES[name].after}
    return tuple(table for name, table in SESSION_TABLES.items() if name in needed)
