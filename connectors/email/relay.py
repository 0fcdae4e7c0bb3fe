"""The relay: hands it one mail for one person, and translates what it answers.

A mail goes to one address, so a refusal is never partial. It is sent as bytes: `aiosmtplib.send`
would write a message again by a policy of its own, and encode ids that are long.
"""

from __future__ import annotations

import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from countersign.approvals.errors import (
    BusyError,
    ConfigurationError,
    MisdirectedError,
    UnansweredError,
    UnavailableError,
    UnreachableError,
)
from countersign.approvals.forms.wording import cut, visible
from countersign.approvals.tickets import CheckResult
from countersign.connectors.email.settings import EmailSettings

if TYPE_CHECKING:  # else imported by whoever sends mail
    import aiosmtplib

MINUTE_S = 60.0
GREYLISTED_S = 60.0
"""When to come again to a relay that does not know us yet; most want five minutes in all."""
SAID_LIMIT = 300
FOR_GOOD = 500
"""From here on an answer says that asking again changes nothing. Source: RFC 5321, 4.2.1."""
NOT_SAID = (
    "The relay did not say whether it has taken the mail; it is sent again with the same "
    "Message-ID."
)


class Relay:
    """One server that delivers what it takes."""

    def __init__(self, settings: EmailSettings, now_s: Callable[[], float] = time.monotonic):
        self._settings, self._now_s = settings, now_s
        self._sent_s: deque[float] = deque()
        self._context = context(settings.ca_file)

    def busy_s(self) -> float:
        """Seconds until another mail may be sent; 0 for now."""
        now_s = self._now_s()
        while self._sent_s and self._sent_s[0] <= now_s - MINUTE_S:
            self._sent_s.popleft()
        if len(self._sent_s) < self._settings.per_minute:
            return 0.0
        return self._sent_s[0] + MINUTE_S - now_s

    async def send(self, address: str, content: bytes) -> None:
        """The relay has taken it.

        Raises BusyError; UnavailableError if it was not taken (UnansweredError if it may have
        been); MisdirectedError if it may be later; UnreachableError if the address is refused.
        """
        wait_s = self.busy_s()
        if wait_s > 0:
            raise BusyError("As much mail was sent as may be in a minute.", retry_after_s=wait_s)
        self._sent_s.append(self._now_s())
        import aiosmtplib

        async with self._connected() as smtp:
            with _translated(address):
                await smtp.mail(self._settings.address)
                await smtp.rcpt(address)
            with _translated(address):
                try:
                    await smtp.data(content)
                except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as exc:
                    raise UnansweredError(NOT_SAID) from exc

    async def check(self) -> Sequence[CheckResult]:
        """Whether it lets us in and takes mail of our sender; nothing is sent. Raises
        UnavailableError."""
        async with self._connected() as smtp:
            with _translated(self._settings.address):
                await smtp.mail(self._settings.address)
                await smtp.rset()
            tls = "without TLS" if self._settings.tls == "none" else f"with {_version(smtp)}"
        where = f"{self._settings.host}:{self._settings.at}"
        said = f"{where} takes mail from {self._settings.address}, {tls}"
        return [CheckResult(name="relay", ok=True, said=said)]

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        import aiosmtplib

        settings = self._settings
        password = settings.password.get_secret_value()
        smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.at,
            use_tls=settings.tls == "implicit",
            start_tls=settings.tls == "starttls",
            tls_context=None if settings.tls == "none" else self._context,
            username=settings.username or None,
            password=password or None,
            timeout=settings.timeout,
        )
        try:
            with _translated(settings.address):
                await smtp.connect()
            yield smtp
        finally:
            smtp.close()


def context(ca_file: str) -> ssl.SSLContext:
    """Verifies the server by the certificates of this machine, and by those of the file. Raises
    ConfigurationError."""
    made = ssl.create_default_context()
    if ca_file:
        try:
            made.load_verify_locations(ca_file)
        except OSError as exc:  # an SSLError is one
            raise ConfigurationError(
                [f"connectors.email: {ca_file} holds no certificates that can be read."]
            ) from exc
    return made


@contextmanager
def _translated(address: str) -> Iterator[None]:
    """What the relay answers, as errors of ours."""
    import aiosmtplib

    try:
        yield
    except aiosmtplib.SMTPRecipientRefused as exc:
        said = f"{address} was refused: {_said(exc)}"
        if exc.code >= FOR_GOOD:
            raise UnreachableError(said, reason=said) from exc
        raise MisdirectedError(said, retry_after_s=GREYLISTED_S) from exc
    except aiosmtplib.SMTPDataError as exc:
        raise MisdirectedError(f"The relay refused the mail: {_said(exc)}") from exc
    except aiosmtplib.SMTPAuthenticationError as exc:
        said = f"The relay does not let us in; check username and password: {_said(exc)}"
        raise UnavailableError(said) from exc
    except aiosmtplib.SMTPResponseException as exc:
        raise UnavailableError(f"The relay answered {_said(exc)}") from exc
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as exc:
        text = cut(visible(str(exc) or type(exc).__name__), SAID_LIMIT)
        raise UnavailableError(f"The relay cannot be reached: {text}") from exc


def _said(exc: aiosmtplib.SMTPResponseException) -> str:
    text = " ".join(visible(exc.message).split())
    return cut(f"{exc.code} {text}", SAID_LIMIT)


def _version(smtp: aiosmtplib.SMTP) -> str:
    secured = smtp.get_transport_info("ssl_object")
    return str(secured.version()) if secured is not None else "TLS"
