"""A request as channels are given it, made of values alone: no database, no workflow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.models import (
    CheckpointId,
    Decision,
    Delivery,
    DeliveryId,
    DeliveryStatus,
    JsonObject,
    Outcome,
    Principal,
    PrincipalId,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Result,
    Risk,
    Session,
    SessionId,
    SessionStatus,
    Stage,
    Verdict,
    Via,
)
from countersign.approvals.ports import RequestView

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROLE = "manager"
REQUESTER = Principal(id=PrincipalId("sam"), name="Sam Carter")
CUSTOMER = "Zanzibar Trading"
"""Stands in the arguments, and nowhere else."""
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"customer": {"type": "string"}, "amount": {"type": "number", "minimum": 0}},
    "required": ["customer", "amount"],
}


def asked(
    approvers: tuple[Principal, ...], arguments: JsonObject | None = None, **changes: Any
) -> RequestView:
    """A request for a quote that waits for one of `approvers`; `changes` are of the request."""
    session = Session(
        id=SessionId("S-SUITE"),
        workflow="sales",
        workflow_version="1",
        task="Quote for a customer",
        owner=REQUESTER.id,
        status=SessionStatus.WAITING,
        conversation=None,
        created_at=NOW,
        updated_at=NOW,
    )
    request = Request(
        id=RequestId("R-SUITE"),
        session_id=session.id,
        checkpoint_id=CheckpointId("C-SUITE"),
        position=0,
        kind=RequestKind.TOOL,
        call_id="call-1",
        tool="push_quote",
        arguments={"customer": CUSTOMER, "amount": 100} if arguments is None else arguments,
        agent="seller",
        executor="gatekeeper",
        rationale="The customer asked for it.",
        risk=Risk.HIGH,
        rule_id="push_quote",
        reason="Quotes bind us.",
        policy_version="p-1",
        revision=1,
        digest=sha256_hex(b"suite"),
        stages=(Stage(roles=(ROLE,)),),
        stage=0,
        status=RequestStatus.PENDING,
        requester=REQUESTER.id,
        idempotent=False,
        created_at=NOW,
        expires_at=NOW + timedelta(hours=4),
        execution_token="t-suite",  # noqa: S106
    )
    return RequestView(
        request=request.model_copy(update=changes),
        session=session,
        votes=(),
        requester=REQUESTER,
        arguments_schema=SCHEMA,
        eligible=approvers,
    )


def executed(view: RequestView, by: Principal, via: str = "api") -> RequestView:
    """The same, approved by somebody and run."""
    request = view.request
    decision = Decision(
        verdict=Verdict.APPROVE,
        by=by.id,
        by_name=by.name,
        via=Via(via),
        at=NOW + timedelta(minutes=5),
        digest=request.digest,
    )
    after = request.model_copy(
        update={
            "status": RequestStatus.EXECUTED,
            "decision": decision,
            "result": Result(outcome=Outcome.EXECUTED, content="Quote Q-4711 was sent."),
        }
    )
    return view.model_copy(update={"request": after, "eligible": ()})


def delivery(view: RequestView, channel: str, target: str) -> Delivery:
    """The row that says where to show it."""
    return Delivery(
        id=DeliveryId("D-SUITE"),
        request_id=view.request.id,
        channel=channel,
        target=target,
        status=DeliveryStatus.PENDING,
    )
