"""Together: one decision of a person on several calls that were proposed together.

All votes commit in one transaction, or none does. Each is a vote like every other one, on the
ledger with the digest that its person was shown; all of them take as many statements as two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from countersign.approvals.decisions.asking import AskAgain
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.one_outbox import OneOutbox
from countersign.approvals.decisions.reasking import Reasking
from countersign.approvals.decisions.refusals import Refusal
from countersign.approvals.decisions.remarks import Remarks
from countersign.approvals.decisions.vote_input import VoteInput
from countersign.approvals.decisions.voting import Voting
from countersign.approvals.decisions.writing import Gathered
from countersign.approvals.errors import (
    CountersignError,
    InvalidError,
    NotAuthorisedError,
    StaleDigestError,
    UnprovenError,
)
from countersign.approvals.models import Actor, Request, RequestId, Verdict
from countersign.approvals.observer import Observer
from countersign.approvals.ports import Store, Unit
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import directory_people
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.store import votes as vote_rows
from countersign.approvals.tickets import ActKey

log = structlog.get_logger(__name__)
MOST = 500
"""Calls that one decision is for."""
Acts = Mapping[RequestId, ActKey]
"""Of what a person did, where it may be read more than once, for each call."""
NO_ACTS: Acts = {}


class Together(NamedTuple):
    """What came of one decision on several calls."""

    requests: Sequence[Request]
    """Those that it counted for as they are then, in order."""
    left: Mapping[RequestId, str]
    """Why each of the others waits on."""


class _NotAllError(Exception):
    """One of them does not count, so none does."""

    def __init__(self, request_id: RequestId, outcome: Refusal | AskAgain):
        self.request_id, self.outcome = request_id, outcome


class VotingTogether:
    """Counts the votes of one person on several calls of one checkpoint."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        voting: Voting,
        reasking: Reasking,
        outbox: Callable[[], OneOutbox],
        remarks: Remarks,
        observer: Observer,
    ):
        """`outbox` gives a new one for each transaction."""
        self._store, self._moments, self._voting = store, moments, voting
        self._reasking, self._outbox, self._remarks = reasking, outbox, remarks
        self._observer = observer

    async def vote(
        self,
        shown: Mapping[RequestId, str],
        actor: Actor,
        verdict: Verdict,
        comment: str,
        *,
        leave: bool,
        acts: Acts,
        stage: int | None,
    ) -> Together:
        """Raises as `Approvals.vote_together` says."""
        if not 1 <= len(shown) <= MOST:
            raise InvalidError(f"Decide 1 to {MOST} calls at once.")
        if verdict is Verdict.MODIFY:
            raise InvalidError("Arguments are changed of one call at a time.")
        began_s = time.time()
        given = VoteInput(
            request_id=next(iter(shown)), verdict=verdict, comment=comment, digest="", stage=stage
        )

        def work(unit: Unit) -> Together:
            return self._vote(unit, shown, actor, given, leave=leave, acts=acts)

        try:
            done = await self._moments.unit(self._store, work)
        except _NotAllError as none:
            raise await self._why(none, actor) from None
        for request in (each for each in done.requests if each.canary is None):
            self._observer.voted(request, verdict, actor.via, began_s=began_s)
        log.info(
            "decided together",
            requests=len(done.requests),
            left=len(done.left),
            channel=actor.via,
        )
        return done

    def _vote(
        self,
        unit: Unit,
        shown: Mapping[RequestId, str],
        actor: Actor,
        given: VoteInput,
        *,
        leave: bool,
        acts: Acts,
    ) -> Together:
        first = next(iter(shown))
        request_rows.lock(unit, first)
        shown = _not_counted(unit, shown, acts)
        if not shown:
            return Together([], {})
        directory_people.require_current(unit)
        request, session = request_rows.with_session(unit, first)
        batch = request_rows.checkpoint_with(unit.connection, request)
        if strange := set(shown) - {each.id for each in batch}:
            raise InvalidError(
                f"{', '.join(sorted(strange))} was not proposed together with {first}."
            )
        votes = vote_rows.since_each(unit.connection, batch)
        unit.unshown.update(delivery_rows.unshown(unit.connection, [each.id for each in batch]))
        outbox, writing = self._outbox(), Gathered()
        voting = self._voting.through(outbox, writing)
        after: dict[RequestId, Request] = {}
        left: dict[RequestId, Refusal] = {}
        for each in batch:
            if each.id not in shown:
                continue
            mine = given.model_copy(update={"request_id": each.id, "digest": shown[each.id]})
            cast = voting.cast_on(unit, mine, actor, each, session, votes[each.id])
            if isinstance(cast, Request):
                after[each.id] = cast
            elif leave and isinstance(cast, Refusal) and _is_for_others(cast):
                left[each.id] = cast
            else:
                raise _NotAllError(each.id, cast)
        if not after:
            raise _NotAllError(*next(iter(left.items())))
        writing.write(unit)
        for request_id, act in acts.items():
            if request_id in after:
                ticket_rows.record_act(unit.connection, act, request_id, "", unit.now)
        outbox.settle(unit, session, [after.get(each.id, each) for each in batch])
        return Together(
            [after[each.id] for each in batch if each.id in after],
            {request_id: str(refusal.error) for request_id, refusal in left.items()},
        )

    async def _why(self, none: _NotAllError, actor: Actor) -> CountersignError:
        """What is told; the refusal of the one that does not count is on the ledger."""
        if isinstance(none.outcome, AskAgain):
            await self._reasking.ask_again(none.outcome)
            return StaleDigestError(
                f"Nothing was counted. {none.outcome.why} It is asked again as it would run today."
            )
        error = none.outcome.error
        if isinstance(error, NotAuthorisedError):
            await self._remarks.refuse(none.request_id, actor, str(error))
        return error


def _not_counted(unit: Unit, shown: Mapping[RequestId, str], acts: Acts) -> Mapping[RequestId, str]:
    """Those of which this act has not been counted before: another server may have read it, too."""
    if not acts:
        return shown
    first = next(iter(acts.values()))
    known = ticket_rows.acts_of(unit.connection, first.channel, first.ticket_id)
    kept = {each.key for each in known}
    return {each: digest for each, digest in shown.items() if acts.get(each) not in kept}


def _is_for_others(refusal: Refusal) -> bool:
    """Whether it waits on for others, or for a proof of who decides; what else keeps a vote from
    counting means that it is not as it was shown."""
    return isinstance(refusal.error, NotAuthorisedError | UnprovenError)
