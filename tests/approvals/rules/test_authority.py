"""Who may decide, when voting and again when claiming."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from countersign.approvals.models import (
    People,
    Principal,
    PrincipalId,
    Request,
    RequestId,
    RequestKind,
    Stage,
    Verdict,
    Via,
    Vote,
)
from countersign.approvals.rules.authority import reason_against, revoked
from countersign.testing.suites.asked import asked
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, FakeDirectory

AT = datetime(2026, 1, 1, tzinfo=UTC)


def request(
    *stages: Stage, stage: int = 0, kind: RequestKind = RequestKind.TOOL, revision: int = 1
) -> Request:
    changes: dict[str, Any] = {
        "stages": stages or (Stage(roles=("manager",)),),
        "stage": stage,
        "kind": kind,
    }
    return asked((), requester=ANNA.id, revision=revision, **changes).request


def vote(who: Principal, *, stage: int = 0, revision: int = 1) -> Vote:
    return Vote(
        request_id=RequestId("R-1"),
        revision=revision,
        principal_id=who.id,
        name=who.name,
        stage=stage,
        verdict=Verdict.APPROVE,
        via=Via("teams"),
        identity=f"entra:{who.id}",
        at=AT,
    )


def with_roles(who: Principal, *roles: str) -> Principal:
    return who.model_copy(update={"roles": frozenset(roles)})


def test_holder_of_the_role_may_decide() -> None:
    assert reason_against(BEN, request(), []) is None


def test_stranger_may_not_decide() -> None:
    assert "not known here" in str(reason_against(None, request(), []))


@pytest.mark.parametrize("roles", [("manager",), ("manager", "admin"), ("owner", "manager")])
def test_requester_cannot_approve_own_call_whatever_their_roles(roles: tuple[str, ...]) -> None:
    stage = Stage(roles=("manager", "owner"))

    assert "yourself" in str(reason_against(with_roles(ANNA, *roles), request(stage), []))


def test_other_roles_do_not_count() -> None:
    assert "This needs the role manager or lead." == reason_against(
        DAVE, request(Stage(roles=("manager", "lead"))), []
    )


def test_role_of_another_stage_does_not_count() -> None:
    stages = (Stage(roles=("manager",)), Stage(roles=("controller",)))

    assert reason_against(DAVE, request(*stages), []) is not None
    assert reason_against(DAVE, request(*stages, stage=1), []) is None


def test_request_without_approvers_can_be_decided_by_nobody() -> None:
    value = request(stage=1)

    assert "names no approvers" in str(reason_against(BEN, value, []))


def test_one_vote_per_person_over_all_stages_of_a_revision() -> None:
    both = with_roles(BEN, "manager", "controller")
    stages = (Stage(roles=("manager",)), Stage(roles=("controller",)))

    assert "already voted" in str(reason_against(both, request(*stages, stage=1), [vote(BEN)]))


def test_votes_of_others_and_of_older_revisions_do_not_bar() -> None:
    votes = [vote(CARA, revision=2), vote(BEN, revision=1)]

    assert reason_against(BEN, request(revision=2), votes) is None


def test_owner_answers_questions_of_their_own_session() -> None:
    question = request(Stage(roles=("owner",)), kind=RequestKind.INPUT)

    assert reason_against(ANNA, question, []) is None
    assert "This needs the role owner." == reason_against(ERIN, question, [])


def test_owner_without_the_role_does_not_answer_questions_for_others() -> None:
    question = request(Stage(roles=("manager",)), kind=RequestKind.INPUT)

    assert "This needs the role manager." == reason_against(ANNA, question, [])


def test_votes_of_people_in_office_carry_the_approval() -> None:
    assert revoked(FakeDirectory().people(), request(), [vote(BEN)]) is None


def test_lost_role_revokes_the_approval() -> None:
    directory = FakeDirectory()
    directory.set_roles(BEN.id, "sales")

    assert "no longer holds the role manager" in str(
        revoked(directory.people(), request(), [vote(BEN)])
    )


def test_a_vote_of_the_requester_carries_no_call() -> None:
    """No vote of theirs is taken; were there one in the store, nothing runs by it either."""
    directory = FakeDirectory()
    directory.set_roles(ANNA.id, "manager")

    assert "Anna, who approved this, has asked for it." == revoked(
        directory.people(), request(), [vote(ANNA)]
    )


def test_person_who_left_revokes_the_approval() -> None:
    directory = FakeDirectory()
    directory.remove(PrincipalId("ben"))

    assert "no longer known" in str(revoked(directory.people(), request(), [vote(BEN)]))


def test_role_has_to_fit_the_stage_of_the_vote() -> None:
    stages = (Stage(roles=("manager",)), Stage(roles=("controller",)))
    directory = FakeDirectory()
    directory.set_roles(BEN.id, "controller")

    assert revoked(directory.people(), request(*stages), [vote(BEN, stage=0)]) is not None
    assert revoked(directory.people(), request(*stages), [vote(BEN, stage=1)]) is None


def test_votes_of_older_revisions_are_not_asked_about() -> None:
    assert revoked(People(), request(revision=2), [vote(BEN, revision=1)]) is None


def test_owner_role_is_held_by_the_requester_only() -> None:
    question = request(Stage(roles=("owner",)), kind=RequestKind.INPUT)
    directory = FakeDirectory()

    assert revoked(directory.people(), question, [vote(ANNA)]) is None
    assert revoked(directory.people(), question, [vote(ERIN)]) is not None
