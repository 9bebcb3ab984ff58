"""Errors of the databases in our own words.

A database's message may quote the row it failed on, so nothing of it is kept but its kind.
"""

import sqlite3

from sqlalchemy.engine import ExceptionContext

from cdp_pipelines.errors import (
    CdpError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreMissingError,
    StoreReadOnlyError,
)

# SQLite: names of the primary result codes. PostgreSQL: SQLSTATE, or its class of two characters.
_KINDS = {
    "SQLITE_BUSY": "locked",
    "SQLITE_LOCKED": "locked",
    "55P03": "locked",
    "40P01": "locked",
    "40001": "locked",
    "SQLITE_READONLY": "read-only",
    "SQLITE_PERM": "read-only",
    "25006": "read-only",
    "42501": "read-only",
    "SQLITE_FULL": "full",
    "53100": "full",
    "SQLITE_CANTOPEN": "missing",
    "3D000": "missing",
    "28": "login",
    "08": "unreachable",
    "57P": "unreachable",
    "SQLITE_NOTADB": "damaged",
    "SQLITE_CORRUPT": "damaged",
    "XX001": "damaged",
    "SQLITE_IOERR": "disk",
    "58": "disk",
}

_SENTENCES: dict[str, tuple[type[StoreError], str]] = {
    "locked": (
        StoreLockedError,
        "another process keeps it locked. Nothing was changed; wait until that process is done and run again.",
    ),
    "read-only": (
        StoreReadOnlyError,
        "it cannot be written. Nothing was changed; give this user the right to write to it and run again.",
    ),
    "full": (
        StoreFullError,
        "the disk is full. The transaction was undone and nothing is lost; free some space and run again.",
    ),
    "missing": (
        StoreMissingError,
        "it cannot be opened: its folder is read-only, or it does not exist. Check the data folder, or run: cdp init",
    ),
    "login": (StoreError, "the database refused the login. Check user and password in database_url."),
    "unreachable": (StoreError, "the database cannot be reached. Check that it runs and that database_url is right."),
    "damaged": (StoreError, "the file is damaged or no database. Restore it (never the vault) and run again."),
    "disk": (StoreError, "the disk reported an error. Check the disk and run again."),
}


def translate(store: str, context: ExceptionContext) -> CdpError | None:
    """Our error for a database's error; our own errors pass."""
    error = context.original_exception
    if context.sqlalchemy_exception is None:
        return None
    kind, code = _kind(error)
    cls, sentence = _SENTENCES.get(
        kind, (StoreError, f"the database refused the statement ({code}). This is a defect of the program; report it.")
    )
    return cls(f"Using the {store} store: {sentence}")


def _kind(error: BaseException) -> tuple[str, str]:
    """What kind of failure it was, and the code it has."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorname", None) or type(error).__name__
        primary = "_".join(code.split("_")[:2])
        return _KINDS.get(primary, ""), code
    code = getattr(error, "sqlstate", None)
    if code is None:  # psycopg has no code when it never reached a server
        return "unreachable", type(error).__name__
    return next((_KINDS[key] for key in (code, code[:3], code[:2]) if key in _KINDS), ""), code
