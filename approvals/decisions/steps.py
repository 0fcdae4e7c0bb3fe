"""Steps: reminders and escalations of requests that wait, when their time has come.

What is to come stands in the row of the request, with when the next of it is due, so it is written
and dropped with the state that it belongs to. Whoever finds a step due takes it out in the
transaction that carries it out; another server then finds none.
"""

from __future__ import annotations

from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.forms import told
from countersign.approvals.models import (
    Escalated,
    Escalation,
    JsonObject,
    People,
    Principal,
    Request,
    Timing,
    Vote,
)
from countersign.approvals.ports import Unit
from countersign.approvals.rules.delegation import with_delegates
from countersign.approvals.rules.eligibility import asked, eligible, shortage
from countersign.approvals.rules.policies import Policies
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.rules.timing import again, with_timing
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store import votes as vote_rows


class Steps:
    """Each method belongs into a transaction."""

    def __init__(self, policies: Policies, outbox: Outbox):
        self._policies, self._outbox = policies, outbox

    def take(self, unit: Unit, request: Request, timing: Timing) -> None:
        """Carry out what is due of a pending request. Of reminders that are due at once, as after
        an outage, one is sent; and none beside an escalation, of which people are told anyway."""
        due = [step for step in timing.steps if step.at <= unit.now]
        left = timing.model_copy(update={"steps": timing.steps[len(due) :]})
        escalations = [step.escalation for step in due if step.escalation is not None]
        if escalations:
            self._escalate(unit, request, left, escalations, at_deadline=False)
        else:
            self._remind(unit, request, left)

    def last_resort(
        self, unit: Unit, request: Request, timing: Timing, escalation: Escalation
    ) -> Request:
        """The deadline has passed: ask these people, who have as long again."""
        return self._escalate(unit, request, timing, [escalation], at_deadline=True)

    def _remind(self, unit: Unit, request: Request, left: Timing) -> None:
        after = with_timing(request, _counted(left))
        decide(unit, request, after)
        people = self._eligible(unit, after)
        session = session_rows.get(unit.connection, request.session_id)
        to = self._outbox.remind(unit, after, people, escalated=False)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "rule": request.rule_id,
            "to": to,
        }
        ledger_rows.append(unit, request.session_id, ("reminded", body))
        self._outbox.tell(unit, session, told.reminded(after, people), progress=True)

    def _escalate(
        self,
        unit: Unit,
        request: Request,
        left: Timing,
        escalations: list[Escalation],
        *,
        at_deadline: bool,
    ) -> Request:
        votes = vote_rows.since(unit.connection, request)
        before = {person.id for person in self._eligible(unit, request)}
        after, timing = request, _counted(left)
        for escalation in escalations:
            after = _asking(unit, after, escalation, votes)
            done = Escalated(at=unit.now, escalation=escalation, stage=request.stage)
            timing = timing.model_copy(update={"escalated": (*timing.escalated, done)})
        stages = timing.ruled_stages or request.stages
        timing = timing.model_copy(update={"ruled_stages": stages})
        after = with_timing(after, timing)
        if at_deadline:
            calendars = self._policies.current.calendars
            after = after.model_copy(update=again(timing, unit.now, calendars))
        decide(unit, request, after)
        people = self._eligible(unit, after)
        session = session_rows.get(unit.connection, request.session_id)
        fresh = [person for person in people if person.id not in before]
        said = told.escalated(after, fresh)
        self._outbox.show(unit, session, [after], said=[said])
        to = self._outbox.remind(unit, after, people, escalated=True)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "rule": request.rule_id,
            "at_deadline": at_deadline,
            "stages": [stage.model_dump(mode="json") for stage in after.stages],
            "fresh": [person.id for person in fresh],
            "expires_at": None if after.expires_at is None else after.expires_at.isoformat(),
            "to": to,
        }
        ledger_rows.append(unit, request.session_id, ("escalated", body))
        self._outbox.changed(unit, after)
        return after

    @staticmethod
    def _eligible(unit: Unit, request: Request) -> tuple[Principal, ...]:
        votes, people = vote_rows.since(unit.connection, request), _people(unit, request)
        return with_delegates(eligible(asked(request, votes), people), request, votes, people)


def _people(unit: Unit, request: Request) -> People:
    """The people with the roles that they hold for this call."""
    session = session_rows.get(unit.connection, request.session_id)
    return people_for(unit.moment.people, request, session)


def _counted(timing: Timing) -> Timing:
    return timing.model_copy(update={"count": timing.count + 1})


def _asking(unit: Unit, request: Request, escalation: Escalation, votes: list[Vote]) -> Request:
    """The request as others may decide it, too, at the stage that is open. Nobody is taken out of
    it if it could not be decided then."""
    alone = _with_roles(request, escalation.roles)
    if escalation.instead and shortage(asked(alone, votes), _people(unit, request)) is None:
        return alone
    return _with_roles(request, (*request.stages[request.stage].roles, *escalation.roles))


def _with_roles(request: Request, roles: tuple[str, ...]) -> Request:
    stages = list(request.stages)
    named = tuple(dict.fromkeys(roles))
    stages[request.stage] = stages[request.stage].model_copy(update={"roles": named})
    return request.model_copy(update={"stages": tuple(stages)})
