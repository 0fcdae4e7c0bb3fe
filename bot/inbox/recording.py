"""The forms in which people say of a call afterwards what they did, or that it was wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from countersign.approvals.errors import CountersignError, InvalidArgumentsError, UnavailableError
from countersign.approvals.forms.fields import fields
from countersign.approvals.forms.parsing import edited_arguments
from countersign.approvals.models import JsonObject
from countersign.approvals.ports import RequestView
from countersign.bot.api.operation import Services
from countersign.bot.http.problems import status_of
from countersign.bot.inbox.pages import Act, Form, Pages
from countersign.bot.inbox.requests import KEPT, RequestPage
from countersign.bot.inbox.shell import HOME, Visit, to
from countersign.bot.inbox.shown import typed_arguments
from countersign.connectors.system import Route

PATH = f"{HOME}/requests/{{id}}"


class RecordingForms:
    """Takes them."""

    def __init__(self, pages: Pages, services: Services, page: RequestPage):
        self._pages, self._page = pages, page
        self._recording = services.approvals.recording

    def forms(self) -> Mapping[str, Act]:
        """What takes each form, by what its address ends in."""
        return {"by-hand": self.by_hand, "wrong": self.wrong}

    def routes(self) -> Sequence[Route]:
        """Where the forms are sent."""
        return [
            Route("POST", f"{PATH}/{name}", self._pages.act(act))
            for name, act in self.forms().items()
        ]

    async def by_hand(self, visit: Visit, form: Form) -> web.StreamResponse:
        """What somebody did themselves, or that nothing was to be done."""
        return await self._take(visit, form, "by-hand")

    async def wrong(self, visit: Visit, form: Form) -> web.StreamResponse:
        """That a call which has run should not have."""
        return await self._take(visit, form, "wrong")

    async def _take(self, visit: Visit, form: Form, name: str) -> web.StreamResponse:
        if form.is_kept:
            return await self._page.draw(visit, said=KEPT, form=name, typed=form.fields)
        view = await self._page.view(visit)
        of, actor = view.request.id, visit.actor
        try:
            if name == "wrong":
                await self._recording.wrong(of, actor, reason=form.text("reason"))
            else:
                done = None if form.text("did") == "nothing" else _typed(view, form)
                text = form.text("text")
                await self._recording.by_hand(of, actor, arguments=done, text=text)
        except UnavailableError:
            raise
        except CountersignError as error:
            problems = error.problems if isinstance(error, InvalidArgumentsError) else {}
            return await self._page.draw(
                visit,
                status=status_of(error),
                error="" if problems else str(error),
                form=name,
                typed=form.fields,
                problems=problems,
            )
        return to(f"{visit.path or f'{HOME}/requests/{of}'}?said={name}")


def _typed(view: RequestView, form: Form) -> JsonObject:
    """The arguments as somebody typed them. Raises InvalidArgumentsError."""
    request = view.request
    known = fields(view.arguments_schema, request.arguments)
    typed = typed_arguments(form.fields)
    found, problems = edited_arguments(known, request.arguments, typed)
    if problems:
        raise InvalidArgumentsError(request.tool, problems)
    return found
