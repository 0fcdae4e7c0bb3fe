"""Resolving a doubt: a person looked into the target system and says whether a call took effect.

in_doubt → executed | failed. The call is never made again. Its session has gone on long ago with
"in_doubt", and nothing wakes it. Where it has not (it waits for a model that cannot be reached, or
was put down, before the agents were told), they are told what was found, in the place of a result.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.budgeting import Budgeting
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.refusals import RESOLVING, Refusal, refused
from countersign.approvals.decisions.replacing import replace
from countersign.approvals.errors import InvalidError, NotInDoubtError
from countersign.approvals.forms.told import Told
from countersign.approvals.forms.wording import as_text
from countersign.approvals.models import (
    Actor,
    Finding,
    JsonObject,
    Outcome,
    Principal,
    Request,
    RequestId,
    RequestStatus,
    Result,
    Session,
)
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.authority import reason_against_resolving
from countersign.approvals.rules.subjects import subject_of
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows

log = structlog.get_logger(__name__)

MAX_NOTE = 1_000
"""Characters of what a person writes on what they found."""


class Doubts:
    """What people do about requests in doubt."""

    def __init__(self, store: Store, moments: Moments, outbox: Outbox, budgeting: Budgeting):
        self._store, self._moments = store, moments
        self._outbox, self._budgeting = outbox, budgeting

    async def resolve(
        self, request_id: RequestId, actor: Actor, *, happened: bool, note: str
    ) -> Request:
        """The request once `note` is on the ledger; raises as `Approvals.resolve` says."""

        def work(unit: Unit) -> Request | Refusal:
            request_rows.lock(unit, request_id)
            request = request_rows.get(unit.connection, request_id)
            if request.status is not RequestStatus.IN_DOUBT:
                raise NotInDoubtError(request.id, request.status, _finding(request))
            session = session_rows.get(unit.connection, request.session_id)
            person = actor.principal
            if person is not None:
                person = person.about(subject_of(request, session), unit.moment.people.domains)
            reason = reason_against_resolving(person, request)
            if reason is not None or actor.principal is None:
                reason = reason or "You are not known here."
                error = refused(unit, request, actor, reason, kind=RESOLVING, happened=happened)
                return Refusal(error=error)
            finding = found_by(actor.principal, actor, unit.now, happened=happened, note=note)
            return self._resolved(unit, request, actor, finding)

        outcome = await self._store.unit(work, self._moments.now())
        if isinstance(outcome, Refusal):
            log.info("resolution refused", request_id=request_id, channel=actor.via)
            raise outcome.error
        log.info(
            "doubt resolved",
            session_id=outcome.session_id,
            request_id=request_id,
            channel=actor.via,
            happened=happened,
        )
        return outcome

    def _resolved(
        self,
        unit: Unit,
        request: Request,
        actor: Actor,
        finding: Finding,
    ) -> Request:
        result = result_of(request, finding)
        status = RequestStatus.EXECUTED if finding.happened else RequestStatus.FAILED
        after = request.model_copy(update={"status": status, "result": result})
        replace(unit, request, after)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "by": finding.by,
            "via": actor.via,
            "identity": actor.identity,
            "happened": finding.happened,
            "outcome": result.outcome,
            "note": finding.note,
            **({} if finding.happened else self._budgeting.release(unit, request)),
        }
        ledger_rows.append(unit, request.session_id, ("doubt_settled", body))
        self._outbox.changed(unit, after)
        session = session_rows.get(unit.connection, request.session_id)
        text = f"**Checked:** `{request.tool}` ({request.id})."
        found = f"{as_text(finding.by_name)} looked into the target system: {_found(finding)}."
        told = Told(f"{text} {as_text(result.content)}", f"{text} {found}")
        self._outbox.tell(unit, session, told)
        if session.undoes is not None:  # shown beside what it takes back
            self._outbox.touched(unit, session.undoes)
        return after


def found_by(
    principal: Principal, actor: Actor, now: datetime, *, happened: bool, note: str
) -> Finding:
    """What this person found. Raises InvalidError for a note that is missing or too long."""
    note = well_formed(note).strip()
    if not 1 <= len(note) <= MAX_NOTE:
        raise InvalidError(
            f"Say in the note, in at most {MAX_NOTE:,} characters, where you looked and what you "
            "found there."
        )
    return Finding(
        happened=happened,
        note=note,
        by=principal.id,
        by_name=principal.name,
        via=actor.via,
        at=now,
    )


def result_of(request: Request, finding: Finding) -> Result:
    """What is known of the call now; `content` says by whom, for the agents as well."""
    content = (
        "It was not known whether this ran. "
        f"{finding.by_name} looked into the target system: {_found(finding)}. Note: {finding.note}"
    )
    outcome = Outcome.FAILED
    if finding.happened:
        outcome = Outcome.EXECUTED_WITH_CHANGES if request.modified else Outcome.EXECUTED
    return Result(outcome=outcome, content=content, retry=not finding.happened, finding=finding)


def _found(finding: Finding) -> str:
    return "it took effect" if finding.happened else "it did not take effect"


def contradicted(
    outbox: Outbox, unit: Unit, session: Session, request: Request, *, ok: bool
) -> None:
    """Tell the thread of the session where a tool's own late result is not what a person found:
    somebody may have done by hand what has happened after all."""
    finding = _finding(request)
    if finding is None or finding.happened is ok:
        return
    text = (
        f"**Check again:** `{request.tool}` ({request.id}) has answered late: it "
        f"{'succeeded' if ok else 'failed'}. {as_text(finding.by_name)} had found otherwise, which "
        "stands here. Look into the target system."
    )
    outbox.tell(unit, session, text)


def _finding(request: Request) -> Finding | None:
    return None if request.result is None else request.result.finding
