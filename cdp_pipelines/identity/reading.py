"""Reading the snapshot of the lake that a run works on; the only part of identity that runs SQL on it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from cdp_pipelines.engine import Engine, fetch, fetch_batches
from cdp_pipelines.lake import Lake, Snapshot
from models import Account, Entity, IdentityLink, MatchKey, Person

_RECORD_COLUMNS = (
    *("source", "source_id", "kind", "is_test", "is_guest", "deleted", "email_token", "other_emails_tokens"),
    *("phone_token", "other_phones_tokens", "cross_source", "cross_id", "merged_into", "account_id", "digest"),
)
_LINK_COLUMNS = ("source", "source_id", "profile_id", "method", "key_type", "confidence", "linked_at")
_BATCH_ROWS = 10_000
_KEY_COLUMNS = ("source", "source_id", "stamp", "tokens", "compared", "plain")


@contextmanager
def reading(lake: Lake, engine: Engine, snapshot: Snapshot) -> Iterator["LakeRows"]:
    """The rows of ``snapshot``, on one engine for as long as the block lasts.

    Raises:
        EngineError: The engine could not be opened.
    """
    with engine.connection() as connection:
        yield LakeRows(lake, connection, snapshot)


@dataclass(frozen=True, slots=True)
class LakeRows:
    """What a run reads: persons as they were when it began, and what the last run wrote.

    Each query has a cursor of its own, so that one may begin while the batches of another are still read.
    """

    lake: Lake
    connection: duckdb.DuckDBPyConnection
    snapshot: Snapshot

    def records(self) -> pa.Table:
        """Every person record, deleted ones too, sorted by key, with the digest of its organisation."""
        persons = self.current(Person, _RECORD_COLUMNS, include_deleted=True)
        accounts = self.current(Account, ("source", "source_id", "digest"))
        sql = f"""
            SELECT person.* EXCLUDE (account_id), account.digest AS account_digest
            FROM ({persons}) AS person
            LEFT JOIN ({accounts}) AS account
                ON account.source = person.source AND account.source_id = person.account_id
            ORDER BY person.source, person.source_id
        """  # noqa: S608 - our own SQL
        return self._query(sql)

    def links(self) -> pa.Table:
        """Every link as the last run left it."""
        return self._query(self.current(IdentityLink, _LINK_COLUMNS))

    def match_keys(self) -> pa.Table:
        """What makes records worth comparing, as the last run left it."""
        return self._query(self.current(MatchKey, _KEY_COLUMNS))

    def reader(self, records: pa.Table) -> "Reader":
        """Reads further columns of ``records``."""
        return Reader(self, records)

    def current(self, entity: type[Entity], columns: Sequence[str], *, include_deleted: bool = False) -> str:
        """A SELECT of the current rows of ``entity``."""
        return self.lake.current_sql(entity.__entity__, self.snapshot, columns=columns, include_deleted=include_deleted)

    def _query(self, sql: str) -> pa.Table:
        with self.connection.cursor() as cursor:
            return fetch(cursor, sql, doing="Reading person records for identity resolution")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads protected columns of some of the records, as ``values.ReadColumns`` wants them."""

    source: LakeRows
    records: pa.Table

    def __call__(self, entity: type[Entity], rows: Sequence[int], columns: Sequence[str]) -> Iterator[pa.Table]:
        """Protected ``columns`` of the records at ``rows``, or of their organisations, in batches.

        The lake is read once however many rows are asked for.
        """
        names = ("source", "source_id", "subject_id", *columns)
        wanted = self.records.select(["source", "source_id"]).take(pa.array(rows))
        with self.source.connection.cursor() as cursor:
            cursor.register("wanted", wanted.append_column("row", pa.array(rows, pa.int64())))
            yield from fetch_batches(
                cursor, self._sql(entity, names), _BATCH_ROWS, doing="Reading protected columns of person records"
            )

    def _sql(self, entity: type[Entity], names: Sequence[str]) -> str:
        read = self.source.current(entity, names, include_deleted=entity is Person)
        if entity is Person:
            return (
                f"SELECT [wanted.row] AS rows, person.* FROM ({read}) AS person JOIN wanted USING (source, source_id)"  # noqa: S608
            )
        persons = self.source.current(Person, ("source", "source_id", "account_id"))
        return f"""
            SELECT referring.rows, account.*
            FROM (
                SELECT source, person.account_id, list(wanted.row) AS rows
                FROM wanted
                JOIN ({persons}) AS person USING (source, source_id)
                GROUP BY ALL
            ) AS referring
            JOIN ({read}) AS account
                ON account.source = referring.source AND account.source_id = referring.account_id
        """  # noqa: S608 - our own SQL
