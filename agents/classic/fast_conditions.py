"""Fast conditions of reply functions: AutoGen's own, put so that they are quick to check.

AutoGen asks `isinstance(sender, Agent)` before every reply function of every reply, and once more
for a condition that is a list. `Agent` is a runtime protocol: each such question reads all its
attributes, which on Python 3.11 took a third of the time of a turn. A type of our own gives the
same answers and is one of the kinds of condition that `register_reply` documents:
https://docs.ag2.ai/latest/docs/api-reference/autogen/ConversableAgent (read 2026-11-25).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autogen import Agent, ConversableAgent


class _AgentKind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, ConversableAgent | Agent)


class _SenderKind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return instance is None or isinstance(instance, ConversableAgent | Agent)


class AnyAgent(metaclass=_AgentKind):
    """Matches what AutoGen's `Agent` matches."""


class AnySender(metaclass=_SenderKind):
    """Matches what AutoGen's `[Agent, None]` matches."""


def replace_conditions(agents: Iterable[ConversableAgent]) -> None:
    """Give the reply functions of a built chat the quick form of their condition, if it has one.

    Functions, their order and the conditions' answers stay; every other condition is left alone.
    """
    for agent in agents:
        for entry in agent._reply_func_list:
            entry["trigger"] = _quick(entry["trigger"])


def _quick(trigger: Any) -> Any:
    if trigger is Agent:
        return AnyAgent
    if isinstance(trigger, list) and len(trigger) == 2 and trigger[1] is None:
        return AnySender if trigger[0] is Agent else trigger
    return trigger
