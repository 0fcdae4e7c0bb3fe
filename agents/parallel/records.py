"""Records: what the session stores of each of its parallel chats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.forms.causes import Ending
from countersign.approvals.models import (
    ChatState,
    JsonObject,
    RequestKind,
    SessionStatus,
    StoredChat,
)
from countersign.approvals.models.sessions import BRANCHES, THEN


class Stage(StrEnum):
    """Where a branch stands."""

    NEW = "new"
    HELD = "held"
    """At calls that people have to decide; they are proposed when no branch goes on without."""
    OPEN = "open"
    """At calls that are requests of the last checkpoint."""
    ANSWERED = "answered"
    """At calls whose answers are known, and perhaps further on: whoever restores it hands them on
    once more."""
    OVER = "over"
    FAILED = "failed"


@dataclass(frozen=True)
class Record:
    """One branch at the last place at which it could be stored."""

    stage: Stage = Stage.NEW
    chat: str | None = None
    """The snapshot of its chat, as JSON; None before its first pause."""
    chunks: tuple[str, ...] = ()
    kind: RequestKind = RequestKind.TOOL
    """Of what it waits with."""
    answers: tuple[str, ...] = ()
    stopped: Ending | None = None
    """How the chat ends with these answers, where it does."""
    ending: Ending | None = None
    told: bool = False
    """Whether the thread has been told of the end."""

    @property
    def is_live(self) -> bool:
        """Whether it can go on."""
        return self.stage not in (Stage.OVER, Stage.FAILED)

    @property
    def is_good(self) -> bool:
        """Whether it came to an answer."""
        return self.stage is Stage.OVER and _completed(self.ending)

    def at(self, stage: Stage, state: ChatState, **values: Any) -> Record:
        """The record of its chat in this state."""
        new = () if state.chunk is None else (state.chunk,)
        chunks = (*self.chunks[: state.chunks - len(new)], *new)
        return Record(stage=stage, chat=state.snapshot, chunks=chunks, **values)

    def stored(self) -> StoredChat:
        """Its chat as it comes back from the store."""
        return StoredChat(self.chat or "{}", self.chunks)

    def as_json(self) -> JsonObject:
        """What is usual is left out."""
        found: JsonObject = {"stage": self.stage}
        if self.chat is not None:
            found["chat"] = json.loads(self.chat)
        if self.chunks:
            found["chunks"] = list(self.chunks)
        if self.kind is not RequestKind.TOOL:
            found["kind"] = self.kind
        if self.answers:
            found["answers"] = list(self.answers)
        for name in ("stopped", "ending"):
            if (ending := getattr(self, name)) is not None:
                found[name] = ending.model_dump(mode="json")
        return found | ({"told": True} if self.told else {})

    @classmethod
    def read(cls, stored: JsonObject) -> Self:
        """From what `as_json` gave."""
        endings = {
            name: Ending.model_validate(stored[name])
            for name in ("stopped", "ending")
            if name in stored
        }
        return cls(
            stage=Stage(stored["stage"]),
            chat=json.dumps(stored["chat"]) if "chat" in stored else None,
            chunks=tuple(stored.get("chunks", ())),
            kind=RequestKind(stored.get("kind", RequestKind.TOOL)),
            answers=tuple(stored.get("answers", ())),
            told=stored.get("told", False),
            **endings,
        )

    def said(self) -> Record:
        """The thread is told of its end."""
        return replace(self, told=True)


def state_of(branches: Mapping[str, Record], then: Record | None) -> ChatState:
    """All of them as the state of one session."""
    stored: JsonObject = {BRANCHES: {name: record.as_json() for name, record in branches.items()}}
    if then is not None:
        stored[THEN] = then.as_json()
    snapshot = _as_text(stored)
    messages = _as_text(StoredChat(snapshot).messages(), sort_keys=True)
    return ChatState(snapshot, sha256_hex(messages.encode()))


def _as_text(value: Any, *, sort_keys: bool = False) -> str:
    """JSON for the store, which takes no lone surrogates."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), sort_keys=sort_keys)
    return text


def _completed(ending: Ending | None) -> bool:
    return ending is not None and ending.status is SessionStatus.COMPLETED
