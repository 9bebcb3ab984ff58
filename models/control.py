"""Tables of the control store: where syncs stand, what ran, who holds what, what people decided, what was done.

No table holds a personal value in clear. ``consent_ledger`` and ``audit_entry`` are append-only: triggers refuse
to change or delete a row.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, UniqueConstraint
from sqlmodel import Field

from models.tables import ControlTable, UtcDateTime


class SyncState(ControlTable, table=True):
    """How far a stream has been read. One row per stream of a source; of ``cdp``, what a run has still to write."""

    __tablename__: ClassVar[str] = "sync_state"

    source: str = Field(primary_key=True, description="System, as named in the configuration")
    stream: str = Field(primary_key=True, description="Stream of that system")
    cursor: dict[str, Any] = Field(sa_type=JSON, description="Where the next read continues")
    run_id: str = Field(description="Run that committed the cursor")
    updated_at: datetime = Field(sa_type=UtcDateTime, description="When it was committed, UTC")


class SyncRun(ControlTable, table=True):
    """One row per run of a process: a sync, an identity run, a refresh."""

    __tablename__: ClassVar[str] = "sync_run"

    run_id: str = Field(primary_key=True, description="Id of the run")
    process: str = Field(index=True, description="What ran, for example sync/hubspot")
    source: str | None = Field(default=None, description="System it read, if one")
    started_at: datetime = Field(sa_type=UtcDateTime, description="Start, UTC")
    stopped_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="End, UTC")
    status: str = Field(description="running, success, error, crashed or canceled")
    retry_of: str | None = Field(default=None, description="Run this one repeats, because that one did not succeed")
    root_run_id: str = Field(description="First run of the chain of repeats; the run itself if it repeats none")
    retry_kind: str = Field(description="Who asked for the repeat: none, auto or manual")
    error_class: str | None = Field(default=None, description="Class of the error, never its text")
    counts: dict[str, Any] = Field(sa_type=JSON, description="What the run counted, by name")
    holder: str = Field(description="Process that ran it, as in lease.holder")


class Lease(ControlTable, table=True):
    """Who is working on something that only one process may work on. One row per thing held now."""

    __tablename__: ClassVar[str] = "lease"

    name: str = Field(primary_key=True, description="What is held, for example sync/hubspot/1234")
    holder: str = Field(description="Process that holds it, unique over restarts")
    host: str = Field(description="Machine of the holder")
    pid: int = Field(description="Process id of the holder on that machine")
    acquired_at: datetime = Field(sa_type=UtcDateTime, description="Since when, UTC")
    expires_at: datetime = Field(sa_type=UtcDateTime, description="When it lapses unless renewed, UTC")


class Quarantine(ControlTable, table=True):
    """A record that could not be mapped, by reference. One row per record; it goes when a retry succeeds."""

    __tablename__: ClassVar[str] = "quarantine"

    source: str = Field(primary_key=True, description="System, as named in the configuration")
    stream: str = Field(primary_key=True, description="Stream of that system")
    record_id: str = Field(primary_key=True, description="Id of the record in its source")
    error_class: str = Field(description="Class of the latest error, never its text")
    first_seen: datetime = Field(sa_type=UtcDateTime, description="When it was first set aside, UTC")
    last_seen: datetime = Field(sa_type=UtcDateTime, description="When it last failed, UTC")
    attempts: int = Field(description="How often it has failed")


class StreamField(ControlTable, table=True):
    """Which fields a stream's records have had. One row per field and type other than declared; names, no values."""

    __tablename__: ClassVar[str] = "stream_field"

    source: str = Field(primary_key=True, description="System, as named in the configuration")
    stream: str = Field(primary_key=True, description="Stream of that system")
    field: str = Field(primary_key=True, description="Name of the field; (other) stands for names not repeated")
    came_as: str = Field(primary_key=True, description="JSON type it came as; empty: as declared, or null")
    first_seen: datetime = Field(sa_type=UtcDateTime, description="When it first came so, UTC")
    last_seen: datetime = Field(sa_type=UtcDateTime, description="When it last came so, UTC")
    records: int = Field(sa_type=BigInteger, description="Records that had it so")
    of_records: int = Field(sa_type=BigInteger, description="Records read by the runs in which it came so")


class ConsentLedger(ControlTable, table=True):
    """Every consent decision ever reported. One row per decision; append-only."""

    __tablename__: ClassVar[str] = "consent_ledger"

    source: str = Field(primary_key=True, description="System that reported the decision")
    event_id: str = Field(primary_key=True, description="Id of the consent event in that system")
    state: str = Field(primary_key=True, description="granted, denied or withdrawn; cleared: its refusal is over")
    at: datetime = Field(primary_key=True, sa_type=UtcDateTime, description="When it was decided, UTC")
    person_source_id: str | None = Field(default=None, description="Source id of the person, where given")
    address_token: bytes | None = Field(default=None, description="Token of the address the decision is about")
    purpose: str = Field(description="What the data may or may not be used for")
    channel: str = Field(description="Channel the decision is about, or all")
    scope: str = Field(description="Subscription or topic it is limited to, or all")
    inferred: bool = Field(description="The time is when the state was first seen, not when it was decided")
    lawful_basis: str | None = Field(default=None, description="Lawful basis the source records")
    evidence: str | None = Field(default=None, description="How the source learned of it, as a code")
    policy_version: str | None = Field(default=None, description="Version of the notice shown, where known")
    run_id: str = Field(description="Sync run that wrote the row")
    recorded_at: datetime = Field(sa_type=UtcDateTime, description="When it was written here, UTC")


class AuditEntry(ControlTable, table=True):
    """What was done with people's data, by whom. One row per act; append-only and hash-chained."""

    __tablename__: ClassVar[str] = "audit_entry"

    seq: int = Field(
        primary_key=True,
        sa_column_kwargs={"autoincrement": False},
        description="Place in the chain, from 1 without gaps",
    )
    at: datetime = Field(sa_type=UtcDateTime, description="When, UTC")
    actor: str = Field(description="Account or process that acted")
    action: str = Field(description="What was done, as a code")
    detail: dict[str, Any] = Field(sa_type=JSON, description="Codes, counts and our own ids; no value of a record")
    reason: bytes | None = Field(default=None, description="Reason the actor gave, encrypted")
    previous: bytes = Field(description="Authentication code of the entry before")
    mac: bytes = Field(description="Authentication code of this entry and, through previous, of all before it")


class RegisteredId(ControlTable, table=True):
    """Every profile id ever given out. One row per id; rows are never removed, so an id never means two people."""

    __tablename__: ClassVar[str] = "id_register"
    __table_args__ = (UniqueConstraint("profile_id"),)

    seq: int | None = Field(
        default=None, primary_key=True, description="Order of registration; a merge keeps the lower"
    )
    profile_id: str = Field(description="The id")
    registered_at: datetime = Field(sa_type=UtcDateTime, description="When it was given out, UTC")
    redirect_to: str | None = Field(default=None, description="Profile it was merged into")
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="When it was erased, UTC")


class MatchPair(ControlTable, table=True):
    """Two person records that may be one person, as the model compared them. One row per pair; can be made anew."""

    __tablename__: ClassVar[str] = "match_pair"

    pair_id: str = Field(primary_key=True, description="Digest of the two references")
    source: str = Field(description="System of the first record")
    source_id: str = Field(description="Id of the first record in its source")
    other_source: str = Field(description="System of the second record")
    other_source_id: str = Field(description="Id of the second record in its source")
    weight: float = Field(description="Evidence for one person, in bits")
    levels: dict[str, Any] = Field(sa_type=JSON, description="How far each field agrees, by name; no value")
    model: str = Field(description="Version of the model that compared them")
    standing: str = Field(description="joined: they are one profile; review: a person has to look; apart: neither")
    probability: float = Field(description="Probability that they are one person, 0 to 1")
    found_at: datetime = Field(sa_type=UtcDateTime, description="When the pair was first found, UTC")


class MatchAnswer(ControlTable, table=True):
    """What an operator said about two person records; it outlives the comparison and beats it. One row per pair."""

    __tablename__: ClassVar[str] = "match_answer"

    pair_id: str = Field(primary_key=True, description="Digest of the two references")
    source: str = Field(description="System of the first record")
    source_id: str = Field(description="Id of the first record in its source")
    other_source: str = Field(description="System of the second record")
    other_source_id: str = Field(description="Id of the second record in its source")
    answer: str = Field(description="same or different")
    actor: str = Field(description="Account that answered")
    answered_at: datetime = Field(sa_type=UtcDateTime, description="When, UTC")
