"""Tables of the vault: keys, and what must outlive an erasure. The vault is never restored from an older copy.

Every key here is wrapped by another one; the root key that opens them all is not in any store.
"""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from models.tables import UtcDateTime, VaultTable


class StoredKeyRing(VaultTable, table=True):
    """The key ring, wrapped by the root key. Exactly one row."""

    __tablename__: ClassVar[str] = "key_ring"
    __table_args__ = (CheckConstraint("id = 1", name="one_ring"),)

    id: int = Field(
        default=1,
        primary_key=True,
        sa_column_kwargs={"autoincrement": False},
        description="Always 1: there is one ring",
    )
    wrapped: bytes = Field(description="The ring, wrapped by the root key")
    updated_at: datetime = Field(sa_type=UtcDateTime, description="When it was last wrapped, UTC")


class SubjectKey(VaultTable, table=True):
    """The data key of one subject. One row per subject, kept after its key is destroyed."""

    __tablename__: ClassVar[str] = "subject_key"

    subject_id: bytes = Field(primary_key=True, description="Random id of the subject, 16 bytes")
    wrapped_key: bytes | None = Field(default=None, description="Data key, wrapped; null once it is destroyed")
    kek_id: int = Field(description="Key-encryption key that wrapped it")
    created_at: datetime = Field(sa_type=UtcDateTime, description="When the subject was first seen, UTC")
    destroyed_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="When the key was destroyed, UTC"
    )


class SubjectAlias(VaultTable, table=True):
    """Which subject a record of a source is about. One row per record other rows point at."""

    __tablename__: ClassVar[str] = "subject_alias"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - the form SQLAlchemy asks for

    source: str = Field(primary_key=True, description="System, as named in the configuration")
    kind: str = Field(primary_key=True, description="Entity of the record")
    id: str = Field(primary_key=True, description="Id of the record in its source")
    subject_id: bytes = Field(description="The subject")


class Suppression(VaultTable, table=True):
    """An identifier of an erased person, so that the next sync cannot bring the person back. One row per token."""

    __tablename__: ClassVar[str] = "suppression"

    token: bytes = Field(primary_key=True, description="Token under the suppression key, used for nothing else")
    reason: str = Field(description="Why it is suppressed, as a code")
    basis: str = Field(description="Legal basis for keeping the token, as a code")
    until: datetime | None = Field(default=None, sa_type=UtcDateTime, description="When it may be forgotten, UTC")


class Credential(VaultTable, table=True):
    """The credential of a source, encrypted under the credential key. One row per account of a source."""

    __tablename__: ClassVar[str] = "credential"

    source: str = Field(primary_key=True, description="System, as named in the configuration")
    account: str = Field(primary_key=True, description="Account in that system, or default")
    ciphertext: bytes = Field(description="The credential, encrypted")
    updated_at: datetime = Field(sa_type=UtcDateTime, description="When it was stored, UTC")
