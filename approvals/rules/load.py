"""Load: who of those who may decide is sent a request, where each is sent only so many. Pure.

Nobody gains or loses the right to decide by it: it is about whose attention is called. Whoever is
sent no more finds everything in the inbox.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from countersign.approvals.models import People, Principal, PrincipalId
from countersign.approvals.rules.eligibility import Asked, may_fill, missing, open_now


def reached(
    ask: Asked,
    approvers: Sequence[Principal],
    loads: Mapping[PrincipalId, int],
    most: int,
    people: People,
) -> Sequence[Principal]:
    """Those of the approvers who have fewer than `most` requests open, in their order; if they are
    too few for what the open stages need, also those who have the fewest."""
    free = {person.id for person in approvers if loads.get(person.id, 0) < most}
    full = sorted(
        (person for person in approvers if person.id not in free),
        key=lambda person: (loads[person.id], person.id),
    )
    needed = [
        (_places(ask, number), {each.id for each in may_fill(ask, number, people)})
        for number in open_now(ask)
    ]
    for person in full:
        if len(free) >= missing(ask) and all(len(free & who) >= n for n, who in needed):
            break
        free.add(person.id)
    return [person for person in approvers if person.id in free]


def _places(ask: Asked, number: int) -> int:
    """How many a stage still needs."""
    filled = sum(number in stages for _, stages in ask.counted)
    return ask.stages[number].quorum - filled
