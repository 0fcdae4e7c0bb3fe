"""`/inbox/requests/{id}/step-up`: where somebody approves with a proof that it is them."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import structlog
from aiohttp import web

from countersign.approvals.errors import InvalidError, NotFoundError
from countersign.approvals.forms.display import Shown, set_by_workflow, shown_arguments
from countersign.approvals.models import GivenProof, RequestId, RequestStatus, Verdict
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.delegation import reason_in_view
from countersign.bot.api.operation import Services
from countersign.bot.inbox.pages import Form, Pages
from countersign.bot.inbox.shell import HOME, Visit, to
from countersign.bot.inbox.words import N_
from countersign.bot.sign_in.attempts import Attempt, Purpose
from countersign.bot.sign_in.id_tokens import Named
from countersign.bot.sign_in.way import OpenIdWay
from countersign.bot.step_up.passkeys import Passkeys
from countersign.bot.step_up.presence import Presence, path_of
from countersign.connectors.receiving import VoteAttempt, VoteResult, receive
from countersign.connectors.system import Route

log = structlog.get_logger(__name__)

ROUTE = f"{HOME}/requests/{{id}}/step-up"
BY_SIGN_IN = "sign_in"
_PROVE = N_("Nothing is decided yet: approve it here, with a proof that it is you.")
_CHANGED = N_("It has changed meanwhile. Look at it again, and decide what it says now.")


class StepUpPage:
    """The page, what its buttons do, and the way back from the issuer."""

    def __init__(
        self,
        pages: Pages,
        services: Services,
        presence: Presence,
        passkeys: Passkeys,
        way: OpenIdWay | None,
    ):
        self._pages, self._shell = pages, pages.shell
        self._approvals, self._records = services.approvals, services.records
        self._presence, self._passkeys, self._way = presence, passkeys, way
        if way is not None:
            way.proven = self.signed_in_again

    def routes(self) -> Sequence[Route]:
        """Its addresses."""
        pages = self._pages
        return [
            Route("GET", ROUTE, pages.look(self.show)),
            Route("POST", ROUTE, pages.act(self.approve)),
            Route("GET", f"{ROUTE}/options", pages.look(self.options)),
            Route("GET", f"{ROUTE}/sign-in", pages.look(self.sign_in)),
        ]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """What is to be approved, and how to prove that it is you."""
        return await self._drawn(visit, await self._view(visit))

    async def options(self, visit: Visit) -> web.StreamResponse:
        """What the browser asks the device for, made now: for this revision, for five minutes."""
        view = await self._view(visit)
        known = await self._passkeys.of(visit.reader)
        text = self._passkeys.to_approve(visit, view.request, known)
        return web.Response(text=text, content_type="application/json")

    async def sign_in(self, visit: Visit) -> web.StreamResponse:
        """Have the issuer ask them again. Raises NotFoundError where there is none."""
        if self._way is None:
            raise NotFoundError("No issuer is configured by which people sign in here.")
        request = (await self._view(visit)).request
        purpose = Purpose(
            kind="step_up",
            is_fresh=True,
            next=path_of(request.id),
            person=visit.reader.id,
            request=request.id,
            digest=request.digest,
        )
        return await self._way.send(visit, purpose)

    async def signed_in_again(
        self, visit: Visit, attempt: Attempt, named: Named
    ) -> web.StreamResponse:
        """The issuer has asked somebody again: a proof, if it is who was asked and nothing has
        changed since."""
        way, purpose = self._way, attempt.purpose
        person = None if way is None else way.person(named)
        if visit.session is None or person is None or person.id != visit.reader.id:
            title = N_("That was somebody else")
            text = N_("A proof has to be given by whoever is signed in here. Nothing was done.")
            return self._shell.notice(visit, title, text, status=HTTPStatus.FORBIDDEN)
        view = await self._seen(visit, purpose.request)
        if purpose.person != person.id or purpose.digest != view.request.digest:
            return await self._drawn(visit, view, _CHANGED, status=HTTPStatus.CONFLICT)
        await self._presence.give(
            view.request,
            person.id,
            proof_id=attempt.name,
            method=BY_SIGN_IN,
            session_id=visit.session.id,
            at=named.authenticated_at or attempt.began_at,
            evidence={n: named.claims[n] for n in _KEPT if n in named.claims},
        )
        return to(path_of(view.request.id))

    async def approve(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Approve what was shown, with the proof that the form or this browser has."""
        view = await self._view(visit)
        request, comment = view.request, form.text("comment")
        if form.is_kept or form.text("digest") != request.digest:
            return await self._drawn(
                visit, view, _CHANGED, comment=comment, status=HTTPStatus.CONFLICT
            )
        try:
            given = await self._given(visit, view, form)
        except InvalidError as exc:
            return await self._drawn(
                visit, view, str(exc), comment=comment, status=HTTPStatus.FORBIDDEN
            )
        if given is None:  # they come from the form of the request
            return await self._drawn(visit, view, _PROVE, comment=comment)
        attempt = VoteAttempt(
            request_id=request.id,
            actor=visit.actor,
            verdict=Verdict.APPROVE,
            digest=request.digest,
            comment=comment,
            proof=given.proof.id,
        )
        outcome = await receive(self._approvals, self._records, attempt, view)
        if outcome.request is None:
            view = await self._seen(visit, request.id)
            return await self._drawn(
                visit, view, outcome.reason, comment=comment, status=HTTPStatus.CONFLICT
            )
        decided = outcome.result is VoteResult.DECIDED
        title = N_("It is approved") if decided else N_("Your approval counts")
        text = N_("It runs now.") if decided else N_("More people have to approve it.")
        return self._shell.notice(visit, title, text)

    async def _given(self, visit: Visit, view: RequestView, form: Form) -> GivenProof | None:
        if answer := form.text("answer"):
            return await self._passkeys.prove(visit, view.request, answer)
        return await self._unused(visit, view)

    async def _unused(self, visit: Visit, view: RequestView) -> GivenProof | None:
        if visit.session is None:
            return None
        digest = view.request.digest
        return await self._presence.unused(visit.session.id, visit.reader.id, digest)

    async def _view(self, visit: Visit) -> RequestView:
        return await self._seen(visit, visit.request.match_info["id"])

    async def _seen(self, visit: Visit, request_id: str) -> RequestView:
        await self._records.require_seen(visit.reader, request_id)
        return await self._records.view(RequestId(request_id))

    async def _drawn(
        self,
        visit: Visit,
        view: RequestView,
        wrong: str = "",
        *,
        comment: str = "",
        status: HTTPStatus = HTTPStatus.OK,
    ) -> web.StreamResponse:
        pending = view.request.status is RequestStatus.PENDING
        party, host = self._passkeys.party, visit.request.url.host
        return self._shell.page(
            visit,
            "step_up.html",
            status=status,
            request=view.request,
            asker=view.requester.name if view.requester else view.request.requester,
            arguments=_shown(view),
            against=reason_in_view(view, visit.reader) if pending else None,
            pending=pending,
            wrong=wrong,
            comment=comment,
            given=await self._unused(visit, view),
            passkeys=await self._passkeys.of(visit.reader) if party.is_here(host) else [],
            party=party,
            here=party.is_here(host),
            way=self._way,
            path=path_of(view.request.id),
        )


_KEPT = ("iss", "sub", "oid", "tid", "auth_time", "acr", "acrs", "amr", "nonce")


def _shown(view: RequestView) -> Sequence[Shown]:
    request = view.request
    shown = shown_arguments(
        request.arguments,
        view.arguments_schema,
        first=request.show_first,
        defaulted=request.defaulted,
    )
    return (*shown, *set_by_workflow(request.injected))
