"""The mailbox as a whole: SMTP in, HTTP and a page to read."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox._page import page, pre, table
from countersign.sandbox._record import Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.mailbox.certificate import server_context
from countersign.sandbox.mailbox.smtp import PASSWORD, USERNAME, Habits, Inbox, Tls, serve_smtp
from countersign.sandbox.mailbox.store import MailStore

_LATEST = 50


def _fault_body(fault: Fault) -> dict[str, Any]:
    return {"error": "The mailbox cannot answer right now."}


class Mailbox:
    """A running mail server. `faults` fail SMTP deliveries (method SMTP) and HTTP requests."""

    def __init__(self, store: MailStore) -> None:
        self._store = store
        self.url = ""
        self.smtp_host = ""
        self.smtp_port = 0
        self.tls: Tls = "none"
        self.ca_file = ""
        self.faults, self.habits = Faults(), Habits()

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        db_path: Path | None = None,
        host: str = LOOPBACK,
        port: int = 0,
        smtp_port: int = 0,
        tls: Tls = "none",
    ) -> AsyncIterator[Mailbox]:
        """Serve until the block ends; without `db_path` the mail is kept in memory.

        With `tls`, whoever sends mail has to trust `ca_file` and to sign in.
        """
        async with AsyncExitStack() as stack:
            context: ssl.SSLContext | None = None
            ca_file = ""
            if tls != "none":
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mailbox-"))
                context, trusted = server_context(Path(folder))
                ca_file = str(trusted)
            yield await stack.enter_async_context(
                cls._serving(MailStore(db_path), host, port, smtp_port, tls, context, ca_file)
            )

    @classmethod
    @asynccontextmanager
    async def _serving(
        cls,
        store: MailStore,
        host: str,
        port: int,
        smtp_port: int,
        tls: Tls,
        context: ssl.SSLContext | None,
        ca_file: str,
    ) -> AsyncIterator[Mailbox]:
        mailbox = cls(store)
        app = application(mailbox.faults, Recorder(), _fault_body)
        app.add_routes(
            [
                web.get("/", mailbox._page),
                web.get("/messages", mailbox._list),
                web.get(r"/messages/{id:\d+}", mailbox._one),
            ]
        )
        try:
            async with (
                serve_smtp(
                    Inbox(store, mailbox.faults, mailbox.habits),
                    host=host,
                    port=smtp_port,
                    tls=tls,
                    context=context,
                ) as mailbox.smtp_port,
                serve(app, host=host, port=port) as mailbox.url,
            ):
                mailbox.smtp_host, mailbox.tls, mailbox.ca_file = host, tls, ca_file
                yield mailbox
        finally:
            store.close()

    def reject(self, times: int = 1, *, status: int = 451) -> None:
        """Answer the next `times` deliveries with a temporary failure (or another `status`)."""
        self.faults.fail(status, times=times, method="SMTP")

    @contextmanager
    def down(self) -> Iterator[None]:
        """Inside the block nobody can send anything."""
        self.habits.is_down = True
        try:
            yield
        finally:
            self.habits.is_down = False

    def messages(self) -> list[dict[str, Any]]:
        """`{id, received_at, mail_from, rcpt_to, subject, message_id, execution}`, oldest first."""
        return self._store.messages()

    def message(self, number: int) -> dict[str, Any] | None:
        """One message with `headers`, `text` and `raw`."""
        return self._store.message(number)

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        said = {"url": self.url, "smtp_host": self.smtp_host, "smtp_port": self.smtp_port}
        if self.tls == "none":
            return said
        secured = {"tls": self.tls, "ca_file": self.ca_file}
        return {**said, **secured, "username": USERNAME, "password": PASSWORD}

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response({"messages": self._store.messages()})

    async def _one(self, request: web.Request) -> web.Response:
        found = self._store.message(int(request.match_info["id"]))
        if found is None:
            return web.json_response({"error": "There is no such message."}, status=404)
        return web.json_response(found)

    async def _page(self, _: web.Request) -> web.Response:
        rows = []
        for summary in reversed(self._store.messages()[-_LATEST:]):
            full = self._store.message(summary["id"])
            rows.append(
                (
                    summary["received_at"][:19].replace("T", " "),
                    summary["mail_from"],
                    ", ".join(summary["rcpt_to"]),
                    summary["subject"],
                    pre("" if full is None else full["text"]),
                )
            )
        listing = table(
            "Mail", ("Received (UTC)", "From", "To", "Subject", "Text"), rows, empty="No mail yet."
        )
        return page("Mailbox", "A stand-in: the mail that was really sent arrives here.", [listing])
