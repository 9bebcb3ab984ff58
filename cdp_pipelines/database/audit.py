"""Where the audit log is kept. How an entry is made and proved is ``privacy.audit``'s business."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select

from cdp_pipelines.database.rows import table_of
from cdp_pipelines.database.stores import writing
from models.control import AuditEntry as StoredEntry
from privacy.audit import AuditChain, AuditEntry, AuditReport, Detail
from privacy.keys import KeyRing

_TABLE = table_of(StoredEntry)


def record_audit(
    control: Engine,
    ring: KeyRing,
    *,
    actor: str,
    action: str,
    detail: Detail | None = None,
    reason: str | None = None,
    at: datetime | None = None,
) -> None:
    """Add an entry; when it cannot be written, the act must not happen.

    Args:
        control: The control store.
        ring: The key ring, for the chain and the reason.
        actor: Code of who acts.
        action: Code of what is done.
        detail: Codes, counts and our own ids.
        reason: What the actor says; kept encrypted.
        at: When; now unless given.

    Raises:
        UnprotectableError: Something else than codes was passed.
        StoreError: The entry could not be written.
    """
    chain = AuditChain(ring)
    with writing(control) as connection:
        if connection.dialect.name == "postgresql":  # each entry names the one before it
            connection.exec_driver_sql("lock table audit_entry in exclusive mode")
        entry = chain.next_entry(
            _last(connection), at=at or datetime.now(UTC), actor=actor, action=action, detail=detail, reason=reason
        )
        row = {name: getattr(entry, name) for name in ("seq", "at", "actor", "action", "reason", "previous")}
        connection.execute(insert(_TABLE), {**row, "detail": dict(entry.detail), "mac": entry.code})


def verify_audit(control: Engine, ring: KeyRing) -> AuditReport:
    """Prove that no entry was changed, removed, moved or inserted.

    Raises:
        AuditBrokenError: One was; says which.
    """
    with control.connect() as connection:
        rows = connection.execute(select(_TABLE).order_by(_TABLE.c.seq)).all()
    return AuditChain(ring).verify(_entry(row) for row in rows)


def _last(connection: Connection) -> AuditEntry | None:
    row = connection.execute(select(_TABLE).order_by(_TABLE.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else _entry(row)


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        action=row.action,
        detail=row.detail,
        reason=row.reason,
        previous=row.previous,
        code=row.mac,
    )
