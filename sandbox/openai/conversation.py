"""What a script reads (the conversation so far) and what it answers (text or tool calls)."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_AGENT_LIST = re.compile(r"(\[\s*['\"][^\[\]]*\])")
# AutoGen's prompts: autogen/agentchat/groupchat.py, GroupChat.select_speaker_*_template.
_SELECTION_MARKS = (
    "You are in a role play game",
    "select the next role from",
    "You didn't choose a speaker",
    "You provided more than one name",
)


@dataclass(frozen=True)
class ToolCall:
    """One call the model asks for. Without an `id` it gets a fresh one, as from a real model."""

    name: str
    arguments: Mapping[str, Any]
    id: str | None = None


@dataclass(frozen=True)
class Say:
    """The model answers with text."""

    text: str


@dataclass(frozen=True)
class Call:
    """The model answers with tool calls, made together, and perhaps a sentence before them."""

    calls: tuple[ToolCall, ...]
    text: str | None = None

    @classmethod
    def one(cls, name: str, *, text: str | None = None, **arguments: Any) -> Call:
        """A single call."""
        return cls((ToolCall(name, arguments),), text)


@dataclass(frozen=True)
class Raw:
    """The whole answer, whatever it is: what no healthy server sends, and refusals."""

    body: Any


Reply = Say | Call | Raw


@dataclass(frozen=True)
class ToolResult:
    """A call of this conversation with what came back."""

    name: str
    arguments: Mapping[str, Any]
    content: str
    agent: str | None
    """Who made the call, where the chat names its speakers."""

    @cached_property
    def value(self) -> Any:
        """The content parsed as JSON, or the text itself if it is none."""
        try:
            return json.loads(self.content)
        except ValueError:
            return self.content


def text_of(content: object) -> str:
    """The text of a message content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return ""


@dataclass(frozen=True)
class Conversation:
    """The messages of one request, oldest first, and the tools that were offered with them."""

    messages: Sequence[Mapping[str, Any]]
    tools: tuple[str, ...] = ()
    model: str = ""
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def agent(self) -> str:
        """The system message: it says who the model plays."""
        return "\n".join(
            text_of(m.get("content"))
            for m in self.messages
            if m.get("role") in ("system", "developer")
        )

    @cached_property
    def task(self) -> str:
        """The first message that is not the system's: what somebody wants."""
        return next(
            (text_of(m.get("content")) for m in self.messages if m.get("role") == "user"), ""
        )

    @cached_property
    def last(self) -> str:
        """The text of the latest message."""
        return text_of(self.messages[-1].get("content")) if self.messages else ""

    @cached_property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """Every answered call in order, whoever made it."""
        calls: dict[str, tuple[str, Any, str | None]] = {}
        results: list[ToolResult] = []
        legacy: tuple[str, Any, str | None] | None = None
        for message in self.messages:
            speaker = message.get("name")
            for call in message.get("tool_calls") or ():
                function = call["function"]
                calls[call["id"]] = (function["name"], function.get("arguments"), speaker)
            if message.get("function_call"):
                function = message["function_call"]
                legacy = (function["name"], function.get("arguments"), speaker)
            asked = (
                calls.get(str(message.get("tool_call_id")))
                if message.get("role") == "tool"
                else None
            )
            if message.get("role") == "function":
                asked = legacy
            if asked is not None:
                name, arguments, agent = asked
                results.append(
                    ToolResult(name, _arguments(arguments), text_of(message.get("content")), agent)
                )
        return tuple(results)

    def results_of(self, tool: str) -> tuple[ToolResult, ...]:
        """The answered calls of one tool, oldest first."""
        return tuple(result for result in self.tool_results if result.name == tool)

    @cached_property
    def is_speaker_selection(self) -> bool:
        """AutoGen asks who speaks next in an `auto` group chat."""
        return not self.tools and (
            self.agent.startswith(_SELECTION_MARKS[0])
            or any(mark in self.last for mark in _SELECTION_MARKS[1:])
        )

    @cached_property
    def candidates(self) -> tuple[str, ...]:
        """The agents the model may choose from when AutoGen asks who speaks next."""
        for text in (self.last, self.agent):
            found = _AGENT_LIST.search(text)
            if found:
                try:
                    return tuple(str(name) for name in ast.literal_eval(found.group(1)))
                except (ValueError, SyntaxError):
                    continue
        return ()


def _arguments(raw: object) -> Mapping[str, Any]:
    try:
        parsed = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        return {}
    return parsed if isinstance(parsed, Mapping) else {}
