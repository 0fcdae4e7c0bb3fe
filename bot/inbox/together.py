"""The page of all calls that were proposed together: what each is, what they come to, and one
decision on those that are ticked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from countersign.approvals.forms.display import Shown, set_by_workflow, shown_arguments, shown_facts
from countersign.approvals.forms.together import failed_branches, totals_in_words, waiting
from countersign.approvals.models import Request, RequestStatus
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.delegation import standing
from countersign.approvals.rules.subjects import people_for
from countersign.bot.api.operation import Services
from countersign.bot.inbox.pages import Pages
from countersign.bot.inbox.requests import RequestPage
from countersign.bot.inbox.shell import HOME, Visit
from countersign.bot.inbox.waiting import PICK
from countersign.connectors.system import Route


@dataclass(frozen=True)
class Line:
    """One call."""

    request: Request
    number: int
    arguments: Sequence[Shown]
    why_not: str
    """Why the reader does not decide it now; "" if they do."""
    closer: bool
    """Whether there is more to see on its own page, so that it is not ticked beforehand."""

    @property
    def is_mine(self) -> bool:
        """Whether the reader decides it now."""
        return self.request.status is RequestStatus.PENDING and not self.why_not


class TogetherPage:
    """Shows a checkpoint; `bot.inbox.waiting` takes the form."""

    def __init__(self, pages: Pages, services: Services, requests: RequestPage):
        self._pages, self._requests = pages, requests
        self._records, self._directory = services.records, services.directory

    def routes(self) -> Sequence[Route]:
        """Its address."""
        path = f"{HOME}/requests/{{id}}/together"
        return [Route("GET", path, self._pages.look(self.show))]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """Every call of it, in the order of execution."""
        view = await self._requests.view(visit)
        requests = sorted([view.request, *view.siblings], key=lambda each: each.position)
        lines = await self._lines(visit, view, requests)
        calls = waiting(requests)
        return self._pages.shell.page(
            visit,
            "together.html",
            view=view,
            lines=lines,
            waits=len(calls),
            total=totals_in_words(calls),
            failed=failed_branches(view.request),
            branches=any(each.parallel for each in requests),
            decides=any(line.is_mine for line in lines),
            pick=PICK,
        )

    async def _lines(
        self, visit: Visit, view: RequestView, requests: Sequence[Request]
    ) -> Sequence[Line]:
        around = await self._records.around([each.id for each in requests])
        everybody = self._directory.people().at(self._pages.shell.clock.now())
        lines = []
        for number, each in enumerate(requests, start=1):
            people = people_for(everybody, each, view.session)
            reader = people.by_id(visit.reader.id)
            why_not = standing(people, reader, each, around[each.id][0])[0] or ""
            schema = self._records.views.schema(view.session, each.tool)
            arguments = shown_arguments(
                each.arguments, schema, first=each.show_first, defaulted=each.defaulted
            )
            seen = (*arguments, *set_by_workflow(each.injected), *shown_facts(each.facts))
            closer = bool(each.preview or each.asked_again)
            lines.append(Line(each, number, seen, why_not, closer))
        return lines
