"""Canaries: sends tests of whether people look, where a rule lets it, when one is drawn.

A canary is a request like every other one to those who may decide it. Behind it is a session that
nobody started and nobody runs: it waits from its first moment on, and ends with the request
(`approvals.decisions.canary_ends`). It draws on no budget and is counted by no condition.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.decisions.budgeting import Budgeting, Standings
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.proposing import Checkpoint, Proposing
from countersign.approvals.decisions.starting import NewSession, new_session
from countersign.approvals.errors import CountersignError, UnavailableError
from countersign.approvals.models import (
    Canary,
    Effective,
    People,
    Proposal,
    Request,
    RequestStatus,
    ToolCall,
)
from countersign.approvals.models.calls import NOT_CHECKED
from countersign.approvals.ports import Moment, Store, ToolCatalog, Unit
from countersign.approvals.rules.budgets.judging import Usage
from countersign.approvals.rules.canaries import Canaries as Terms
from countersign.approvals.rules.canaries import Draw, drawn
from countersign.approvals.rules.delegation import with_delegates
from countersign.approvals.rules.eligibility import asked, eligible
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import with_effective
from countersign.approvals.rules.quiet import quiet_until
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import canaries as rows
from countersign.approvals.store import governance, loads
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows

log = structlog.get_logger(__name__)

ASKED_LATELY = timedelta(days=30)
"""Where nobody was asked for so long, a canary would be known by that."""
_LOCK_KEY = 0xCA4A
"""Of PostgreSQL's advisory lock: one is sent at a time."""
_ENTRY = "inbox"
"""Sessions look as if they had been begun there."""


class _Due(NamedTuple):
    rule_id: str
    terms: Terms
    draw: Draw


class Canaries:
    """The handler of the job "canaries"."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        policies: Policies,
        catalog: ToolCatalog,
        proposing: Proposing,
        budgeting: Budgeting,
        outbox: Outbox,
        key: bytes | None,
    ):
        """Without `key` none is drawn."""
        self._store, self._moments, self._policies = store, moments, policies
        self._catalog, self._proposing, self._budgeting = catalog, proposing, budgeting
        self._outbox, self._key = outbox, key
        self._seen: dict[str, int] = {}

    async def send(self, _: str = "") -> None:
        """Send what is due. Harmless to repeat, and on several servers at once: each is sent once,
        or not at all where it should not be sent at its moment."""
        if self._key is None:
            return
        for due in self._due(self._key, self._moments.now()):
            self._seen[due.rule_id] = due.draw.slot
            try:
                why = await self._send(due, self._key)
            except UnavailableError:
                del self._seen[due.rule_id]  # the next sweep tries again
                raise
            except CountersignError as exc:
                why = str(exc)
            log.info("canary drawn", rule=due.rule_id, sent=not why, why_not=why)

    def _due(self, key: bytes, moment: Moment) -> list[_Due]:
        found = []
        for where, rule in self._policies.current.entries.items():
            if rule.canaries is None:
                continue
            rule_id = where.removeprefix("policy.").removeprefix("rules.")
            draw = drawn(key, rule_id, rule.canaries, moment.now)
            if draw is not None and self._seen.get(rule_id) != draw.slot:
                found.append(_Due(rule_id, rule.canaries, draw))
        return found

    async def _send(self, due: _Due, key: bytes) -> str:
        """Why it is not sent; "" if it is, or was. Raises CountersignError."""
        example, since = due.draw.example, self._moments.now().now - ASKED_LATELY
        beside = await self._store.read(
            lambda c: rows.newest_beside(c, example.workflow, example.tool, since)
        )
        if beside is None:
            return f"nobody was asked of {example.tool} lately"
        # Computed twice for the same draw it is the same, and tells nothing of what it is for.
        said = canonical_json({"session": [due.rule_id, due.draw.slot]})
        token = hmac.digest(key, said, "sha256").hex()[:32]
        opening_key = f"{_ENTRY}:{example.requester}:{token}"
        moment = self._moments.now()
        opening = new_session(
            example.workflow,
            beside.workflow_version,
            example.task or example.rationale,
            example.requester,
            None,
            opening_key,
            moment.now,
        )
        call = ToolCall(
            session_id=opening.session.id,
            call_id=f"call_{token[:24]}",
            tool=example.tool,
            arguments=example.arguments,
            agent=example.agent or beside.agent,
            executor=beside.executor,
            rationale=example.rationale,
        )
        proposal = await self._complete(Proposal(call=call), example.workflow)
        if proposal is None:
            return f"{example.workflow} has no tool {example.tool}"
        checkpoint = await self._judged(opening, proposal, token, moment)
        (request,) = checkpoint.requests
        if request.status is not RequestStatus.PENDING or request.rule_id != due.rule_id:
            return f"{request.rule_id} rules on it: {request.reason}"
        return await self._moments.unit(
            self._store, lambda unit: self._put(unit, due, opening, opening_key, checkpoint)
        )

    async def _complete(self, proposal: Proposal, workflow: str) -> Proposal | None:
        """With what the tool's body would receive, and what its check finds: both read only."""
        call = proposal.call
        effective: Effective | None = await self._catalog.effective(
            workflow, call.tool, call.arguments
        )
        if effective is None:
            return None
        checked = await self._catalog.checked(workflow, call.tool, effective.arguments)
        update = {"call": call.model_copy(update={"checked": checked or NOT_CHECKED})}
        return with_effective(proposal.model_copy(update=update), effective)

    async def _judged(
        self, opening: NewSession, proposal: Proposal, token: str, moment: Moment
    ) -> Checkpoint:
        session = opening.session
        situation = situation_of(session, moment.people, moment.now)

        def read(connection: Connection) -> tuple[Usage, Standings]:
            usage = self._budgeting.usage(connection, [proposal], situation, moment.now)
            return usage, self._budgeting.standings(connection, [proposal], session.workflow)

        around = await self._store.read(read)
        transcript = sha256_hex(token.encode())
        return self._proposing.checkpoint(session, [proposal], [], transcript, moment, (), *around)

    def _put(
        self,
        unit: Unit,
        due: _Due,
        opening: NewSession,
        opening_key: str,
        checkpoint: Checkpoint,
    ) -> str:
        governance.lock(unit.connection, _LOCK_KEY)  # of two at once, each would not see the other
        if session_rows.by_key(unit.connection, opening_key) is not None:
            return ""
        session, (request,) = opening.session, checkpoint.requests
        people = people_for(unit.moment.people, request, session)
        who = with_delegates(eligible(asked(request, []), people), request, [], people)
        could = tuple(person.id for person in who)
        against = self._why_not_now(unit, due.terms, request, people, could)
        if against:
            return against
        session_rows.insert(
            unit.connection,
            session,
            idempotency_key=opening_key,
            next_at=unit.now,
            head=opening.head,
        )
        ledger_rows.insert(unit, opening.rows)
        canary = Canary(
            example=due.draw.example.name,
            expect=due.draw.example.expect,
            because=due.draw.example.because,
            slot=due.draw.slot,
            draw=due.draw.number,
            could=could,
        )
        seq, _ = ledger_rows.locked_head(unit, session.id)
        # It reminds nobody and asks nobody else after some time: its deadline alone ends it.
        update = {"canary": canary, "ledger_seq": seq + 1, "timing": None, "next_step_at": None}
        request = request.model_copy(update=update)
        request_rows.insert(unit, [request])
        rows.waits(unit, session.id, request.checkpoint_id)
        ledger_rows.append(unit, session.id, *checkpoint.entries)
        self._outbox.show(unit, session, [request], said=None)
        return ""

    def _why_not_now(
        self, unit: Unit, terms: Terms, request: Request, people: People, could: tuple[str, ...]
    ) -> str:
        """Why nobody is to be disturbed at this moment; "" if they may be."""
        since = unit.now - timedelta(seconds=terms.per_person)
        if not rows.sent_since(unit.connection, since).isdisjoint(could):
            return "one of those who could decide it has had a canary lately"
        known = [person for person in map(people.by_id, could) if person is not None]
        if any(each.quiet is not None and quiet_until(each.quiet, unit.now) for each in known):
            return "one of those who could decide it has quiet hours"
        most = self._policies.current.document.most_open
        if most is None:
            return ""
        for channel in request.channels:
            ids_ = [person.id for person in known]
            busy = loads.open_for(unit.connection, channel, ids_, request.id)
            if any(count >= most for count in busy.values()):
                return "one of those who could decide it has enough open requests"
        return ""
