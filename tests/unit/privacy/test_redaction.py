"""What reaches a log."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from privacy.redaction import RedactingFilter, install, redact, safe_url_template


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    install(handler)
    install(handler)
    assert [type(one) for one in handler.filters] == [RedactingFilter]
    loggers = [logging.getLogger(name) for name in ("", "httpx", "httpcore")]
    levels = [logger.level for logger in loggers]
    loggers[0].addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield stream
    loggers[0].removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail jane@example.com, please", "mail [email], please"),
        ("q=jane%40example.com&x=1", "q=[email]&x=1"),
        ("<Jané@exämple.org>", "<[email]>"),
        ("x" * 200_000, "x" * 200_000),  # without a bound this takes half an hour
        (f"{'x' * 200_000} jane@example.com", f"{'x' * 200_000} [email]"),
        ("call +49 30 1234567 now", "call [phone] now"),
        ("(415) 555-2671", "[phone]"),
        ("030/1234567.", "[phone]."),
        ("415.555.2671", "[phone]"),
        ("phone=%2B4930123456", "phone=[phone]"),
    ],
)
def test_masks_addresses_and_numbers(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 02:53:40,123 run 12345678901 took 1.25 s",
        "127.0.0.1:8080 at 2026-01-01T10:00:00+00:00",
        "wrote 10.000.000 rows in 0.0123456789 s",
        "0f8b1c52-1111-2222-3333-0123456789ab",
    ],
)
def test_leaves_times_ids_and_counts(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://acme.zendesk.com/api/v2/users/123.json?q=jane", "/api/v2/users/{}"),
        ("https://acme.zendesk.com/api/v2/incremental/tickets/cursor.json", "/api/v2/incremental/tickets/cursor.json"),
        ("https://h/crm/v3/objects/contacts/jane@example.com", "/crm/v3/objects/contacts/{}"),
        ("/a/Jane%20Doe/", "/a/{}/"),
        ("", ""),
    ],
)
def test_a_url_becomes_its_template(url: str, expected: str) -> None:
    assert safe_url_template(url) == expected


def test_of_a_request_only_method_template_and_status_are_logged() -> None:
    """httpx itself logs the whole URL. In a process of its own: others configure logging for everybody."""
    code = """
import io, logging, httpx
from privacy.redaction import install
stream = io.StringIO()
handler = logging.StreamHandler(stream)
install(handler)
logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
transport = httpx.MockTransport(lambda _: httpx.Response(404))
with httpx.Client(transport=transport) as client:
    client.get("https://acme.example/users/77/jane@example.com?name=Jane")
print(stream.getvalue(), end="")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "GET /users/{}/{} 404\n"


@pytest.mark.parametrize("name", ["httpx", "httpcore", "httpcore.connection", "hpack", "urllib3.connectionpool"])
def test_everything_else_of_http_is_dropped(stream: io.StringIO, name: str) -> None:
    logging.getLogger(name).warning("Authorization: %s", "secret")
    assert stream.getvalue() == ""


def test_other_loggers_are_masked(stream: io.StringIO) -> None:
    logging.getLogger("anything").warning("read %s of %s", 5, "jane@example.com")
    assert stream.getvalue() == "read 5 of [email]\n"


def test_of_an_exception_frames_and_class_stay(stream: io.StringIO) -> None:
    value = "Jane Doe"
    try:
        int(value)
    except ValueError:
        logging.getLogger("anything").exception("failed", stack_info=True)
    text = stream.getvalue()
    assert (text.startswith("failed\n"), text.endswith("ValueError\n")) == (True, True)
    assert "test_redaction.py" in text
    assert value not in text


def test_a_log_call_outside_a_handler_has_no_frames(stream: io.StringIO) -> None:
    logging.getLogger("anything").error("failed", exc_info=(None, None, None))
    assert stream.getvalue() == "failed\n"


def test_a_message_that_does_not_fit_its_arguments_is_not_quoted(stream: io.StringIO) -> None:
    logging.getLogger("anything").warning("%d rows", "Jane")
    assert stream.getvalue() == "A log message of anything could not be formatted.\n"


def test_redaction_loads_no_cipher() -> None:
    program = "import sys, privacy.redaction; sys.exit(any(name.startswith('cryptography') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
