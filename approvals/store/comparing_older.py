"""What ledger entries of the form before `rows` say of the tables: less, but enough to compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from countersign.approvals.models import (
    Effect,
    JsonObject,
    LedgerEntry,
    RequestStatus,
    SessionStatus,
    Verdict,
)
from countersign.approvals.store import codec
from countersign.approvals.store.changes import told

Rows = list[JsonObject]
FORGET = "forget"
"""Columns that a row has changed without saying how."""
_BY_EFFECT = {
    Effect.ALLOW: RequestStatus.APPROVED,
    Effect.REQUIRE_APPROVAL: RequestStatus.PENDING,
    Effect.DENY: RequestStatus.REJECTED,
    Effect.SHADOW: RequestStatus.REJECTED,
}
_NAMES = {
    "checkpoint": "checkpoint_id",
    "position": "position",
    "kind": "kind",
    "call_id": "call_id",
    "tool": "tool",
    "agent": "agent",
    "executor": "executor",
    "rationale": "rationale",
    "digest": "digest",
    "rule": "rule_id",
    "reason": "reason",
    "policy_version": "policy_version",
}
"""Members of `proposed`, and the columns that hold them."""
_OF_VOTE = ("name", "stage", "verdict", "via", "identity", "comment")
_STATUS = {
    "expired": RequestStatus.EXPIRED,
    "claimed": RequestStatus.EXECUTING,
    "executed": RequestStatus.EXECUTED,
    "failed": RequestStatus.FAILED,
    "in_doubt": RequestStatus.IN_DOUBT,
    "not_executed": RequestStatus.CANCELLED,
    "cancelled": RequestStatus.CANCELLED,
}


def told_by_older(entry: LedgerEntry) -> Rows:
    """Rows as an entry of today would list them, from what this one says."""
    tell = _TELL.get(entry.kind)
    if tell is not None:
        return tell(entry)
    if entry.kind in _STATUS:
        return _request(entry, status=_STATUS[entry.kind])
    return []


def _request(entry: LedgerEntry, **columns: Any) -> Rows:
    return [{"table": "requests", "key": [entry.body["request"]], "set": told(columns)}]


def _session(entry: LedgerEntry, **columns: Any) -> Rows:
    return [{"table": "sessions", "key": [entry.session_id], "set": told(columns)}]


def _started(entry: LedgerEntry) -> Rows:
    names = ("workflow", "workflow_version", "task", "owner", "conversation")
    said = {name: entry.body[name] for name in names if name in entry.body}
    return _session(entry, status=SessionStatus.RUNNING, **said)


def _completed(entry: LedgerEntry) -> Rows:
    return _session(entry, status=SessionStatus.COMPLETED, answer=entry.body["answer"])


def _failed(entry: LedgerEntry) -> Rows:
    return _session(entry, status=SessionStatus.FAILED, error=entry.body["error"])


def _cancelled(entry: LedgerEntry) -> Rows:
    return _session(entry, status=SessionStatus.CANCELLED)


def _proposed(entry: LedgerEntry) -> Rows:
    body = entry.body
    said = {column: body[name] for name, column in _NAMES.items() if name in body}
    arguments = codec.dumps(body["arguments"])
    return _request(entry, status=_BY_EFFECT[body["effect"]], arguments=arguments, **said)


def _revised(entry: LedgerEntry) -> Rows:
    body = entry.body
    said = {name: body[name] for name in ("revision", "digest", "policy_version")}
    rows = _request(entry, arguments=codec.dumps(body["arguments"]), **said)
    return [{**row, FORGET: ["rule_id", "reason"]} for row in rows]


def _voted(entry: LedgerEntry) -> Rows:
    body = entry.body
    key = [body["request"], body["revision"], body["by"]]
    said = {name: body[name] for name in _OF_VOTE}
    return [{"table": "votes", "key": key, "set": told({**said, "at": codec.to_text(entry.at)})}]


def _decided(entry: LedgerEntry) -> Rows:
    approved = entry.body["verdict"] != Verdict.REJECT
    return _request(entry, status=RequestStatus.APPROVED if approved else RequestStatus.REJECTED)


def _late(entry: LedgerEntry) -> Rows:
    if entry.body.get("stands") is False:
        return []
    failed = entry.body["outcome"] == "failed"
    return _request(entry, status=RequestStatus.FAILED if failed else RequestStatus.EXECUTED)


def _resolved(entry: LedgerEntry) -> Rows:
    happened = entry.body["happened"]
    return _request(entry, status=RequestStatus.EXECUTED if happened else RequestStatus.FAILED)


_TELL: Mapping[str, Callable[[LedgerEntry], Rows]] = {
    "session_started": _started,
    "session_completed": _completed,
    "session_failed": _failed,
    "session_cancelled": _cancelled,
    "proposed": _proposed,
    "revised": _revised,
    "voted": _voted,
    "decided": _decided,
    "late_result": _late,
    "doubt_settled": _resolved,
}
