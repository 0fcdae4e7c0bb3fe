"""Life cycle: which moves a request can make, and what its votes add up to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import RequestStatus as S
from countersign.approvals.models import (
    Stage,
    Value,
    Verdict,
    Vote,
)

MOVES: Mapping[S, frozenset[S]] = {
    S.PENDING: frozenset({S.APPROVED, S.REJECTED, S.EXPIRED, S.CANCELLED}),
    # approved → cancelled: what was approved no longer holds when it is about to run
    # (the approver lost the role, policy now denies it, or the session was cancelled).
    # approved → pending: it is asked again, as another revision.
    # approved → rejected: the approval was revoked before its call began.
    S.APPROVED: frozenset({S.EXECUTING, S.CANCELLED, S.PENDING, S.REJECTED}),
    S.EXECUTING: frozenset({S.EXECUTED, S.FAILED, S.IN_DOUBT}),
    # by a late result of an owner that was thought dead, or by a person who has looked
    S.IN_DOUBT: frozenset({S.EXECUTED, S.FAILED}),
    S.REJECTED: frozenset(),
    S.EXPIRED: frozenset(),
    S.CANCELLED: frozenset(),
    S.EXECUTED: frozenset(),
    S.FAILED: frozenset(),
}


def require_move(current: S, target: S, is_canary: bool = False) -> None:
    """Raise IntegrityError unless a request may go from `current` to `target`. One that is a test
    ends, and is never approved, so it never runs."""
    if target not in MOVES[current] or (is_canary and target is not S.CANCELLED):
        raise IntegrityError(f"A request cannot go from {current} to {target}.")


class Tally(Value):
    """Where the votes on one revision leave it: the open stage, and the verdict if decided."""

    stage: int
    verdict: Verdict | None


def tally(stages: Sequence[Stage], votes: Iterable[Vote]) -> Tally:
    """Count `votes` (all of one revision) against `stages`.

    As many rejections of one stage as it needs reject; one, unless its rule says otherwise. A stage
    is passed by `quorum` different people who voted in it; the request is approved when every stage
    is passed. Without stages nobody can approve. A vote that counts for other stages, too, counts
    in each of them.
    """
    approvals: dict[int, set[str]] = {}
    rejections: dict[int, set[str]] = {}
    for vote in votes:
        if vote.verdict is Verdict.REJECT:
            against = rejections.setdefault(vote.stage, set())
            against.add(vote.seat)
            if len(against) >= (stages[vote.stage].rejects if vote.stage < len(stages) else 1):
                return Tally(stage=vote.stage, verdict=Verdict.REJECT)
            continue
        for number in (vote.stage, *vote.also):
            approvals.setdefault(number, set()).add(vote.seat)
    for number, stage in enumerate(stages):
        if len(approvals.get(number, ())) < stage.quorum:
            return Tally(stage=number, verdict=None)
    if not stages:
        return Tally(stage=0, verdict=None)
    return Tally(stage=len(stages) - 1, verdict=Verdict.APPROVE)
