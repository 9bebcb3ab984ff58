"""What a table of the lake declares about itself, and the columns the lake adds to its files."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from cdp_pipelines.lake.errors import LakeSchemaError
from models.derive import UTC, arrow_schema, statistics_columns
from models.fields import Entity

ORDER = ("version_at", "read_at", "commit_seq")
"""The current row of a key is the one with the greatest of these, in this order."""

# They exist in the files and never in what a reader gets.
# key_hash     64 bits of BLAKE2b over the key: a look-up reads these eight bytes where
#              the key itself would cost it five times that.
# content_head 63 bits of the digest and the deleted flag: is this row as it was?
LOOKUP_COLUMNS = pa.schema([pa.field("key_hash", pa.int64()), pa.field("content_head", pa.int64())])


@dataclass(frozen=True)
class LakeTable:
    """One table of the lake.

    Attributes:
        name: Name of the table and of its folder.
        schema: Columns a reader sees, ``commit_seq`` included, which the lake fills itself.
        key: Columns that name a record; strings, never null.
        statistics: Columns that may have minimum and maximum in footers and log: strings of the
            key, times and ``commit_seq``; nothing that could be a personal value.
        check: Called with the rows of every append before anything is written; raises to refuse them.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...] = ("source", "source_id")
    statistics: tuple[str, ...] = ("source", "source_id", *ORDER)
    check: Callable[[pa.Table], None] | None = None

    def __post_init__(self) -> None:
        if problems := [*self._wrong_columns(), *self._wrong_statistics()]:
            msg = f"Declaring lake table {self.name}: {'; '.join(problems)}. Correct its entity in models/."
            raise LakeSchemaError(msg)

    @property
    def rows(self) -> pa.Schema:
        """Columns of the rows given to an append."""
        return pa.schema([field for field in self.schema if field.name != "commit_seq"])

    @property
    def stored(self) -> pa.Schema:
        """Columns of the files: nullable, because Delta has no other way to add one later."""
        visible = [pa.field(field.name, _stored_type(field.type)) for field in self.schema]
        return pa.schema([*visible, *LOOKUP_COLUMNS])

    @property
    def required(self) -> tuple[str, ...]:
        """Columns in which an append allows no null."""
        return (*self.key, "version_at", "read_at", "deleted", "digest")

    def _wrong_columns(self) -> list[str]:
        wanted = dict.fromkeys(self.key, pa.string())
        wanted |= {"version_at": UTC, "read_at": UTC, "deleted": pa.bool_(), "commit_seq": pa.int64()}
        types = {field.name: _stored_type(field.type) for field in self.schema}
        wrong = [f"column {name} must be {kind}" for name, kind in wanted.items() if types.get(name) != kind]
        if types.get("digest") != pa.binary():
            wrong.append("column digest must be binary")
        taken = {*LOOKUP_COLUMNS.names, "layer"}
        return wrong + [f"column {name} is the lake's own" for name in types if name in taken]

    def _wrong_statistics(self) -> list[str]:
        allowed = {"source", *self.key, "commit_seq"}
        allowed |= {field.name for field in self.schema if pa.types.is_temporal(field.type)}
        return [f"column {name} may not have statistics" for name in self.statistics if name not in allowed]


def entity_table(entity: type[Entity], *, check: Callable[[pa.Table], None] | None = None) -> LakeTable:
    """The lake table that holds the rows of ``entity``."""
    return LakeTable(
        name=entity.__entity__,
        schema=arrow_schema(entity),
        statistics=statistics_columns(entity),
        check=check,
    )


def _stored_type(kind: pa.DataType) -> pa.DataType:
    """Delta knows no binary of fixed width, and other engines refuse files that disagree with its log."""
    return pa.binary() if pa.types.is_fixed_size_binary(kind) else kind
