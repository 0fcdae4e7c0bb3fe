"""The forms of a request: vote, change, take back, resolve. Each goes the way of every channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import (
    CountersignError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UnprovenError,
)
from countersign.approvals.forms.canaries import is_canary
from countersign.approvals.models import RequestId, Verdict
from countersign.bot.api.operation import Services
from countersign.bot.http.problems import status_of
from countersign.bot.inbox.granting import terms_of
from countersign.bot.inbox.pages import Act, Form, Pages
from countersign.bot.inbox.requests import KEPT, RequestPage
from countersign.bot.inbox.shell import HOME, Visit, on, to
from countersign.bot.inbox.shown import typed_arguments
from countersign.connectors.receiving import Filled, VoteAttempt, VoteOutcome, VoteResult, receive
from countersign.connectors.system import Route

INSTEAD = "Use “Change the arguments” below, approve without that comment, or reject."
NO_GRANT = (
    "Its rule asks for a proof that you are there with each approval, so nothing is granted here. "
    "Approve this one alone."
)
PATH = f"{HOME}/requests/{{id}}"
_SAID = {
    VoteResult.DECIDED: "decided",
    VoteResult.COUNTED: "counted",
    VoteResult.REVISED: "revised",
}


class Deciding:
    """Takes the forms of the page of a request."""

    def __init__(self, pages: Pages, services: Services, page: RequestPage):
        self._pages, self._page = pages, page
        self._approvals: Approvals = services.approvals
        self._records = services.records

    def forms(self) -> Mapping[str, Act]:
        """What takes each form, by what its address ends in."""
        return {
            "votes": self.vote,
            "edits": self.edit,
            "withdrawal": self.withdraw,
            "revocation": self.revoke,
            "undo": self.undo,
            "resolution": self.resolve,
            "questions": self.ask,
            "answers": self.answer,
        }

    def routes(self) -> Sequence[Route]:
        """Where the forms are sent."""
        return [
            Route("POST", f"{PATH}/{name}", self._pages.act(act))
            for name, act in self.forms().items()
        ]

    async def vote(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Approve or reject; or answer a question."""
        said = form.text("verdict")
        grants = said == "grant"
        name = "grant" if grants else "vote"
        if form.is_kept:
            return await self._kept(visit, form, name)
        verdict = Verdict.APPROVE if said == "approve" or grants else Verdict.REJECT
        try:
            terms = terms_of(form.fields) if grants else None
        except InvalidError as error:
            return await self._again(visit, form, name, str(error), status_of(error))
        attempt = VoteAttempt(
            request_id=await self._seen(visit),
            actor=visit.actor,
            verdict=verdict,
            digest=form.text("digest"),
            comment=form.text("comment"),
            instead=INSTEAD,
            proof=form.text("proof") or None,
            grant=terms,
        )
        outcome = await receive(self._approvals, self._records, attempt)
        return await self._told(visit, form, name, outcome)

    async def edit(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Change the arguments, and approve them so."""
        if form.is_kept:
            return await self._kept(visit, form, "edit")
        attempt = VoteAttempt(
            request_id=await self._seen(visit),
            actor=visit.actor,
            verdict=Verdict.MODIFY,
            digest=form.text("digest"),
            arguments=Filled(typed_arguments(form.fields)),
            comment=form.text("comment"),
            instead=INSTEAD,
            foreseen="",
            proof=form.text("proof") or None,
        )
        outcome = await receive(self._approvals, self._records, attempt)
        return await self._told(visit, form, "edit", outcome)

    async def withdraw(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Take the reader's vote back."""
        return await self._other(visit, form, "withdraw", "withdrawn")

    async def revoke(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Take an approval back that is not used yet."""
        said = "asked" if form.text("ask_again") else "revoked"
        return await self._other(visit, form, "revoke", said)

    async def undo(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Have taken back what an executed call has done."""
        return await self._other(visit, form, "undo", "undo")

    async def resolve(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Say what became of a call of which nobody knows."""
        return await self._other(visit, form, "resolve", "resolved")

    async def ask(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Ask the agent something before deciding."""
        return await self._other(visit, form, "ask", "question")

    async def answer(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Answer what the agent could not, as whom the session belongs to."""
        return await self._other(visit, form, "answer", "answered")

    async def _other(self, visit: Visit, form: Form, name: str, said: str) -> web.StreamResponse:
        if form.is_kept:
            return await self._kept(visit, form, name)
        request_id = await self._seen(visit)
        try:
            match name:
                case "withdraw":
                    await self._approvals.withdraw(request_id, visit.actor)
                case "ask":
                    text = form.text("text")
                    await self._approvals.questions.ask(request_id, visit.actor, text)
                case "answer":
                    question = form.text("question")
                    if not question.startswith(f"{request_id}."):
                        raise NotFoundError("There is no such question on this request.")
                    text = form.text("text")
                    await self._approvals.questions.answer(question, visit.actor, text)
                case "undo":
                    await self._approvals.undo(request_id, visit.actor, reason=form.text("reason"))
                case "revoke":
                    await self._approvals.revoke(
                        request_id,
                        visit.actor,
                        reason=form.text("reason"),
                        ask_again=bool(form.text("ask_again")),
                    )
                case _:
                    happened = form.text("happened")
                    if happened not in {"yes", "no"}:
                        error = "Say whether it took effect."
                        return await self._again(visit, form, name, error, HTTPStatus(422))
                    await self._approvals.resolve(
                        request_id, visit.actor, happened=happened == "yes", note=form.text("note")
                    )
        except UnavailableError:
            raise
        except CountersignError as error:
            return await self._again(visit, form, name, str(error), status_of(error))
        return self._done(visit, said)

    async def _seen(self, visit: Visit) -> RequestId:
        return (await self._page.view(visit)).request.id

    async def _told(
        self, visit: Visit, form: Form, name: str, outcome: VoteOutcome
    ) -> web.StreamResponse:
        if outcome.request is not None and is_canary(outcome.request):
            return self._done(visit, "canary")
        if outcome.result in _SAID:
            is_granted = form.text("verdict") == "grant"
            return self._done(visit, "granted" if is_granted else _SAID[outcome.result])
        error = outcome.error or NotFoundError("There is no such request.")
        if isinstance(error, UnprovenError) and name == "grant":
            return await self._again(visit, form, name, NO_GRANT, status_of(error))
        if isinstance(error, UnprovenError):
            return on(f"{visit.request.rel_url.parent}/step-up")
        return await self._page.draw(
            visit,
            status=status_of(error),
            error="" if outcome.problems else outcome.reason,
            form=name,
            typed=form.fields,
            problems=outcome.problems,
        )

    async def _again(
        self, visit: Visit, form: Form, name: str, error: str, status: HTTPStatus
    ) -> web.StreamResponse:
        return await self._page.draw(
            visit, status=status, error=error, form=name, typed=form.fields
        )

    async def _kept(self, visit: Visit, form: Form, name: str) -> web.StreamResponse:
        return await self._page.draw(visit, said=KEPT, form=name, typed=form.fields)

    def _done(self, visit: Visit, said: str) -> web.Response:
        path = visit.path or f"{HOME}/requests/{visit.request.match_info['id']}"
        return to(f"{path}?said={said}")
