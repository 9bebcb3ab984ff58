"""Leases: who is working on something that only one process may work on.

A lease lapses by itself when its holder stops renewing it. A holder on this machine whose process is gone is not
waited for, so that a killed run can be repeated at once.
"""

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update

from cdp_pipelines.database.rows import table_of
from cdp_pipelines.database.stores import writing
from cdp_pipelines.errors import LeaseError, StoreError
from models.control import Lease

_TABLE = table_of(Lease)
_HOLDER = uuid.uuid4().hex[:12]


def this_holder() -> str:
    """This process, told apart from every other one, also from one that had its process id before."""
    return f"{socket.gethostname()}/{os.getpid()}/{_HOLDER}"


class Held:
    """A lease this process holds. ``check`` before an act that must not happen twice."""

    def __init__(self, name: str, holder: str) -> None:
        self.name = name
        self.holder = holder
        self._lost = threading.Event()
        self._until = datetime.max.replace(tzinfo=UTC)

    def check(self) -> None:
        """Go on only while the lease is ours.

        Raises:
            LeaseError: It lapsed, and somebody else may have taken it.
        """
        # A process that was suspended may get here before its renewing thread notices.
        if self._lost.is_set() or datetime.now(UTC) >= self._until:
            raise LeaseError(
                f"Working on {self.name}: this process was held up for so long that its lease lapsed, and another one "
                "may have taken over. It stops here; what it wrote is kept. Run it again."
            )

    def extend(self, until: datetime) -> None:
        """Note that the lease is ours until then."""
        self._until = until

    def lose(self) -> None:
        """Note that the lease is gone."""
        self._lost.set()


@contextmanager
def lease(control: Engine, name: str, holder: str | None = None, ttl_seconds: float = 60) -> Iterator[Held]:
    """Hold ``name`` while the block runs; a thread renews it.

    Args:
        control: The control store.
        name: What to hold, for example ``sync/hubspot/1234``.
        holder: Who holds it; this process unless given.
        ttl_seconds: Seconds after the last renewal until it lapses.

    Raises:
        LeaseError: Somebody else holds it; the message says who and since when.
    """
    held = Held(name, holder or this_holder())
    ttl = timedelta(seconds=ttl_seconds)
    _take(control, held, ttl)
    done = threading.Event()
    heart = threading.Thread(target=_beat, args=(control, held, ttl, done), name=f"lease {name}", daemon=True)
    heart.start()
    try:
        yield held
    finally:
        done.set()
        heart.join()
        with control.begin() as connection:
            connection.execute(delete(_TABLE).where(_TABLE.c.name == name, _TABLE.c.holder == held.holder))


def lease_names(control: Engine, prefix: str) -> set[str]:
    """Names of all leases that begin with ``prefix``, those that have lapsed too."""
    with control.connect() as connection:
        return set(connection.scalars(select(_TABLE.c.name).where(_TABLE.c.name.startswith(prefix, autoescape=True))))


def live_holders(connection: Connection) -> set[str]:
    """Everybody who holds a lease now."""
    now = datetime.now(UTC)
    return {row.holder for row in connection.execute(select(_TABLE)) if _is_live(row, now)}


def _take(control: Engine, held: Held, ttl: timedelta) -> None:
    now = datetime.now(UTC)
    row = {
        "name": held.name,
        "holder": held.holder,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "acquired_at": now,
        "expires_at": now + ttl,
    }
    with writing(control) as connection:
        if control.dialect.name == "postgresql":  # two takers of a free name have no row to wait on
            connection.exec_driver_sql("lock table lease in exclusive mode")
        other = connection.execute(select(_TABLE).where(_TABLE.c.name == held.name)).one_or_none()
        if other is not None and _is_live(other, now):
            raise LeaseError(
                f"Starting {held.name}: process {other.pid} on {other.host} has been working on it since "
                f"{other.acquired_at:%Y-%m-%d %H:%M:%S} UTC. Two at a time would do everything twice. "
                "Wait until it is done, or stop that process, and run again."
            )
        connection.execute(delete(_TABLE).where(_TABLE.c.name == held.name))
        connection.execute(insert(_TABLE), row)
    held.extend(now + ttl)


def _is_live(row: Row[Any], now: datetime) -> bool:
    if row.expires_at <= now:
        return False
    return row.host != socket.gethostname() or _is_running(row.pid)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _beat(control: Engine, held: Held, ttl: timedelta, done: threading.Event) -> None:
    """Renew three times per term, until told to stop or until the lease is gone."""
    renewed = datetime.now(UTC)
    while not done.wait(ttl.total_seconds() / 3):
        now = datetime.now(UTC)
        try:
            is_ours = _renew(control, held, now + ttl)
        except StoreError:  # a locked store is tried again; the term decides how often
            is_ours = now < renewed + ttl
        else:
            renewed = now
            held.extend(now + ttl)
        if not is_ours:
            held.lose()
            return


def _renew(control: Engine, held: Held, until: datetime) -> bool:
    mine = (_TABLE.c.name == held.name) & (_TABLE.c.holder == held.holder)
    with control.begin() as connection:
        return connection.execute(update(_TABLE).where(mine).values(expires_at=until)).rowcount == 1
