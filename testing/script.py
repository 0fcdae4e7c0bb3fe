"""A scripted model for workflows of one's own: their tests and demos need no key."""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

from countersign.sandbox._serve import LOOPBACK
from countersign.sandbox.openai.conversation import (
    Call,
    Conversation,
    Raw,
    Reply,
    Say,
    ToolCall,
)
from countersign.sandbox.openai.scripts.speaker import next_speaker
from countersign.sandbox.openai.server import API_KEY, ScriptedModel

Turn: TypeAlias = str | Reply
"""What the model answers: words, or calls of tools."""
Agent: TypeAlias = Callable[[Conversation], Turn]


class ScriptError(ValueError):
    """The script has no answer, or is none; says what to write."""


def call(tool: str, /, *, why: str = "", **arguments: Any) -> Call:
    """The model calls one tool; `why` is the reason that people read. Several at once, or an
    argument named `why`: `Call((ToolCall(tool, arguments), ...), text=why)`."""
    return Call((ToolCall(tool, arguments),), why or None)


class ModelScript:
    """A model whose answers are a function of the conversation, served like a real one.

    With turns, it gives them in this order to each agent: `ModelScript(call("pay", amount=40),
    "Paid.")`. Or each agent has a function:

        script = ModelScript()

        @script.agent("You pay refunds")
        def clerk(chat: Conversation) -> Turn:
            if not chat.results_of("pay_refund"):
                return call("pay_refund", why="They asked.", invoice="INV-7", amount=40.0)
            return f"The tool said: {chat.tool_results[-1].content}"

    It keeps nothing about a chat: one that is resumed tomorrow gets the same answers.
    """

    def __init__(self, *turns: Turn):
        self._turns = turns
        self._agents: dict[str, Agent] = {}

    def agent(self, opening: str) -> Callable[[Agent], Agent]:
        """Declare who answers for the agents with `opening` in their system message; the first
        that was declared and fits."""

        def declare(function: Agent) -> Agent:
            self._agents[opening] = function
            return function

        return declare

    def __call__(self, conversation: Conversation) -> Reply:
        """The answer. Raises ScriptError where there is none."""
        if conversation.is_speaker_selection:
            return Say(next_speaker(conversation))
        for opening, function in self._agents.items():
            if opening in conversation.agent:
                return _reply(function(conversation), opening)
        if self._turns:
            return _reply(self._turn(conversation), "the turns")
        known = ", ".join(map(repr, self._agents)) or "nobody"
        raise ScriptError(
            f"nobody answers for the agent whose system message is {conversation.agent[:80]!r}; "
            f"write @script.agent(...) with a part of it. Known: {known}."
        )

    def _turn(self, conversation: Conversation) -> Turn:
        said = sum(message.get("role") == "assistant" for message in conversation.messages)
        if said >= len(self._turns):
            raise ScriptError(
                f"it has {len(self._turns)} turns, and the model is asked for one more after "
                f"{conversation.last[:80]!r}; give it another, or end the chat before."
            )
        turn: Turn = self._turns[said]
        return turn

    @asynccontextmanager
    async def serve(
        self, *, host: str = LOOPBACK, port: int = 0, api_key: str = API_KEY
    ) -> AsyncIterator[ScriptedModel]:
        """Serve it with OpenAI's protocol until the block ends."""
        async with ScriptedModel.start(reply=self, host=host, port=port, api_key=api_key) as model:
            yield model


def _reply(turn: Turn, whose: str) -> Reply:
    if isinstance(turn, str):
        return Say(turn)
    if isinstance(turn, (Say, Call, Raw)):
        return turn
    raise ScriptError(f"{whose!r} gave {turn!r}; answer with words or call(...).")


def load_script(name: str, folder: Path) -> ModelScript:
    """The script that `module:name` names, imported from `folder` or from what is installed.

    Raises ScriptError.
    """
    module_name, _, attribute = name.partition(":")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as exc:
        raise ScriptError(f"{name}: {exc}; it is looked for in {folder}.") from exc
    found = getattr(module, attribute or "script", None)
    if not isinstance(found, ModelScript):
        raise ScriptError(f"{name}: {module.__file__} has no ModelScript of that name.")
    return found
