"""How values become columns: compact JSON text, and times as text that sorts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from approvals.models import (
    Conversation,
    Decision,
    Delivery,
    JsonObject,
    LedgerEntry,
    Notice,
    Request,
    Result,
    Session,
    Stage,
    Vote,
)

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_text(at: datetime) -> str:
    """A UTC time with microseconds, always 32 characters, so that text order is time order."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def from_text(text: str) -> datetime:
    """The inverse of `to_text`."""
    return datetime.fromisoformat(text)


def dumps(value: Any) -> str:
    """Compact JSON."""
    return _compact(value)


def loads(text: str) -> Any:
    """The inverse of `dumps`."""
    return json.loads(text)


def object_or_none(text: str | None) -> JsonObject | None:
    """A nullable JSON column."""
    return None if text is None else loads(text)


def session(row: Row[Any]) -> Session:
    """A row of `sessions`."""
    m = row._mapping
    return Session(
        id=m["id"],
        workflow=m["workflow"],
        workflow_version=m["workflow_version"],
        task=m["task"],
        owner=m["owner"],
        status=m["status"],
        conversation=m["conversation"],
        created_at=from_text(m["created_at"]),
        updated_at=from_text(m["updated_at"]),
        checkpoint_id=m["checkpoint_id"],
        answer=m["answer"],
        error=m["error"],
    )


def request(row: Row[Any]) -> Request:
    """A row of `requests`."""
    m = row._mapping
    return Request(
        id=m["id"],
        session_id=m["session_id"],
        checkpoint_id=m["checkpoint_id"],
        position=m["position"],
        kind=m["kind"],
        call_id=m["call_id"],
        tool=m["tool"],
        arguments=loads(m["arguments"]),
        proposed_arguments=object_or_none(m["proposed_arguments"]),
        agent=m["agent"],
        executor=m["executor"],
        rationale=m["rationale"],
        risk=m["risk"],
        rule_id=m["rule_id"],
        reason=m["reason"],
        policy_version=m["policy_version"],
        revision=m["revision"],
        digest=m["digest"],
        stages=tuple(Stage.model_validate(s) for s in loads(m["stages"])),
        stage=m["stage"],
        channels=tuple(loads(m["channels"])),
        status=m["status"],
        requester=m["requester"],
        idempotent=bool(m["idempotent"]),
        created_at=from_text(m["created_at"]),
        expires_at=None if m["expires_at"] is None else from_text(m["expires_at"]),
        decision=None if m["decision"] is None else Decision.model_validate_json(m["decision"]),
        execution_token=m["execution_token"],
        executing_epoch=m["executing_epoch"],
        result=None if m["result"] is None else Result.model_validate_json(m["result"]),
    )


def request_columns(value: Request) -> dict[str, Any]:
    """The columns of a request."""
    return {
        "id": value.id,
        "session_id": value.session_id,
        "checkpoint_id": value.checkpoint_id,
        "position": value.position,
        "kind": value.kind.value,
        "call_id": value.call_id,
        "tool": value.tool,
        "arguments": dumps(value.arguments),
        "proposed_arguments": (
            None if value.proposed_arguments is None else dumps(value.proposed_arguments)
        ),
        "agent": value.agent,
        "executor": value.executor,
        "rationale": value.rationale,
        "risk": value.risk.value,
        "rule_id": value.rule_id,
        "reason": value.reason,
        "policy_version": value.policy_version,
        "revision": value.revision,
        "digest": value.digest,
        "stages": dumps([s.model_dump() for s in value.stages]),
        "stage": value.stage,
        "channels": dumps(value.channels),
        "status": value.status.value,
        "requester": value.requester,
        "idempotent": int(value.idempotent),
        "created_at": to_text(value.created_at),
        "expires_at": None if value.expires_at is None else to_text(value.expires_at),
        "decision": None if value.decision is None else value.decision.model_dump_json(),
        "execution_token": value.execution_token,
        "executing_epoch": value.executing_epoch,
        "result": None if value.result is None else value.result.model_dump_json(),
    }


def vote(row: Row[Any]) -> Vote:
    """A row of `votes`."""
    return Vote.model_validate({**row._mapping, "at": from_text(row._mapping["at"])})


def vote_columns(value: Vote) -> dict[str, Any]:
    """The columns of a vote."""
    return {**value.model_dump(mode="json"), "at": to_text(value.at)}


def delivery(row: Row[Any]) -> Delivery:
    """A row of `deliveries`."""
    m = dict(row._mapping)
    m["reference"] = object_or_none(m["reference"])
    for name in ("next_at", "look_at", "doubt_at"):
        m[name] = None if m[name] is None else from_text(m[name])
    return Delivery.model_validate(m)


def conversation(row: Row[Any]) -> Conversation:
    """A row of `conversations`."""
    m = dict(row._mapping)
    m["reference"], m["updated_at"] = loads(m["reference"]), from_text(m["updated_at"])
    return Conversation.model_validate(m)


def notice(row: Row[Any]) -> Notice:
    """A row of `notices`."""
    m = row._mapping
    return Notice(
        id=m["id"],
        session_id=m["session_id"],
        conversation=m["conversation"],
        text=m["text"],
        attempts=m["attempts"],
    )


def ledger_entry(row: Row[Any]) -> LedgerEntry:
    """A row of `ledger`. Raises ValueError if it is nothing that we wrote."""
    m = dict(row._mapping)
    at, body = from_text(m["at"]), loads(m["body"])
    if (to_text(at), dumps(body)) != (m["at"], m["body"]):
        # A member that is there twice would read as one thing here and as another elsewhere.
        raise ValueError(f"entry {m['seq']} is not written as we write")
    m["at"], m["body"] = at, body
    return LedgerEntry.model_validate(m)
