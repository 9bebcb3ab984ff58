"""The message and its two ways out: SMTP and a webhook. What goes wrong there never fails anything else."""

import os
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import httpx

from cdp_pipelines.alerts.troubles import Trouble
from cdp_pipelines.config import AlertSettings

PASSWORD_VARIABLE = "CDP_SMTP_PASSWORD"  # noqa: S105 - its name
_SECONDS = 20.0
"""How long a server may take: the next look waits behind it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How it went, way by way.

    Attributes:
        delivered: Ways the message got through.
        problems: One sentence for each way it did not.
    """

    delivered: tuple[str, ...]
    problems: tuple[str, ...]


def send(alerts: AlertSettings, troubles: Sequence[Trouble], environment: Mapping[str, str] = os.environ) -> Delivery:
    """Send one message about all of ``troubles``; an empty list makes a message that tries the ways out.

    Args:
        alerts: Who is told.
        troubles: What is told.
        environment: Holds the password of the mail server.
    """
    ways: dict[str, Callable[[], str | None]] = {}
    if alerts.email_to:
        ways["e-mail"] = lambda: _mail(alerts, troubles, environment.get(PASSWORD_VARIABLE, ""))
    if alerts.webhook_url:
        ways["webhook"] = lambda: _post(alerts.webhook_url, troubles)
    answers = {name: way() for name, way in ways.items()}
    return Delivery(
        tuple(name for name, problem in answers.items() if problem is None),
        tuple(f"{name}: {problem}" for name, problem in answers.items() if problem is not None),
    )


def _subject(troubles: Sequence[Trouble]) -> str:
    if not troubles:
        return "cdp: a test"
    failed = sum(trouble.kind == "failed" for trouble in troubles)
    counts = ((failed, "failing"), (len(troubles) - failed, "not running"))
    return f"cdp: {', '.join(f'{count} {what}' for count, what in counts if count)}"


def _text(troubles: Sequence[Trouble]) -> str:
    if not troubles:
        return "This is a test. Troubles with jobs and sources will be told this way."
    return "\n".join(trouble.sentence for trouble in troubles)


def _mail(alerts: AlertSettings, troubles: Sequence[Trouble], password: str) -> str | None:
    """Send by SMTP; a sentence if that failed."""
    message = EmailMessage()
    message["Subject"], message["From"] = _subject(troubles), alerts.email_from
    message["To"] = ", ".join(alerts.email_to)
    message.set_content(_text(troubles))
    if alerts.smtp_user and alerts.smtp_security == "none":
        return "a password is not sent over a connection in clear. Set smtp_security to starttls or tls."
    try:
        with _server(alerts) as server:
            if alerts.smtp_user:
                server.login(alerts.smtp_user, password)
            server.send_message(message)
    except smtplib.SMTPResponseException as error:  # the server's words may quote addresses
        return f"the mail server answered with {error.smtp_code}. Check smtp_user, {PASSWORD_VARIABLE} and email_from."
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return f"{type(error).__name__} while talking to the mail server. Check the smtp_ settings and email_to."
    return None


def _server(alerts: AlertSettings) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if alerts.smtp_security == "tls":
        return smtplib.SMTP_SSL(alerts.smtp_host, alerts.smtp_port, timeout=_SECONDS, context=context)
    server = smtplib.SMTP(alerts.smtp_host, alerts.smtp_port, timeout=_SECONDS)
    if alerts.smtp_security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _post(url: str, troubles: Sequence[Trouble]) -> str | None:
    """Post to the webhook; a sentence, without its address, if that failed."""
    body: dict[str, Any] = {
        "text": f"{_subject(troubles)}\n{_text(troubles)}",
        "troubles": [trouble.to_data() for trouble in troubles],
    }
    try:
        # Redirects are not followed: the address may be the secret.
        answer = httpx.post(url, json=body, timeout=_SECONDS, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # UnicodeError: a host that cannot be looked up
        return f"{type(error).__name__} while posting. Check webhook_url and the network."
    return None if answer.is_success else f"it answered with status {answer.status_code}. Check webhook_url."
