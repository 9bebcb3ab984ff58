"""What can go wrong between a vendor and us, split by what the caller does about it.

::

    ConnectorError                                        a rerun helps?
    ├── SettingsError     missing or contradictory        no, a person must act
    ├── RetriableError    408, 429, 5xx, timeouts, cuts   yes
    │   └── SpoiltError   a file made for us, cut or gone yes, with another file
    ├── RejectedError     every other status, redirects   no
    ├── IncompleteError   looped, capped, not a page      after someone looks
    └── MappingError      one record is not as declared   quarantined, counted

No message holds a value from a record, a query string or a vendor's sentence: names, counts, codes only.
"""


class ConnectorError(Exception):
    """Base of every error a connector raises.

    Attributes:
        stream: Name of the stream that was being read, if one was.
        status: HTTP status that was seen, if one was.
        retry_after_seconds: How long the vendor asks us to wait, if it says so.
    """

    def __init__(
        self,
        message: str,
        *,
        stream: str | None = None,
        status: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.stream = stream
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class SettingsError(ConnectorError, ValueError):
    """A setting is missing, contradicts another or cannot be what it says."""


class RetriableError(ConnectorError, ConnectionError):
    """The vendor could not answer now. ``wait_here`` is false when waiting inside a run is hopeless."""

    wait_here = True


class UnreachableError(RetriableError):
    """Nothing answers at the address at all: no connection came about."""


class QuotaSpentError(RetriableError):
    """The quota of the day is spent: a later run helps, waiting in this one does not."""

    wait_here = False


class SpoiltError(RetriableError):
    """A file the vendor made for us is cut or gone: reading it again does not help, another one does."""


class RejectedError(ConnectorError):
    """The vendor understood and refused.

    Attributes:
        missing_scopes: Permissions the vendor names as missing from the token.
        is_general: The refusal is about the whole account or app, whatever was asked for.
    """

    missing_scopes: tuple[str, ...] = ()
    is_general = False


class IncompleteError(ConnectorError, EOFError):
    """Reading on would lose or repeat records without anyone noticing, so it stops."""


class MappingError(ConnectorError, ValueError):
    """One record is not as declared; the reader quarantines it by reference."""
