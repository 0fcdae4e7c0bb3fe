"""Progress: how far each stage of a request is, and who could bring it on. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from countersign.approvals.models import (
    People,
    Principal,
    Request,
    RequestStatus,
    StageProgress,
    Verdict,
    Vote,
)
from countersign.approvals.rules.delegation import standing
from countersign.approvals.rules.eligibility import asked, may_fill, open_now


def steps(request: Request, votes: Iterable[Vote], people: People) -> tuple[StageProgress, ...]:
    """The stages of a request, in their order."""
    cast = [vote for vote in votes if vote.revision == request.revision]
    waits = request.status is RequestStatus.PENDING
    ask = asked(request, cast)
    now = open_now(ask) if waits and request.stages else ()
    found = []
    for number, stage in enumerate(request.stages):
        mine = tuple(vote for vote in cast if number in (vote.stage, *vote.also))
        given = {vote.seat for vote in mine if vote.verdict is not Verdict.REJECT}
        missing = max(stage.quorum - len(given), 0) if waits else 0
        could = tuple(may_fill(ask, number, people)) if missing else ()
        if could and number in now:
            could = _with_delegates(could, request, cast, people)
        found.append(
            StageProgress(
                number=number,
                stage=stage,
                is_open=number in now,
                votes=mine,
                missing=missing,
                could=could,
            )
        )
    return tuple(found)


def _with_delegates(
    could: tuple[Principal, ...], request: Request, votes: list[Vote], people: People
) -> tuple[Principal, ...]:
    """These people, and those who may vote for one of them now, by id."""
    if not people.has_delegations:
        return could
    known = {person.id: person for person in could}
    for giver in could:
        for delegate in people.delegates(giver.id):
            reason, lent = standing(people, delegate, request, votes)
            if reason is None and lent is not None and lent.id == giver.id:
                known.setdefault(delegate.id, delegate)
    return tuple(known[id_] for id_ in sorted(known))
