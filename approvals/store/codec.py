"""Codec: values as columns, compact JSON text, and times as text that sorts."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from countersign.approvals.audit.commitments import commitment
from countersign.approvals.audit.fields import covered_text
from countersign.approvals.models import (
    Canary,
    ChangedBy,
    Conversation,
    Decision,
    Delivery,
    Injected,
    JsonObject,
    LedgerEntry,
    Notice,
    Preview,
    Request,
    Result,
    SameCall,
    Session,
    Stage,
    Standing,
    Timing,
    UndoAct,
    UndoOffer,
    Vote,
)
from countersign.approvals.store import schema

SESSION = tuple(Session.model_fields)
"""The columns that make a session; the rest is of its run and its chain."""
_REQUEST = tuple(column.name for column in schema.requests.c)
_DELIVERY = tuple(column.name for column in schema.deliveries.c)
_VOTE = tuple(column.name for column in schema.votes.c)
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode


@functools.lru_cache(maxsize=64)
def to_text(at: datetime) -> str:
    """A UTC time with microseconds, always 32 characters, so that text order is time order."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(timespec="microseconds")


def optional_text(at: datetime | None) -> str | None:
    """The same of a time that may be missing."""
    return None if at is None else to_text(at)


def from_text(text: str) -> datetime:
    """The inverse of `to_text`."""
    return datetime.fromisoformat(text)


def dumps(value: Any) -> str:
    """Compact JSON."""
    return _compact(value)


def loads(text: str) -> Any:
    """The inverse of `dumps`. Raises ValueError for anything after the value, space included."""
    value, end = _decode(text)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def object_or_none(text: str | None) -> JsonObject | None:
    """A nullable JSON column."""
    return None if text is None else loads(text)


def session(row: Sequence[Any]) -> Session:
    """The columns of `SESSION` of a row of `sessions`; more may follow."""
    m = dict(zip(SESSION, row, strict=False))
    m["created_at"], m["updated_at"] = from_text(m["created_at"]), from_text(m["updated_at"])
    m["undoing"] = object_or_none(m["undoing"])
    return Session.model_validate(m)


def request(row: Sequence[Any]) -> Request:
    """A row of `requests`."""
    m = dict(zip(_REQUEST, row, strict=True))
    m["arguments"] = loads(m["arguments"])
    m["proposed_arguments"] = object_or_none(m["proposed_arguments"])
    m["stages"], m["channels"] = _stages_in(m["stages"]), _names_in(m["channels"])
    m["created_at"] = from_text(m["created_at"])
    m["expires_at"] = None if m["expires_at"] is None else from_text(m["expires_at"])
    for name in ("written", "facts", "preview", "seen", "undo", "parallel", "canary"):
        m[name] = object_or_none(m[name])
    for name in ("defaulted", "injected", "show_first", "same_calls", "budgets", "changed_by"):
        m[name] = () if m[name] is None else tuple(loads(m[name]))
    m["timing"] = None if m["timing"] is None else Timing.model_validate_json(m["timing"])
    m["next_step_at"] = None if m["next_step_at"] is None else from_text(m["next_step_at"])
    m["decision"] = None if m["decision"] is None else loads(m["decision"])
    m["result"] = None if m["result"] is None else loads(m["result"])
    return Request.model_validate(m)


def request_columns(value: Request, names: Iterable[str] = _REQUEST) -> dict[str, Any]:
    """The columns of a request, or those `names` of them."""
    fields = value.__dict__
    return {name: _WRITE.get(name, _as_it_is)(fields[name]) for name in names}


def _as_it_is(value: Any) -> Any:
    return value


def _json_or_none(value: Any) -> str | None:
    return None if value is None else dumps(value)


def model_or_none(
    value: Canary | Decision | Preview | Result | Timing | UndoAct | UndoOffer | None,
) -> str | None:
    """A nullable value as JSON."""
    return None if value is None else value.model_dump_json()


def _names_or_none(names: tuple[str, ...]) -> str | None:
    return dumps(names) if names else None


def _models(values: tuple[ChangedBy | Injected | SameCall | Standing, ...]) -> str | None:
    return dumps([value.model_dump(mode="json") for value in values]) if values else None


def text_or_none(at: datetime | None) -> str | None:
    """A nullable time."""
    return None if at is None else to_text(at)


@functools.lru_cache(maxsize=256)
def _stages_in(text: str) -> tuple[Stage, ...]:
    """As many different ones as the policy has rules."""
    return tuple(Stage.model_validate(stage) for stage in loads(text))


@functools.lru_cache(maxsize=256)
def _names_in(text: str) -> tuple[str, ...]:
    return tuple(loads(text))


def _stages(stages: tuple[Stage, ...]) -> str:
    return dumps([stage.model_dump(exclude_defaults=True) for stage in stages])


_WRITE: Mapping[str, Callable[[Any], Any]] = {
    "kind": str,
    "arguments": dumps,
    "proposed_arguments": _json_or_none,
    "risk": str,
    "stages": _stages,
    "status": str,
    "idempotent": int,
    "created_at": to_text,
    "expires_at": text_or_none,
    "decision": model_or_none,
    "result": model_or_none,
    "channels": dumps,
    "defaulted": _names_or_none,
    "written": _json_or_none,
    "injected": _models,
    "show_first": _names_or_none,
    "facts": _json_or_none,
    "seen": _json_or_none,
    "preview": model_or_none,
    "same_calls": _models,
    "timing": model_or_none,
    "next_step_at": text_or_none,
    "budgets": _models,
    "changed_by": _models,
    "undo": model_or_none,
    "parallel": model_or_none,
    "canary": model_or_none,
}


def vote(row: Sequence[Any]) -> Vote:
    """A row of `votes`."""
    m = dict(zip(_VOTE, row, strict=True))
    m["at"], m["also"] = from_text(m["at"]), loads(m["also"])
    m["proof"] = object_or_none(m["proof"])
    return Vote.model_validate(m)


def vote_columns(value: Vote) -> dict[str, Any]:
    """The columns of a vote."""
    at = to_text(value.at)
    words = {"verdict": str(value.verdict), "via": str(value.via)}
    proof = None if value.proof is None else dumps(value.proof.model_dump(mode="json"))
    return {**value.__dict__, **words, "at": at, "also": dumps(value.also), "proof": proof}


def delivery(row: Sequence[Any]) -> Delivery:
    """A row of `deliveries`."""
    m = dict(zip(_DELIVERY, row, strict=True))
    m["reference"] = object_or_none(m["reference"])
    for name in ("next_at", "look_at", "doubt_at"):
        m[name] = None if m[name] is None else from_text(m[name])
    return Delivery.model_validate(m)


def conversation(row: Row[Any]) -> Conversation:
    """A row of `conversations`."""
    m = dict(row._mapping)
    m["reference"], m["updated_at"] = loads(m["reference"]), from_text(m["updated_at"])
    m["blocked_at"] = None if m["blocked_at"] is None else from_text(m["blocked_at"])
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
        progress=bool(m["progress"]),
    )


def ledger_entry(row: Row[Any]) -> LedgerEntry:
    """A row of `ledger`. Raises ValueError if it is nothing that we wrote."""
    m = dict(row._mapping)
    m["fields"] = salts(m.get("fields", ""))
    m["at"], m["body"] = from_text(m["at"]), body_of(m["seq"], m["body"], m)
    if to_text(m["at"]) != row.at:
        raise ValueError(f"entry {m['seq']} is not written as we write")
    return LedgerEntry.model_validate(m)


def salts(text: str) -> dict[str, str]:
    """The salts of the fields of an entry, by pointer. Raises ValueError."""
    found = loads(text) if text else {}
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise ValueError("the salts of its fields are none")
    return found


def body_of(seq: int, text: str, opening: Mapping[str, Any]) -> JsonObject:
    """The body of an entry, as its commitment (or, of before there were any, our way to write)
    says; {} of one that was erased. Raises ValueError."""
    committed, salt = opening["commitment"], opening["salt"]
    if committed:
        if not salt and not text:
            return {}
        fields = opening.get("fields")
        if commitment(salt, covered_text(loads(text), fields) if fields else text) != committed:
            raise ValueError(f"entry {seq} has another body than was written")
        return loads(text)  # type: ignore[no-any-return]
    body = loads(text)
    if dumps(body) != text:
        # A member that is there twice would read as one thing here and as another elsewhere.
        raise ValueError(f"entry {seq} is not written as we write")
    return body  # type: ignore[no-any-return]
