"""A letter by SMTP: who it goes to, how the server is reached, and what it says when it will not."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

from orchestrator.errors import SiteError
from orchestrator.names import in_url

_SECONDS = 30.0
TLS, STARTTLS, PLAIN = "tls", "starttls", "none"
PORTS = {TLS: 465, STARTTLS: 587, PLAIN: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A server that takes letters, and as whom."""

    host: str
    port: int
    security: str = STARTTLS  # tls from the first byte, starttls, or none
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None  # else the system's roots


def send(
    server: MailServer, *, sender: str, to: Sequence[str], subject: str, text: str
) -> tuple[str, ...]:
    """Hand a letter to the server and return for whom it takes none; SiteError when for nobody."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = sender, ", ".join(to), subject
    letter["Date"], letter["Message-ID"] = formatdate(localtime=False), make_msgid()
    letter.set_content(text)
    try:
        with _connected(server) as connection:
            if server.user is not None:
                connection.login(server.user, server.password or "")
            refused = connection.send_message(letter)
    except smtplib.SMTPAuthenticationError as error:
        # The server's words may repeat what it was told.
        raise _failed(server, f"it does not take the password of {server.user}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise _failed(server, _cause(error)) from error
    return tuple(sorted(refused))


def _connected(server: MailServer) -> smtplib.SMTP:
    """Return a connection on which nothing has been said in clear that should not be."""
    context = ssl.create_default_context(cafile=str(server.ca_file) if server.ca_file else None)
    if server.security == TLS:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_SECONDS, context=context)
    connection = smtplib.SMTP(server.host, server.port, timeout=_SECONDS)
    if server.security == STARTTLS:
        try:
            connection.starttls(context=context)
        except BaseException:
            connection.close()
            raise
    return connection


def _cause(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"it takes none for {', '.join(sorted(error.recipients))}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        said = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        return f"it says {error.smtp_code} {said}"
    return str(error)[:200] or type(error).__name__


def _failed(server: MailServer, why: str) -> SiteError:
    return SiteError(
        f"the mail server {in_url(server.host)}:{server.port} took no letter: {why}",
        way_out=["correct warning_mail in config.yaml"],
    )
