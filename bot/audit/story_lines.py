"""A session that was rebuilt from its ledger, in lines for a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from countersign.approvals.models import JsonObject
from countersign.approvals.store.replaying import Replay

_UNSAID = frozenset(
    {"request", "digest", "checkpoint", "position", "transcript_sha256", "replaces"}
)
"""Members that say nothing to a reader, or that the line has said already."""
_LONG = 300


def lines(found: Replay) -> Iterator[str]:
    """What happened, entry by entry, and how things stand after it."""
    session = found.session
    cause = f" ({session['cause']})" if session.get("cause") else ""
    yield (
        f"session {session['id']}, {session.get('workflow')}: {session.get('status')}{cause}, "
        f"asked for by {session.get('owner')}"
    )
    yield f"  {_text(session.get('task'))}"
    tools = {request["id"]: request.get("tool") for request in found.requests}
    for entry in found.story:
        yield f"{entry['at'][:19]}Z {entry['seq']:>4} {_entry(entry, tools)}"
    for request in found.requests:
        yield ""
        yield from _request(request)
    if session.get("answer") or session.get("error"):
        yield ""
        yield _text(session.get("answer") or session.get("error"))
    if found.erased:
        yield f"{found.erased} entries were erased; what they said is missing."


def _entry(entry: JsonObject, tools: Mapping[str, Any]) -> str:
    said, kind = entry["said"], entry["kind"]
    if entry.get("erased"):
        return f"{kind}: erased"
    about = said.get("request")
    subject = f" {tools.get(about)} ({about})" if isinstance(about, str) else ""
    words = _WORDS.get(kind, _members)(said)
    return f"{kind}{subject}{': ' if words else ''}{words}"


def _request(request: JsonObject) -> Iterator[str]:
    revision = request.get("revision")
    yield f"request {request['id']}, {request.get('tool')}: {request.get('status')}"
    arguments = request.get("arguments")
    if isinstance(arguments, dict):
        for name, value in arguments.items():
            yield f"  {name}: {_text(value)}"
    yield f"  rule {request.get('rule_id')}, revision {revision}, digest {request.get('digest')}"
    for question in request.get("questions", ()):
        answer = question.get("answer") or question.get("status")
        text = f"{_text(question.get('text'))} {_text(answer)}"
        yield f"  asked by {question.get('asker_name')}: {text}"
    for vote in request.get("votes", ()):
        yield f"  revision {vote.get('revision', '?')}, {_voted(vote)}"
    for shown in request.get("deliveries", ()):
        yield f"  shown: {shown.get('channel')} {shown.get('target')}"
    if decision := request.get("decision"):
        yield f"  decided: {_decided(decision)}"
    if outcome := request.get("outcome"):
        yield f"  then: {_members(outcome)}"


def _voted(said: JsonObject) -> str:
    comment = f": {_text(said['comment'])}" if said.get("comment") else ""
    return (
        f"{said.get('verdict')} by {said.get('name')} ({said.get('identity')}) through "
        f"{said.get('via')}{comment}"
    )


def _decided(said: JsonObject) -> str:
    changed = f", changed by {', '.join(said['changed_by'])}" if said.get("changed_by") else ""
    return f"{said.get('verdict')} by {said.get('by')} through {said.get('via')}{changed}"


def _proposed(said: JsonObject) -> str:
    return (
        f"{said.get('effect')} by rule {said.get('rule')}, from {said.get('agent')} "
        f"with {_text(said.get('arguments'))}"
    )


def _members(said: JsonObject) -> str:
    told = ((n, v) for n, v in said.items() if n not in _UNSAID and v not in (None, "", [], {}))
    return ", ".join(f"{name} {_text(value)}" for name, value in told)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONG else f"{text[:_LONG]}… ({len(text)} characters)"


_WORDS: Mapping[str, Callable[[JsonObject], str]] = {
    "proposed": _proposed,
    "voted": _voted,
    "decided": _decided,
}
