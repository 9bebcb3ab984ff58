"""The register of profile ids: an id once given out stays, redirects when merged, is retired when erased."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

import pyarrow as pa
from sqlalchemy import Engine, bindparam, select, update

from cdp_pipelines.database.rows import UTC_TIME, insert_table, read_table, table_of
from cdp_pipelines.database.stores import writing
from models.control import RegisteredId

_TABLE = table_of(RegisteredId)


class IdRegister:
    """Gives out profile ids and follows what became of them."""

    def __init__(self, control: Engine) -> None:
        self._control = control

    def new_ids(self, count: int) -> list[str]:
        """Register ``count`` new ids, in the order they are returned."""
        now = datetime.now(UTC)
        ids = [uuid.uuid4().hex for _ in range(count)]
        at = pa.repeat(pa.scalar(now, UTC_TIME), count)
        rows = pa.table({"profile_id": pa.array(ids, pa.string()), "registered_at": at})
        with writing(self._control) as connection:
            insert_table(connection, RegisteredId, rows)
        return ids

    def rows(self) -> pa.Table:
        """profile_id, redirect_to and retired_at of every id, in order of registration."""
        query = select(_TABLE.c.profile_id, _TABLE.c.redirect_to, _TABLE.c.retired_at).order_by(_TABLE.c.seq)
        with self._control.connect() as connection:
            return read_table(connection, query)

    def redirect(self, old: str, new: str) -> None:
        """Note that ``old`` was merged into ``new``."""
        self.redirect_all({old: new})

    def redirect_all(self, moves: Mapping[str, str]) -> None:
        """Note for many ids into which they were merged."""
        if not moves:
            return
        statement = update(_TABLE).where(_TABLE.c.profile_id == bindparam("old")).values(redirect_to=bindparam("new"))
        with self._control.begin() as connection:
            connection.execute(statement, [{"old": old, "new": new} for old, new in moves.items()])

    def retire(self, profile_id: str) -> None:
        """Note that the profile was erased; its id is never given out again."""
        with self._control.begin() as connection:
            connection.execute(
                update(_TABLE).where(_TABLE.c.profile_id == profile_id).values(retired_at=datetime.now(UTC))
            )

    def resolve(self, profile_id: str) -> str | None:
        """The id that stands for ``profile_id`` today; None when it is unknown or was retired."""
        query = select(_TABLE.c.redirect_to, _TABLE.c.retired_at)
        current, seen = profile_id, set[str]()
        with self._control.connect() as connection:
            while current not in seen:
                seen.add(current)
                row = connection.execute(query.where(_TABLE.c.profile_id == current)).one_or_none()
                if row is None or row.retired_at is not None:
                    return None
                if row.redirect_to is None:
                    return current
                current = row.redirect_to
        return None
