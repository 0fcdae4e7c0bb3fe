"""Submitting: the calls that agents propose together become requests, with the chat's state."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from countersign.approvals.decisions.budgeting import Budgeting
from countersign.approvals.decisions.grant_uses import GrantUses
from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.proposing import Proposing
from countersign.approvals.decisions.run_writes import WAITING, change
from countersign.approvals.decisions.undoing import count_act
from countersign.approvals.decisions.voting import Voting
from countersign.approvals.models import (
    ChatState,
    Proposal,
    Request,
    RequestStatus,
    Session,
    ToolCall,
)
from countersign.approvals.ports import Moment, Store, Unit
from countersign.approvals.rules.budgets.judging import NOTHING_USED, Usage
from countersign.approvals.rules.policies import situation_of
from countersign.approvals.rules.repeats import call_hashes
from countersign.approvals.store import chat_states as chat_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows


class Submitting:
    """Rules on proposals and stores what becomes of them."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        proposing: Proposing,
        outbox: Outbox,
        grants: GrantUses,
        budgeting: Budgeting,
        voting: Voting,
    ):
        self._store, self._moments, self._proposing = store, moments, proposing
        self._outbox, self._grants, self._budgeting = outbox, grants, budgeting
        self._voting = voting

    async def submit(
        self,
        run: Run,
        proposals: Sequence[Proposal],
        *,
        state: ChatState,
        progress: Sequence[str] = (),
        first: bool = False,
    ) -> tuple[Request, ...]:
        """Rule every proposal and store all as one checkpoint with the chat's state. `first`: the
        session has proposed nothing before.

        If any request is pending afterwards, the session waits and the lease is given back: the
        caller must suspend the chat.
        """
        is_first = first and run.chat is None
        moment, sha256 = self._moments.now(), state.transcript_sha256
        earlier, usage = await self._before(run.session, proposals, moment, is_first=is_first)
        granted = await self._grants.candidates([p.call.tool for p in proposals], moment)
        checkpoint = self._proposing.checkpoint(
            run.session, proposals, earlier, sha256, moment, granted, usage
        )
        requests, entries = list(checkpoint.requests), checkpoint.entries
        if not entries:  # the chat's state alone
            entries = [("stored", {"transcript_sha256": sha256})]
        waiting = [r for r in requests if r.status is RequestStatus.PENDING]
        said = [*progress, *checkpoint.told]

        def work(unit: Unit) -> None:
            seq, _ = ledger_rows.locked_head(unit, run.session.id)
            for number, request in enumerate(requests):
                place = {"ledger_seq": seq + 1 + number}
                requests[number] = request.model_copy(update=place)
            request_rows.insert(unit, requests)
            stored = chat_rows.put(unit, run.session.id, state)
            change(
                unit,
                run,
                entries,
                checkpoint_id=checkpoint.id,
                **stored,
                attempts=0,
                error=None,
                **(WAITING if waiting else {}),
            )
            self._outbox.show(unit, run.session, waiting, said=said)
            if run.session.undoing is not None:
                for request in requests:
                    count_act(self._voting, unit, run.session, request)

        await self._store.unit(work, moment)
        return tuple(requests)

    async def foresee(self, run: Run, proposal: Proposal) -> Request:
        """What would become of a call if it were proposed now: the request that it would be, judged
        in the same way. Nothing is stored, and nobody is asked."""
        moment = self._moments.now()
        earlier, usage = await self._before(run.session, [proposal], moment, is_first=False)
        checkpoint = self._proposing.checkpoint(
            run.session, [proposal], earlier, "", moment, usage=usage
        )
        (request,) = checkpoint.requests
        return request

    async def _before(
        self, session: Session, proposals: Sequence[Proposal], moment: Moment, *, is_first: bool
    ) -> tuple[list[Request], Usage]:
        """The same calls that the session has proposed before, of which nobody decides any now: the
        chat goes on; and what is used of the budgets that these draw on."""
        hashes = frozenset() if is_first else call_hashes(proposals)
        situation = situation_of(session, moment.people, moment.now)
        draws = self._budgeting.draws(proposals, situation)
        if not hashes and not draws:
            return [], NOTHING_USED

        def read(connection: Connection) -> tuple[list[Request], Usage]:
            alike = request_rows.alike(connection, session.id, hashes) if hashes else []
            if not draws:
                return alike, NOTHING_USED
            return alike, self._budgeting.usage(connection, proposals, situation, moment.now)

        return await self._store.read(read)

    def asks(self, session: Session, call: ToolCall) -> bool:
        """Whether people would have to approve the call, or may have to past a soft limit."""
        moment = self._moments.now()
        situation = situation_of(session, moment.people, moment.now)
        return self._budgeting.may_ask(call, situation)
