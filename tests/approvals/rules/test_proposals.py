"""From what an agent proposes to a request, by what policy says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from countersign.approvals.models import (
    Cause,
    CheckpointId,
    Effect,
    Outcome,
    PrincipalId,
    Proposal,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Risk,
    Ruling,
    Session,
    SessionId,
    SessionStatus,
    Stage,
    ToolCall,
    Verdict,
    Via,
)
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.proposals import (
    build,
    call_digest,
    checked,
    rule,
)
from tests.doubles.clock import START

POLICY = Policy.load(
    {"tools": {"look": "allow", "quote": {"effect": "require_approval", "roles": ["manager"]}}}
)
SESSION = Session(
    id=SessionId("S-1"),
    workflow="sales",
    workflow_version="1",
    task="",
    owner=PrincipalId("anna"),
    status=SessionStatus.RUNNING,
    conversation=None,
    created_at=START,
    updated_at=START,
)


def proposal(tool: str = "quote", arguments: Any = None, **more: Any) -> Proposal:
    call = ToolCall(
        session_id=SESSION.id,
        call_id=more.pop("call_id", "call-1"),
        tool=tool,
        arguments={"amount": 1} if arguments is None else arguments,
        agent="seller",
        executor="gatekeeper",
        rationale=more.pop("rationale", ""),
    )
    return Proposal(call=call, **more)


def built(effect: Effect, *, deadline_s: float | None = None, **more: Any) -> Request:
    value = proposal(**more)
    ruling = Ruling(
        effect=effect,
        rule_id="tools.quote",
        reason="Because.",
        stages=(Stage(roles=("manager",)),),
        deadline_s=deadline_s,
    )
    return build(
        SESSION,
        CheckpointId("C-1"),
        RequestId("R-1"),
        3,
        value,
        ruling,
        digest_hex="d" * 64,
        policy_version="v1",
        now=START,
    )


def test_call_is_ruled_by_policy() -> None:
    assert Effect.ALLOW is rule(POLICY, proposal("look"), ()).effect
    assert Effect.DENY is rule(POLICY, proposal("unheard"), ()).effect


def test_call_with_a_problem_is_denied_even_if_it_were_allowed() -> None:
    ruling = rule(POLICY, proposal("look", problem="amount: is required"), ())

    assert (Effect.DENY, "arguments", "amount: is required", Risk.LOW) == (
        ruling.effect,
        ruling.rule_id,
        ruling.reason,
        ruling.risk,
    )


def test_question_asks_the_roles_of_its_proxy() -> None:
    ruling = rule(POLICY, proposal(kind=RequestKind.INPUT), ("lead",))

    assert (Effect.REQUIRE_APPROVAL, (Stage(roles=("lead",)),)) == (ruling.effect, ruling.stages)


def test_call_that_needs_people_is_pending_until_its_deadline() -> None:
    request = built(Effect.REQUIRE_APPROVAL, deadline_s=60)

    assert RequestStatus.PENDING is request.status
    assert START + timedelta(seconds=60) == request.expires_at
    assert (None, None, 1, 0) == (
        request.decision,
        request.result,
        request.revision,
        request.stage,
    )
    assert (PrincipalId("anna"), 3) == (request.requester, request.position)


def test_call_without_deadline_never_expires() -> None:
    assert built(Effect.REQUIRE_APPROVAL).expires_at is None


@pytest.mark.parametrize(
    ("effect", "status", "verdict", "cause"),
    [
        (Effect.ALLOW, RequestStatus.APPROVED, Verdict.APPROVE, None),
        (Effect.DENY, RequestStatus.REJECTED, Verdict.REJECT, Cause.DENIED_BY_POLICY),
        (Effect.SHADOW, RequestStatus.REJECTED, Verdict.REJECT, Cause.SHADOW),
    ],
)
def test_what_policy_decides_is_decided_by_its_rule(
    effect: Effect, status: RequestStatus, verdict: Verdict, cause: Cause | None
) -> None:
    request = built(effect, deadline_s=60)
    decision = request.decision

    assert decision is not None
    assert (status, None) == (request.status, request.expires_at)
    assert (verdict, "policy", "rule tools.quote", Via.POLICY, "d" * 64) == (
        decision.verdict,
        decision.by,
        decision.by_name,
        decision.via,
        decision.digest,
    )
    assert cause == (None if request.result is None else request.result.cause)


def test_agents_may_try_again_only_with_arguments_that_fit() -> None:
    bad, denied = (
        built(Effect.DENY, problem="amount: is required").result,
        built(Effect.DENY).result,
    )

    assert bad is not None
    assert denied is not None
    assert (Cause.INVALID_ARGUMENTS, True) == (bad.cause, bad.retry)
    assert (Outcome.NOT_EXECUTED, False) == (denied.outcome, denied.retry)


def test_execution_tokens_are_never_the_same() -> None:
    one, other = built(Effect.ALLOW), built(Effect.ALLOW)

    assert one.execution_token != other.execution_token


def test_good_proposal_keeps_its_arguments_and_gets_its_digest() -> None:
    value = proposal()
    sound, digest_hex = checked(value, "v1")
    salt = sound.call.digest_salt
    salted = value.call.model_copy(update={"digest_salt": salt})

    assert value.model_copy(update={"call": salted}) == sound
    assert call_digest(salted, "v1") == digest_hex
    assert 128 == 4 * len(salt)


def test_the_same_call_has_another_digest_each_time() -> None:
    """Whoever knows all of a call but one short value cannot find that by its digest."""
    one, other = checked(proposal(), "v1"), checked(proposal(), "v1")

    assert one[0].call.arguments == other[0].call.arguments
    assert one[1] != other[1]
    assert call_digest(proposal().call, "v1") not in (one[1], other[1])


@pytest.mark.parametrize(
    "arguments", [{"n": 2**60}, {"n": float("nan")}, {"s": "\ud800"}, {"s": {1, 2}}]
)
def test_arguments_without_canonical_form_become_the_problem(arguments: Any) -> None:
    refused, digest_hex = checked(proposal("look", arguments), "v1")

    assert "no canonical JSON form" in str(refused.problem)
    assert ["raw"] == list(refused.call.arguments)
    assert refused.call.arguments["raw"].isascii()
    assert call_digest(refused.call, "v1") == digest_hex
    assert Effect.DENY is rule(POLICY, refused, ()).effect


def test_arguments_nested_without_end_become_the_problem() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    refused, _ = checked(proposal("look", {"deep": deep}), "v1")

    assert {"raw": "(not JSON)"} == refused.call.arguments


def test_lone_surrogates_in_the_words_of_an_agent_are_replaced() -> None:
    value, _ = checked(proposal("t\ud800", call_id="c\udfff", rationale="so \ud83d"), "v1")

    assert ("t?", "c?", "so ?") == (value.call.tool, value.call.call_id, value.call.rationale)
    assert value.problem is None
