"""Health: whether the server and the systems around it work, what cannot be sent, and doubts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from countersign.approvals.forms.systems import system_words
from countersign.approvals.models import RequestStatus
from countersign.bot.api.operation import Services
from countersign.bot.inbox.pages import Pages
from countersign.bot.inbox.shell import HOME, Visit
from countersign.connectors.system import Route

PATH = f"{HOME}/health"
LISTED = 50
Checks = Callable[[], Awaitable[dict[str, str]]]


class HealthPage:
    """Shows it. What is to be done about a doubt is done on the page of its request."""

    def __init__(self, pages: Pages, services: Services, checks: Checks, systems: Checks):
        self._pages, self._records = pages, services.records
        self._checks, self._systems = checks, systems

    def routes(self) -> Sequence[Route]:
        """Its address."""
        return [Route("GET", PATH, self._pages.look(self.show))]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """As it is now."""
        checks = await self._checks()
        systems = {system_words(name): said for name, said in (await self._systems()).items()}
        doubts = await self._records.requests(
            status=RequestStatus.IN_DOUBT, limit=LISTED, reader=visit.reader
        )
        failing = await self._records.failing(visit.reader, limit=LISTED)
        return self._pages.shell.page(
            visit,
            "health.html",
            checks=checks,
            systems=systems,
            doubts=doubts,
            failing=[(each, system_words(each.channel)) for each in failing],
        )
