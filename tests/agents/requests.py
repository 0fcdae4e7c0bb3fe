"""Requests to test with."""

from __future__ import annotations

from typing import Any

from countersign.approvals.audit.canonical import digest
from countersign.approvals.models import (
    CheckpointId,
    Decision,
    PrincipalId,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Risk,
    SessionId,
    Verdict,
    Via,
)
from tests.agents.fakes import NOW


def claimed(
    tool: str, arguments: dict[str, Any], *, schema_version: str = "", **update: Any
) -> Request:
    """A request in execution, approved by a person, with the digest of its arguments."""
    signed: dict[str, Any] = {
        "session_id": "S-1",
        "call_id": "0.0",
        "tool": tool,
        "policy_version": "p1",
        "schema_version": schema_version,
    }
    request = Request(
        id=RequestId("R-1"),
        session_id=SessionId("S-1"),
        checkpoint_id=CheckpointId("C-1"),
        position=0,
        kind=RequestKind.TOOL,
        call_id="0.0",
        tool=tool,
        arguments=arguments,
        schema_version=schema_version,
        agent="worker",
        executor="gate",
        rationale="",
        risk=Risk.LOW,
        rule_id="rule",
        reason="because",
        policy_version="p1",
        revision=1,
        digest=digest(arguments=arguments, **signed),
        stages=(),
        stage=0,
        status=RequestStatus.EXECUTING,
        requester=PrincipalId("ann"),
        idempotent=False,
        created_at=NOW,
        expires_at=None,
        decision=Decision(
            verdict=Verdict.APPROVE, by="mia", by_name="Mia", via=Via("teams"), at=NOW
        ),
        execution_token="token-1",
    )
    return request.model_copy(update=update)
