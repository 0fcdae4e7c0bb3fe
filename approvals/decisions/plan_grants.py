"""Plan grants: what people approved as a plan becomes one grant for each of its steps.

It is done where the plan is claimed, in that transaction: nothing is granted by a plan that was
approved too long ago, or by people who may not approve it any more. Each grant holds in the plan's
session alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from countersign.approvals import ids
from countersign.approvals.models import (
    Cause,
    Giver,
    Grant,
    GrantGiven,
    GrantId,
    JsonObject,
    People,
    Request,
    Result,
    Session,
    Stage,
    Vote,
)
from countersign.approvals.models.plans import PlanStep
from countersign.approvals.ports import Unit
from countersign.approvals.rules import plans
from countersign.approvals.rules.approvers import is_asked_by
from countersign.approvals.rules.durations import duration_s
from countersign.approvals.rules.grants import Permitted
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import call_of, not_executed
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import governance
from countersign.approvals.store import grants as rows
from countersign.approvals.store import ledger as ledger_rows

NOT_ENOUGH = (
    "Nothing was granted: those who approved the plan could not have approved step {number} "
    "({tool}) by themselves. Propose its calls one by one."
)


class PlanGrants:
    """Belongs into the transaction of a claim."""

    def __init__(self, policies: Policies):
        self._policies = policies

    def give(
        self, unit: Unit, request: Request, session: Session, votes: Sequence[Vote]
    ) -> Result | None:
        """Grant what a plan that is about to be claimed says, by those whose `votes` approved it;
        None if it was done, or why the plan is called off."""
        plan = plans.read(request.arguments)
        people = people_for(unit.moment.people, request, session)
        situation = situation_of(session, unit.moment.people, request.created_at, request.seen)
        calls = plans.calls_of(plan, call_of(request, request.arguments))
        until = timedelta(seconds=duration_s(plan.valid_for))
        given: list[Grant] = []
        for number, (step, call) in enumerate(zip(plan.steps, calls, strict=True), 1):
            permitted = self._policies.current.permits(call, situation, plan=True)
            givers = None if permitted is None else _givers(permitted.stages, votes, people)
            if permitted is None or givers is None:
                why = NOT_ENOUGH.format(number=number, tool=step.tool)
                return not_executed(Cause.DRIFT, why, retry=True)
            grant = _grant(request, session, permitted, step, number, givers, unit)
            given.append(grant.model_copy(update={"expires_at": unit.now + until}))
        for grant in given:
            self._add(unit, request, grant)
        return None

    @staticmethod
    def _add(unit: Unit, request: Request, grant: Grant) -> None:
        rows.add(unit, grant)
        for giver in grant.givers:
            entry = GrantGiven(
                grant=grant.id,
                on_request=request.id,
                tool=grant.tool,
                rule=grant.rule_id,
                by=giver.by,
                stage=giver.stage + 1,
                via=giver.via,
                identity=giver.identity,
                allows=grant.words,
                complete=True,
            )
            governance.append(unit, entry)
        body: JsonObject = {
            "request": request.id,
            "grant": grant.id,
            "step": grant.step,
            "by": [giver.by for giver in grant.givers],
        }
        ledger_rows.append(unit, request.session_id, ("grant_given", body))


def _grant(
    request: Request,
    session: Session,
    permitted: Permitted,
    step: PlanStep,
    number: int,
    givers: tuple[Giver, ...],
    unit: Unit,
) -> Grant:
    same = {name: value for name, value in step.arguments.items() if name not in step.may_vary}
    return Grant(
        id=GrantId(ids.new_id("G")),
        request_id=request.id,
        workflow=session.workflow,
        tool=step.tool,
        rule_id=permitted.rule_id,
        rule_sha256=permitted.sha256,
        same=same,
        when=(step.when,) if step.when else (),
        uses=step.times,
        total=None,
        currency=None,
        expires_at=None,
        givers=givers,
        step=number,
        session_id=session.id,
        varying=tuple(step.may_vary),
        complete=True,
        created_at=unit.now,
    )


def _givers(
    stages: Sequence[Stage], votes: Sequence[Vote], people: People
) -> tuple[Giver, ...] | None:
    """Those who approved, each in one stage of the call's own rule; None if they do not fill it.

    Whoever fits the fewest stages is placed first. Who stood in for somebody else gives nothing.
    """
    own = {v.principal_id: v for v in votes if v.verdict == "approve" and not v.on_behalf_of}
    known = [person for each in own if (person := people.by_id(each)) is not None]
    fits = {
        person.id: [n for n, stage in enumerate(stages) if is_asked_by(person, stage)]
        for person in known
    }
    missing = [stage.quorum for stage in stages]
    found: list[Giver] = []
    for person in sorted(known, key=lambda each: len(fits[each.id])):
        place = next((n for n in fits[person.id] if missing[n]), None)
        if place is None:
            continue
        missing[place] -= 1
        vote = own[person.id]
        found.append(
            Giver(
                by=person.id,
                name=person.name,
                stage=place,
                via=vote.via,
                identity=vote.identity,
                at=vote.at,
            )
        )
    for number, stage in enumerate(stages):
        if not missing[number] or not stage.same_person:
            continue
        for place, giver in enumerate(found):
            if missing[number] and number in fits[giver.by] and number != giver.stage:
                found[place] = giver.model_copy(update={"also": (*giver.also, number)})
                missing[number] -= 1
    return None if any(missing) else tuple(found)
