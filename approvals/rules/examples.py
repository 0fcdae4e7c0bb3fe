"""Examples: calls with the rulings that the rules are meant to make, beside the rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field, field_validator

from countersign.approvals.models import Effect, JsonObject, SessionId, ToolCall, Value
from countersign.approvals.rules.conditions.facts import Situation


class ExampleCall(Value):
    """A call, as somebody writes it down."""

    tool: str = Field(min_length=1)
    arguments: JsonObject = Field(default_factory=dict)
    agent: str = "agent"
    workflow: str | None = None
    requester: str | None = None
    roles: tuple[str, ...] | None = None
    """Of the requester; without it those that `people` gives them."""
    at: AwareDatetime | None = None

    @property
    def call(self) -> ToolCall:
        """As an agent would propose it."""
        return ToolCall(
            session_id=SessionId("none"),
            call_id="none",
            tool=self.tool,
            arguments=self.arguments,
            agent=self.agent,
            executor="none",
        )

    def situation(self, now: datetime, roles: frozenset[str] | None) -> Situation:
        """Where it stands; `now` if it does not say when, `roles` if it does not say whose."""
        return Situation(
            workflow=self.workflow,
            requester=self.requester,
            roles=roles if self.roles is None else frozenset(self.roles),
            at=self.at or now,
        )


class Expected(Value):
    """What the ruling is meant to be; what is not said may be anything."""

    effect: Effect
    rule: str | None = None
    roles: tuple[str, ...] | None = None
    """Of all stages, in their order."""


class Example(ExampleCall):
    """A call and what is expected of it."""

    name: str | None = None
    expect: Expected

    @field_validator("expect", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"effect": value} if isinstance(value, str) else value
