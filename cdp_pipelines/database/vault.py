"""The vault as ``privacy`` sees it: subjects, their wrapped keys, and the references that lead to them.

It is asked for thousands of references per batch, in the middle of a sync. So each call is a few statements whose
arguments are arrays, past SQLAlchemy's row objects.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from cdp_pipelines.barriers import reach
from cdp_pipelines.database.rows import driver_rows, insert_new_values, wanted_ids
from cdp_pipelines.database.stores import writing
from privacy.subjects import StoredSubject, SubjectRef

_CHUNK = 10_000
"""References or ids per statement; also below SQLite's limit on parameters."""


class SubjectVault:
    """``privacy.subjects.SubjectStore`` over the vault's tables. Holds no key in clear."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, refs: Collection[SubjectRef]) -> dict[SubjectRef, StoredSubject]:
        """The subjects of those ``refs`` that are known."""
        with self._engine.connect() as connection:
            return _find(connection, refs)

    def by_id(self, subject_ids: Collection[bytes]) -> dict[bytes, StoredSubject]:
        """The subjects of those ids that are known."""
        wanted = list(subject_ids)
        found: dict[bytes, StoredSubject] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(wanted), _CHUNK):
                rows = _rows_by_id(connection, wanted[start : start + _CHUNK])
                found.update((row[0], StoredSubject(*row)) for row in rows)
        return found

    def create(
        self, subjects: Sequence[StoredSubject], aliases: Sequence[tuple[SubjectRef, bytes]]
    ) -> dict[SubjectRef, StoredSubject]:
        """Keep new subjects and references to subjects, in one transaction.

        The first writer of a reference wins; a new subject that lost all its references is not kept. The result
        says what each given reference resolves to now.
        """
        kept = self._keep(subjects, aliases)
        reach("key_created")
        return kept

    def _keep(
        self, subjects: Sequence[StoredSubject], aliases: Sequence[tuple[SubjectRef, bytes]]
    ) -> dict[SubjectRef, StoredSubject]:
        given = {subject.subject_id: subject for subject in subjects}
        with writing(self._engine) as connection:
            if _insert_aliases(connection, aliases) == len(aliases) and all(key in given for _, key in aliases):
                _insert_subjects(connection, subjects)
                return {ref: given[key] for ref, key in aliases}
            refs = [ref for ref, _ in aliases]
            lost = {key for _, key in aliases}.difference(_resolve(connection, refs))
            _insert_subjects(connection, [subject for key, subject in given.items() if key not in lost])
            return _find(connection, refs)


def _insert_aliases(connection: Connection, aliases: Sequence[tuple[SubjectRef, bytes]]) -> int:
    columns = ("source", "kind", "id", "subject_id")
    values = sorted(
        (*ref, key) for ref, key in aliases
    )  # in one order two writers wait for each other, never in a ring
    return insert_new_values(connection, "subject_alias", columns, values)


def _insert_subjects(connection: Connection, subjects: Iterable[StoredSubject]) -> None:
    now = datetime.now(UTC)
    at = f"{now:%Y-%m-%d %H:%M:%S.%f}" if connection.dialect.name == "sqlite" else now
    columns = ("subject_id", "wrapped_key", "kek_id", "created_at")
    values = [(subject.subject_id, subject.wrapped_key, subject.kek_id, at) for subject in subjects]
    insert_new_values(connection, "subject_key", columns, sorted(values))  # random ids; in order they touch fewer pages


def _find(connection: Connection, refs: Iterable[SubjectRef]) -> dict[SubjectRef, StoredSubject]:
    columns = "a.id, s.subject_id, s.wrapped_key, s.kek_id"
    key = "join subject_key as s on s.subject_id = a.subject_id"
    return {
        by_id[identifier]: StoredSubject(subject_id, wrapped_key, kek_id)
        for by_id, rows in _by_alias(connection, columns, refs, join=key)
        for identifier, subject_id, wrapped_key, kek_id in rows
    }


def _resolve(connection: Connection, refs: Iterable[SubjectRef]) -> set[bytes]:
    """Ids of the subjects the references lead to, whether or not the subjects are written yet."""
    return {subject_id for _, rows in _by_alias(connection, "a.subject_id", refs) for (subject_id,) in rows}


def _by_alias(
    connection: Connection, columns: str, refs: Iterable[SubjectRef], *, join: str = ""
) -> Iterator[tuple[dict[str, SubjectRef], Sequence[Any]]]:
    """Rows about the references, one source and kind and a bounded number of references at a time."""
    groups: dict[tuple[str, str], dict[str, SubjectRef]] = defaultdict(dict)
    for ref in refs:
        groups[ref[0], ref[1]][ref[2]] = ref
    for (source, kind), by_id in groups.items():
        ids = list(by_id)
        for start in range(0, len(ids), _CHUNK):
            wanted, argument = wanted_ids(connection, ids[start : start + _CHUNK])
            aliases = f"{wanted} subject_alias as a on a.source = ? and a.kind = ? and a.id = wanted.value"
            statement = f"select {columns} from {aliases} {join}"  # noqa: S608 - our own text
            yield by_id, driver_rows(connection, statement, (argument, source, kind))


def _rows_by_id(connection: Connection, ids: list[bytes]) -> Sequence[Any]:
    is_sqlite = connection.dialect.name == "sqlite"
    among = f"in ({', '.join('?' * len(ids))})" if is_sqlite else "= any(?::bytea[])"
    statement = f"select subject_id, wrapped_key, kek_id from subject_key where subject_id {among}"  # noqa: S608 - marks
    return driver_rows(connection, statement, tuple(ids) if is_sqlite else (ids,))
