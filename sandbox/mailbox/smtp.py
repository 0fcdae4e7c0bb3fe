"""The SMTP side: aiosmtpd on the same event loop, one protocol object per connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiosmtpd.smtp import SMTP, Envelope, Session

from countersign.sandbox._faults import Faults, reset_connection
from countersign.sandbox._serve import explain_bind_error
from countersign.sandbox.mailbox.store import MailStore

MAX_MESSAGE_BYTES = 2 * 1024 * 1024
_ADDRESS_SPECIALS = " \t\r\n<>"


class Inbox:
    """The handler aiosmtpd calls: refuse on demand, keep everything else."""

    def __init__(self, store: MailStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    async def handle_RCPT(  # noqa: N802 - its name in aiosmtpd
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Refuse an address without a domain, as any relay does (RFC 5321, section 4.1.1.3)."""
        local, _, domain = address.rpartition("@")
        if not local or not domain or any(character in address for character in _ADDRESS_SPECIALS):
            return f"550 5.1.1 {address[:80]!r} is not an address here"
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
        if fault is not None and fault.kind == "reset_after":
            reset_connection(server.transport)
        return f"250 2.0.0 OK: kept as {number}"


@asynccontextmanager
async def serve_smtp(inbox: Inbox, *, host: str, port: int) -> AsyncIterator[int]:
    """Listen for SMTP and yield the port. Raises PortInUseError."""
    loop = asyncio.get_running_loop()
    connections: set[SMTP] = set()

    def connection() -> SMTP:
        connections.difference_update({known for known in connections if known.transport is None})
        protocol = SMTP(
            inbox,
            data_size_limit=MAX_MESSAGE_BYTES,
            enable_SMTPUTF8=True,
            hostname="mailbox.sandbox",
            ident="Sandbox mailbox",
            loop=loop,
        )
        connections.add(protocol)
        return protocol

    try:
        server = await loop.create_server(connection, host, port)
    except OSError as error:
        raise explain_bind_error(error, host, port) from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for protocol in connections:
            reset_connection(protocol.transport)
        await server.wait_closed()
