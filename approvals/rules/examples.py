"""Examples: calls with the rulings that the rules are meant to make, beside the rules."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BeforeValidator, Field, field_validator, model_validator

from countersign.approvals.models import (
    Effect,
    JsonObject,
    Reversibility,
    SessionId,
    ToolCall,
    Value,
)
from countersign.approvals.rules.budgets.budget import exact_amount
from countersign.approvals.rules.budgets.charges import NOTHING
from countersign.approvals.rules.conditions.amount import amount_text
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.conditions.functions import SAME, TOTAL
from countersign.approvals.rules.seeing import Needs, seen_of


class UsedBefore(Value):
    """What is used of a budget before a call."""

    count: int = Field(default=0, ge=0)
    value: Annotated[Decimal, BeforeValidator(exact_amount)] = NOTHING


class HistoryBefore(Value):
    """What was counted of calls before one."""

    today: int = Field(default=0, ge=0)
    by_requester_today: int = Field(default=0, ge=0)
    same: dict[str, bool] = Field(default_factory=dict)
    """By argument."""


class Batch(Value):
    """The calls that are proposed together."""

    size: int = Field(default=1, ge=1)
    reversibility: Reversibility | None = None
    """Of the worst of them; without it that of this call."""
    total: dict[str, Annotated[Decimal, BeforeValidator(exact_amount)]] = Field(
        default_factory=dict
    )
    """By argument."""


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
    used: dict[str, UsedBefore] = Field(default_factory=dict)
    """Of budgets, by name; nothing of those that are not there."""
    history: HistoryBefore | None = None
    """What was counted before; without it this is the first call."""
    batch: Batch | None = None
    """The calls with which it is proposed; without it, it is alone."""

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

    def seen(self, needs: Needs, call: ToolCall, own: Reversibility) -> JsonObject | None:
        """What conditions see beside the call."""
        seen = seen_of(needs, {}, [call], lambda _: own)
        if seen is None:
            return None
        if needs.counted and self.history is not None:
            told = self.history
            seen["history"] = {
                **{name: getattr(told, name) for name in needs.history},
                SAME: {name: told.same.get(name, False) for name in needs.same},
            }
        if needs.batch and self.batch is not None:
            worst = own if self.batch.reversibility is None else self.batch.reversibility
            totals = {name: amount_text(each) for name, each in self.batch.total.items()}
            seen["batch"] |= {"size": self.batch.size, "reversibility": str(worst)}
            seen["batch"][TOTAL] = {**seen["batch"].get(TOTAL, {}), **totals}
        return seen


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
    adversarial: bool = False
    """Whether it must never run unasked, whatever phase its rule comes to."""

    @model_validator(mode="after")
    def _is_stopped(self) -> Self:
        if self.adversarial and self.expect.effect is Effect.ALLOW:
            raise ValueError("an adversarial example is one that must not run: expect deny, or ask")
        return self

    @field_validator("expect", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"effect": value} if isinstance(value, str) else value
