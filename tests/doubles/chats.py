"""States of chats, as agents hand them to the store."""

from __future__ import annotations

import json
from typing import Any

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.models import ChatState


def chat_of(*messages: dict[str, Any], chunks: int = 0, chunk: str | None = None) -> ChatState:
    """A chat with these messages in its snapshot."""
    snapshot = json.dumps({"messages": messages})
    return ChatState(snapshot, sha256_hex(snapshot.encode()), chunks=chunks, chunk=chunk)


NOTHING_SAID = chat_of()
