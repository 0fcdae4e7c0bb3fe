"""Uses of grants: calls run by them instead of asking people.

A call that a grant covers is approved when it is proposed; whether it still covers it is looked at
again in the transaction of the claim, where it is counted. If it does not, people are asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.decisions.asking import AskAgain
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.forms import told
from countersign.approvals.models import (
    Decision,
    Grant,
    GrantId,
    GrantUsedUp,
    JsonObject,
    Request,
    RequestKind,
    RequestStatus,
    Session,
    Used,
    Verdict,
    Via,
)
from countersign.approvals.ports import Moment, Store, Unit
from countersign.approvals.rules.granting import covered
from countersign.approvals.rules.grants import Permitted, is_used_up
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import call_of
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import codec, governance
from countersign.approvals.store import grants as rows
from countersign.approvals.store import ledger as ledger_rows

OVER = "The grant {grant} of {names} does not hold for this call: {why}."
Found = tuple[Grant, Used]


class GrantUses:
    """Finds the grant that covers a call, and counts its use."""

    def __init__(self, store: Store, policies: Policies, outbox: Outbox):
        self._store, self._policies, self._outbox = store, policies, outbox

    async def candidates(self, tools: Sequence[str], moment: Moment) -> list[Found]:
        """Grants that may cover calls of these tools."""
        if not self._policies.current.permits_any:
            return []
        now = codec.to_text(moment.now)
        return await self._store.read(lambda c: rows.usable(c, tools, now))

    def covering(
        self, request: Request, session: Session, candidates: Sequence[Found], moment: Moment
    ) -> Grant | None:
        """The first grant that covers a call which people would be asked about."""
        if request.status is not RequestStatus.PENDING or request.kind is not RequestKind.TOOL:
            return None
        for grant, used in candidates:
            try:
                self._covered(request, session, grant, used, moment)
            except ValueError:
                continue
            return grant
        return None

    def look(
        self, unit: Unit, request: Request, session: Session, grant_id: GrantId
    ) -> tuple[Grant, Used] | AskAgain:
        """The grant by which an approved call is about to run, locked, and how far it is used then;
        or why people have to be asked."""
        grant = rows.locked(unit, grant_id)
        try:
            used = rows.used(unit.connection, grant.id)
            return grant, self._covered(request, session, grant, used, unit.moment)
        except ValueError as exc:
            why = OVER.format(grant=grant.id, names=grant.names, why=exc)
            return AskAgain(request, session, why, tool_changed=False)

    def _covered(
        self, request: Request, session: Session, grant: Grant, used: Used, moment: Moment
    ) -> Used:
        policy = self._policies.current
        situation = situation_of(session, moment.people, request.created_at, request.seen)
        facts = policy.book.facts(call_of(request, request.arguments), situation)
        permitted = permitted_now(
            self._policies, moment, request, session, in_plan=bool(grant.step)
        )
        return covered(
            grant,
            used,
            request,
            session.workflow,
            permitted,
            facts,
            policy.book,
            people_for(moment.people, request, session),
            moment.now,
        )

    def count(
        self, unit: Unit, request: Request, session: Session, grant: Grant, after: Used
    ) -> None:
        """Count the call that begins now; `after` is from `look` in the same transaction."""
        rows.use(unit, grant, after, request)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "grant": grant.id,
            "by": [giver.by for giver in grant.givers],
            "names": [giver.name for giver in grant.givers],
            "use": after.of(grant),
            "number": after.uses,
            "of": grant.uses,
            "total": str(after.total),
            "currency": grant.currency,
            **({"plan": grant.request_id, "step": grant.step} if grant.step else {}),
        }
        ledger_rows.append(unit, request.session_id, ("grant_used", body))
        self._outbox.tell(unit, session, told.granted(request, grant, after), progress=True)
        if is_used_up(grant, after):
            entry = GrantUsedUp(
                grant=grant.id,
                session=request.session_id,
                by_request=request.id,
                uses=after.uses,
                total=str(after.total),
            )
            governance.append(unit, entry)


def permitted_now(
    policies: Policies,
    moment: Moment,
    request: Request,
    session: Session,
    *,
    in_plan: bool = False,
) -> Permitted | None:
    """What the rule that asked permits to be given of calls like this one; None if nothing, or if
    it is another rule now."""
    if request.kind is not RequestKind.TOOL:
        return None
    situation = situation_of(session, moment.people, request.created_at, request.seen)
    call = call_of(request, request.arguments)
    found = policies.current.permits(call, situation, plan=in_plan)
    return None if found is None or found.rule_id != request.rule_id else found


def by_grant(request: Request, grant: Grant, moment: Moment) -> Request:
    """The request, approved by a grant."""
    decision = Decision(
        verdict=Verdict.APPROVE,
        by=grant.givers[-1].by,
        by_name=grant.names,
        via=Via.GRANT,
        at=moment.now,
        comment=f"{grant.id}: {grant.words}",
        digest=request.digest,
    )
    update = {"status": RequestStatus.APPROVED, "decision": decision, "expires_at": None}
    return request.model_copy(update=update)
