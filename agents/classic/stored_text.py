"""Stored text: the messages of a chat as the store keeps them, and the hash of all of them.

A snapshot is written at every pause. When there are many messages they leave it for chunks, which
are written once: what is written at a pause stays small, however long the chat is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from countersign.agents.classic.chat import Message

CHUNK_LENGTH = 16_384
"""Messages of so many characters leave the snapshot."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_encode_as_is = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Parts:
    """The messages of a chat at one pause."""

    last: Sequence[Message]
    """Those for the snapshot."""
    chunk: str | None
    """Those before them that leave it now."""
    sha256: str
    """Of the transcript, which is all messages as one JSON text."""


class StoredText:
    """Which messages of one chat are in chunks."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """None are."""
        self.chunks = 0
        self.moved = 0
        """How many messages they hold."""
        self._hashed = hashlib.sha256(b"[")

    def restored(self, chunks: Sequence[str], messages: int) -> None:
        """These are, with so many messages."""
        self.forget()
        for chunk in chunks:
            self._add(chunk)
        self.moved = messages

    def parts(self, messages: Sequence[Message]) -> Parts:
        """Where each message goes. Raises TypeError if one holds what JSON cannot."""
        last, chunk = messages[self.moved :], None
        text = _encode(last)[1:-1]
        if not _is_unicode(text):  # a lone surrogate from a model: kept, escaped
            escaped = json.dumps(messages, separators=(",", ":"), sort_keys=True)
            return Parts(last, None, hashlib.sha256(escaped.encode()).hexdigest())
        if len(text) > CHUNK_LENGTH and len(last) > 1:
            chunk, last = _encode(last[:-1])[1:-1], last[-1:]
            text = _encode(last)[1:-1]
            self._add(chunk)
            self.moved = len(messages) - 1
        hashed = self._hashed.copy()
        hashed.update(f"{',' if self.chunks and text else ''}{text}]".encode())
        return Parts(last, chunk, hashed.hexdigest())

    def _add(self, chunk: str) -> None:
        self._hashed.update(f"{',' if self.chunks else ''}{chunk}".encode())
        self.chunks += 1


def as_text(value: Any) -> str:
    """JSON for the store, which takes no lone surrogates."""
    text = _encode_as_is(value)
    return text if _is_unicode(text) else json.dumps(value, separators=(",", ":"))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
