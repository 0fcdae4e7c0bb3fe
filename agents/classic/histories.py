"""Stores a history as its difference from the messages of the chat.

Every agent keeps its own copy of what was said, equal but for the role and the name: its own
words are `assistant`, all others' `user`. Stored once each they would be most of a snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

Message = dict[str, Any]
Encoded = int | dict[str, Any]
"""The number of messages that equal the base; or `n` messages, `at` an offset, patched by `p`."""
_TELLING = 2
"""So many messages tell whether a history begins with an introduction."""


class Difference:
    """How a history differs from the messages of the chat. Both may grow."""

    def __init__(self, history: Sequence[Message], base: Sequence[Message]):
        self._length, self._base_length, self._patches = 0, 0, dict[str, Any]()
        self._at = _offset(history, base)

    @classmethod
    def of(cls, encoded: Encoded, base: Sequence[Message]) -> Self:
        """What `encoded` says."""
        difference = cls((), ())
        difference._base_length = len(base)
        if isinstance(encoded, int):
            difference._length = encoded
        else:
            difference._length, difference._patches = encoded["n"], dict(encoded["p"])
            difference._at = encoded.get("at", 0)
        return difference

    @property
    def is_short(self) -> bool:
        """Whether it is too early to know where the history starts in the base."""
        return self._length < _TELLING

    @property
    def is_none(self) -> bool:
        """Whether every message is that of the base."""
        return not self._patches and self._length <= self._base_length - self._at

    def extend(self, history: Sequence[Message], base: Sequence[Message]) -> None:
        """Compare what has been added to the history, or to the base where there was none."""
        known = max(0, min(self._length, self._base_length - self._at))
        for index in range(known, len(history)):
            patch = _patch(history[index], _at(base, index + self._at))
            if patch is not None:
                self._patches[str(index)] = patch
            else:
                self._patches.pop(str(index), None)
        self._length, self._base_length = len(history), len(base)

    def encoded(self) -> Encoded:
        """What `decode` needs to give back exactly the history."""
        if not self._patches and not self._at:
            return self._length
        encoded: dict[str, Any] = {"n": self._length, "p": self._patches}
        if self._at:
            encoded["at"] = self._at
        return encoded


def encode(history: Sequence[Message], base: Sequence[Message]) -> Encoded:
    """The whole difference."""
    difference = Difference(history, base)
    difference.extend(history, base)
    return difference.encoded()


def decode(encoded: Encoded, base: Sequence[Message]) -> list[Message]:
    """The history. Its messages are new dicts; nested values are shared with `base`."""
    if isinstance(encoded, int):
        known = list(map(dict, base[:encoded]))
        return known + [{} for _ in range(encoded - len(known))]
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
    changed = {
        k: v
        for k, v in message.items()
        if k not in base or (v is not base[k] and not same(v, base[k]))
    }
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
