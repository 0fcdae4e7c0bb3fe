"""Casting: a vote in one transaction, with the act in a ticket that it was, and a grant with it."""

from __future__ import annotations

from typing import TypeGuard

from countersign.approvals.decisions.asking import AskAgain
from countersign.approvals.decisions.granting import Granting
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.reasking import Reasking
from countersign.approvals.decisions.refusals import Refusal
from countersign.approvals.decisions.vote_input import VoteInput
from countersign.approvals.decisions.voting import Voting
from countersign.approvals.errors import ExpiredError, StaleDigestError
from countersign.approvals.models import Actor, Request
from countersign.approvals.observer import Observer
from countersign.approvals.ports import Store, Unit
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.tickets import ActKey


class Casting:
    """Casts votes, and raises where one does not count."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        voting: Voting,
        granting: Granting,
        reasking: Reasking,
        observer: Observer,
    ):
        self._store, self._moments, self._voting = store, moments, voting
        self._granting, self._reasking, self._observer = granting, reasking, observer

    async def cast(
        self, given: VoteInput, actor: Actor, act: ActKey | None
    ) -> tuple[Request, bool]:
        """The request after the vote, and whether it was not counted before."""
        request_id = given.request_id

        def work(unit: Unit) -> tuple[Request | Refusal | AskAgain, bool]:
            request_rows.lock(unit, request_id)
            if act is not None and ticket_rows.act(unit.connection, act) is not None:
                return request_rows.get(unit.connection, request_id), False
            outcome = self._voting.cast(unit, given, actor)
            if given.grant is not None and _is_real(outcome):
                _, session = request_rows.with_session(unit, request_id)
                self._granting.give_in(unit, outcome, session, actor, given.grant)
            if act is not None:
                reason = _reason(outcome)
                ticket_rows.record_act(unit.connection, act, request_id, reason, unit.now)
            return outcome, True

        outcome, new = await self._moments.unit(self._store, work)
        if isinstance(outcome, AskAgain):
            await self._reasking.ask_again(outcome)
            raise StaleDigestError(
                f"{outcome.why} It is asked again as it would run today: look at it and decide."
            )
        if isinstance(outcome, Refusal):
            if isinstance(outcome.error, ExpiredError):
                self._observer.expired(request_id)  # this vote found its deadline passed
            raise outcome.error
        return outcome, new


def _is_real(outcome: Request | Refusal | AskAgain) -> TypeGuard[Request]:
    """Whether it is a request of which calls that are alike can be granted: no test."""
    return isinstance(outcome, Request) and outcome.canary is None


def _reason(outcome: Request | Refusal | AskAgain) -> str:
    """Why an act in a ticket did not count; "" if it did."""
    if isinstance(outcome, AskAgain):
        return outcome.why
    return str(outcome.error) if isinstance(outcome, Refusal) else ""
