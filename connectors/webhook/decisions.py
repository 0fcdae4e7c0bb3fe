"""`POST /api/webhooks/decisions`: a program says, signed, what somebody has decided.

Who decides is named in the body, so it counts only if the configuration lets this caller speak for
that person; the vote and the ledger say that they were spoken for, and by whom.
"""

from __future__ import annotations

from math import ceil

from aiohttp import web
from pydantic import ValidationError

from countersign.approvals.errors import BusyError, CountersignError, UnavailableError
from countersign.approvals.models import Actor, RequestId, Via
from countersign.approvals.tickets import ActKey
from countersign.connectors.receiving import VoteAttempt, VoteOutcome, VoteResult, receive
from countersign.connectors.system import Deployment, Inbound
from countersign.connectors.webhook.bodies import MAX_ID, Decided, NotTaken, Taken
from countersign.connectors.webhook.bodies import PATH as PATH
from countersign.connectors.webhook.settings import NAME, CallerSettings, WebhookSettings
from countersign.connectors.webhook.signing import ID, caller_of

COME_AGAIN_S = 5.0
"""When to come again while the store cannot be reached."""
_STATUS = {
    VoteResult.DECIDED: 200,
    VoteResult.COUNTED: 200,
    VoteResult.REVISED: 200,
    VoteResult.LOST: 409,
    VoteResult.EXPIRED: 410,
    VoteResult.STALE: 409,
    VoteResult.REFUSED: 403,
    VoteResult.UNREAD: 403,
    VoteResult.DENIED: 403,
    VoteResult.INVALID: 422,
    VoteResult.UNCHANGED: 422,
    VoteResult.GONE: 404,
}


class Decisions:
    """The handler."""

    def __init__(self, settings: WebhookSettings, deployment: Deployment, inbound: Inbound):
        self._callers, self._directory = settings.callers, deployment.directory
        self._inbound = inbound

    async def post(self, request: web.Request) -> web.StreamResponse:
        """200 with how the request stands; else a `detail` that says what is wrong."""
        raw = await request.read()
        caller = caller_of(self._callers, request.headers, raw)
        if caller is None:
            return _said(
                401,
                "not-signed",
                "This is not signed by a known caller (Standard Webhooks), or not within the last "
                "five minutes.",
            )
        message_id = request.headers[ID]
        if len(message_id) > MAX_ID:
            return _said(422, "invalid", f"{ID}: may have {MAX_ID} characters.")
        try:
            said = Decided.model_validate_json(raw)
        except ValidationError as exc:
            wrong = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors())
            return _said(422, "invalid", "; ".join(wrong))
        try:
            async with self._inbound.limits.admitted("votes", f"{NAME}:{caller.name}"):
                return await self._counted(caller, said, message_id)
        except BusyError as exc:
            return _said(429, "busy", str(exc), retry_after_s=exc.retry_after_s)
        except UnavailableError as exc:
            return _said(503, "unavailable", str(exc), retry_after_s=COME_AGAIN_S)
        except CountersignError as exc:
            return _said(404, "not-found", str(exc))

    async def _counted(
        self, caller: CallerSettings, said: Decided, message_id: str
    ) -> web.StreamResponse:
        act = ActKey(channel=NAME, ticket_id=caller.name, act_id=message_id)
        records = self._inbound.records
        if await records.acted(act) is not None:
            return _said(409, "replayed", f"{message_id} was taken before; nothing was done again.")
        request_id = RequestId(said.request)
        identity = f"{NAME}:{said.actor}, spoken for by caller {caller.name}"
        person = self._directory.by_id(said.actor) if said.actor in caller.speaks_for else None
        actor = Actor(principal=person, via=Via(NAME), identity=identity)
        if person is None:
            known = said.actor in caller.speaks_for
            why = "nobody has this id" if known else f"{caller.name} may not speak for them"
            reason = f"{said.actor}: {why}; see connectors.{NAME}.callers."
            await self._inbound.approvals.refuse(request_id, actor, reason, act=act)
            return _said(403, "unknown-actor" if known else "may-not-speak-for", reason)
        attempt = VoteAttempt(
            request_id=request_id,
            actor=actor,
            verdict=said.verdict,
            digest=said.digest,
            arguments=said.arguments,
            comment=said.comment,
            act=act,
        )
        return _answer(await receive(self._inbound.approvals, records, attempt))


def _answer(outcome: VoteOutcome) -> web.Response:
    status = _STATUS[outcome.result]
    if outcome.request is None:
        problems = dict(outcome.problems) or None
        return _said(status, str(outcome.result), outcome.reason, errors=problems)
    after = outcome.request
    taken = Taken(
        result=str(outcome.result),
        request=after.id,
        status=after.status,
        revision=after.revision,
        digest=after.digest,
    )
    return web.json_response(taken.model_dump(mode="json"))


def _said(
    status: int,
    result: str,
    detail: str,
    *,
    errors: dict[str, str] | None = None,
    retry_after_s: float | None = None,
) -> web.Response:
    said = NotTaken(result=result, detail=detail, errors=errors)
    headers = {} if retry_after_s is None else {"Retry-After": str(max(1, ceil(retry_after_s)))}
    body = said.model_dump(mode="json", exclude_none=True)
    return web.json_response(body, status=status, headers=headers)
