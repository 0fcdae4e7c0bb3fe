"""Stores a history as its difference from the messages of the chat.

Every agent keeps its own copy of what was said, equal but for the role and the name: its own
words are `assistant`, all others' `user`. Stored once each they would be most of a snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]
Encoded = int | dict[str, Any]
"""The number of messages that equal the base; or `n` messages, `at` an offset, patched by `p`."""


def encode(history: Sequence[Message], base: Sequence[Message]) -> Encoded:
    """The difference that `decode` needs to give back exactly `history`."""
    at = _offset(history, base)
    patches: dict[str, Any] = {}
    for index, message in enumerate(history):
        patch = _patch(message, _at(base, index + at))
        if patch is not None:
            patches[str(index)] = patch
    if not patches and not at:
        return len(history)
    encoded: dict[str, Any] = {"n": len(history), "p": patches}
    if at:
        encoded["at"] = at
    return encoded


def decode(encoded: Encoded, base: Sequence[Message]) -> list[Message]:
    """The history. Its messages are new dicts; nested values are shared with `base`."""
    if isinstance(encoded, int):
        return [dict(_at(base, index)) for index in range(encoded)]
    at = encoded.get("at", 0)
    history = []
    for index in range(encoded["n"]):
        message = dict(_at(base, index + at))
        changed, *removed = encoded["p"].get(str(index), ({},))
        message.update(changed)
        for key in removed:
            del message[key]
        history.append(message)
    return history


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same, types included (1, True and 1.0 are three values)."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(v, right[k]) for k, v in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def _patch(message: Message, base: Message) -> list[Any] | None:
    changed = {k: v for k, v in message.items() if k not in base or not same(v, base[k])}
    removed = [k for k in base if k not in message]
    return [changed, *removed] if changed or removed else None


def _at(base: Sequence[Message], index: int) -> Message:
    return base[index] if 0 <= index < len(base) else {}


def _offset(history: Sequence[Message], base: Sequence[Message]) -> int:
    """Where the history starts in the base: -1 after an introduction, usually 0."""
    if not history or not base or _similar(history[0], base[0]):
        return 0
    if len(history) > 1 and _similar(history[1], base[0]):
        return -1
    return next((i for i, message in enumerate(base) if _similar(history[0], message)), 0)


def _similar(left: Message, right: Message) -> bool:
    return same(left.get("content"), right.get("content"))
