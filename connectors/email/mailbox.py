"""The mailbox into which answers come, read over IMAP in a thread of its own.

A mail is marked as seen once it was taken. Several servers may read the same mailbox: each mail
counts once.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import structlog
from imap_tools import AND, BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from countersign.approvals.errors import ConfigurationError, UnavailableError
from countersign.approvals.forms.wording import cut, visible
from countersign.approvals.tickets import CheckResult
from countersign.connectors.email.answers import Answers
from countersign.connectors.email.incoming import MAX_BYTES
from countersign.connectors.email.relay import SAID_LIMIT, context
from countersign.connectors.email.settings import ImapSettings

log = structlog.get_logger(__name__)

AT_ONCE = 50
TIMEOUT_S = 30.0
SEEN = "\\Seen"


class MailboxReader:
    """Reads it again and again."""

    def __init__(self, settings: ImapSettings):
        self._settings = settings
        self._context = context(settings.ca_file)
        self._is_down = False

    async def check(self) -> Sequence[CheckResult]:
        """Whether it lets us in, and how many mails wait there. Raises UnavailableError."""
        waiting = await asyncio.to_thread(self._count)
        said = f"{self._settings.username} at {self._settings.host}, {waiting} mails not read yet"
        return [CheckResult(name="mailbox", ok=True, said=said)]

    @asynccontextmanager
    async def reading(self, answers: Answers) -> AsyncIterator[None]:
        """Inside the block what comes is taken."""
        task = asyncio.create_task(self._forever(answers), name="mailbox")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def read(self, answers: Answers) -> int:
        """Take what is new; how many there were. Raises UnavailableError."""
        found = await asyncio.to_thread(self._fetch)
        taken = []
        for uid, raw in found:
            await answers.take(raw)
            taken.append(uid)
            await asyncio.to_thread(self._seen, [uid])
        return len(taken)

    async def _forever(self, answers: Answers) -> None:
        while True:
            try:
                more = await self.read(answers) == AT_ONCE
                if self._is_down:
                    log.info("mailbox back")
                self._is_down = False
            except (UnavailableError, ConfigurationError) as exc:
                more = False
                if not self._is_down:
                    log.warning("mailbox unreachable", reason=str(exc))
                self._is_down = True
            except Exception:  # nobody waits for this task, and the next mail may be another one
                more = False
                log.exception("mailbox not read")
            if not more:
                await asyncio.sleep(self._settings.poll_every)

    def _count(self) -> int:
        with self._open() as box:
            return len(box.uids(AND(seen=False)))

    def _fetch(self) -> list[tuple[str, bytes]]:
        with self._open() as box:
            found = box.fetch(AND(seen=False), mark_seen=False, limit=AT_ONCE, headers_only=False)
            return [
                (each.uid, each.obj.as_bytes())
                for each in found
                if each.uid is not None and each.size_rfc822 <= MAX_BYTES
            ]

    def _seen(self, uids: list[str]) -> None:
        with self._open() as box:
            box.flag(uids, SEEN, True)

    @contextlib.contextmanager
    def _open(self) -> Iterator[BaseMailBox]:
        settings = self._settings
        try:
            box = self._connected()
            try:
                box.login(settings.username, settings.password.get_secret_value(), settings.folder)
                yield box
            finally:
                for end in (box.client.logout, box.client.shutdown):
                    with contextlib.suppress(imaplib.IMAP4.error, OSError, EOFError):
                        end()
        except (ImapToolsError, imaplib.IMAP4.error, OSError, EOFError) as exc:
            text = cut(visible(str(exc) or type(exc).__name__), SAID_LIMIT)
            raise UnavailableError(f"The mailbox cannot be read: {text}") from exc

    def _connected(self) -> BaseMailBox:
        settings = self._settings
        if settings.tls == "none":
            return MailBoxUnencrypted(settings.host, settings.at, timeout=TIMEOUT_S)
        if settings.tls == "starttls":
            return MailBoxStartTls(
                settings.host, settings.at, timeout=TIMEOUT_S, ssl_context=self._context
            )
        return MailBox(settings.host, settings.at, timeout=TIMEOUT_S, ssl_context=self._context)
