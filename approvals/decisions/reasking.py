"""Reasking: finds what waits under a rule or of a tool that has changed, and asks it again."""

from __future__ import annotations

from contextlib import suppress

import structlog
from sqlalchemy import Connection

from countersign.approvals.decisions.asking import AskAgain, Asking
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.errors import AlreadyDecidedError
from countersign.approvals.models import JsonObject, Request, RequestStatus, Session
from countersign.approvals.ports import Store, ToolCatalog, Unit
from countersign.approvals.rules.edited import rule_request
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.timing import replanned
from countersign.approvals.store import codec, request_lists, session_lists
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows

log = structlog.get_logger(__name__)

PAGE = 200
"""Requests that are looked at in one step; others use the store between two of them."""


class Reasking:
    """Asks again in transactions of its own, what runs code of the workflow's before them."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        policies: Policies,
        catalog: ToolCatalog,
        asking: Asking,
        outbox: Outbox,
    ):
        self._store, self._moments = store, moments
        self._policies, self._catalog, self._asking = policies, catalog, asking
        self._outbox = outbox

    async def ask_again(self, again: AskAgain) -> None:
        """Ask one again. Raises AlreadyDecidedError if it has changed since."""
        today = await self._asking.today(again)

        def work(unit: Unit) -> None:
            request_rows.lock(unit, again.request.id)
            self._asking.ask(unit, again, today)

        await self._store.unit(work, self._moments.now())
        log.info("request asked again", request_id=again.request.id, why=again.why)

    async def what_changed(self) -> int:
        """Ask again all that has changed; how many there were. Harmless to repeat."""
        after, count = ("", ""), 0
        while page := await self._page(after):
            for request, session in page:
                again = self._asking.needed(request, session, self._moments.now())
                with suppress(AlreadyDecidedError):
                    if again is not None:
                        await self.ask_again(again)
                        count += 1
                    else:
                        await self._plan_again(request, session)
            last, _ = page[-1]
            after = (codec.to_text(last.created_at), last.id)
        return count

    async def _plan_again(self, request: Request, session: Session) -> None:
        """Remind people, and ask others, when today's rule says so: that alone asks nobody again.
        Raises AlreadyDecidedError if it has changed since."""
        policy, moment = self._policies.current, self._moments.now()
        situation = situation_of(session, moment.people, request.created_at, request.seen)
        ruling = rule_request(policy, request, situation)

        def work(unit: Unit) -> None:
            request_rows.lock(unit, request.id)
            now = request_rows.get(unit.connection, request.id)
            fields = replanned(now, ruling, unit.now, policy.calendars)
            if now.status is not RequestStatus.PENDING or not fields:
                return
            after = now.model_copy(update=fields)
            decide(unit, now, after)
            steps = () if after.timing is None else after.timing.steps
            body: JsonObject = {
                "request": request.id,
                "digest": request.digest,
                "policy_version": policy.version,
                "steps": [step.model_dump(mode="json") for step in steps],
            }
            ledger_rows.append(unit, request.session_id, ("planned_again", body))
            self._outbox.changed(unit, after)

        if replanned(request, ruling, moment.now, policy.calendars):
            await self._store.unit(work, moment)
            log.info("reminders planned again", request_id=request.id)

    async def _page(self, after: tuple[str, str]) -> list[tuple[Request, Session]]:
        """Pending requests that may have to be asked again, oldest first, with their sessions."""
        versions = self._catalog.schema_versions()

        def unit(connection: Connection) -> list[tuple[Request, Session]]:
            found = request_lists.asked_otherwise(
                connection,
                policy_version=self._policies.current.version,
                schema_versions=versions,
                after=after,
                limit=PAGE,
            )
            around = session_lists.among(connection, {request.session_id for request in found})
            return [(request, around[request.session_id]) for request in found]

        return await self._store.read(unit)
