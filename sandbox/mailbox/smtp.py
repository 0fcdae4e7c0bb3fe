"""The SMTP side: aiosmtpd on the same event loop, one protocol object per connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from countersign.sandbox._faults import Faults, reset_connection
from countersign.sandbox._serve import explain_bind_error
from countersign.sandbox.mailbox.store import MailStore

MAX_MESSAGE_BYTES = 2 * 1024 * 1024
USERNAME, PASSWORD = "relay", "sandbox-relay-password"
Tls = Literal["none", "starttls", "implicit"]
_ADDRESS_SPECIALS = " \t\r\n<>"


@dataclass
class Habits:
    """What the server does to some addresses, and to everybody."""

    refused: dict[str, str] = field(default_factory=dict)
    """Addresses and what RCPT answers for them."""
    bounced: dict[str, str] = field(default_factory=dict)
    """Addresses whose mail is taken and comes back later, and why."""
    greylisted: int = 0
    """How often an address is told to come again before its mail is taken."""
    seen: dict[str, int] = field(default_factory=dict)
    is_down: bool = False

    def answer(self, address: str) -> str | None:
        """What RCPT answers instead of yes."""
        known = address.lower()
        if known in self.refused:
            return self.refused[known]
        tried = self.seen[known] = self.seen.get(known, 0) + 1
        return "450 4.7.1 Greylisted, come again" if tried <= self.greylisted else None


class Inbox:
    """The handler aiosmtpd calls: refuse on demand, keep everything else."""

    def __init__(
        self,
        store: MailStore,
        faults: Faults,
        habits: Habits | None = None,
        kept: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`kept` is told the number of each message that was taken."""
        self._store, self._kept = store, kept
        self._faults, self._habits = faults, habits or Habits()
        self.signs_in = False
        """Whether mail is taken only from who has signed in."""

    async def handle_EHLO(  # noqa: N802 - its name in aiosmtpd
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Nobody is served while the server is down."""
        session.host_name = hostname
        if self._habits.is_down:
            return ["421 4.3.2 The service is not available"]
        return responses

    async def handle_RCPT(  # noqa: N802 - its name in aiosmtpd
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Refuse an address without a domain, as any relay does (RFC 5321, section 4.1.1.3)."""
        if self.signs_in and not session.authenticated:
            return "530 5.7.0 Authentication required"
        local, _, domain = address.rpartition("@")
        if not local or not domain or any(character in address for character in _ADDRESS_SPECIALS):
            return f"550 5.1.1 {address[:80]!r} is not an address here"
        refusal = self._habits.answer(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message, then say so."""
        fault = self._faults.take("SMTP", "DATA")
        if fault is not None and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault is not None and fault.kind == "error":
            return f"{fault.status} 4.3.0 The mailbox cannot take mail right now, try again later"
        if fault is not None and fault.kind == "reset":
            reset_connection(server.transport)
            return "421 4.3.2 connection broken"
        number = self._store.add(
            envelope.mail_from or "", envelope.rcpt_tos, bytes(envelope.original_content or b"")
        )
        self._kept(number)
        if fault is not None and fault.kind == "reset_after":
            reset_connection(server.transport)
        return f"250 2.0.0 OK: kept as {number}"


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    known = LoginPassword(USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=data == known, handled=False)


@asynccontextmanager
async def serve_smtp(
    inbox: Inbox, *, host: str, port: int, tls: Tls = "none", context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Listen for SMTP and yield the port. With TLS, whoever sends signs in. Raises
    PortInUseError."""
    loop = asyncio.get_running_loop()
    connections: set[SMTP] = set()
    secured = inbox.signs_in = tls != "none"

    def connection() -> SMTP:
        connections.difference_update({known for known in connections if known.transport is None})
        protocol = SMTP(
            inbox,
            data_size_limit=MAX_MESSAGE_BYTES,
            enable_SMTPUTF8=True,
            hostname="mailbox.sandbox",
            ident="Sandbox mailbox",
            loop=loop,
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            authenticator=_authenticate if secured else None,
            auth_require_tls=tls == "starttls",
        )
        connections.add(protocol)
        return protocol

    try:
        implicit = context if tls == "implicit" else None
        server = await loop.create_server(connection, host, port, ssl=implicit)
    except OSError as error:
        raise explain_bind_error(error, host, port) from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for protocol in connections:
            reset_connection(protocol.transport)
        await server.wait_closed()
