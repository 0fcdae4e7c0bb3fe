"""What waits for the reader: the first page."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from countersign.bot.api.operation import Services
from countersign.bot.inbox.pages import Pages
from countersign.bot.inbox.shell import HOME, Visit
from countersign.connectors.system import Route


class WaitingPage:
    """The list."""

    def __init__(self, pages: Pages, services: Services):
        self._pages, self._records = pages, services.records

    def routes(self) -> Sequence[Route]:
        """Its addresses."""
        return [Route("GET", HOME, self._pages.look(self.show))]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """The requests that the reader may decide now."""
        cursor = visit.request.query.get("cursor")
        found = await self._records.mine(visit.reader, cursor=cursor)
        return self._pages.shell.page(visit, "waiting.html", found=found)
