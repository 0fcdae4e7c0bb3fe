"""Plans: the tool by which agents have calls approved before they make them.

It goes the way of every call: a request, with its steps as its preview. What it grants is written
where it is claimed (`approvals.decisions.plan_grants`); its body has nothing left to do but say so.
"""

from __future__ import annotations

import functools
import json
from typing import Annotated

from countersign.approvals.models import JsonObject
from countersign.approvals.models.plans import PLAN_TOOL, Plan, PlanStep
from countersign.approvals.rules.plans import table

TOOL = PLAN_TOOL
DESCRIPTION = (
    "Have several calls approved together before you make them. List each call with all its "
    "arguments, how often you will make it, and, where arguments may be other ones, within which "
    "bounds. People decide on the plan as a whole; what they approve runs at once when you make "
    "the call, until the plan ends. A call that is not exactly as planned is asked for by itself."
)
APPROVED = (
    "The plan is approved for {valid_for}. Make its calls now, exactly as they were approved; any "
    "other call is asked for by itself."
)


def propose_plan(
    steps: Annotated[list[PlanStep], "The calls, in the order in which you will make them"],
    valid_for: Annotated[str, "For how long after its approval: 30m, 4h"] = "1h",
) -> str:
    """What the agent reads once people have approved it."""
    return APPROVED.format(valid_for=valid_for)


def preview(arguments: JsonObject) -> list[list[str]] | str:
    """The steps in words."""
    return table(arguments)


def schema() -> JsonObject:
    """What the tool takes, as models are shown it: without references."""
    found: JsonObject = json.loads(_schema())
    return found


@functools.cache
def _schema() -> str:
    """Read from the model once: every chat that is built has the tool."""
    whole = Plan.model_json_schema()
    step = whole.pop("$defs")["PlanStep"]
    whole["properties"]["steps"]["items"] = step
    return json.dumps({name: whole[name] for name in ("type", "properties", "required")})
