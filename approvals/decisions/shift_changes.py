"""Shift changes: whoever is on call now is shown what waits for whoever is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.forms.on_call import on_call_words
from countersign.approvals.models import OnCall, RequestId, RequestStatus
from countersign.approvals.ports import Store, Unit
from countersign.approvals.store import directory_people, open_roles, schedules
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows

log = structlog.get_logger(__name__)

SHIFTS = "shifts"
"""Kind of the job."""
AT_ONCE = 100


class ShiftChanges:
    """The handler of the job "shifts": harmless to repeat, and for two servers at once."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        outbox: Outbox,
        review: Callable[[], Awaitable[object]],
    ):
        """`review` tells of what nobody can decide any more, and of what somebody can again."""
        self._store, self._moments, self._outbox = store, moments, outbox
        self._review = review

    async def run(self, _: str = "") -> None:
        """Show what waits where a shift has changed since it was shown. Raises UnavailableError."""
        people = self._moments.now().people
        if not people.rota.schedules:
            return
        shown = await self._store.read(schedules.shown)
        changed = {
            found.schedule: found
            for found in people.duties(people.rota.schedules)
            if found.outdated is None and shown.get(found.schedule) != _key(found)
        }
        for name, found in changed.items():
            say = log.info if found.known else log.warning
            say("shift has changed", schedule=name, on_call=on_call_words(found))
            await self._show(found)
        if changed:
            await self._review()
        for name, found in changed.items():
            await self._store.write(partial(schedules.show, name=name, people=_key(found)))

    async def _show(self, found: OnCall) -> None:
        place = open_roles.BEGINNING
        while True:
            look = partial(open_roles.on_call, schedule=found.schedule, after=place, limit=AT_ONCE)
            some = await self._store.read(look)
            for _, request_id in some:
                show = partial(self._shown, request_id=RequestId(request_id), found=found)
                await self._moments.unit(self._store, show)
            if len(some) < AT_ONCE:
                return
            place = some[-1]

    def _shown(self, unit: Unit, request_id: RequestId, found: OnCall) -> None:
        directory_people.require_current(unit)
        request, session = request_rows.with_session(unit, request_id)
        if request.status is not RequestStatus.PENDING:
            return
        self._outbox.show(unit, session, [request], said=None)
        body = {
            "request": request.id,
            "schedule": found.schedule,
            "people": [duty.person for duty in found.known],
            "otherwise": list(found.otherwise),
        }
        ledger_rows.append(unit, request.session_id, ("on_call", body))
        self._outbox.changed(unit, request)


def _key(found: OnCall) -> str:
    """Another one whenever others are on call, or until another time."""
    told = found.model_dump(mode="json", include={"duties", "otherwise"})
    return canonical_json(told).decode()
