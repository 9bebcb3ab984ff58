"""Looking at one profile: pseudonymous by default, in clear only by an audited reveal.

One of the three places where personal values are in clear, in memory (see docs/privacy.md): here only for
the one profile asked for, and only after the audit log has the entry.
"""

from datetime import datetime
from typing import Any

from cdp_pipelines import database
from cdp_pipelines.errors import ProfileNotFoundError
from cdp_pipelines.installation import Installation
from models import Match, Person
from models.derive import personal_fields

_HEX_ID = 32


def find_profile(opened: Installation, identifier: str) -> str:
    """The profile an identifier belongs to: a profile id, else an e-mail address, else a phone number.

    Redirects of merged profiles are followed.

    Raises:
        ProfileNotFoundError: Nothing matches, or several profiles do. The identifier is not repeated.
    """
    if len(identifier) == _HEX_ID and database.profile_exists(opened.stores, identifier):
        return database.resolve_profile(opened.stores.control, identifier)
    found: set[str] = {link["profile_id"] for link in _links_by_token(opened, identifier)}
    if len(found) != 1:
        raise ProfileNotFoundError(len(found))
    return found.pop()


def profile_facts(opened: Installation, profile_id: str) -> dict[str, Any]:
    """What the profile tables say: facts, records with the way they were linked, consent. No value in clear."""
    return database.profile_facts(opened.stores.profile, profile_id)


def reveal_profile(
    opened: Installation, profile_id: str, *, actor: str, reason: str, now: datetime
) -> list[dict[str, str]]:
    """Every personal value of the profile's person records, in clear.

    The audit entry is written first: a reveal that cannot be recorded does not happen.

    Raises:
        ProfileNotFoundError: The profile has no records.
    """
    records = profile_facts(opened, profile_id)["records"]
    if not records:
        raise ProfileNotFoundError(0)
    database.record_audit(
        opened.stores.control,
        opened.ring,
        actor=actor,
        action="profile_revealed",
        detail={"profile_id": profile_id, "records": len(records)},
        reason=reason,
        at=now,
    )
    columns = [plan.name for plan in personal_fields(Person)]
    keys = {(row["source"], row["source_id"]) for row in records}
    rows = _person_rows(opened, keys, columns)
    clear = opened.revealer.reveal(Person, rows, columns)
    return [
        {"source": row["source"], "record": row["source_id"], "field": name, "value": _shown(row[name])}
        for row in clear
        for name in columns
        if row[name] is not None
    ]


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _person_rows(opened: Installation, keys: set[tuple[str, str]], columns: list[str]) -> Any:  # noqa: ANN401 - Arrow table
    snapshot = opened.lake.snapshot(["person"])
    sql = opened.lake.current_sql("person", snapshot, columns=["source", "source_id", "subject_id", *columns])
    with opened.engine.connection() as duck:
        return duck.sql(
            f"select * from ({sql}) where (source, source_id) in (select unnest(?), unnest(?))",  # noqa: S608 - our own SQL
            params=[[source for source, _ in keys], [source_id for _, source_id in keys]],
        ).to_arrow_table()


def _links_by_token(opened: Installation, identifier: str) -> list[dict[str, Any]]:
    tokens = [
        bytes(token)
        for match in (Match.EMAIL, Match.PHONE)
        if (token := opened.protector.token(match, identifier)) is not None
    ]
    if not tokens:
        return []
    snapshot = opened.lake.snapshot(["person", "identity_link"])
    columns = ["source", "source_id", "email_token", "other_emails_tokens", "phone_token", "other_phones_tokens"]
    people = opened.lake.current_sql("person", snapshot, columns=columns)
    links = opened.lake.current_sql("identity_link", snapshot, columns=["source", "source_id", "profile_id"])
    with opened.engine.connection() as duck:
        table = duck.sql(
            f"""
            select distinct l.profile_id
            from ({people}) p join ({links}) l using (source, source_id)
            where p.email_token in (select unnest(?)) or p.phone_token in (select unnest(?))
               or list_has_any(p.other_emails_tokens, ?) or list_has_any(p.other_phones_tokens, ?)
            """,  # noqa: S608 - our own SQL
            params=[tokens, tokens, tokens, tokens],
        ).to_arrow_table()
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
