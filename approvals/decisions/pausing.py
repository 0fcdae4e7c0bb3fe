"""Pausing: an admin stops what has not begun, and lets it go on.

The switch is looked at in the transaction of every claim (`decisions.claims`), so nothing in its
scope begins once `pause` has returned. What is stopped keeps its approvals and waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from countersign.approvals import ids
from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import TELL_PAUSE, Outbox
from countersign.approvals.errors import (
    ConflictError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
)
from countersign.approvals.models import (
    Actor,
    Pause,
    PauseBegan,
    PauseEnded,
    PauseId,
    PauseKind,
    PauseScope,
    Principal,
    RequestId,
)
from countersign.approvals.ports import Job, Jobs, Store, Unit
from countersign.approvals.rules.pausing import (
    MAX_REASON,
    Known,
    reason_against_administering,
    reason_against_scope,
)
from countersign.approvals.rules.policies import Policies
from countersign.approvals.store import governance, leases
from countersign.approvals.store import pauses as rows

log = structlog.get_logger(__name__)

AT_ONCE = 100
"""Sessions or requests that are seen to in one transaction."""
_FIRST = ("", "", "")


class Pausing:
    """What admins call, and the job that tells of it."""

    def __init__(
        self, store: Store, moments: Moments, policies: Policies, jobs: Jobs, outbox: Outbox
    ):
        self._store, self._moments, self._policies = store, moments, policies
        self._jobs, self._outbox = jobs, outbox

    async def pause(self, scope: PauseScope, reason: str, actor: Actor, known: Known) -> Pause:
        """Let nothing in `scope` begin any more; `known` are the names that there are.

        Raises NotAuthorisedError; InvalidError for an unknown name, with the nearest, or without a
        reason; ConflictError if it is paused already.
        """
        admin, reason = self._admin(actor), well_formed(reason).strip()
        domains = self._policies.current.document.domains
        known = {**known, PauseKind.DOMAIN: frozenset(domains)}
        if not 1 <= len(reason) <= MAX_REASON:
            raise InvalidError(f"Say why, in 1 to {MAX_REASON} characters.")
        if (against := reason_against_scope(scope, known)) is not None:
            raise InvalidError(against)

        def work(unit: Unit) -> Pause:
            rows.lock(unit)
            if (found := _of_scope(unit, scope)) is not None:
                raise ConflictError(f"{_begins(scope)} is already {found.words}")
            pause = Pause(
                id=PauseId(ids.new_id("P")),
                scope=scope,
                reason=reason,
                by=admin.id,
                by_name=admin.name,
                via=actor.via,
                at=unit.now,
            )
            rows.begin(unit, pause)
            entry = PauseBegan(
                pause=pause.id,
                scope=scope,
                reason=reason,
                by=admin.id,
                via=actor.via,
                identity=actor.identity,
            )
            governance.append(unit, entry)
            self._jobs.enqueue(unit, Job(kind=TELL_PAUSE, id=pause.id))
            return pause

        pause = await self._store.unit(work, self._moments.now())
        log.warning("paused", pause_id=pause.id, what=str(scope), by=admin.id)
        return pause

    async def resume(self, scope: PauseScope, actor: Actor) -> Pause:
        """Let it go on; returns the pause that has ended. Raises NotAuthorisedError; NotFoundError,
        with what is paused, if it is not."""
        admin = self._admin(actor)

        def work(unit: Unit) -> Pause:
            rows.lock(unit)
            found = _of_scope(unit, scope)
            if found is None:
                others = ", ".join(str(each.scope) for each in rows.active(unit.connection))
                raise NotFoundError(
                    f"{_begins(scope)} is not paused; paused: {others or 'nothing'}."
                )
            return self._end(unit, found, admin, actor)

        return _logged(await self._store.unit(work, self._moments.now()))

    async def resume_by_id(self, pause_id: str, actor: Actor) -> Pause:
        """`resume`, by the id of the pause. Raises ConflictError if it has ended before."""
        admin = self._admin(actor)

        def work(unit: Unit) -> Pause:
            rows.lock(unit)
            found = rows.of(unit.connection, pause_id)
            if found is None:
                raise NotFoundError(f"There is no pause {pause_id}.")
            if found.ended_at is not None:
                when = f"{found.ended_at:%Y-%m-%d %H:%M} UTC"
                raise ConflictError(f"It was ended by {found.ended_by_name} on {when}.")
            return self._end(unit, found, admin, actor)

        return _logged(await self._store.unit(work, self._moments.now()))

    def _end(self, unit: Unit, pause: Pause, admin: Principal, actor: Actor) -> Pause:
        ended = pause.model_copy(
            update={
                "ended_at": unit.now,
                "ended_by": admin.id,
                "ended_by_name": admin.name,
                "ended_via": actor.via,
            }
        )
        rows.end(unit, ended)
        entry = PauseEnded(
            pause=pause.id,
            scope=pause.scope,
            by=admin.id,
            via=actor.via,
            identity=actor.identity,
        )
        governance.append(unit, entry)
        self._jobs.enqueue(unit, Job(kind=TELL_PAUSE, id=pause.id))
        return ended

    async def tell(self, pause_id: str) -> None:
        """Let the sessions go on that an ended pause holds, and bring up to date where requests in
        its scope are shown. The handler of a job: harmless to repeat, and what a crash leaves over
        is found by the sweep."""
        pause = await self._store.read(lambda c: rows.of(c, pause_id))
        what = await self._store.read(lambda c: rows.to_tell(c, pause_id))
        if pause is None or not what:
            return
        while what == rows.END and await self._store.unit(self._let_go(pause), self._moments.now()):
            pass
        after, domains = _FIRST, self._policies.current.document.domains
        while found := await self._store.read(
            lambda c, after=after: rows.open_requests(c, pause.scope, domains, after, limit=AT_ONCE)  # type: ignore[misc]
        ):
            shown = [request_id for _, request_id in found]
            await self._store.unit(self._bring_up_to_date(shown), self._moments.now())
            after = found[-1][0]
        await self._store.write(lambda c: rows.told(c, pause_id, what))

    def _let_go(self, pause: Pause) -> Callable[[Unit], bool]:
        def work(unit: Unit) -> bool:
            found = leases.let_go(unit, pause.id, limit=AT_ONCE)
            for session_id in found:
                self._outbox.run(unit, session_id)
            return bool(found)

        return work

    def _bring_up_to_date(self, request_ids: Sequence[RequestId]) -> Callable[[Unit], None]:
        def work(unit: Unit) -> None:
            for request_id in request_ids:
                self._outbox.touched(unit, request_id)

        return work

    def _admin(self, actor: Actor) -> Principal:
        roles = self._policies.current.administrators
        against = reason_against_administering(actor.principal, roles)
        if against is not None or actor.principal is None:
            log.warning("administration refused", identity=actor.identity, via=actor.via)
            raise NotAuthorisedError(against or "You are not known here.")
        return actor.principal


def _of_scope(unit: Unit, scope: PauseScope) -> Pause | None:
    return next((each for each in rows.active(unit.connection) if each.scope == scope), None)


def _begins(scope: PauseScope) -> str:
    text = str(scope)
    return text[0].upper() + text[1:]


def _logged(pause: Pause) -> Pause:
    log.warning("resumed", pause_id=pause.id, what=str(pause.scope), by=pause.ended_by)
    return pause
