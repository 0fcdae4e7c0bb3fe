"""Which moves exist, and what votes add up to."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import (
    PrincipalId,
    RequestId,
    RequestStatus,
    Stage,
    Verdict,
    Via,
    Vote,
)
from countersign.approvals.rules.lifecycle import (
    MOVES,
    Tally,
    require_move,
    tally,
)

S = RequestStatus
ALLOWED = {
    (S.PENDING, S.APPROVED),
    (S.PENDING, S.REJECTED),
    (S.PENDING, S.EXPIRED),
    (S.PENDING, S.CANCELLED),
    (S.APPROVED, S.EXECUTING),
    (S.APPROVED, S.CANCELLED),
    (S.APPROVED, S.PENDING),
    (S.APPROVED, S.REJECTED),
    (S.EXECUTING, S.EXECUTED),
    (S.EXECUTING, S.FAILED),
    (S.EXECUTING, S.IN_DOUBT),
    (S.IN_DOUBT, S.EXECUTED),
    (S.IN_DOUBT, S.FAILED),
}
MANAGERS = Stage(roles=("manager",), quorum=2)
CONTROLLER = Stage(roles=("controller",))


def vote(who: str, stage: int = 0, verdict: Verdict = Verdict.APPROVE) -> Vote:
    return Vote(
        request_id=RequestId("R-1"),
        revision=1,
        principal_id=PrincipalId(who),
        name=who,
        stage=stage,
        verdict=verdict,
        via=Via("teams"),
        identity=f"entra:{who}",
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(("current", "target"), list(itertools.product(S, S)))
def test_only_the_drawn_moves_are_allowed(current: S, target: S) -> None:
    if (current, target) in ALLOWED:
        require_move(current, target)
        return

    with pytest.raises(IntegrityError, match=f"cannot go from {current} to {target}"):
        require_move(current, target)


def test_execution_is_reached_only_through_an_approval() -> None:
    assert {S.APPROVED} == {status for status, moves in MOVES.items() if S.EXECUTING in moves}
    assert {S.PENDING} == {status for status, moves in MOVES.items() if S.APPROVED in moves}


def test_nothing_that_was_executed_can_execute_again() -> None:
    assert frozenset() == MOVES[S.EXECUTED] == MOVES[S.FAILED]
    assert S.EXECUTING not in MOVES[S.IN_DOUBT]


def test_nobody_has_voted_yet() -> None:
    assert Tally(stage=0, verdict=None) == tally([MANAGERS, CONTROLLER], [])


def test_quorum_counts_different_people() -> None:
    assert Tally(stage=0, verdict=None) == tally([MANAGERS], [vote("ben"), vote("ben")])
    assert Verdict.APPROVE == tally([MANAGERS], [vote("ben"), vote("cara")]).verdict


def test_next_stage_opens_when_the_one_before_is_passed() -> None:
    assert Tally(stage=1, verdict=None) == tally(
        [MANAGERS, CONTROLLER], [vote("ben"), vote("cara")]
    )


def test_every_stage_has_to_be_passed() -> None:
    votes = [vote("ben"), vote("cara"), vote("dave", stage=1)]

    assert Tally(stage=1, verdict=Verdict.APPROVE) == tally([MANAGERS, CONTROLLER], votes)


def test_votes_of_a_later_stage_do_not_pass_an_earlier_one() -> None:
    votes = [vote("dave", stage=1), vote("ben", stage=1)]

    assert Tally(stage=0, verdict=None) == tally([MANAGERS, CONTROLLER], votes)


def test_one_rejection_rejects_in_its_stage() -> None:
    votes = [vote("ben"), vote("cara"), vote("dave", stage=1, verdict=Verdict.REJECT)]

    assert Tally(stage=1, verdict=Verdict.REJECT) == tally([MANAGERS, CONTROLLER], votes)


def test_without_stages_nobody_can_approve() -> None:
    assert Tally(stage=0, verdict=None) == tally([], [vote("ben")])


PEOPLE = st.sampled_from(["ben", "cara", "dave", "erin"])
VOTES = st.lists(st.builds(vote, PEOPLE, st.integers(0, 2), st.sampled_from(Verdict)))
STAGES = st.lists(st.builds(Stage, roles=st.just(("manager",)), quorum=st.integers(1, 3)))


@settings(max_examples=100, deadline=None)
@given(STAGES, VOTES)
def test_approval_means_a_quorum_in_every_stage_and_no_rejection(
    stages: list[Stage], votes: list[Vote]
) -> None:
    result = tally(stages, votes)
    people = [{v.principal_id for v in votes if v.stage == n} for n in range(len(stages))]
    full = all(len(who) >= stage.quorum for who, stage in zip(people, stages, strict=True))
    rejected = any(v.verdict is Verdict.REJECT for v in votes)

    assert (result.verdict is Verdict.APPROVE) == (bool(stages) and full and not rejected)
    assert (result.verdict is Verdict.REJECT) == rejected
