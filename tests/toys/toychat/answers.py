"""Who pressed what in Toy Chat: verified, brought to `receive`, and answered in words."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from aiohttp import web
from pydantic import Field, ValidationError

from countersign.approvals.forms.systems import system_words
from countersign.approvals.models import Actor, JsonObject, RequestId, Value, Verdict, Via
from countersign.approvals.tickets import ActKey
from countersign.bot.http.bodies import read_body
from countersign.connectors.receiving import (
    Filled,
    VoteAttempt,
    VoteOutcome,
    VoteResult,
    receive,
)
from countersign.connectors.system import Deployment, Inbound
from tests.toys.toychat.channel import NAME, written

UNREAD = "The message does not show all of it; read it on its page first."
VERDICTS = {"approve": Verdict.APPROVE, "reject": Verdict.REJECT, "change": Verdict.MODIFY}


class Press(Value):
    """One press of a button, as the service tells it."""

    id: str
    """Of the press: the same when the service tells it again."""
    message: str
    person: str
    button: str
    comment: str = ""
    values: JsonObject = Field(default_factory=dict)
    """What was typed into the form, by argument."""
    request: str
    digest: str


class Answers:
    """The handler of the service's webhook."""

    def __init__(self, secrets: Sequence[str], deployment: Deployment, inbound: Inbound):
        self._secrets, self._deployment, self._inbound = secrets, deployment, inbound

    async def pressed(self, request: web.Request) -> web.StreamResponse:
        """Count the vote; the answer's `text` is shown to whoever pressed."""
        body = await read_body(request)
        if not self._is_signed(request.headers.get("X-Toy-Signature", ""), body):
            return web.json_response({"text": "This is not signed with our secret."}, status=401)
        try:
            press = Press.model_validate_json(body)
            verdict = VERDICTS[press.button]
        except (ValidationError, KeyError):
            return web.json_response({"text": "This is no button of ours."}, status=400)
        principal = self._deployment.directory.by_identity(NAME, press.person)
        actor = Actor(principal=principal, via=Via(NAME), identity=f"{NAME}:{press.person}")
        async with self._inbound.limits.admitted("votes", actor.identity):
            attempt = self._attempt(press, verdict, actor)
            outcome = await receive(self._inbound.approvals, self._inbound.records, attempt)
        text = _words(outcome)
        if outcome.result is VoteResult.UNREAD:
            text = f"{text} {await self._page(attempt)}"
        return web.json_response({"text": text})

    def _attempt(self, press: Press, verdict: Verdict, actor: Actor) -> VoteAttempt:
        return VoteAttempt(
            request_id=RequestId(press.request),
            actor=actor,
            verdict=verdict,
            digest=press.digest,
            arguments=Filled(press.values) if verdict is Verdict.MODIFY else None,
            comment=press.comment,
            act=ActKey(channel=NAME, ticket_id=press.message, act_id=press.id),
            unread=lambda view: "" if written(view, self._deployment.links).complete else UNREAD,
            instead="Press Change to change values, or Reject.",
        )

    async def _page(self, attempt: VoteAttempt) -> str:
        """Where this person, and nobody else, can read all of it."""
        links, person = self._deployment.links, attempt.actor.principal
        if links is None or person is None:
            return f"Use `countersign requests show {attempt.request_id}`."
        request = (await self._inbound.records.view(attempt.request_id)).request
        return links.personal(request, person.id, NAME)

    def _is_signed(self, given: str, body: bytes) -> bool:
        return any(
            hmac.compare_digest(given.encode("utf-8", "replace"), _signature(secret, body))
            for secret in self._secrets
        )


def _signature(secret: str, body: bytes) -> bytes:
    return b"sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()


def _words(outcome: VoteOutcome) -> str:
    match outcome.result:
        case VoteResult.DECIDED:
            return "Thank you: decided."
        case VoteResult.COUNTED:
            return "Counted. More people have to decide."
        case VoteResult.REVISED:
            return "Not decided yet: read what the tool says of your values."
        case VoteResult.LOST if outcome.decision is not None:
            first = outcome.decision
            through = system_words(first.via)
            return f"Too late: {first.by_name} decided through {through}, {first.at:%H:%M:%S} UTC."
        case VoteResult.INVALID if outcome.problems:
            wrong = "; ".join(f"{name}: {why}" for name, why in outcome.problems.items())
            return f"Nothing was decided: {wrong}"
    return f"Nothing was decided: {outcome.reason}"
