"""The page of one request: everything that is known of it, and the forms that decide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from countersign.approvals.errors import NotFoundError
from countersign.approvals.forms.questions import looked_up, standing
from countersign.approvals.forms.together import totals_in_words, waiting
from countersign.approvals.forms.values import columns_of_numbers
from countersign.approvals.models import RequestKind
from countersign.approvals.ports import RequestView
from countersign.bot.api.operation import MAX_ID_CHARS, Services
from countersign.bot.inbox import shown, transcript
from countersign.bot.inbox.granting import most_of
from countersign.bot.inbox.pages import Pages
from countersign.bot.inbox.powers import powers_of, versions_of
from countersign.bot.inbox.shell import HOME, Visit
from countersign.bot.inbox.words import N_
from countersign.connectors.system import Route

PARTS = {
    "facts": "request_facts.html",
    "state": "request_state.html",
    "forms": "request_forms.html",
}
"""What is drawn again while somebody looks at the page."""
SAID = {
    "decided": N_("Your decision counts."),
    "counted": N_("Your vote counts. Others have to decide it, too."),
    "revised": N_("The arguments are changed. Look at them once more, then approve."),
    "withdrawn": N_("Your vote is taken back."),
    "revoked": N_("The approval is taken back; it does not run."),
    "undo": N_("It is being undone: that is a request of its own, with your yes to it."),
    "asked": N_("The approval is taken back, and it is asked again."),
    "resolved": N_("What you found is on the record."),
    "question": N_("The agent is asked."),
    "answered": N_("Your answer is given."),
    "by-hand": N_("What you did is on the record."),
    "wrong": N_("That it was wrong is on the record."),
    "canary": N_("This was a test. Read below what would have been right."),
    "granted": N_("Your decision counts, and calls that are alike are granted."),
}
KEPT = N_("You are signed in again. Nothing was done yet: look at it once more, and send it again.")


class RequestPage:
    """Shows requests; `bot.inbox.deciding` takes the forms."""

    def __init__(self, pages: Pages, services: Services):
        self._pages, self._records = pages, services.records
        self._directory, self._approvals = services.directory, services.approvals

    def routes(self) -> Sequence[Route]:
        """Its address."""
        return [Route("GET", f"{HOME}/requests/{{id}}", self._pages.look(self.show))]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """The page, or with `part` what of it may have changed."""
        query = visit.request.query
        said = SAID.get(query.get("said", ""), "")
        return await self.draw(visit, said=said, part=query.get("part", ""))

    async def view(self, visit: Visit) -> RequestView:
        """The request, if the reader may see it. Raises NotFoundError."""
        request_id = visit.request.match_info["id"]
        if "\0" in request_id or len(request_id) > MAX_ID_CHARS:
            raise NotFoundError("There is no such request.")
        await self._records.require_seen(visit.reader, request_id)
        return await self._records.view(request_id)

    async def draw(
        self,
        visit: Visit,
        *,
        status: int = HTTPStatus.OK,
        said: str = "",
        error: str = "",
        form: str = "",
        typed: Mapping[str, str] | None = None,
        problems: Mapping[str, str] | None = None,
        part: str = "",
    ) -> web.StreamResponse:
        """The page with what somebody typed into one of its forms, and what is wrong with that."""
        view = await self.view(visit)
        request, typed = view.request, typed or {}
        deliveries = await self._records.deliveries(request.id)
        messages = transcript.messages_of(
            await self._records.transcript(request.session_id),
            request.call_id,
            "" if request.parallel is None else request.parallel.branch,
        )
        now = self._pages.shell.clock.now()
        powers = powers_of(view, visit.reader, now, self._approvals.recording.administrators)
        hidden = 0
        if "transcript" not in visit.request.query:
            hidden = max(len(messages) - transcript.MESSAGES, 0)
        return self._pages.shell.page(
            visit,
            PARTS.get(part, "request.html"),
            status=status,
            view=view,
            request=request,
            together_total=totals_in_words(waiting([request, *view.siblings])),
            beside={each.id: shown.beside(each) for each in view.siblings},
            of_numbers=columns_of_numbers(request.preview.rows if request.preview else ()),
            is_question=request.kind is RequestKind.INPUT,
            arguments=shown.arguments_of(view),
            changes=shown.changes_of(view),
            changers=shown.changers_of(view),
            facts=shown.facts_of(view),
            undo_arguments=shown.undo_of(view),
            warnings=shown.warnings_of(view),
            budgets=shown.budgets_of(view),
            rollout=shown.rollout_of(view),
            times=shown.time_of(request),
            places=shown.places_of(deliveries),
            questions=[(each, standing(each), looked_up(each)) for each in view.questions],
            messages=messages[hidden:],
            hidden=hidden,
            powers=powers,
            versions=versions_of(view, powers),
            most=most_of(view),
            inputs=shown.inputs_of(view, typed, problems or {}),
            soon=shown.is_soon(request.expires_at, self._pages.shell.clock.now()),
            said=said,
            error=error,
            form=form,
            typed=typed,
        )
