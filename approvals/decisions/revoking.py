"""Revoking: an approval that nobody has used yet is taken back.

That can be done until its call has been claimed: by whoever gave it, or by an administrator. The
claim and the revocation exclude each other in the request's row; the later one is told who was
first, and when.
"""

from __future__ import annotations

import structlog

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.asking import AskAgain, Asking
from countersign.approvals.decisions.evidence import REVOKED, begun_at
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.refusals import REVOKING, Refusal, refused
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.errors import (
    AlreadyDecidedError,
    AlreadyUsedError,
    InvalidError,
    StaleDigestError,
)
from countersign.approvals.forms import told
from countersign.approvals.models import (
    Actor,
    Cause,
    Decision,
    JsonObject,
    Principal,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Session,
    Verdict,
)
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.authority import reason_against_revoking
from countersign.approvals.rules.proposals import not_executed
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store import votes as vote_rows

log = structlog.get_logger(__name__)

USED = frozenset(
    {
        RequestStatus.EXECUTING,
        RequestStatus.EXECUTED,
        RequestStatus.FAILED,
        RequestStatus.IN_DOUBT,
    }
)
"""Where a call has begun: what was approved cannot be taken back any more."""
REVOKED_BY = "{who} has revoked the approval: {reason}"


class Revoking:
    """Takes approvals back."""

    def __init__(self, store: Store, moments: Moments, asking: Asking, outbox: Outbox):
        self._store, self._moments = store, moments
        self._asking, self._outbox = asking, outbox

    async def revoke(
        self, request_id: RequestId, actor: Actor, *, reason: str, ask_again: bool
    ) -> Request:
        """The request, rejected or asked again; raises as `Approvals.revoke` says."""
        reason = well_formed(reason).strip()
        if not 1 <= len(reason) <= MAX_COMMENT:
            raise InvalidError(
                f"Say in at most {MAX_COMMENT:,} characters why you revoke it: the agents and "
                "whoever asked adapt to your reason."
            )

        def reject(unit: Unit) -> Request | Refusal:
            found = self._revocable(unit, request_id, actor)
            return found if isinstance(found, Refusal) else self._reject(unit, *found, reason)

        def look(unit: Unit) -> AskAgain | Refusal:
            found = self._revocable(unit, request_id, actor)
            return found if isinstance(found, Refusal) else _again(*found, reason)

        if not ask_again:
            outcome = await self._moments.unit(self._store, reject)
            if isinstance(outcome, Refusal):
                raise outcome.error
        else:
            again = await self._moments.unit(self._store, look)
            if isinstance(again, Refusal):
                raise again.error
            outcome = await self._ask(again, actor)
        log.info("approval revoked", request_id=request_id, channel=actor.via)
        return outcome

    def _revocable(
        self, unit: Unit, request_id: RequestId, actor: Actor
    ) -> tuple[Request, Session, Actor, Principal] | Refusal:
        """What is to be revoked, if this person may. Raises what is the case instead."""
        request_rows.lock(unit, request_id)
        request, session = request_rows.with_session(unit, request_id)
        if request.status in USED:
            at = begun_at(unit, request)
            raise AlreadyUsedError(request.id, request.status, request.decision, at)
        if request.status is RequestStatus.PENDING:
            raise InvalidError("Nothing is decided yet; take your vote back, or reject it.")
        if request.checkpoint_id != session.checkpoint_id:
            # Nothing of it can run any more, and its session may wait for something else.
            raise InvalidError(
                f"Request {request.id} is not among the calls that its session proposed last, so "
                "it does not run, and there is nothing to revoke."
            )
        if request.status is not RequestStatus.APPROVED or request.kind is RequestKind.INPUT:
            raise AlreadyDecidedError(request.id, request.status, request.decision)
        votes = vote_rows.of_request(unit.connection, request.id)
        against = reason_against_revoking(actor.principal, request, votes)
        if against is not None or actor.principal is None:
            against = against or "You are not known here."
            return Refusal(error=refused(unit, request, actor, against, kind=REVOKING))
        return request, session, actor, actor.principal

    def _reject(
        self,
        unit: Unit,
        request: Request,
        session: Session,
        actor: Actor,
        person: Principal,
        reason: str,
    ) -> Request:
        decision = Decision(
            verdict=Verdict.REJECT,
            by=person.id,
            by_name=person.name,
            via=actor.via,
            at=unit.now,
            comment=reason,
            digest=request.digest,
        )
        after = request.model_copy(
            update={
                "status": RequestStatus.REJECTED,
                "decision": decision,
                "result": not_executed(
                    Cause.REJECTED, REVOKED_BY.format(who=person.name, reason=reason), retry=True
                ),
            }
        )
        decide(unit, request, after)
        body: JsonObject = {
            "request": request.id,
            "revision": request.revision,
            "verdict": Verdict.REJECT,
            "by": person.id,
            "via": actor.via,
            "digest": request.digest,
        }
        entry = _entry(request, actor, person, reason)
        ledger_rows.append(unit, session.id, entry, ("decided", body))
        self._outbox.tell(unit, session, told.revoked(after, decision))
        self._outbox.decided(unit, after)
        return after

    async def _ask(self, again: AskAgain, actor: Actor) -> Request:
        """Asked again as it would run today, its session waiting; whoever ran it has lost it."""
        today = await self._asking.today(again)

        def work(unit: Unit) -> Request | Refusal:
            request, revision = again.request, again.request.revision
            found = self._revocable(unit, request.id, actor)
            if isinstance(found, Refusal):
                return found
            now, session, _, _ = found
            if now.revision != revision:
                raise StaleDigestError(f"Request {request.id} has been asked again meanwhile.")
            batch = request_rows.checkpoint_with(unit.connection, now)
            if any(other.status in USED for other in batch):
                raise AlreadyUsedError(
                    request.id, now.status, now.decision, None,
                    "What was proposed together with it has begun, so it cannot be asked again; "
                    "it can still be revoked for good.",
                )  # fmt: skip
            asked = self._asking.ask(unit, again, today)
            if asked.status is RequestStatus.PENDING:
                session_rows.wait(unit, session.id)
            return asked

        outcome = await self._moments.unit(self._store, work)
        if isinstance(outcome, Refusal):
            raise outcome.error
        return outcome


def _again(
    request: Request, session: Session, actor: Actor, person: Principal, reason: str
) -> AskAgain:
    why = REVOKED_BY.format(who=person.name, reason=reason)
    entry = _entry(request, actor, person, reason)
    return AskAgain(request, session, why, tool_changed=False, entry=entry)


def _entry(
    request: Request, actor: Actor, person: Principal, reason: str
) -> tuple[str, JsonObject]:
    given = request.decision
    body: JsonObject = {
        "request": request.id,
        "revision": request.revision,
        "digest": request.digest,
        "by": person.id,
        "name": person.name,
        "via": actor.via,
        "identity": actor.identity,
        "reason": reason,
        "given_by": None if given is None else given.by,
        "given_at": None if given is None else given.at.isoformat(),
    }
    return REVOKED, body
