"""Progress: how far each stage of a request is, and who could bring it on. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from countersign.approvals.models import (
    People,
    Request,
    RequestStatus,
    StageProgress,
    Verdict,
    Vote,
)
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
        found.append(
            StageProgress(
                number=number,
                stage=stage,
                is_open=number in now,
                votes=mine,
                missing=missing,
                could=tuple(may_fill(ask, number, people)) if missing else (),
            )
        )
    return tuple(found)
