"""Delegating: people say who decides for them while they are away, and take it back.

Who stands in is asked at each vote and claim with all other delegations; see `rules.delegation`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from countersign.approvals import ids
from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import TELL_DELEGATE, Outbox
from countersign.approvals.errors import (
    ConflictError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
)
from countersign.approvals.forms.sentences import nearest
from countersign.approvals.models import (
    Actor,
    DelegationGiven,
    DelegationId,
    DelegationRevoked,
    GivenDelegation,
    People,
    Principal,
    RequestId,
    RequestStatus,
    Value,
)
from countersign.approvals.models.delegations import closes
from countersign.approvals.ports import Job, Jobs, Store, Unit
from countersign.approvals.rules.pausing import reason_against_administering
from countersign.approvals.rules.policies import Policies
from countersign.approvals.store import delegations as rows
from countersign.approvals.store import directory_people, governance
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store.waiting import Waiting

log = structlog.get_logger(__name__)

LONGEST = timedelta(days=366)
"""Nobody stands in for ever; what shall last longer belongs into the configuration."""
MAX_REASON = 200
MOST_OPEN = 20
"""Delegations that one person may have given at a time."""
AT_ONCE = 100
"""Requests that are shown to a delegate who begins to stand in; `pending` has the rest."""


class Wanted(Value):
    """Who shall decide for whoever says so, and when."""

    delegate: str
    ends_at: datetime
    starts_at: datetime | None = None
    """None: at once."""
    roles: tuple[str, ...] = ()
    reason: str = ""


class Delegating:
    """What people call, and the job that shows a delegate what waits."""

    def __init__(
        self, store: Store, moments: Moments, policies: Policies, jobs: Jobs, outbox: Outbox
    ):
        self._store, self._moments, self._policies = store, moments, policies
        self._jobs, self._outbox = jobs, outbox

    async def give(self, wanted: Wanted, actor: Actor) -> GivenDelegation:
        """Let somebody else decide for the actor as well.

        Raises NotAuthorisedError for strangers; InvalidError for what cannot be given, with the
        reason; ConflictError if it would close a circle.
        """

        def work(unit: Unit) -> GivenDelegation:
            rows.lock(unit)
            directory_people.require_current(unit)
            people = unit.moment.people
            giver = None if actor.principal is None else people.by_id(actor.principal.id)
            if giver is None:
                raise NotAuthorisedError("You are not known here. Ask an administrator to add you.")
            delegate = _delegate(wanted, giver, people)
            given = GivenDelegation(
                id=DelegationId(ids.new_id("D")),
                giver=giver.id,
                giver_name=giver.name,
                delegate=delegate.id,
                delegate_name=delegate.name,
                starts_at=(wanted.starts_at or unit.now).astimezone(UTC),
                ends_at=wanted.ends_at.astimezone(UTC),
                roles=tuple(sorted(set(wanted.roles))),
                reason=well_formed(wanted.reason).strip(),
                via=actor.via,
                at=unit.now,
            )
            _require_sound(given, giver, unit.now)
            if len(rows.open_of(unit.connection, giver.id, unit.now)) >= MOST_OPEN:
                raise InvalidError(f"You have given {MOST_OPEN} that hold or will; revoke one.")
            if circle := closes(given.delegation, people.delegations):
                raise ConflictError(f"{' → '.join(circle)} would stand in for one another.")
            rows.add(unit, given)
            entry = DelegationGiven(
                delegation=given.id,
                giver=giver.id,
                delegate=delegate.id,
                starts_at=given.starts_at.isoformat(),
                ends_at=given.ends_at.isoformat(),
                roles=given.roles,
                reason=given.reason,
                via=actor.via,
                identity=actor.identity,
            )
            governance.append(unit, entry)
            if given.starts_at <= unit.now:
                self._jobs.enqueue(unit, Job(kind=TELL_DELEGATE, id=given.id))
            return given

        given = await self._moments.unit(self._store, work)
        await self._moments.refresh()
        log.info("delegated", delegation_id=given.id, giver=given.giver, delegate=given.delegate)
        return given

    async def revoke(self, delegation_id: str, actor: Actor) -> GivenDelegation:
        """Take it back: whoever gave it, whoever was named, and administrators.

        Raises NotFoundError; NotAuthorisedError; ConflictError if it was revoked before.
        """

        def work(unit: Unit) -> GivenDelegation:
            rows.lock(unit)
            given = rows.of(unit.connection, delegation_id)
            if given is None:
                raise NotFoundError(f"There is no delegation {delegation_id}.")
            person = self._allowed(given, actor)
            if given.revoked_at is not None:
                when = f"{given.revoked_at:%Y-%m-%d %H:%M} UTC"
                raise ConflictError(f"{given.revoked_by_name} has revoked it on {when}.")
            ended = given.model_copy(
                update={
                    "revoked_at": unit.now,
                    "revoked_by": person.id,
                    "revoked_by_name": person.name,
                    "revoked_via": actor.via,
                }
            )
            rows.revoke(unit, ended)
            entry = DelegationRevoked(
                delegation=given.id, by=person.id, via=actor.via, identity=actor.identity
            )
            governance.append(unit, entry)
            return ended

        ended = await self._store.unit(work, self._moments.now())
        await self._moments.refresh()
        log.info("delegation revoked", delegation_id=ended.id, by=ended.revoked_by)
        return ended

    def _allowed(self, given: GivenDelegation, actor: Actor) -> Principal:
        person = actor.principal
        if person is not None and person.id in (given.giver, given.delegate):
            return person
        roles = self._policies.current.administrators
        against = reason_against_administering(person, roles)
        if against is not None or person is None:
            names = f"{given.giver_name}, {given.delegate_name}"
            raise NotAuthorisedError(f"Only {names} or an administrator may. {against}")
        return person

    async def tell(self, delegation_id: str) -> None:
        """Show a delegate what waits for whom they stand in. The handler of a job: harmless to
        repeat, and what a crash leaves over is found by the sweep."""
        moment = self._moments.now()
        given = await self._store.read(lambda c: rows.of(c, delegation_id))
        if given is not None and given.delegation.holds_at(moment.now):
            await self._moments.refresh()
            people = self._moments.now().people
            giver = people.by_id(given.giver)
            if given.revoked_at is None and giver is not None:
                waiting = Waiting(people, giver, moment.now)
                found = await self._store.read(lambda c: waiting.first(c, AT_ONCE))
                for request in found:
                    await self._moments.unit(self._store, self._showing(given, request.id))
        await self._store.write(lambda c: rows.told(c, delegation_id))

    def _showing(self, given: GivenDelegation, request_id: RequestId) -> Callable[[Unit], None]:
        def work(unit: Unit) -> None:
            directory_people.require_current(unit)
            request, session = request_rows.with_session(unit, request_id)
            if request.status is not RequestStatus.PENDING:
                return
            self._outbox.show(unit, session, [request], said=None)
            body = {
                "request": request.id,
                "delegation": given.id,
                "giver": given.giver,
                "delegate": given.delegate,
            }
            ledger_rows.append(unit, request.session_id, ("delegated", body))
            self._outbox.changed(unit, request)

        return work


def _delegate(wanted: Wanted, giver: Principal, people: People) -> Principal:
    found = people.by_id(wanted.delegate)
    if found is None:
        meant = nearest(wanted.delegate, [person.id for person in people.everybody()])
        hint = f"did you mean {meant}?" if meant else "see `countersign people list`."
        raise InvalidError(f"delegate: there is nobody {wanted.delegate!r}; {hint}")
    if found.id == giver.id:
        raise InvalidError("delegate: nobody stands in for themselves.")
    return found


def _require_sound(given: GivenDelegation, giver: Principal, now: datetime) -> None:
    """Raise InvalidError for times and roles that cannot be."""
    if given.ends_at <= max(given.starts_at, now):
        what = "it starts" if given.starts_at > now else "now"
        raise InvalidError(f"ends_at: {given.ends_at:%Y-%m-%d %H:%M} UTC is not after {what}.")
    if given.ends_at - given.starts_at > LONGEST:
        raise InvalidError(f"ends_at: at most {LONGEST.days} days after it starts.")
    if missing := sorted(set(given.roles) - giver.roles):
        raise InvalidError(f"roles: {giver.name} does not hold the role {missing[0]}.")
    if not giver.roles:
        raise InvalidError(f"{giver.name} holds no role, so there is nothing to decide for them.")
    if len(given.reason) > MAX_REASON:
        raise InvalidError(f"reason: at most {MAX_REASON} characters.")
