"""Sync twins of reply functions, taken off: a model in an async chat is asked once.

Every reply function of AutoGen has a sync twin behind it. AutoGen 0.14 skips it in an async chat;
0.9 runs it where the first gave no reply, as it does for a model that said nothing: the model is
asked a second time, and the event loop stands still meanwhile.
Source: `ConversableAgent.a_generate_reply` of both (read 2026-11-29).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from autogen import ConversableAgent

from countersign.agents.classic.distribution import installed

_ASKS, _ASKS_TWIN = "a_generate_oai_reply", "generate_oai_reply"


def ask_once(agents: Iterable[ConversableAgent]) -> None:
    """Take the sync twin of asking a model off these agents of an async chat, if it would run."""
    if not _runs_twins():
        return
    for agent in agents:
        names = [getattr(entry["reply_func"], "__name__", "") for entry in agent._reply_func_list]
        if _ASKS in names:
            agent._reply_func_list[:] = [
                entry
                for entry, name in zip(agent._reply_func_list, names, strict=True)
                if name != _ASKS_TWIN
            ]


@cache
def _runs_twins() -> bool:
    """Whether this AutoGen runs them in an async chat. Asked with each chat, read once."""
    return "pyautogen" in installed()
