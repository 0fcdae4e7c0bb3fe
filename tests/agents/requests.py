"""Requests to test with."""

from __future__ import annotations

from typing import Any

from countersign.approvals.audit.canonical import digest
from countersign.approvals.models import (
    Decision,
    Request,
    RequestStatus,
    Verdict,
    Via,
)
from countersign.testing.suites.asked import asked
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
    approval = Decision(verdict=Verdict.APPROVE, by="mia", by_name="Mia", via=Via("teams"), at=NOW)
    changes: dict[str, Any] = {
        **signed,
        "id": "R-1",
        "digest": digest(arguments=arguments, **signed),
        "agent": "worker",
        "executor": "gate",
        "rationale": "",
        "status": RequestStatus.EXECUTING,
        "requester": "ann",
        "decision": approval,
        "execution_token": "token-1",
        "stages": (),
        "expires_at": None,
    }
    return asked((), arguments, **changes | update).request
