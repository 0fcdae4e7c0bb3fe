"""Proposals: what an agent proposes becomes requests, by what policy says of it. Pure."""

from __future__ import annotations

import json
from datetime import datetime

from countersign.approvals import ids
from countersign.approvals.audit.canonical import (
    canonical_json,
    sha256_hex,
    signed_text,
    well_formed,
)
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import (
    Cause,
    CheckpointId,
    Decision,
    Effect,
    Effective,
    JsonObject,
    Outcome,
    Proposal,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Result,
    Risk,
    Ruling,
    Session,
    ToolCall,
    Verdict,
    Via,
)
from countersign.approvals.rules.conditions.calendars import NO_CALENDARS, Calendars
from countersign.approvals.rules.conditions.facts import NOWHERE, Situation
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.timing import times

POLICY = "policy"
"""Who decided, when it was a rule."""
ARGUMENTS_RULE = "arguments"
"""Denies what does not fit a tool, and what is for no tool there is."""
PRECONDITION_RULE = "precondition"
"""Denies what the tool's own check says makes no sense now."""
OFFER_RULE = "not_offered"
"""Denies an agent what its model was not shown."""


def rule(
    policy: Policy, proposal: Proposal, input_roles: tuple[str, ...], situation: Situation = NOWHERE
) -> Ruling:
    """What policy says; a call that cannot even be asked is denied with its problem."""
    if proposal.problem is not None:
        return Ruling(
            effect=Effect.DENY,
            rule_id=ARGUMENTS_RULE,
            reason=proposal.problem,
            risk=Risk.LOW,
        )
    if not proposal.offered:
        call = proposal.call
        return Ruling(
            effect=Effect.DENY,
            rule_id=OFFER_RULE,
            reason=f"{call.agent or 'This agent'} was not offered {call.tool}, so it may not call "
            "it. Ask an agent that was.",
            risk=Risk.HIGH,
        )
    if proposal.unmet is not None:
        reason = proposal.unmet
        return Ruling(effect=Effect.DENY, rule_id=PRECONDITION_RULE, reason=reason, risk=Risk.LOW)
    if proposal.kind is RequestKind.INPUT:
        return policy.rule_input(proposal.call, input_roles)
    return policy.rule(proposal.call, situation)


def checked(proposal: Proposal, policy_version: str) -> tuple[Proposal, str]:
    """The proposal and its digest. Arguments without a canonical form become its problem."""
    call = proposal.call
    texts = {name: well_formed(getattr(call, name)) for name in _TEXTS}
    call = call.model_copy(update={**texts, "digest_salt": ids.new_token()})
    proposal = proposal.model_copy(update={"call": call})
    try:
        return proposal, call_digest(proposal.call, policy_version)
    except InvalidError as exc:
        call = call.model_copy(update={"arguments": {"raw": _raw(call.arguments)}})
        refused = proposal.model_copy(update={"call": call, "problem": str(exc)})
        return refused, call_digest(call, policy_version)


_TEXTS = ("call_id", "tool", "agent", "executor", "rationale")


def _raw(arguments: JsonObject) -> str:
    """For the record: what the agent gave, in ASCII."""
    try:
        return json.dumps(arguments, default=repr)
    except (RecursionError, TypeError):
        return "(not JSON)"


def call_digest(call: ToolCall, policy_version: str) -> str:
    """The digest of a call under a policy."""
    return sha256_hex(call_text(call, policy_version))


def call_text(call: ToolCall, policy_version: str) -> bytes:
    """What the digest of a call is the hash of."""
    return signed_text(
        session_id=call.session_id,
        call_id=call.call_id,
        tool=call.tool,
        arguments=call.arguments,
        policy_version=policy_version,
        schema_version=call.schema_version,
        checked=call.checked.signed(),
        salt=call.digest_salt,
    )


def call_of(request: Request, arguments: JsonObject) -> ToolCall:
    """The call that a request stands for, with these arguments."""
    return ToolCall.made(
        session_id=request.session_id,
        call_id=request.call_id,
        tool=request.tool,
        arguments=arguments,
        agent=request.agent,
        executor=request.executor,
        rationale=request.rationale,
        schema_version=request.schema_version,
        checked=request.checked,
        digest_salt=request.digest_salt,
    )


def with_effective(proposal: Proposal, effective: Effective) -> Proposal:
    """The proposal of what the body will receive; what the agent wrote is kept where it differs."""
    call = proposal.call
    changed = not _signed_alike(call.arguments, effective.arguments)
    update = {"arguments": effective.arguments, "schema_version": effective.schema_version}
    return proposal.model_copy(
        update={
            "call": call.model_copy(update=update),
            "written": call.arguments if changed else None,
            "defaulted": effective.defaulted,
            "injected": effective.injected,
        }
    )


def _signed_alike(one: JsonObject, other: JsonObject) -> bool:
    if one.keys() == other.keys() and all(one[name] is other[name] for name in one):
        return True
    return canonical_json(one) == canonical_json(other)


def call_hash(tool: str, arguments: JsonObject) -> str:
    """The same for the same call, whoever proposes it and when. 64 hex digits."""
    return sha256_hex(canonical_json({"tool": tool, "arguments": arguments}))


def build(
    session: Session,
    checkpoint_id: CheckpointId,
    request_id: RequestId,
    position: int,
    proposal: Proposal,
    ruling: Ruling,
    *,
    digest_hex: str,
    policy_version: str,
    now: datetime,
    calendars: Calendars = NO_CALENDARS,
    seen: JsonObject | None = None,
) -> Request:
    """The request for one proposal, already decided where policy decides."""
    call = proposal.call
    asks = ruling.effect is Effect.REQUIRE_APPROVAL
    return Request(
        id=request_id,
        session_id=session.id,
        checkpoint_id=checkpoint_id,
        position=position,
        kind=proposal.kind,
        call_id=call.call_id,
        tool=call.tool,
        arguments=call.arguments,
        agent=call.agent,
        executor=call.executor,
        rationale=call.rationale,
        risk=ruling.risk,
        rule_id=ruling.rule_id,
        reason=ruling.reason,
        policy_version=policy_version,
        revision=1,
        digest=digest_hex,
        digest_salt=call.digest_salt,
        stages=ruling.stages,
        stage=0,
        channels=ruling.channels,
        status=_STATUS[ruling.effect],
        requester=session.owner,
        idempotent=proposal.idempotent,
        created_at=now,
        **times(ruling, now, calendars),
        decision=None if asks else _by_policy(ruling, digest_hex, now),
        execution_token=ids.new_token(),
        traceparent=proposal.traceparent,
        schema_version=call.schema_version,
        defaulted=proposal.defaulted,
        written=proposal.written,
        injected=proposal.injected,
        show_first=ruling.show_first,
        valid_for_s=ruling.valid_for_s if asks else None,
        facts=call.checked.facts,
        preview=call.checked.preview,
        call_hash="" if proposal.problem else call_hash(call.tool, call.arguments),
        budgets=ruling.budgets,
        seen=seen,
        parallel=proposal.parallel,
        result=_result(proposal, ruling),
    )


_STATUS = {
    Effect.ALLOW: RequestStatus.APPROVED,
    Effect.DENY: RequestStatus.REJECTED,
    Effect.SHADOW: RequestStatus.REJECTED,
    Effect.REQUIRE_APPROVAL: RequestStatus.PENDING,
}


def _by_policy(ruling: Ruling, digest_hex: str, now: datetime) -> Decision:
    return Decision(
        verdict=Verdict.APPROVE if ruling.effect is Effect.ALLOW else Verdict.REJECT,
        by=POLICY,
        by_name=f"rule {ruling.rule_id}",
        via=Via.POLICY,
        at=now,
        comment=ruling.reason,
        digest=digest_hex,
    )


def _result(proposal: Proposal, ruling: Ruling) -> Result | None:
    if proposal.problem is not None:
        return not_executed(Cause.INVALID_ARGUMENTS, ruling.reason, retry=True)
    if proposal.unmet is not None:
        return not_executed(Cause.PRECONDITION, ruling.reason, retry=True)
    if ruling.effect is Effect.DENY:
        return not_executed(Cause.DENIED_BY_POLICY, ruling.reason)
    if ruling.effect is Effect.SHADOW:
        return not_executed(Cause.SHADOW, ruling.reason)
    return None


def unanswerable(ruling: Ruling, why: str) -> Ruling:
    """The ruling on a call that nobody may decide: refused at once instead of asked for ever."""
    reason = f"Nobody was asked, and nothing was run. {why}"
    return ruling.model_copy(update={"effect": Effect.DENY, "reason": reason})


def no_approver(message: str) -> Result:
    """The result of what nobody may decide; to propose it again changes nothing."""
    return not_executed(Cause.NO_APPROVER, message)


def is_unanswerable(request: Request) -> bool:
    """Whether it was not asked because nobody may decide it."""
    return request.result is not None and request.result.cause is Cause.NO_APPROVER


def not_executed(cause: Cause, message: str, *, retry: bool = False) -> Result:
    """The typed result of a call that was not run."""
    return Result(outcome=Outcome.NOT_EXECUTED, cause=cause, message=message, retry=retry)


def written_by_agent(request: Request) -> JsonObject:
    """What the agent wrote, whatever the tool's defaults or a person made of it."""
    if request.written is not None:
        return request.written
    return request.arguments if request.proposed_arguments is None else request.proposed_arguments
