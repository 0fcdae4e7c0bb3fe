"""A conversation written as data: the first rule that matches answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from countersign.sandbox.openai.conversation import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)


class RuleCall(BaseModel):
    """A tool call a rule answers with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    id: str | None = None


class Rule(BaseModel):
    """When every condition that is set holds, the model answers with `text`, `calls` or both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent: str | None = None
    """Part of the system message."""
    tool_results: int | None = Field(default=None, ge=0)
    """How many calls were answered so far, by whomever they were made."""
    contains: str | None = None
    """Part of the latest message."""
    text: str | None = None
    calls: tuple[RuleCall, ...] = ()

    @model_validator(mode="after")
    def _answers(self) -> Rule:
        if self.text is None and not self.calls:
            raise ValueError("a rule needs text or calls")
        return self

    def matches(self, conversation: Conversation) -> bool:
        """Whether this rule answers."""
        return (
            (self.agent is None or self.agent in conversation.agent)
            and (self.tool_results is None or self.tool_results == len(conversation.tool_results))
            and (self.contains is None or self.contains in conversation.last)
        )

    def reply(self) -> Reply:
        """The answer."""
        if not self.calls:
            return Say(self.text or "")
        return Call(
            tuple(ToolCall(call.name, call.arguments, call.id) for call in self.calls), self.text
        )


def answer(rules: Iterable[Rule], conversation: Conversation) -> Reply | None:
    """The answer of the first rule that matches, or None."""
    return next((rule.reply() for rule in rules if rule.matches(conversation)), None)
