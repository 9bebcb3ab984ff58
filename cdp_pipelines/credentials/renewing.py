"""Tokens that end: renewed by one process at a time, and safe from one that dies in between.

A vendor may end the old refresh token the moment it gives a new one. So the intention is stored before the vendor is
asked, the refresh token before stays beside the new one, and a process that finds an intention nobody is working on
any more asks again with what there is: the vendor may not have been reached, may give the same tokens once more, or
may still take the one before. Where it does not, the account must be connected again, and the error says so.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cdp_pipelines import database
from cdp_pipelines.barriers import reach
from cdp_pipelines.config import SourceSettings
from cdp_pipelines.credentials.grants import Grant, read_credential, store_grant
from cdp_pipelines.credentials.variables import token_variable
from cdp_pipelines.database import Stores
from cdp_pipelines.errors import CredentialError, LeaseError
from connectors.errors import RejectedError
from connectors.oauth import App, Granted, OAuth, refresh
from connectors.spec import Source
from privacy.keys import KeyRing

BEFORE_ITS_END = timedelta(seconds=90)
"""How long before its end a token is renewed: longer than a call may take."""

_WAIT_SECONDS = 120.0
"""How long another process's renewal is waited for: longer than the vendor is."""
_POLL_SECONDS = 0.05


@dataclass(slots=True)
class VaultTokens:
    """``connectors.spec.Tokens`` over the vault: shared by every process of the installation.

    Attributes:
        source: The declaration of the system.
        settings: Account and base URL of this installation.
        stores: Vault for the tokens, control store for the lease.
        ring: Opens the vault's credentials.
    """

    source: Source
    settings: SourceSettings
    stores: Stores
    ring: KeyRing
    _known: Grant | None = None

    def current(self) -> str:
        """A token that does not end within the next moments.

        Raises:
            RejectedError: The vendor gives no new one any more.
            RetriableError: The vendor does not answer now.
            CredentialError: The credential was removed.
        """
        self._known = self._known or self._stored()
        return self._known.access_token if _lasts(self._known) else self._renew(_lasts)

    def renewed(self, refused: str) -> str:
        """A token in place of ``refused``; raises as ``current`` does."""
        return self._renew(lambda grant: grant.access_token != refused)

    def _renew(self, is_new: Callable[[Grant], bool]) -> str:
        with _alone(self.stores, f"credential/{self.source.name}"):
            grant = self._stored()
            if not is_new(grant):
                grant = self._exchanged(grant)
        self._known = grant
        return grant.access_token

    def _exchanged(self, grant: Grant) -> Grant:
        oauth = self.source.oauth
        refresh_tokens = [token for token in (grant.refresh_token, grant.previous_refresh_token) if token]
        if oauth is None or not refresh_tokens:
            raise RejectedError(
                f"{self.source.name}: the token in the vault has ended or was withdrawn, and the vendor gave none to "
                f"renew it with. Connect the account again: cdp sources connect {self.source.name}"
            )
        self._store(replace(grant, renewing_since=datetime.now(UTC)))
        reach("refresh_intended")
        granted = self._first_granted(oauth, grant, refresh_tokens)
        reach("refresh_received")
        following = grant.followed_by(granted, now=datetime.now(UTC))
        self._store(following)
        reach("refresh_stored")
        return following

    def _first_granted(self, oauth: OAuth, grant: Grant, refresh_tokens: list[str]) -> Granted:
        refusals: list[RejectedError] = []
        for token in refresh_tokens:
            try:
                return refresh(oauth, self._app(grant), token)
            except RejectedError as error:
                refusals.append(error)
        self._store(grant)  # a plain refusal leaves nothing under way
        raise self._lost(grant, refusals[0]) from None

    def _lost(self, grant: Grant, refusal: RejectedError) -> RejectedError:
        why = "it ended, or was withdrawn at the vendor"
        if grant.renewing_since is not None:
            why = (
                f"a renewal begun at {grant.renewing_since:%Y-%m-%d %H:%M:%S} UTC was interrupted before the new one "
                "could be stored, or it was withdrawn at the vendor"
            )
        return RejectedError(
            f"{self.source.name}: the vendor no longer takes the refresh token in the vault (status {refusal.status}): "
            f"{why}. Connect the account again: cdp sources connect {self.source.name}",
            status=refusal.status,
        )

    def _app(self, grant: Grant) -> App:
        return App(
            self.source.name, grant.client_id, grant.client_secret, self.settings.account, self.settings.base_url
        )

    def _stored(self) -> Grant:
        found = read_credential(self.stores, self.ring, self.source.name)
        if not isinstance(found, Grant):
            raise CredentialError(self.source.name, token_variable(self.source.name))
        return found

    def _store(self, grant: Grant) -> None:
        store_grant(self.stores, self.ring, self.source.name, grant)


def _lasts(grant: Grant) -> bool:
    return grant.expires_at is None or datetime.now(UTC) < grant.expires_at - BEFORE_ITS_END


@contextmanager
def _alone(stores: Stores, name: str) -> Iterator[None]:
    """Hold the lease ``name``, waiting for whoever holds it."""
    deadline = time.monotonic() + _WAIT_SECONDS
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(database.lease(stores.control, name))
                break
            except LeaseError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_SECONDS)
        yield
