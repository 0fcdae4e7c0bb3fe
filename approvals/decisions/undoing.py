"""Undoing: a person has taken back what an executed call has done.

The call that takes it back was fixed when the first one was executed. It is proposed in a session
of its own, which no agents are in, and passes the same gate: rules, people, one claim. Whoever asks
for it has said yes to it by that; where the rule wants more people, it waits for them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import structlog

from countersign.approvals.audit.canonical import canonical_json, well_formed
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.refusals import UNDOING, Refusal, refused
from countersign.approvals.decisions.starting import Starting, new_session
from countersign.approvals.decisions.vote_input import MAX_COMMENT, VoteInput
from countersign.approvals.decisions.voting import Voting
from countersign.approvals.errors import InvalidError, NotUndoableError, PeopleChangedError
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import (
    Actor,
    JsonObject,
    Request,
    RequestId,
    RequestStatus,
    Session,
    UndoAct,
    Undone,
    UndoState,
    Verdict,
)
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.authority import reason_against_undoing
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import directory_people
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import undos as undo_rows

log = structlog.get_logger(__name__)
ASKED, ENDED = "undo_asked", "undo_ended"
"""The ledger's kinds, in the session of the call that is taken back."""


class Undoing:
    """Starts undos."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        outbox: Outbox,
        starting: Starting,
        regretted: Callable[[Unit, Request, Actor, str], None],
    ):
        """`regretted` is told of what is taken back."""
        self._regretted = regretted
        self._store, self._moments = store, moments
        self._outbox, self._starting = outbox, starting

    async def undo(self, request_id: RequestId, actor: Actor, *, reason: str) -> Session:
        """The session that takes it back; raises as `Approvals.undo` says."""
        reason = well_formed(reason).strip()
        if not 1 <= len(reason) <= MAX_COMMENT:
            raise InvalidError(
                f"Say in at most {MAX_COMMENT:,} characters why this has to be undone; it stands "
                "on the ledger."
            )

        def work(unit: Unit) -> Session | Refusal:
            return self._begin(unit, request_id, actor, reason)

        outcome = await self._moments.unit(self._store, work)
        if isinstance(outcome, Refusal):
            raise outcome.error
        log.info("undo begun", request_id=request_id, session_id=outcome.id, channel=actor.via)
        return outcome

    def _begin(
        self, unit: Unit, request_id: RequestId, actor: Actor, reason: str
    ) -> Session | Refusal:
        request_rows.lock(unit, request_id)
        directory_people.require_current(unit)
        request, session = request_rows.with_session(unit, request_id)
        person, people = actor.principal, people_for(unit.moment.people, request, session)
        person = None if person is None else people.by_id(person.id)
        against = reason_against_undoing(person, request)
        if against is not None or person is None:
            error = refused(
                unit, request, actor, against or "You are not known here.", kind=UNDOING
            )
            return Refusal(error=error)
        self._require_undoable(unit, request)
        act = UndoAct(
            by=person.id,
            by_name=person.name,
            via=actor.via,
            identity=actor.identity,
            reason=reason,
            at=unit.now,
        )
        opening = new_session(
            session.workflow,
            session.workflow_version,
            f"Undo {in_words(request.tool)} ({request.id}): {reason}",
            session.owner,
            session.conversation,
            None,
            unit.now,
            undoes=request.id,
            undoing=act,
        )
        started = self._starting.start(unit, opening, None)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "session": started.id,
            "by": act.by,
            "via": act.via,
            "identity": act.identity,
            "text": act.reason,
        }
        ledger_rows.append(unit, request.session_id, (ASKED, body))
        self._outbox.changed(unit, request)
        self._regretted(unit, request, actor, reason)
        return started

    def _require_undoable(self, unit: Unit, request: Request) -> None:
        """Raise NotUndoableError with what is the case instead."""
        if request.undo is None or request.undo.until is None:
            if request.status is RequestStatus.EXECUTED:
                raise NotUndoableError(
                    f"Nothing is known that would take back {in_words(request.tool)} "
                    f"({request.id})."
                )
            raise NotUndoableError(
                f"Request {request.id} is {request.status}; only what was executed can be undone."
            )
        for earlier in undo_rows.of_request(unit.connection, request.id):
            if earlier.state is not UndoState.NOT_UNDONE:
                raise NotUndoableError(_in_the_way(earlier))
        if request.undo.until <= unit.now:
            raise NotUndoableError(
                f"It could be undone until {request.undo.until:%Y-%m-%d %H:%M} UTC. Nothing was "
                "done; what is to be put right now needs a call of its own."
            )


def _in_the_way(earlier: Undone) -> str:
    request = "" if earlier.request is None else f" (request {earlier.request.id})"
    match earlier.state:
        case UndoState.UNDONE:
            return f"It was undone already, for {earlier.by}{request}."
        case UndoState.IN_DOUBT:
            return (
                f"It is not known whether it was undone for {earlier.by}{request}. Look into the "
                "target system and resolve that doubt first."
            )
        case _:
            return f"{earlier.by} has it undone already{request}; that is under way."


def count_act(voting: Voting, unit: Unit, session: Session, request: Request) -> None:
    """Count the act of whoever asked for an undo as their yes to its request. If it does not count
    (they asked for the first call themselves, a proof is wanted, it would run with more than was
    shown to them), it waits for a vote."""
    act = session.undoing
    if act is None or request.status is not RequestStatus.PENDING:
        return
    if not _is_as_offered(unit, session, request):
        return
    person = unit.moment.people.by_id(act.by)
    given = VoteInput(
        request_id=request.id,
        verdict=Verdict.APPROVE,
        digest=request.digest,
        comment=act.reason,
    )
    if person is None or person.id == session.owner:
        return
    with suppress(InvalidError, PeopleChangedError):  # nothing was written
        voting.cast(unit, given, Actor(principal=person, via=act.via, identity=act.identity))


def _is_as_offered(unit: Unit, session: Session, request: Request) -> bool:
    """Whether what would run is what whoever asked for it has read: the tool may fill in more."""
    offer = request_rows.get(unit.connection, session.undoes or "").undo
    if offer is None or request.injected:
        return False
    return canonical_json(offer.arguments) == canonical_json(request.arguments)


def tell_undone(unit: Unit, outbox: Outbox, session: Session, message: str) -> None:
    """A session has ended that was to take back a call: say so beside that call."""
    if session.undoes is None:
        return
    request_rows.lock(unit, session.undoes)
    request = request_rows.get(unit.connection, session.undoes)
    undone = next(iter(request_rows.of_session(unit.connection, session.id)), None)
    body: JsonObject = {
        "request": request.id,
        "digest": request.digest,
        "session": session.id,
        "undo": None if undone is None else undone.id,
        "status": None if undone is None else undone.status,
        "message": message,
    }
    ledger_rows.append(unit, request.session_id, (ENDED, body))
    outbox.changed(unit, request)
