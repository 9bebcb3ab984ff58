"""What may be logged. The one module of this package that connectors may use; it loads no cipher.

Two rules. Of HTTP traffic only what is listed is let through: method, path template, status (httpx logs whole
URLs, httpcore whole headers). Everywhere else e-mail addresses and phone numbers are masked, and of an exception
its frames and class stay while its text, which libraries fill with values, goes.

Masking recognises shapes. It is the net under the rule that no value is logged, not the rule.
"""

import logging
import re
import traceback
from typing import Final
from urllib.parse import urlsplit

MASKED_EMAIL: Final = "[email]"
MASKED_PHONE: Final = "[phone]"

_EMAIL: Final = re.compile(
    # Bounded, because without an @ the search goes to the bound from every letter.
    r"[^\s@<>\"'(),;:=&?/\\]{1,100}(?:@|%40)[^\s@<>\"'(),;:&?/\\]{1,255}\.[^\s@<>\"'(),;:&?/\\]{0,63}\w",
    re.IGNORECASE,
)
_PHONE: Final = re.compile(
    r"""(?<![\w.%:/-])                   # not within a word, a time, a date or an address
    (?: (?:\+|%2B)\d[\d ()/-]{5,18}\d    # +49 30 1234567
      | \(\d{2,4}\)[ ]?\d[\d -]{4,14}\d  # (415) 555-2671
      | 0[1-9][\d ()/-]{5,16}\d          # 030/1234567
      | \d{3}[ .-]\d{3}[ .-]\d{4}        # 415-555-2671
    )(?!\w|%|:)""",
    re.VERBOSE | re.IGNORECASE,
)
_WORD: Final = re.compile(r"[a-z][a-z_-]{0,40}(?:\.json)?|v\d{1,2}")
_REQUEST_ARGUMENTS: Final = 5


def redact(text: str) -> str:
    """``text`` with whatever looks like an e-mail address or a phone number masked."""
    return _PHONE.sub(MASKED_PHONE, _EMAIL.sub(MASKED_EMAIL, text))


def safe_url_template(url: str) -> str:
    """The path of ``url`` with everything but fixed words replaced: ``/crm/v3/objects/contacts/{}``.

    Host and query are left out: the host can name the customer's account, the query can hold anything.
    A word that is a name would stay, which is why no URL we make carries one.
    """
    segments = urlsplit(url).path.split("/")
    return "/".join(segment if not segment or _WORD.fullmatch(segment) else "{}" for segment in segments)


class RedactingFilter(logging.Filter):
    """Filter for the handlers of the root logger: lets through what may be read by anybody who reads logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite ``record``, or drop it."""
        if record.name.partition(".")[0] in ("httpx", "httpcore", "hpack", "urllib3"):
            return _only_listed(record)
        record.msg, record.args = redact(_message(record)), None
        if record.exc_info:
            record.exc_text, record.exc_info = _frames(record.exc_info[1]), None
        record.stack_info = None
        return True


def install(handler: logging.Handler) -> None:
    """Put the filter on ``handler``, once."""
    if not any(isinstance(present, RedactingFilter) for present in handler.filters):
        handler.addFilter(RedactingFilter())


def _only_listed(record: logging.LogRecord) -> bool:
    """Of httpx's one line per request keep method, path template and status; drop everything else."""
    arguments = record.args
    if record.name != "httpx" or not isinstance(arguments, tuple) or len(arguments) != _REQUEST_ARGUMENTS:
        return False
    method, url, _, status, _ = arguments
    record.msg, record.args = f"{method} {safe_url_template(str(url))} {status}", None
    return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # arguments that do not fit the format: say so without quoting them
        return f"A log message of {record.name} could not be formatted."


def _frames(error: BaseException | None) -> str:
    if error is None:
        return ""
    return "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__
