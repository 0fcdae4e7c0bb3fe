"""Voters: who casts a vote, whose place it fills, and why it cannot count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from countersign.approvals.models import Actor, People, Principal, Request, Vote
from countersign.approvals.rules.authority import outdated_duty
from countersign.approvals.rules.delegation import standing

VOTE_AGAIN = (
    "Nothing was counted. Decide again once it has been read; operators can see why it is not."
)


@dataclass(frozen=True)
class Voter:
    """Somebody who may vote."""

    actor: Actor
    person: Principal
    giver: Principal | None
    """For whom they stand in; None if they vote for themselves."""

    @property
    def seat(self) -> Principal:
        """Whose place the vote fills."""
        return self.giver or self.person


def voter(
    people: People, actor: Actor, request: Request, votes: Sequence[Vote], now: datetime
) -> Voter | str:
    """Whoever votes on the open stages of the request, or why they may not.

    What is known of them, and of who is on call, must not be older than may be believed.
    """
    reason, giver = standing(people, actor.principal, request, votes)
    if reason is not None or actor.principal is None:
        return reason or "You are not known here."
    found = Voter(actor, actor.principal, giver)
    for person in (found.person, found.seat):
        if (outdated := people.outdated(person, now)) is not None:
            return f"{outdated} {VOTE_AGAIN}"
    stages = [request.stages[number] for number in request.open_stages]
    if (outdated := outdated_duty(people, found.seat, stages, now)) is not None:
        return f"{outdated} {VOTE_AGAIN}"
    return found
