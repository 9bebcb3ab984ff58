"""The audit log: a chain of entries, each authenticated together with the one before it.

Whoever can write the database but has no key ring can neither change, remove, reorder nor insert an entry
without ``verify`` finding it. Cutting off the newest entries leaves a shorter valid chain, so the report names
the last code: note it somewhere else from time to time, and compare.

Entries hold codes, counts and ids. The reason a person types before a reveal may name somebody, so it is kept
as ciphertext under a key of the log's own; the chain covers the ciphertext, and verifying needs no reason in
clear. Where entries are stored is the database's business.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Final

import orjson

from privacy import labels
from privacy.errors import AuditBrokenError, UnprotectableError
from privacy.index import keyed_mac
from privacy.keys import KeyRing
from privacy.sealing import VERSION, framed
from privacy.secret_box import SecretBox

CHAIN_BYTES: Final = 32
GENESIS: Final = bytes(CHAIN_BYTES)
"""What the first entry has in place of a predecessor's code."""

_CODE: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
_SMALLEST, _LARGEST = -(2**53) + 1, 2**53 - 1  # integers every JSON reader keeps exact

Detail = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act, as stored.

    Attributes:
        seq: Number of the entry, from 1 without a gap.
        at: When it happened, in UTC.
        actor: Code of who did it.
        action: Code of what was done.
        detail: Codes, counts and ids.
        reason: Ciphertext of the reason that was given, if one was.
        previous: Code of the entry before; zeros for the first.
        code: Authentication code of this entry.
    """

    seq: int
    at: datetime
    actor: str
    action: str
    detail: Detail
    reason: bytes | None = field(default=None, repr=False)
    previous: bytes = GENESIS
    code: bytes = b""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a verified log proves.

    Attributes:
        entries: How many entries it has.
        first_at: Time of the first; ``None`` if there is none.
        last_at: Time of the last; ``None`` if there is none.
        last_code: Code of the last entry in hexadecimal, to be noted elsewhere.
    """

    entries: int
    first_at: datetime | None
    last_at: datetime | None
    last_code: str


class AuditChain:
    """Makes and verifies entries under the audit key of a ring."""

    def __init__(self, ring: KeyRing) -> None:
        self._mac = keyed_mac(ring.take_out_derived_key(labels.AUDIT_CHAIN, 1))
        self._reasons = SecretBox(ring, labels.AUDIT_REASON)

    def next_entry(
        self,
        last: AuditEntry | None,
        *,
        at: datetime,
        actor: str,
        action: str,
        detail: Detail | None = None,
        reason: str | None = None,
    ) -> AuditEntry:
        """The entry that follows ``last``; storing it, and letting nobody come between, is up to the caller.

        Raises:
            UnprotectableError: Actor, action or detail hold something else than codes, whole numbers and ids.
        """
        seq = last.seq + 1 if last else 1
        entry = AuditEntry(
            seq=seq,
            at=at.astimezone(UTC),
            actor=actor,
            action=action,
            detail=dict(detail or {}),
            reason=None if reason is None else self._reasons.encrypt(reason, name=str(seq)),
            previous=last.code if last else GENESIS,
        )
        _refuse_values(entry)
        return replace(entry, code=self.entry_code(entry))

    def entry_code(self, entry: AuditEntry) -> bytes:
        """The authentication code ``entry`` must carry (32 bytes)."""
        parts = (
            bytes((VERSION,)),
            entry.seq.to_bytes(8, "big"),
            entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode(),
            entry.actor.encode(),
            entry.action.encode(),
            orjson.dumps(dict(entry.detail), option=orjson.OPT_SORT_KEYS),
            entry.reason or b"",
            entry.previous,
        )
        return self._mac(b"".join(framed(part) for part in parts))

    def verify(self, entries: Iterable[AuditEntry]) -> AuditReport:
        """Check ``entries``, given in the order of their numbers.

        Raises:
            AuditBrokenError: An entry is missing, changed, moved or inserted; ``seq`` says which.
        """
        first: AuditEntry | None = None
        last: AuditEntry | None = None
        for expected, entry in enumerate(entries, start=1):
            self._check(entry, expected, last.code if last else GENESIS)
            first, last = first or entry, entry
        if first is None or last is None:
            return AuditReport(0, None, None, GENESIS.hex())
        return AuditReport(last.seq, first.at, last.at, last.code.hex())

    def reason(self, entry: AuditEntry) -> str | None:
        """The reason in clear, if one was given.

        Raises:
            InvalidCiphertextError: It is not the one written with this entry.
        """
        return None if entry.reason is None else self._reasons.decrypt(entry.reason, name=str(entry.seq))

    def _check(self, entry: AuditEntry, expected: int, previous: bytes) -> None:
        if entry.seq != expected:
            raise AuditBrokenError(expected, f"is missing: number {entry.seq} stands in its place")
        if not compare_digest(entry.previous, previous):
            raise AuditBrokenError(expected, "does not follow the entry before it")
        if not compare_digest(entry.code, self.entry_code(entry)):
            raise AuditBrokenError(expected, "is not as it was written")


def _refuse_values(entry: AuditEntry) -> None:
    wrong = [name for name, value in (("actor", entry.actor), ("action", entry.action)) if not _is_code(value)]
    wrong += [f"detail {number}" for number, item in enumerate(entry.detail.items(), 1) if not _is_plain(*item)]
    if wrong:
        raise UnprotectableError(
            f"Writing the audit log: {', '.join(wrong)} holds something else than a code, a whole number or an id. The "
            "log is kept for years and outlives an erasure, so texts and addresses stay out of it. Pass codes."
        )


def _is_code(value: str) -> bool:
    return _CODE.fullmatch(value) is not None


def _is_plain(name: str, value: object) -> bool:
    if not _is_code(name):
        return False
    if isinstance(value, str):
        return _is_code(value)
    return value is None or (isinstance(value, int) and _SMALLEST <= value <= _LARGEST)
