"""Legal holds: what an admin puts on hold is neither archived nor erased until it is lifted."""

from __future__ import annotations

import structlog

from countersign.approvals import ids
from countersign.approvals.decisions.administering import admin_of, why
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.errors import ConflictError, NotFoundError
from countersign.approvals.models import (
    Actor,
    Hold,
    HoldId,
    HoldKind,
    HoldLifted,
    HoldPlaced,
    HoldScope,
)
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.policies import Policies
from countersign.approvals.store import archived, governance
from countersign.approvals.store import holds as rows
from countersign.approvals.store import sessions as session_rows

log = structlog.get_logger(__name__)


class Holding:
    """Places holds and lifts them. Admins may."""

    def __init__(self, store: Store, moments: Moments, policies: Policies):
        self._store, self._moments, self._policies = store, moments, policies

    async def hold(self, scope: HoldScope, reason: str, actor: Actor) -> Hold:
        """Let nothing in `scope` be archived or erased any more.

        Raises NotAuthorisedError; InvalidError without a reason; NotFoundError for a session that
        there never was; ConflictError if it is on hold already.
        """
        admin, reason = admin_of(self._policies, actor), why(reason)

        def work(unit: Unit) -> Hold:
            rows.lock(unit)
            if scope.kind is HoldKind.SESSION and not archived.of(unit.connection, scope.name):
                session_rows.get(unit.connection, scope.name)
            for found in rows.active(unit.connection):
                if found.scope == scope:
                    raise ConflictError(f"{scope} is on hold already: {found.id}.")
            hold = Hold(
                id=HoldId(ids.new_id("H")),
                scope=scope,
                reason=reason,
                by=admin.id,
                by_name=admin.name,
                via=actor.via,
                at=unit.now,
            )
            rows.place(unit, hold)
            said = {"hold": hold.id, "scope": scope, "reason": reason}
            by = {"by": admin.id, "via": actor.via, "identity": actor.identity}
            governance.append(unit, HoldPlaced.model_validate({**said, **by}))
            return hold

        hold = await self._store.unit(work, self._moments.now())
        log.warning("put on hold", hold_id=hold.id, what=str(scope), by=admin.id)
        return hold

    async def lift(self, hold_id: str, reason: str, actor: Actor) -> Hold:
        """Lift a hold; returns it. Raises NotAuthorisedError, InvalidError without a reason,
        NotFoundError, or ConflictError if it was lifted before."""
        admin, reason = admin_of(self._policies, actor), why(reason)

        def work(unit: Unit) -> Hold:
            rows.lock(unit)
            found = rows.of(unit.connection, hold_id)
            if found is None:
                raise NotFoundError(f"There is no hold {hold_id}.")
            if found.lifted_at is not None:
                when = f"{found.lifted_at:%Y-%m-%d %H:%M} UTC"
                raise ConflictError(f"It was lifted by {found.lifted_by_name} on {when}.")
            lifted = found.model_copy(
                update={
                    "lifted_at": unit.now,
                    "lifted_by": admin.id,
                    "lifted_by_name": admin.name,
                    "lifted_via": actor.via,
                    "lifted_reason": reason,
                }
            )
            rows.lift(unit, lifted)
            said = {"hold": found.id, "scope": found.scope, "reason": reason}
            by = {"by": admin.id, "via": actor.via, "identity": actor.identity}
            governance.append(unit, HoldLifted.model_validate({**said, **by}))
            return lifted

        lifted = await self._store.unit(work, self._moments.now())
        log.warning("hold lifted", hold_id=hold_id, what=str(lifted.scope), by=admin.id)
        return lifted
