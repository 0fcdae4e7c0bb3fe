"""The ledger: verified while one looks at it, and what belongs to no session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import structlog
from aiohttp import web

from countersign.approvals.audit.ledger import Verification
from countersign.approvals.errors import CountersignError, NotAuthorisedError, UnavailableError
from countersign.bot.api.operation import Services
from countersign.bot.http.problems import status_of
from countersign.bot.inbox import guard
from countersign.bot.inbox.exporting import FORMATS, Exports, asked_of
from countersign.bot.inbox.pages import Form, Pages
from countersign.bot.inbox.rules import is_admin
from countersign.bot.inbox.shell import HOME, Visit, to
from countersign.connectors.system import Route

log = structlog.get_logger(__name__)

PATH = f"{HOME}/ledger"
PAGE = 50
PROBLEMS = 100
"""So many problems of one verification are shown."""
MAX_SEQ = 2**31 - 1


@dataclass
class Run:
    """A verification of everything, under way or done; of this process."""

    started_at: datetime
    by: str
    entries: int = 0
    """Checked so far."""
    ended_at: datetime | None = None
    result: Verification | None = None
    error: str = ""


class LedgerPages:
    """The page, and the verification that it starts."""

    def __init__(
        self, pages: Pages, services: Services, administrators: Callable[[], Sequence[str]]
    ):
        self._pages, self._records, self._clock = pages, services.records, pages.shell.clock
        self._exports = Exports(services.trail, services.records)
        self._administrators = administrators
        self._run: Run | None = None
        self._task: asyncio.Task[None] | None = None

    def routes(self) -> Sequence[Route]:
        """Their addresses."""
        pages = self._pages
        return [
            Route("GET", PATH, pages.look(self.show)),
            Route("GET", f"{PATH}/governance.json", pages.look(self.governance)),
            Route("GET", f"{PATH}/export", pages.look(self.export)),
            Route("POST", f"{PATH}/verification", pages.act(self.verify)),
        ]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """How far it is verified, and the entries that belong to no session."""
        return await self._draw(visit)

    async def _draw(
        self, visit: Visit, error: str = "", status: int = HTTPStatus.OK
    ) -> web.StreamResponse:
        after = visit.request.query.get("after", "0")
        number = min(int(after), MAX_SEQ) if after.isascii() and after.isdigit() else 0
        entries = await self._records.governance(after=number, limit=PAGE + 1)
        is_part = "part" in visit.request.query
        return self._pages.shell.page(
            visit,
            "ledger_run.html" if is_part else "ledger.html",
            status=status,
            run=self._run,
            problems=PROBLEMS,
            is_admin=self._is_admin(visit),
            entries=entries[:PAGE],
            further=f"{PATH}?after={entries[PAGE - 1].seq}" if len(entries) > PAGE else "",
            formats=tuple(FORMATS),
            asked=asked_of(visit.request.query),
            error=error,
        )

    async def export(self, visit: Visit) -> web.StreamResponse:
        """Entries of sessions as a file. It may read all there is, so administrators may alone,
        and of that what they may read."""
        if not self._is_admin(visit):
            raise NotAuthorisedError("Only administrators export more than one session.")
        try:
            asked = asked_of(visit.request.query)
            return await self._exports.write(visit.request, asked, visit.reader)
        except UnavailableError:
            raise
        except CountersignError as wrong:
            return await self._draw(visit, str(wrong), status_of(wrong))

    async def verify(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Begin to verify everything; one at a time. It reads all there is, so administrators may
        alone."""
        if not self._is_admin(visit):
            raise NotAuthorisedError("Only administrators verify everything.")
        running = self._run is not None and self._run.ended_at is None
        if not form.is_kept and not running:
            self._run = Run(self._clock.now(), visit.reader.name)
            self._task = asyncio.create_task(self._verify(self._run), name="verify")
        return to(PATH)

    async def _verify(self, run: Run) -> None:
        def tell(entries: int) -> None:
            run.entries = entries

        try:
            run.result = await self._records.verify(tell=tell)
            run.entries = run.result.entries
        except CountersignError as error:
            run.error = str(error)
        finally:
            run.ended_at = self._clock.now()
        log.info("ledger verified", entries=run.entries, problems=_count(run))

    async def governance(self, visit: Visit) -> web.StreamResponse:
        """The entries that belong to no session, as JSON."""
        entries = await self._records.governance()
        body = json.dumps([entry.model_dump(mode="json") for entry in entries], indent=1)
        named = 'attachment; filename="ledger-governance.json"'
        return web.Response(
            text=body,
            content_type="application/json",
            headers={**guard.HEADERS, "Content-Disposition": named},
        )

    def _is_admin(self, visit: Visit) -> bool:
        return is_admin(visit.reader, self._administrators())


def _count(run: Run) -> int:
    return 0 if run.result is None else len(run.result.problems)
