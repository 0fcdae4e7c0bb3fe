"""Replay: the whole story of a session, rebuilt from its ledger entries alone.

Short columns come from the rows that entries carry, long texts from their bodies; a text that only
its hash is on the ledger of, or that was erased, stays `sha256:…`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.models import JsonObject, LedgerEntry, RequestStatus, Value
from countersign.approvals.store import codec
from countersign.approvals.store.changes import ROWS
from countersign.approvals.store.comparing import Expected, Key, key_of

HASHED = "sha256:"
"""What stands for a text of which only the hash is known."""
_JSON = frozenset({"arguments", "stages", "calls", "also", "proof", "differs"})
"""Columns that hold JSON, and are told as what it says."""
_OF_REQUEST = (
    *("checkpoint_id", "kind", "call_id", "tool", "arguments", "agent", "rationale", "requester"),
    *("rule_id", "reason", "policy_version", "revision", "digest", "stages", "status"),
    *("created_at", "expires_at"),
)
_PARTS = {
    "votes": "votes",
    "questions": "questions",
    "request_openings": "openings",
    "deliveries": "deliveries",
    "grant_uses": "grants",
    "hindsights": "hindsights",
}
"""Tables of what belongs to a request, and what people call it."""
_ALIASES = {"rule_id": "rule"}
"""Columns that bodies have under another name."""
_DECIDED = ("verdict", "by", "via", "digest", "changed_by")
_OUTCOME = ("outcome", "cause", "content", "characters", "message", "reason", "happened", "note")
_NO_MORE = ("decided", "proposed", "voted", "revised", "asked_again")
"""Kinds that begin something; no outcome of a call."""
_ENDS: Mapping[str, RequestStatus] = {
    "executed": RequestStatus.EXECUTED,
    "failed": RequestStatus.FAILED,
    "late_result": RequestStatus.EXECUTED,
    "in_doubt": RequestStatus.IN_DOUBT,
    "doubt_settled": RequestStatus.EXECUTED,
    "not_executed": RequestStatus.CANCELLED,
    "cancelled": RequestStatus.CANCELLED,
    "expired": RequestStatus.EXPIRED,
}
"""Kinds that say what came of a call."""


class Replay(Value):
    """What the ledger alone says of a session."""

    session: JsonObject
    requests: tuple[JsonObject, ...]
    """In the order of their proposals; each with its votes, revisions, questions, deliveries."""
    story: tuple[JsonObject, ...]
    """All entries in order: `seq`, `at`, `kind` and `said`, the body without `rows`."""
    erased: int = 0
    """Entries whose bodies are gone: what they said is missing here."""


def replay(entries: Sequence[LedgerEntry]) -> Replay:
    """Rebuild a session. The entries were verified before."""
    expected, requests = Expected(), dict[str, JsonObject]()
    texts: dict[str, str] = {}
    objects: dict[Key, JsonObject] = {}
    for entry in entries:
        expected.hear(entry)
        said = {name: value for name, value in entry.body.items() if name != ROWS}
        texts.update((f"{HASHED}{sha256_hex(text.encode())}", text) for text in _texts(said))
        request_id = said.get("request")
        if isinstance(request_id, str):
            mine = requests.setdefault(request_id, {"id": request_id, "revisions": []})
            _hear(mine, entry, said)
            key = _about(request_id, said)
            objects.setdefault(key, {}).update((n, said[n]) for n in _JSON & said.keys())

    def columns(key: Key) -> JsonObject:
        found = expected.rows.get(key, {})
        whole = {name: _whole(name, value, texts) for name, value in found.items()}
        return {**whole, **{n: v for n, v in objects.get(key, {}).items() if n in found}}

    for key in expected.rows:
        name = _PARTS.get(key[0])
        told = columns(key)
        request_id = told.get("request_id", key[1])
        if name is not None and request_id in requests:
            requests[request_id].setdefault(name, []).append(_named(key, told))
    for request_id, request in requests.items():
        told = columns(("requests", request_id))
        for name in _OF_REQUEST:
            request[name] = told.get(name)
    session_id = entries[0].session_id if entries else ""
    return Replay(
        session={"id": session_id, **columns(("sessions", session_id))},
        requests=tuple(requests.values()),
        story=tuple(_line(entry) for entry in entries),
        erased=sum(entry.erased for entry in entries),
    )


def _about(request_id: str, said: JsonObject) -> Key:
    """Of which row the JSON in a body is."""
    for member, table in (("question", "questions"), ("hindsight", "hindsights")):
        if member in said:
            return key_of(table, [request_id, said[member]])
    return key_of("requests", [request_id])


def _hear(request: JsonObject, entry: LedgerEntry, said: JsonObject) -> None:
    """Take in what an entry says of a request."""
    at = codec.to_text(entry.at)
    if entry.kind == "proposed" or "replaces" in said:
        names = ("revision", "arguments", "digest", "by", "name", "why")
        first = {"revision": 1} if entry.kind == "proposed" else {}
        shape = {name: said[name] for name in names if name in said}
        request["revisions"].append({**first, **shape, "at": at})
        request.pop("decision", None)
        request.pop("outcome", None)
    elif entry.kind == "decided":
        request["decision"] = {**{n: said[n] for n in _DECIDED if n in said}, "at": at}
    elif entry.kind in _ENDS and said.get("stands") is not False:
        outcome = {name: said[name] for name in _OUTCOME if name in said}
        request["outcome"] = {"entry": entry.kind, **outcome, "at": at}


def _texts(value: Any) -> Iterator[str]:
    """All texts in a body."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _whole(name: str, value: Any, texts: Mapping[str, str]) -> Any:
    """A column as it is in its table, as far as the ledger knows it."""
    if not isinstance(value, str):
        return value
    text = texts.get(value, value)
    return codec.loads(text) if name in _JSON and not text.startswith(HASHED) else text


def _named(key: Sequence[str], told: JsonObject) -> JsonObject:
    """What belongs to a request, with what its key says where no column does."""
    return {**({"id": key[1]} if key[0] == "deliveries" else {}), **told}


def _line(entry: LedgerEntry) -> JsonObject:
    said = {name: value for name, value in entry.body.items() if name != ROWS}
    line = {"seq": entry.seq, "at": codec.to_text(entry.at), "kind": entry.kind, "said": said}
    return {**line, "erased": True} if entry.erased else line
