"""A session as its ledger tells it, beside the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from countersign.approvals.models import Request, RequestStatus, Result, SessionId, SessionStatus
from countersign.approvals.store import codec, deliveries, ledger, questions, requests, schema
from countersign.approvals.store import votes as vote_rows
from countersign.approvals.store.replaying import Replay, replay

LIVE = (SessionStatus.RUNNING, SessionStatus.WAITING)


def replayed(connection: Connection, session_id: SessionId) -> Replay:
    """A session of its entries alone."""
    return replay(ledger.entries(connection, session_id))


def differing(connection: Connection, session_id: SessionId) -> list[str]:
    """What the tables hold otherwise than the entries say."""
    found = replayed(connection, session_id)
    rows = connection.execute(select(schema.sessions).where(schema.sessions.c.id == session_id))
    row = dict(rows.one()._mapping)
    stored = {request.id: request for request in requests.of_session(connection, session_id)}
    told = {request["id"]: request for request in found.requests}
    wrong = [] if sorted(stored) == sorted(told) else [f"requests {sorted(told)}"]
    names = ["id", "workflow", "workflow_version", "task", "owner", "conversation"]
    if row["status"] not in LIVE:
        names += ["status", "cause", "answer", "error"]
    wrong += [f"session {n}" for n in names if row[n] != found.session.get(n)]
    for request_id, request in stored.items():
        wrong += [f"{request_id} {each}" for each in _of(connection, request, told[request_id])]
    return wrong


def _of(connection: Connection, request: Request, told: dict[str, Any]) -> Iterator[str]:
    plain = request.model_dump(mode="json")
    plain["stages"] = [stage.told() for stage in request.stages]
    for name in ("created_at", "expires_at"):
        at = getattr(request, name)
        plain[name] = None if at is None else codec.to_text(at)
    for name in ("checkpoint_id", "kind", "call_id", "tool", "arguments", "agent", "rationale",
                 "requester", "rule_id", "reason", "policy_version", "revision", "digest",
                 "stages", "status", "created_at", "expires_at"):  # fmt: skip
        if plain[name] != told[name]:
            yield f"{name}: {plain[name]!r} is told as {told[name]!r}"
    if told["revisions"][-1]["arguments"] != request.arguments:
        yield "revisions"
    votes = [vote.model_dump(mode="json") for vote in vote_rows.of_request(connection, request.id)]
    if _by_key(votes) != _by_key(told.get("votes", [])):
        yield f"votes: {votes} are told as {told.get('votes')}"
    asked = [each.model_dump(mode="json") for each in questions.of_request(connection, request.id)]
    if _by_key(asked) != _by_key(told.get("questions", [])):
        yield f"questions: {asked} are told as {told.get('questions')}"
    shown = [each for each in deliveries.of_request(connection, request.id) if each.reference]
    if {(each.id, each.channel, each.target) for each in shown} != {
        (each["id"], each["channel"], each["target"]) for each in told.get("deliveries", [])
    }:
        yield f"deliveries: {told.get('deliveries')}"
    decision = request.decision
    if decision is not None and decision.via not in ("policy", "grant"):
        said = told.get("decision") or {"verdict": "reject", "via": "clock", "by": "clock"}
        if (decision.verdict, decision.by, decision.via) != tuple(
            said[name] for name in ("verdict", "by", "via")
        ):
            yield f"decision: {decision} is told as {said}"
    if request.result is not None and request.status is not RequestStatus.REJECTED:
        yield from _outcome(request.result, told)


def _outcome(result: Result, told: dict[str, Any]) -> Iterator[str]:
    said = told.get("outcome")
    if said is None:
        if told["kind"] == "tool":
            yield "outcome"
        return
    for name in ("outcome", "cause", "content"):
        if name in said and getattr(result, name) != said[name]:
            yield f"outcome {name}: {getattr(result, name)!r} is told as {said[name]!r}"


def _by_key(rows: list[dict[str, Any]]) -> list[str]:
    """As texts in one order, without what the ledger does not tell."""
    untold = {"id", "request_id", "due_at", "attempts", "at", "asked_at", "answered_at", "proof"}
    shown = ({n: v for n, v in row.items() if n not in untold} for row in rows)
    return sorted(json.dumps(row, sort_keys=True, default=str) for row in shown)
