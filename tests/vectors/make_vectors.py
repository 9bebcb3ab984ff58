"""A second implementation of docs/formats.md, written from that page; it imports nothing of ours.

It made the JSON files beside it: python tests/vectors/make_vectors.py
The primitives come from the standard library and from cryptography; keys, nonces and ids are fixed patterns and
protect nothing. Run it again only when a new format version adds cases: existing ones never change.
"""

import base64
import json
from datetime import UTC, datetime
from hashlib import blake2b
from hmac import digest
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ROOT = bytes(range(32))
NONCE = bytes(range(0xA0, 0xAC))
PURPOSES = {"kek": (1, 2), "index": (1,), "suppression": (1,), "credential": (1,), "audit": (1,), "digest": (1,)}
CODES = {purpose: code for code, purpose in enumerate(PURPOSES, start=1)}
SUBJECT_ID = bytes(range(0x10, 0x20))
SUBJECT_KEY = bytes(range(0x40, 0x60))
ORIGIN = (
    "Made by tests/vectors/make_vectors.py, an implementation of docs/formats.md that shares no code with privacy/."
)


def entry_key(purpose: str, key_id: int = 1) -> bytes:
    return bytes([CODES[purpose] * 16 + key_id]) * 32


def derive(key: bytes, label: str) -> bytes:
    extracted = digest(bytes(32), key, "sha256")
    return digest(extracted, label.encode() + b"\x01", "sha256")


def framed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def frame(*parts: str) -> bytes:
    return b"".join(framed(part.encode()) for part in parts)


def seal(key: bytes, head: bytes, place: bytes, plaintext: bytes) -> bytes:
    return head + NONCE + AESGCM(key).encrypt(NONCE, plaintext, head + place)


def changes(good: bytes, head: int = 2) -> dict[str, str]:
    """Ways to be wrong that every sealed value shares."""
    flipped = bytes([good[-1] ^ 1])
    return {
        "empty": "",
        "version 0": (b"\x00" + good[1:]).hex(),
        "version 2": (b"\x02" + good[1:]).hex(),
        "key id 0": (good[:1] + b"\x00" + good[2:]).hex(),
        "cut in the nonce": good[: head + 5].hex(),
        "cut in the tag": good[:-1].hex(),
        "one byte more": (good + b"\x00").hex(),
        "one bit of the tag": (good[:-1] + flipped).hex(),
        "one bit of the nonce": (good[:head] + bytes([good[head] ^ 1]) + good[head + 1 :]).hex(),
    }


def ring() -> dict[str, object]:
    head = b"\x01" + derive(ROOT, "cdp/v1/root/id")[:8]
    rows = [bytes((CODES[name], id_)) + entry_key(name, id_) for name, ids in PURPOSES.items() for id_ in ids]

    def wrap(entries: list[bytes]) -> bytes:
        return seal(derive(ROOT, "cdp/v1/root/ring"), head, frame("cdp/v1/root/ring"), b"".join(entries))

    good = wrap(rows)
    invalid = changes(good, len(head)) | {
        "no entries": wrap([]).hex(),
        "a purpose missing": wrap(rows[:-1]).hex(),
        "an unknown purpose": wrap([*rows, bytes((7, 1)) + bytes(32)]).hex(),
        "an entry twice": wrap([rows[0], *rows]).hex(),
        "not in order": wrap([rows[1], rows[0], *rows[2:]]).hex(),
        "an entry cut": wrap([*rows[:-1], rows[-1][:-1]]).hex(),
    }
    wrong_root = invalid.pop("key id 0")  # here the second byte belongs to the id of the root key
    return {
        "root": base64.b64encode(ROOT).decode(),
        "nonce": NONCE.hex(),
        "keys": [[name, id_, entry_key(name, id_).hex()] for name, ids in PURPOSES.items() for id_ in ids],
        "wrapped": good.hex(),
        "wrong_root": wrong_root,
        "invalid": invalid,
    }


def subject_key() -> dict[str, object]:
    kek, head = derive(entry_key("kek", 2), "cdp/v1/kek/subject"), b"\x01\x02"
    place = frame("cdp/v1/kek/subject") + SUBJECT_ID
    good = seal(kek, head, place, SUBJECT_KEY)
    invalid = changes(good) | {
        "16 bytes": seal(kek, head, place, SUBJECT_KEY[:16]).hex(),
        "another subject": seal(kek, head, frame("cdp/v1/kek/subject") + bytes(16), SUBJECT_KEY).hex(),
        "another key id": seal(
            derive(entry_key("kek", 1), "cdp/v1/kek/subject"), b"\x01\x01", place, SUBJECT_KEY
        ).hex(),
    }
    return {
        "subject_id": SUBJECT_ID.hex(),
        "key": SUBJECT_KEY.hex(),
        "kek_id": 2,
        "nonce": NONCE.hex(),
        "wrapped": good.hex(),
        "invalid": invalid,
    }


def field() -> dict[str, object]:
    place = ("person", "email", "hubspot", "123")
    head = b"\x01\x01"
    values: list[object] = ["jane@example.com", "", 'Jané "J" Doe\n\x01💚', [], ["a", "b"]]

    def stored(value: object, at: tuple[str, ...] = place) -> bytes:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return seal(SUBJECT_KEY, head, frame(*at), text.encode())

    good = stored(values[0])
    invalid = changes(good) | {
        "key id 2": (good[:1] + b"\x02" + good[2:]).hex(),
        "another table": stored(values[0], ("account", *place[1:])).hex(),
        "another field": stored(values[0], ("person", "notes", *place[2:])).hex(),
        "another source": stored(values[0], ("person", "email", "zendesk", "123")).hex(),
        "another record": stored(values[0], ("person", "email", "hubspot", "124")).hex(),
        "parts joined otherwise": stored(values[0], ("persone", "mail", "hubspot", "123")).hex(),
        "another subject": seal(bytes(32), head, frame(*place), b'"jane@example.com"').hex(),
        "clear text": b"jane@example.com, jane@example.com".hex(),
    }
    return {
        "place": place,
        "nonce": NONCE.hex(),
        "valid": [{"value": value, "stored": stored(value).hex()} for value in values],
        "invalid": invalid,
    }


def token() -> dict[str, object]:
    emails = {
        "jane@example.com": "jane@example.com",
        " Jane.Doe+x@EXAMPLE.com\n": "jane.doe+x@example.com",
        "JANÉ@Bücher.example": "jané@xn--bcher-kva.example",
        "jane@localhost": None,
        "jane": None,
        "Jane <jane@example.com>": None,
    }
    phones = {
        "+49 30 1234567": "+49301234567",
        "030/1234567": "+49301234567",
        "0049 (30) 123 45 67": "+49301234567",
        "+1 415-555-2671": "+14155552671",
        "12": None,
        "+49 1": None,
    }
    cases = [
        {"match": match, "raw": raw, "normalised": normalised, "token": _token(match, normalised)}
        for match, known in (("email", emails), ("phone", phones))
        for raw, normalised in known.items()
    ]
    invalid = {
        "empty": "",
        "17 bytes": ("01" * 17),
        "19 bytes": ("01" * 19),
        "version 0": "0001" + "00" * 16,
        "version 2": "0201" + "00" * 16,
    }
    return {"phone_region": "DE", "valid": cases, "invalid": invalid}


def _token(match: str, normalised: str | None) -> str | None:
    if normalised is None:
        return None
    key = derive(entry_key("index"), f"cdp/v1/index/{match}")
    return (b"\x01\x01" + digest(key, normalised.encode(), "sha256")[:16]).hex()


def row_digest() -> dict[str, object]:
    micros = int(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC).timestamp()) * 1_000_000 + 6
    rows = [
        {"text": "Jané", "texts": ["a", ""], "whole": -7, "fraction": 0.1},
        {"text": None, "texts": None, "whole": None, "fraction": 5.0},
    ]
    key = derive(entry_key("digest"), "cdp/v1/digest/row")
    cases = []
    for row in rows:
        values = ["hubspot", "123", micros, False, *row.values()]
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
        cases.append({**row, "digest": blake2b(frame("thing") + text, key=key, digest_size=16).hexdigest()})
    return {"version_at": "2026-01-02T04:04:05.000006+01:00", "valid": cases}


def audit() -> dict[str, object]:
    acts = [
        ("2026-01-01T10:00:00.000000Z", "operator:1000", "sync", {"source": "hubspot", "rows": 5, "ok": True}, None),
        ("2026-01-01T10:00:01.000002Z", "officer:1001", "reveal", {"profile": None}, "Jané asked by phone"),
    ]
    chain_key = derive(entry_key("audit"), "cdp/v1/audit/chain")
    reason_key = derive(entry_key("audit"), "cdp/v1/audit/reason")
    previous, entries = bytes(32), []
    for seq, (at, actor, action, detail, reason) in enumerate(acts, start=1):
        place = frame("cdp/v1/audit/reason", str(seq))
        sealed = b"" if reason is None else seal(reason_key, b"\x01\x01", place, reason.encode())
        parts = (
            b"\x01",
            seq.to_bytes(8, "big"),
            at.encode(),
            actor.encode(),
            action.encode(),
            json.dumps(detail, sort_keys=True, separators=(",", ":")).encode(),
            sealed,
            previous,
        )
        code = digest(chain_key, b"".join(framed(part) for part in parts), "sha256")
        entries.append(
            {
                "seq": seq,
                "at": at,
                "actor": actor,
                "action": action,
                "detail": detail,
                "reason": sealed.hex() or None,
                "reason_in_clear": reason,
                "previous": previous.hex(),
                "code": code.hex(),
            }
        )
        previous = code
    invalid = {
        "another actor": {"entry": 0, "actor": "operator:1001"},
        "another count": {"entry": 0, "detail": {"source": "hubspot", "rows": 6, "ok": True}},
        "another reason": {"entry": 1, "reason": "01" * 40},
        "another predecessor": {"entry": 1, "previous": "00" * 32},
        "another number": {"entry": 1, "seq": 3},
        "another code": {"entry": 1, "code": "00" * 32},
    }
    return {"valid": entries, "invalid": invalid}


def credential() -> dict[str, object]:
    key = derive(entry_key("credential"), "cdp/v1/credential/secret")
    good = seal(key, b"\x01\x01", frame("cdp/v1/credential/secret", "hubspot"), b"pat-na1-123")
    other = seal(key, b"\x01\x01", frame("cdp/v1/credential/secret", "zendesk"), b"pat-na1-123")
    invalid = changes(good) | {"another name": other.hex()}
    return {"name": "hubspot", "text": "pat-na1-123", "nonce": NONCE.hex(), "stored": good.hex(), "invalid": invalid}


if __name__ == "__main__":
    for make in (ring, subject_key, field, token, row_digest, audit, credential):
        content = json.dumps({"origin": ORIGIN, **make()}, indent=2, ensure_ascii=False)
        (Path(__file__).parent / f"{make.__name__}.json").write_text(content + "\n", encoding="utf-8")
