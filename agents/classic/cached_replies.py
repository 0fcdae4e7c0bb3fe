"""Cached look-up of reply functions: AutoGen's agents, with a shorter way to them.

Before every reply in an async chat AutoGen 0.14 works out anew which sync reply functions have an
async twin: 50 to 90 µs, as much as all else that it does for a reply. The answer follows from the
registered functions alone, so here AutoGen is asked once for each agent and set of them. No other
method is replaced; pyautogen 0.9 does not have this one and never calls it.

To have it, import these instead of AutoGen's:
`from countersign.agents.classic.cached_replies import AssistantAgent`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import autogen
from autogen import ConversableAgent

Replies = list[tuple[Callable[..., Any], Any]]
"""Every reply function in order, with its `ignore_async_in_sync_chat`."""
_answers: WeakKeyDictionary[ConversableAgent, tuple[Replies, set[Callable[..., Any]]]] = (
    WeakKeyDictionary()
)
"""AutoGen's answer for each agent. Not an attribute: those are reset after every session."""


class CachedReplies(ConversableAgent):
    """Comes first among the bases of an agent."""

    def _get_sync_funcs_to_skip_in_async_chat(self) -> set[Callable[..., Any]]:
        replies = [
            (entry["reply_func"], entry.get("ignore_async_in_sync_chat"))
            for entry in self._reply_func_list
        ]
        known = _answers.get(self)
        if known is None or known[0] != replies:
            known = replies, super()._get_sync_funcs_to_skip_in_async_chat()
            _answers[self] = known
        return known[1]


class AssistantAgent(CachedReplies, autogen.AssistantAgent):
    """AutoGen's AssistantAgent."""


class GroupChatManager(CachedReplies, autogen.GroupChatManager):
    """AutoGen's GroupChatManager."""
