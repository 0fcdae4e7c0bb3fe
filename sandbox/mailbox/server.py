"""The mailbox as a whole: SMTP in, IMAP, HTTP and a page to read, and what people do with mail."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from email.message import EmailMessage
from email.utils import parseaddr
from html import escape
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from countersign.sandbox._faults import CONTROL_PREFIX, Fault, Faults
from countersign.sandbox._page import Markup, page, pre, table
from countersign.sandbox._record import Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.mailbox import programs
from countersign.sandbox.mailbox.certificate import server_context
from countersign.sandbox.mailbox.imap import IMAP_PASSWORD, Folder, serve_imap
from countersign.sandbox.mailbox.smtp import PASSWORD, USERNAME, Habits, Inbox, Tls, serve_smtp
from countersign.sandbox.mailbox.store import MailStore

_LATEST = 50
HOOK_TIMEOUT_S = 30.0


def _fault_body(fault: Fault) -> dict[str, Any]:
    return {"error": "The mailbox cannot answer right now."}


class Mailbox:
    """A running mail server. `faults` fail SMTP deliveries (method SMTP) and HTTP requests."""

    def __init__(self, store: MailStore) -> None:
        self._store = store
        self.url = ""
        self.smtp_host = ""
        self.smtp_port = self.imap_port = 0
        self.tls: Tls = "none"
        self.ca_file = ""
        self.faults, self.habits = Faults(), Habits()
        self.hook: tuple[str, str, str] | None = None
        """An address, and the URL and secret with which its mail is handed on."""
        self._tasks: set[asyncio.Task[Any]] = set()

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        db_path: Path | None = None,
        host: str = LOOPBACK,
        port: int = 0,
        smtp_port: int = 0,
        imap_port: int = 0,
        tls: Tls = "none",
    ) -> AsyncIterator[Mailbox]:
        """Serve until the block ends; without `db_path` the mail is kept in memory.

        With `tls`, whoever sends mail has to trust `ca_file` and to sign in, and IMAP is over TLS
        from the beginning.
        """
        async with AsyncExitStack() as stack:
            store = MailStore(db_path)
            stack.callback(store.close)
            mailbox = cls(store)
            context: ssl.SSLContext | None = None
            if tls != "none":
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mailbox-"))
                context, trusted = server_context(Path(folder))
                mailbox.tls, mailbox.ca_file = tls, str(trusted)
            enter = stack.enter_async_context
            inbox = Inbox(store, mailbox.faults, mailbox.habits, mailbox._kept)
            smtp = serve_smtp(inbox, host=host, port=smtp_port, tls=tls, context=context)
            mailbox.smtp_host, mailbox.smtp_port = host, await enter(smtp)
            imap = serve_imap(Folder(store.sent_to), host=host, port=imap_port, context=context)
            mailbox.imap_port = await enter(imap)
            mailbox.url = await enter(serve(mailbox._application(), host=host, port=port))
            stack.push_async_callback(mailbox._settle)
            yield mailbox

    def _application(self) -> web.Application:
        app = application(self.faults, Recorder(), _fault_body)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/messages", self._list),
                web.get(r"/messages/{id:\d+}", self._one),
                web.get(r"/messages/{id:\d+}/html", self._html),
                web.post(CONTROL_PREFIX + "act", self._act),
                web.put(CONTROL_PREFIX + "habits", self._set_habits),
                web.put(CONTROL_PREFIX + "hook", self._set_hook),
            ]
        )
        return app

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
        """One message with `headers`, `text`, `html` and `raw`."""
        return self._store.message(number)

    def raw(self, number: int) -> bytes:
        """A message as it came, attachments included. Raises KeyError."""
        found = self._store.raw(number)
        if found is None:
            raise KeyError(number)
        return found

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        said = {
            "url": self.url,
            "smtp_host": self.smtp_host,
            "smtp_port": self.smtp_port,
            "imap_port": self.imap_port,
            "imap_password": IMAP_PASSWORD,
        }
        if self.tls == "none":
            return said
        secured = {"tls": self.tls, "ca_file": self.ca_file}
        return {**said, **secured, "username": USERNAME, "password": PASSWORD}

    async def act(self, what: Mapping[str, Any]) -> dict[str, Any]:
        """Somebody's program does something with a mail: `{do, message, who, …}` as
        `sandbox.mailbox.programs` has it; what it sends arrives here, too.

        Raises LookupError if there is no such mail, TypeError if it cannot be done so.
        """
        given = dict(what)
        number, do, who = int(given.pop("message")), str(given.pop("do")), str(given.pop("who"))
        raw = self._store.raw(number)
        if raw is None or do not in programs.ACTS:
            raise LookupError(f"There is no message {number}, or nobody can {do} it.")
        return await self.receive(programs.done(programs.parsed(raw), do, who, **given))

    async def receive(self, message: EmailMessage) -> dict[str, Any]:
        """A mail arrives from anywhere; `status` is what the webhook answered to it, if any."""
        to = parseaddr(str(message["To"]))[1]
        raw = message.as_bytes(policy=message.policy.clone(linesep="\r\n", max_line_length=998))
        number = self._store.add(parseaddr(str(message["From"]))[1], [to], raw)
        return {"id": number, "status": await self._handed_on(to, raw)}

    async def _handed_on(self, to: str, raw: bytes) -> int | None:
        if self.hook is None or to.lower() != self.hook[0].lower():
            return None
        _, url, secret = self.hook
        headers = {"Content-Type": "message/rfc822"}
        async with httpx.AsyncClient(timeout=HOOK_TIMEOUT_S, trust_env=False) as http:
            answer = await http.post(url, content=raw, headers=headers, auth=("mail", secret))
        return answer.status_code

    def _kept(self, number: int) -> None:
        """A mail was taken; if it cannot be delivered after all, whoever sent it hears of that."""
        known = self._store.message(number) or {}
        for address in known.get("rcpt_to", ()):
            why = self.habits.bounced.get(address.lower())
            if why is not None:
                said = {"do": "bounce", "message": number, "who": address, "why": why}
                task = asyncio.get_running_loop().create_task(self.act(said))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _settle(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _act(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(await self.act(await request.json()), status=201)
        except (LookupError, TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=422)

    async def _set_habits(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.habits.refused = dict(body.get("refused", {}))
        self.habits.bounced = dict(body.get("bounced", {}))
        self.habits.greylisted = int(body.get("greylisted", 0))
        self.habits.seen.clear()
        return web.json_response(body)

    async def _set_hook(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.hook = (body["address"], body["url"], body["secret"])
        return web.Response(status=204)

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response({"messages": self._store.messages()})

    async def _one(self, request: web.Request) -> web.Response:
        found = self._store.message(int(request.match_info["id"]))
        if found is None:
            return web.json_response({"error": "There is no such message."}, status=404)
        return web.json_response(found)

    async def _html(self, request: web.Request) -> web.Response:
        """As a mail program shows it, to click its links; nothing of it runs or is fetched."""
        found = self._store.message(int(request.match_info["id"])) or {}
        policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups"
        return web.Response(
            text=found.get("html") or "It has no HTML.",
            content_type="text/html",
            headers={
                "Content-Security-Policy": f"{policy} allow-top-navigation-by-user-activation"
            },
        )

    async def _page(self, _: web.Request) -> web.Response:
        rows = []
        for summary in reversed(self._store.messages()[-_LATEST:]):
            full = self._store.message(summary["id"])
            rows.append(
                (
                    summary["received_at"][:19].replace("T", " "),
                    summary["mail_from"],
                    ", ".join(summary["rcpt_to"]),
                    _opened(summary["id"], summary["subject"]),
                    pre("" if full is None else full["text"]),
                )
            )
        listing = table(
            "Mail", ("Received (UTC)", "From", "To", "Subject", "Text"), rows, empty="No mail yet."
        )
        return page("Mailbox", "A stand-in: the mail that was really sent arrives here.", [listing])


def _opened(number: int, subject: str) -> Markup:
    """The subject, as a link to the mail as programs show it."""
    return Markup(f'<a href="/messages/{number}/html">{escape(subject)}</a>')
