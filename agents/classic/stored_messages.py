"""Stored messages: what a chat's stored state has of them, so that the next only adds the rest.

A chat grows, and as a rule nothing else. As long as nothing was changed that is stored, a pause
costs what was said after the last one, and not the whole chat again. Where something was changed,
everything is looked at anew: the state means the same either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from countersign.agents.classic.chat import Chat, Message
from countersign.agents.classic.expected_histories import Pair, expected, numbered
from countersign.agents.classic.histories import Difference
from countersign.agents.classic.identity_record import IdentityRecord

MANY = 40
"""Fewer messages are looked at anew each time: that costs less than to know them again."""
_SAID = "said"
Lists = dict[Any, list[Message]]


class StoredMessages:
    """The messages of one chat, and what each agent remembers of them."""

    def __init__(self, chat: Chat):
        self._chat = chat
        self.forget()

    def forget(self) -> None:
        """Nothing is stored."""
        self.base: list[Message] = []
        """All messages, each with its author: in two-agent chats AutoGen leaves some names off."""
        self._views: dict[Pair, list[Message]] = {}
        self._differences: dict[Pair, Difference] = {}
        self._record, self._is_recorded = IdentityRecord(), False

    def update(self, *, is_chunked: bool) -> bool:
        """Take in what was said since the last call. False if all of it was taken in anew: what was
        known has been changed, or was too little to know it again."""
        lists = self._lists()
        held = self._is_recorded and self._record.holds(lists)
        if not held:
            self.forget()
        self._add_views(self._unknown())
        self._is_recorded = is_chunked or len(self.base) >= MANY
        for pair, history in lists.items():
            if pair != _SAID:
                self._compare(pair, history)
            if self._is_recorded:
                self._record.add(pair, history[self._record.length(pair) :])
        return held

    def restored(
        self,
        base: Sequence[Message],
        views: Mapping[Pair, list[Message]],
        differences: Mapping[Pair, Difference],
        *,
        is_chunked: bool,
    ) -> None:
        """The chat was brought into a stored state, with these messages and histories."""
        if not is_chunked and len(base) < MANY:
            return
        self._is_recorded = True
        self.base = list(base)
        self._views, self._differences = dict(views), dict(differences)
        lists = self._lists()
        self._record.add(_SAID, lists.pop(_SAID))
        for pair, history in lists.items():
            difference = differences.get(pair)
            is_copy = difference is not None and difference.is_none
            self._record.add(pair, history, is_known=is_copy)

    def histories(self) -> dict[Pair, Any]:
        """What differs from the expected histories, and everything that is not expected."""
        stored = {}
        for pair, difference in self._differences.items():
            encoded, view = difference.encoded(), self._views.get(pair)
            if encoded != (0 if view is None else len(view)):
                stored[pair] = encoded
        missing = (pair for pair in self._views if pair not in self._differences)
        return stored | {pair: 0 for pair in missing if self._views[pair]}

    def _lists(self) -> Lists:
        """The live lists of the chat: what was said, and every history."""
        number, found = numbered(self._chat), Lists()
        found[_SAID] = self._chat.messages
        for index, agent in enumerate(self._chat.agents):
            for other, history in agent._oai_messages.items():
                if id(other) in number:
                    found[index, number[id(other)]] = history
        return found

    def _unknown(self) -> list[Message]:
        chat, known = self._chat, len(self.base)
        if chat.manager is not None:
            return chat.messages[known:]
        return [
            message if message.get("name") else {**message, "name": chat.author(index)}
            for index, message in enumerate(chat.messages[known:], start=known)
        ]

    def _add_views(self, messages: Sequence[Message]) -> None:
        self.base.extend(messages)
        for pair, view in expected(self._chat, messages).items():
            self._views.setdefault(pair, []).extend(view)

    def _compare(self, pair: Pair, history: Sequence[Message]) -> None:
        view = self._views.get(pair, self.base)
        known = self._differences.get(pair)
        if known is None or known.is_short:  # where it begins is not known yet
            known = self._differences[pair] = Difference(history, view)
        known.extend(history, view)
