"""From clear rows to protected rows, and back for those who may look.

``protect`` is the only way into the lake: it alone makes ``ProtectedRows``, and ``refuse_unprotected`` lets
the lake check what it is given. ``Revealer`` is the way back. Values are in clear in this module and nowhere
after it; nothing here logs, and no error quotes a value.

Whom a row is about: the first reference of the class that is set (a ticket's requester), else the row itself.
Records that others point at are registered as aliases of their subject, so that a message finds the subject of
its ticket. A message seen before its ticket makes a subject under ("ticket", id); when the ticket comes, its row
uses the requester's subject and the earlier one stays valid for the messages. Whoever erases a person therefore
follows the aliases of the person's tickets too.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import blake2b
from itertools import compress, repeat
from operator import itemgetter
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from models import derive
from models.fields import Entity, Match, Personal
from privacy import labels
from privacy.clear import Clear
from privacy.errors import UnknownSubjectError, UnprotectableError, UnprotectedError
from privacy.fields import (
    FIELD_HEADER,
    SMALLEST_CIPHERTEXT,
    Decrypt,
    column_place,
    opened_column,
    row_places,
    sealed_column,
)
from privacy.index import TOKEN_BYTES, BlindIndex, BlockingIndex, Token
from privacy.keys import KeyRing
from privacy.normalise import normaliser
from privacy.sealing import NONCE_BYTES, VERSION, frame
from privacy.subjects import StoredSubject, SubjectKeys, SubjectRef, SubjectStore

DIGEST_BYTES: Final = 16
ROWS_PER_BATCH: Final = 10_000
"""How many rows are revealed with their keys in memory at a time."""

Row = dict[str, Any]
Column = Any  # a list, or an Arrow array that is ready
Columns = dict[str, Column]


class ProtectedRows:
    """Rows without a clear personal value. Only ``Protector.protect`` makes one.

    Attributes:
        entity: Class of the rows.
        table: The rows, without ``commit_seq``.
        dropped_erased: Rows left out because their subject was erased.
    """

    __slots__ = ("dropped_erased", "entity", "table")

    def __init__(self, made_by: "Protector", entity: type[Entity], table: pa.Table, dropped_erased: int) -> None:
        if not isinstance(made_by, Protector):
            raise TypeError("Protected rows are made by Protector.protect alone.")
        self.entity = entity
        self.table = table
        self.dropped_erased = dropped_erased


class Protector:
    """Encrypts, tokenises and digests rows on their way to the lake."""

    def __init__(self, ring: KeyRing, store: SubjectStore, *, phone_region: str) -> None:
        self._keys = SubjectKeys(ring)
        self._subjects = _SubjectFinder(self._keys, store)
        self._digest_key = ring.take_out_derived_key(labels.DIGEST_ROW, ring.key_id("digest"))
        self._indexes = {match: BlindIndex(ring, match) for match in Match}
        self._blocking = BlockingIndex(ring)
        self._normalisers = {match: normaliser(match, phone_region=phone_region) for match in Match}

    def protect(
        self, entity: type[Entity], rows: Sequence[Row] | pa.Table, *, run_id: str, read_at: datetime
    ) -> ProtectedRows:
        """The protected form of ``rows``.

        Args:
            entity: Class of the rows.
            rows: Validated rows, as ``derive.validator(entity)`` returns them, or what we made ourselves by column.
            run_id: The run that read them.
            read_at: When they were read.

        Raises:
            UnprotectableError: A row is not as its class declares; nothing is protected then.
        """
        plan = _plan(entity)
        columns = _columns(plan, rows)
        found = self._subjects.of(plan, columns)
        subjects = [stored for stored in found if stored.wrapped_key is not None]
        dropped = len(found) - len(subjects)
        if dropped:
            kept = [stored.wrapped_key is not None for stored in found]
            columns = {name: _chosen(values, kept) for name, values in columns.items()}
        times = {field.name: _array(columns[field.name], derive.UTC) for field in plan.fields if field.type is datetime}
        system = {
            "subject_id": [stored.subject_id for stored in subjects],
            "read_at": pa.repeat(pa.scalar(read_at, derive.UTC), len(subjects)),
            "run_id": pa.repeat(run_id, len(subjects)),
            "digest": self._digests(plan, columns | _as_integers(times)),
        }
        protected = self._protected(plan, columns, subjects) if plan.personal else {}
        return ProtectedRows(self, entity, _table(entity, columns | times | system | protected), dropped)

    @contextmanager
    def one_batch(self) -> Iterator[None]:
        """Within this block the vault is asked once about a subject, and its key unwrapped once, for all its rows.

        Not for longer than a batch: a subject that is erased in between must be seen.
        """
        self._subjects.remembered = {}
        try:
            with self._keys.one_batch():
                yield
        finally:
            self._subjects.remembered = None

    def token(self, match: Match, raw: str) -> Token | None:
        """The token of an identifier as somebody typed it; ``None`` if it is none."""
        normalised = self._normalisers[match](raw)
        return None if normalised is None else self._indexes[match].of(normalised)

    def blocking_token(self, key: str) -> str:
        """The token of what two records must share to be compared."""
        return self._blocking.token(key)

    def _digests(self, plan: "_Plan", columns: Columns) -> list[bytes]:
        prepared = blake2b(frame(plan.name), key=self._digest_key, digest_size=DIGEST_BYTES)
        digests = []
        for values in zip(*columns.values(), strict=True):
            digest = prepared.copy()
            digest.update(_json(values))
            digests.append(digest.digest())
        return digests

    def _protected(self, plan: "_Plan", clear: Columns, subjects: list[StoredSubject]) -> Columns:
        """Ciphertext and token columns of the clear ones."""
        filled = [field for field in plan.personal if any(value is not None for value in clear[field.name])]
        columns: Columns = {name: [None] * len(subjects) for field in plan.personal for name in _stored_as(field)}
        if not filled:  # rows that happen to hold no personal value need no key
            return columns
        distinct = {stored.subject_id: stored for stored in subjects}
        opened = {subject_id: self._keys.open(stored).aead.encrypt for subject_id, stored in distinct.items()}
        encrypts = [opened[stored.subject_id] for stored in subjects]
        rows = row_places(clear["source"], clear["source_id"])
        for field in filled:
            values, place = clear[field.name], column_place(plan.name, field.name)
            random = os.urandom(NONCE_BYTES * len(values))
            columns[field.name] = sealed_column(place, rows, encrypts, values, random=random)
            if field.match is not None and field.token_column is not None:
                columns[field.token_column] = self._tokens(field.match, values, is_list=field.is_list)
        return columns

    def _tokens(self, match: Match, values: Column, *, is_list: bool) -> Column:
        normalise, token = self._normalisers[match], self._indexes[match].token_bytes
        if not is_list:
            normalised = [None if value is None else normalise(value) for value in values]
            return [None if value is None else token(value) for value in normalised]
        return [None if value is None else _distinct_tokens(value, normalise, token) for value in values]


class Revealer:
    """Reads protected rows in clear: for identity resolution, audited reveals and tests."""

    def __init__(self, ring: KeyRing, store: SubjectStore) -> None:
        self._keys = SubjectKeys(ring)
        self._store = store

    def reveal(self, entity: type[Entity], table: pa.Table, columns: Sequence[str]) -> list[Row]:
        """``source``, ``source_id`` and the clear ``columns`` of each row; an erased subject gives ``None`` values.

        Args:
            entity: Class of the rows.
            table: Protected rows with ``subject_id``, ``source``, ``source_id`` and ``columns``.
            columns: Personal fields to read.

        Raises:
            UnknownSubjectError: The vault has no key record for a row.
            InvalidCiphertextError: A ciphertext is not one of this row and column.
        """
        rows: list[Row] = []
        for start in range(0, table.num_rows, ROWS_PER_BATCH):
            rows += self._reveal_batch(entity, table.slice(start, ROWS_PER_BATCH), columns)
        return rows

    def reveal_wrapped(self, entity: type[Entity], table: pa.Table, columns: Sequence[str]) -> list[Row]:
        """As ``reveal``, but each value travels as ``Clear``, which prints its category alone."""
        plans = derive.personal_fields(entity)
        categories = {plan.name: plan.mark.category for plan in plans if isinstance(plan.mark, Personal)}
        rows = self.reveal(entity, table, columns)
        for row in rows:
            row |= {name: Clear(categories[name], value) for name in columns if (value := row[name]) is not None}
        return rows

    def _reveal_batch(self, entity: type[Entity], table: pa.Table, columns: Sequence[str]) -> list[Row]:
        clear: Columns = {name: table[name].to_pylist() for name in ("source", "source_id")}
        decrypts = self._row_keys(table["subject_id"].to_pylist())
        places = row_places(clear["source"], clear["source_id"])
        for name in columns:
            clear[name] = opened_column(
                column_place(entity.__entity__, name), places, decrypts, table[name].to_pylist()
            )
        return [dict(zip(clear, values, strict=True)) for values in zip(*clear.values(), strict=True)]

    def _row_keys(self, subject_ids: list[bytes]) -> list[Decrypt | None]:
        distinct = set(subject_ids)
        stored = self._store.by_id(distinct)
        if missing := len(distinct - stored.keys()):
            raise UnknownSubjectError(
                f"Revealing rows: the vault has no record of {missing} of {len(distinct)} subjects. Lake and vault do "
                "not belong together, and nothing was read. Check the configured data folder: cdp doctor"
            )
        keys = {
            id_: None if one.wrapped_key is None else self._keys.open(one).aead.decrypt for id_, one in stored.items()
        }
        return [keys[subject_id] for subject_id in subject_ids]


def refuse_unprotected(entity: type[Entity], table: pa.Table) -> None:
    """Check, before an append, that ``table`` holds nothing but declared columns and ciphertexts where due.

    Raises:
        UnprotectedError: It does not; the message names the columns.
    """
    declared = set(derive.arrow_schema(entity).names)
    ciphertexts = {field.name for field in derive.personal_fields(entity)}
    tokens = {field.token_column for field in derive.personal_fields(entity)}
    wrong = [
        name
        for name in table.column_names
        if name not in declared
        or (name in ciphertexts and not _all_ciphertexts(table[name]))
        or (name in tokens and not _all_tokens(table[name]))
    ]
    if wrong:
        raise UnprotectedError(
            f"Writing {entity.__entity__}: the columns {', '.join(sorted(wrong))} hold something that is not protected "
            "or not declared. Nothing was written. Rows enter the lake through Protector.protect alone."
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What ``protect`` needs to know of a class."""

    name: str
    names: tuple[str, ...]
    values: Callable[[Row], tuple[Any, ...]]
    fields: tuple[derive.FieldPlan, ...]
    personal: tuple[derive.FieldPlan, ...]
    refs: tuple[tuple[str, str], ...]
    has_alias: bool


@cache
def _plan(entity: type[Entity]) -> _Plan:
    personal = derive.personal_fields(entity)
    for field in personal:
        if field.type is not str:
            raise TypeError(f"{entity.__entity__}.{field.name}: a personal value is text or a list of texts.")
    refs = tuple((ref.kind, ref.field) for ref in entity.__subject__)
    fields = derive.fields(entity)
    names = tuple(field.name for field in fields)
    return _Plan(entity.__entity__, names, itemgetter(*names), fields, personal, refs, entity.__has_alias__)


class _SubjectFinder:
    """Finds the subject of each row and makes the missing ones: one look-up and one write for all of them.

    Attributes:
        remembered: What the vault answered in this batch; None outside of one.
    """

    def __init__(self, keys: SubjectKeys, store: SubjectStore) -> None:
        self._keys = keys
        self._store = store
        self.remembered: dict[SubjectRef, StoredSubject] | None = None

    def of(self, plan: _Plan, columns: Columns) -> list[StoredSubject]:
        """The subject of each row."""
        about = _about(plan, columns)
        own = _own(plan, columns) if plan.has_alias else about
        known = self._look_up({*about, *own})
        unknown = [ref for ref in dict.fromkeys(about) if ref not in known]
        fresh = dict(zip(unknown, self._keys.new(len(unknown)), strict=True))
        resolved = known | fresh
        aliases = {ref: resolved[subject] for ref, subject in zip(own, about, strict=True) if ref not in known} | fresh
        if aliases:
            pairs = [(ref, stored.subject_id) for ref, stored in aliases.items()]
            known |= self._store.create(list(fresh.values()), pairs)
        if self.remembered is not None:
            self.remembered |= known
        return [known[ref] for ref in about]

    def _look_up(self, refs: set[SubjectRef]) -> dict[SubjectRef, StoredSubject]:
        """The known ones of ``refs``."""
        if not self.remembered:
            return self._store.find(refs)
        known = {ref: self.remembered[ref] for ref in refs & self.remembered.keys()}
        return known | self._store.find(refs - known.keys()) if len(known) < len(refs) else known


def _stored_as(field: derive.FieldPlan) -> tuple[str, ...]:
    """The columns a personal field becomes."""
    return (field.name,) if field.token_column is None else (field.name, field.token_column)


def _columns(plan: _Plan, rows: Sequence[Row] | pa.Table) -> Columns:
    """The rows by column."""
    if isinstance(rows, pa.Table):  # times stay as they are: Python's cost more than all else here
        arrays = [(field, rows[field.name].combine_chunks()) for field in plan.fields]
        return {field.name: array if field.type is datetime else array.to_pylist() for field, array in arrays}
    if not rows:
        return dict.fromkeys(plan.names, ())
    return dict(zip(plan.names, zip(*map(plan.values, rows), strict=True), strict=True))


def _chosen(values: Column, kept: list[bool]) -> Column:
    return values.filter(pa.array(kept)) if isinstance(values, pa.Array) else list(compress(values, kept))


def _about(plan: _Plan, columns: Columns) -> list[SubjectRef]:
    """Whom each row is about: the first reference it has, else itself."""
    about = _own(plan, columns)
    for kind, field in reversed(plan.refs):
        about = [
            itself if value is None else SubjectRef(source, kind, value)
            for source, value, itself in zip(columns["source"], columns[field], about, strict=True)
        ]
    return about


def _own(plan: _Plan, columns: Columns) -> list[SubjectRef]:
    return list(map(SubjectRef, columns["source"], repeat(plan.name), columns["source_id"]))


def _as_integers(times: Columns) -> Columns:
    """Microseconds since 1970 in UTC: one instant has one digest, whatever zone it was written in."""
    return {name: array.cast(pa.int64()).to_pylist() for name, array in times.items()}


def _distinct_tokens(
    values: Iterable[str], normalise: Callable[[str], str | None], token: Callable[[str], bytes]
) -> list[bytes]:
    distinct = dict.fromkeys(normalise(value) for value in values)
    return [token(value) for value in distinct if value is not None]


def _all_ciphertexts(column: pa.ChunkedArray) -> bool:
    return _all_begin(column, FIELD_HEADER, SMALLEST_CIPHERTEXT)


def _all_tokens(column: pa.ChunkedArray) -> bool:
    is_list = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    tokens = pc.list_flatten(column) if is_list else column
    if not _all_begin(tokens, bytes((VERSION,)), TOKEN_BYTES):
        return False
    return pc.max(pc.binary_length(tokens)).as_py() in (None, TOKEN_BYTES)


def _all_begin(column: pa.ChunkedArray, head: bytes, smallest: int) -> bool:
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        return False
    fits = pc.and_(pc.starts_with(column, head), pc.greater_equal(pc.binary_length(column), smallest))
    return pc.all(fits).as_py() is not False  # None: the column is empty or all null


def _json(values: tuple[Any, ...]) -> bytes:
    try:
        return orjson.dumps(values)
    except TypeError:  # orjson's error; its cause chain holds the value
        raise UnprotectableError(_UNFIT) from None


def _array(values: Column, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    try:
        return pa.array(values, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # their messages quote the value
        raise UnprotectableError(_UNFIT) from None


def _table(entity: type[Entity], columns: Columns) -> pa.Table:
    fields = [field for field in derive.arrow_schema(entity) if field.name != "commit_seq"]
    arrays = [_array(columns[field.name], field.type) for field in fields]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


_UNFIT: Final = (
    "Protecting rows: a value does not fit the type of its column. Nothing was written. Rows must come from the "
    "validator of their class; report the stream."
)
