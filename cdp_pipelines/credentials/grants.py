"""What the vault keeps per source: a plain token, or what OAuth granted, as one encrypted text."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

import orjson

from cdp_pipelines import database
from cdp_pipelines.database import Stores
from connectors.oauth import App, Granted
from privacy.keys import KeyRing

_MARK = "oauth:"
"""Begins a grant's text; plain tokens are kept as they are, as they were before there were grants."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The tokens of one account and the app they were given to.

    Attributes:
        client_id: Public name of the app.
        client_secret: Its secret, where it has one.
        access_token: Opens the API.
        refresh_token: Gives the next access token; None where the vendor gives none.
        previous_refresh_token: The one before, should the vendor not know the newer one.
        expires_at: When the access token ends, UTC; None if it does not.
        renewing_since: Set while new tokens are asked for: found set, it tells of a process that ended meanwhile.
    """

    client_id: str
    client_secret: str | None = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    previous_refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    renewing_since: datetime | None = None

    @classmethod
    def first(cls, app: App, granted: Granted, *, now: datetime) -> Self:
        """The grant a person has just made."""
        return cls(
            client_id=app.client_id,
            client_secret=app.client_secret,
            access_token=granted.access_token,
            refresh_token=granted.refresh_token,
            expires_at=_end(granted, now),
        )

    def followed_by(self, granted: Granted, *, now: datetime) -> "Grant":
        """The grant after a renewal; a vendor that sends no refresh token keeps the one there is."""
        rotated = granted.refresh_token is not None and granted.refresh_token != self.refresh_token
        return replace(
            self,
            access_token=granted.access_token,
            refresh_token=granted.refresh_token or self.refresh_token,
            previous_refresh_token=self.refresh_token if rotated else self.previous_refresh_token,
            expires_at=_end(granted, now),
            renewing_since=None,
        )

    def to_text(self) -> str:
        """The text the vault keeps."""
        return _MARK + orjson.dumps(self).decode()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The grant ``to_text`` wrote."""
        values: dict[str, Any] = orjson.loads(text.removeprefix(_MARK))
        for name in ("expires_at", "renewing_since"):
            values[name] = values[name] and datetime.fromisoformat(values[name])
        return cls(**values)


def read_credential(stores: Stores, ring: KeyRing, source: str) -> str | Grant | None:
    """The token or the grant of a source; None when none was stored."""
    text = database.get_credential(stores, ring, source)
    return Grant.from_text(text) if text is not None and text.startswith(_MARK) else text


def store_grant(stores: Stores, ring: KeyRing, source: str, grant: Grant) -> None:
    """Keep a grant, encrypted; replaces whatever the source had."""
    database.set_credential(stores, ring, source, grant.to_text())


def forget_credential(stores: Stores, source: str) -> bool:
    """Take a source's credential out of the vault; whether there was one."""
    return database.delete_credential(stores, source)


def _end(granted: Granted, now: datetime) -> datetime | None:
    return None if granted.expires_in is None else now + timedelta(seconds=granted.expires_in)
