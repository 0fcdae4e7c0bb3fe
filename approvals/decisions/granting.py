"""Granting: people give a standing yes while they approve, and take it back."""

from __future__ import annotations

from datetime import timedelta

import structlog

from countersign.approvals import ids
from countersign.approvals.decisions.grant_uses import permitted_now
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.errors import (
    ConflictError,
    InvalidError,
    NotAuthorisedError,
)
from countersign.approvals.models import (
    Actor,
    Giver,
    Grant,
    GrantGiven,
    GrantId,
    GrantRevoked,
    JsonObject,
    Principal,
    Request,
    Session,
    Terms,
    Verdict,
)
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.approvers import approvers, is_asked_by
from countersign.approvals.rules.eligibility import asked, counts_also
from countersign.approvals.rules.granting import reason_against_condition
from countersign.approvals.rules.grants import (
    Permitted,
    bounds,
    value_of,
    values_of,
    votes_of,
)
from countersign.approvals.rules.lifecycle import tally
from countersign.approvals.rules.pausing import reason_against_administering
from countersign.approvals.rules.policies import Policies
from countersign.approvals.rules.segregation import as_ruled, keeps_out
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import governance
from countersign.approvals.store import grants as rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows

log = structlog.get_logger(__name__)


class Granting:
    """Gives and revokes."""

    def __init__(self, store: Store, moments: Moments, policies: Policies):
        self._store, self._moments, self._policies = store, moments, policies

    async def give(self, request_id: str, actor: Actor, terms: Terms) -> Grant:
        """This person's yes to calls like this one; the grant as it is then.

        The request may be decided already. Raises NotFoundError; NotAuthorisedError for whoever
        could not approve it; InvalidError for what its rule does not permit.
        """

        def work(unit: Unit) -> Grant:
            request, session = request_rows.with_session(unit, request_id)
            return self.give_in(unit, request, session, actor, terms)

        grant = await self._store.unit(work, self._moments.now())
        log.info("granted", grant_id=grant.id, by=grant.givers[-1].by, complete=grant.complete)
        return grant

    def give_in(
        self, unit: Unit, request: Request, session: Session, actor: Actor, terms: Terms
    ) -> Grant:
        """`give`, in a transaction of the caller's, who has locked the session."""
        permitted = permitted_now(self._policies, unit.moment, request, session)
        if permitted is None or permitted.stages != as_ruled(request.stages):
            raise InvalidError(
                f"The rule {request.rule_id} permits no grants of {request.tool}; decide each call."
            )
        if terms.when is not None:
            book = self._policies.current.book
            wrong = reason_against_condition(terms.when, book, session.workflow, request.tool)
            if wrong is not None:
                raise InvalidError(f"when: {wrong}")
        before = rows.on(unit, request.id)
        if before is not None and before.rule_sha256 != permitted.sha256:
            raise ConflictError(f"The rule has changed since {before.names} gave {before.id}.")
        giver = self._giver(unit, request, session, actor, before)
        own = _new(request, session, permitted, terms, giver, unit)
        after = own if before is None else _both(before, own, giver)
        after = after.model_copy(update={"complete": _is_complete(request, after)})
        if before is None:
            rows.add(unit, after)
        else:
            rows.replace(unit, before, after)
        entry = GrantGiven(
            grant=after.id,
            on_request=request.id,
            tool=request.tool,
            rule=request.rule_id,
            by=giver.by,
            stage=giver.stage + 1,
            via=giver.via,
            identity=giver.identity,
            allows=after.words,
            complete=after.complete,
        )
        governance.append(unit, entry)
        body: JsonObject = {"request": request.id, "grant": after.id, "by": giver.by}
        ledger_rows.append(unit, request.session_id, ("grant_given", body))
        return after

    def _giver(
        self, unit: Unit, request: Request, session: Session, actor: Actor, before: Grant | None
    ) -> Giver:
        known = people_for(unit.moment.people, request, session)
        person = None if actor.principal is None else known.by_id(actor.principal.id)
        if person is None:
            raise NotAuthorisedError("You are not known here. Ask an administrator to add you.")
        if person.id == request.requester:
            raise NotAuthorisedError("You asked for this yourself; somebody else has to grant it.")
        if keeps_out(known, person, request.stages) is not None:
            raise NotAuthorisedError(
                "Neither the counterparty of a call nor who is kept out for having changed it "
                "grants it; others do."
            )
        given = () if before is None else votes_of(before, request)
        if any(vote.principal_id == person.id for vote in given):
            raise ConflictError("You have given it already.")
        counted = tally(request.stages, given)
        if counted.verdict is Verdict.APPROVE:
            raise ConflictError(f"It is given already: {before.id if before else ''}.")
        stage = request.stages[counted.stage]
        if not is_asked_by(person, stage):
            raise NotAuthorisedError(f"This needs {approvers([stage])}.")
        at_stage = request.model_copy(update={"stage": counted.stage})
        return Giver(
            by=person.id,
            name=person.name,
            stage=counted.stage,
            also=counts_also(asked(at_stage, []), person, counted.stage),
            via=actor.via,
            identity=actor.identity,
            at=unit.now,
        )

    async def revoke(self, grant_id: str, actor: Actor) -> Grant:
        """Let nothing run by it any more. Whoever gave it may, and administrators.

        Raises NotFoundError, NotAuthorisedError; ConflictError if it was revoked before.
        """

        def work(unit: Unit) -> Grant:
            grant = rows.locked(unit, grant_id)
            person = self._revoker(grant, actor)
            if grant.revoked_at is not None:
                when = f"{grant.revoked_at:%Y-%m-%d %H:%M} UTC"
                raise ConflictError(f"{grant.revoked_by_name} has revoked it on {when}.")
            after = grant.model_copy(
                update={
                    "revoked_at": unit.now,
                    "revoked_by": person.id,
                    "revoked_by_name": person.name,
                }
            )
            rows.replace(unit, grant, after)
            entry = GrantRevoked(
                grant=grant.id, by=person.id, via=actor.via, identity=actor.identity
            )
            governance.append(unit, entry)
            return after

        grant = await self._store.unit(work, self._moments.now())
        log.info("grant revoked", grant_id=grant.id, by=grant.revoked_by)
        return grant

    def _revoker(self, grant: Grant, actor: Actor) -> Principal:
        person = actor.principal
        if person is not None and any(giver.by == person.id for giver in grant.givers):
            return person
        roles = self._policies.current.administrators
        against = reason_against_administering(person, roles)
        if against is not None or person is None:
            raise NotAuthorisedError(f"Only {grant.names} or an administrator may. {against}")
        return person


def _new(
    request: Request,
    session: Session,
    permitted: Permitted,
    terms: Terms,
    giver: Giver,
    unit: Unit,
) -> Grant:
    """A grant as this person alone gives it."""
    try:
        uses, for_s, total = bounds(permitted.grants, terms)
        same = values_of(permitted.grants, request.arguments)
        value_of(permitted.grants, request.arguments)
    except ValueError as exc:
        raise InvalidError(f"Nothing was granted. {exc}") from exc
    most = permitted.grants.max_total
    return Grant(
        id=GrantId(ids.new_id("G")),
        request_id=request.id,
        workflow=session.workflow,
        tool=request.tool,
        rule_id=request.rule_id,
        rule_sha256=permitted.sha256,
        same=same,
        when=() if terms.when is None else (terms.when,),
        uses=uses,
        total=total,
        currency=None if most is None else most.currency,
        expires_at=None if for_s is None else unit.now + timedelta(seconds=for_s),
        givers=(giver,),
        complete=False,
        created_at=unit.now,
    )


def _both(before: Grant, own: Grant, giver: Giver) -> Grant:
    """What both say yes to: the narrower of each bound, and all conditions."""
    return before.model_copy(
        update={
            "uses": min(filter(None, (before.uses, own.uses)), default=None),
            "total": min(filter(None, (before.total, own.total)), default=None),
            "expires_at": min(filter(None, (before.expires_at, own.expires_at)), default=None),
            "when": tuple(dict.fromkeys([*before.when, *own.when])),
            "givers": (*before.givers, giver),
        }
    )


def _is_complete(request: Request, grant: Grant) -> bool:
    return tally(request.stages, votes_of(grant, request)).verdict is Verdict.APPROVE
