"""Submitting: the calls that agents propose together become requests, with the chat's state."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from countersign.approvals.decisions.budgeting import NO_STANDINGS, Budgeting, Standings
from countersign.approvals.decisions.grant_uses import GrantUses
from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.proposing import Checkpoint, Proposing
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
        caller must suspend the chat. Without proposals the chat's state alone is stored.
        """
        is_first = first and run.chat is None
        moment, sha256 = self._moments.now(), state.transcript_sha256
        tools = [each.call.tool for each in proposals]
        checkpoint = await self._judged(run, proposals, sha256, moment, tools, is_first=is_first)
        requests, entries = list(checkpoint.requests), checkpoint.entries
        proposed = {"checkpoint_id": checkpoint.id, "attempts": 0, "error": None}
        if not entries:  # the chat's state alone
            entries, proposed = [("stored", {"transcript_sha256": sha256})], {}
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
                **proposed,
                **stored,
                **(WAITING if waiting else {}),
            )
            self._outbox.show(unit, run.session, waiting, said=said)
            if run.session.undoing is not None:
                for request in requests:
                    count_act(self._voting, unit, run.session, request)

        await self._store.unit(work, moment)
        return tuple(requests)

    async def _judged(
        self,
        run: Run,
        proposals: Sequence[Proposal],
        transcript_sha256: str,
        moment: Moment,
        granted_tools: Sequence[str],
        *,
        is_first: bool,
    ) -> Checkpoint:
        before = await self._before(run.session, proposals, moment, is_first=is_first)
        earlier, usage, standings = before
        granted = await self._grants.candidates(granted_tools, moment)
        return self._proposing.checkpoint(
            run.session, proposals, earlier, transcript_sha256, moment, granted, usage, standings
        )

    async def foresee(
        self, run: Run, proposals: Sequence[Proposal], *, granted: bool = False
    ) -> Sequence[Request]:
        """What would become of calls if they were proposed together now: the requests that they
        would be, judged in the same way, with `granted` also by what was granted. Nothing is
        stored, and nobody is asked."""
        moment = self._moments.now()
        tools = [each.call.tool for each in proposals] if granted else []
        checkpoint = await self._judged(run, proposals, "", moment, tools, is_first=False)
        return tuple(checkpoint.requests)

    async def _before(
        self, session: Session, proposals: Sequence[Proposal], moment: Moment, *, is_first: bool
    ) -> tuple[list[Request], Usage, Standings]:
        """The same calls that the session has proposed before, of which nobody decides any now: the
        chat goes on; what is used of the budgets that these draw on; where their rules stand."""
        hashes = frozenset() if is_first else call_hashes(proposals)
        situation = situation_of(session, moment.people, moment.now)
        draws = self._budgeting.draws(proposals, situation)
        phased = self._budgeting.by_phases(proposals, session.workflow)
        if not hashes and not draws and not phased:
            return [], NOTHING_USED, NO_STANDINGS

        def read(connection: Connection) -> tuple[list[Request], Usage, Standings]:
            alike = request_rows.alike(connection, session.id, hashes) if hashes else []
            stand, used = NO_STANDINGS, NOTHING_USED
            if phased:
                stand = self._budgeting.standings(connection, phased, session.workflow)
            if draws:
                used = self._budgeting.usage(connection, proposals, situation, moment.now)
            return alike, used, stand

        return await self._store.read(read)

    def asks(self, session: Session, call: ToolCall) -> bool:
        """Whether people would have to approve the call, or may have to past a soft limit."""
        moment = self._moments.now()
        situation = situation_of(session, moment.people, moment.now)
        return self._budgeting.may_ask(call, situation)
