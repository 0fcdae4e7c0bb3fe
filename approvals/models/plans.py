"""Plans: calls that an agent wants to have approved together before it makes them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

PLAN_TOOL = "propose_plan"
"""The tool that agents are offered for it; a request for a plan is a request of this tool."""
MOST_STEPS, MOST_TIMES = 20, 100


class PlanStep(BaseModel):
    """One step: a call of one tool, once or several times."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: str = Field(description="The name of the tool that you will call.")
    arguments: dict[str, Any] = Field(
        description="All arguments that you will call it with, complete."
    )
    times: int = Field(
        default=1, ge=1, le=MOST_TIMES, description="How often you will make this call at most."
    )
    may_vary: list[str] = Field(
        default_factory=list,
        description="Names of arguments that may be other ones, within `when`. "
        "Not for what cannot be undone.",
    )
    when: str = Field(
        default="",
        max_length=2_000,
        description="The bounds of what may vary, as a condition: args.amount <= 500.0",
    )


class Plan(BaseModel):
    """What is asked for: these calls, for so long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: list[PlanStep] = Field(min_length=1, max_length=MOST_STEPS)
    valid_for: str = "1h"
    """From when it is approved: `30m`, `4h`."""
