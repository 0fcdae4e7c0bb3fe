"""Asking beforehand: what agents are told when they ask what would become of a call.

It is judged as the call itself would be, and nothing is stored, shown or run: no person is asked.
It is no promise. It says of budgets which limits there are and whether the call would pass them,
and not what others have used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from countersign.agents.calls import AskedCall, Call
from countersign.approvals.forms.wording import duration_words
from countersign.approvals.models import (
    JsonObject,
    Limit,
    Request,
    RequestStatus,
    Result,
)
from countersign.approvals.rules.budgets.words import without_others

TOOL = "would_need_approval"
"""The tool that agents are offered for it."""
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "tool": {"type": "string", "description": "The name of the tool that you may call."},
        "arguments": {
            "type": "object",
            "description": "The arguments that you would call it with, complete.",
        },
    },
    "required": ["tool", "arguments"],
    "additionalProperties": False,
}
DESCRIPTION = (
    "Ask whether a call of a tool would run at once, have to be approved by people (by whom, and "
    "how long that may take), or be refused, and why. Nothing is run and nobody is asked. The "
    "answer is no promise."
)
NO_PROMISE = "This is how it stands now. It is looked at again when you make the call."


def would_need_approval(tool: str, arguments: dict[str, Any]) -> str:
    """Never run: the gate answers in its place."""
    raise NotImplementedError(f"{TOOL} is answered by the gate.")


@dataclass(frozen=True)
class Question:
    """What an agent asks about; `problem` says why that cannot be answered."""

    call: AskedCall | None
    problem: str = ""


def question_of(call: Call) -> Question:
    """The call that an agent asks about."""
    given = call.arguments
    if set(given) != {"tool", "arguments"} or not isinstance(given["tool"], str):
        return Question(None, f"{TOOL} takes `tool`, a name, and `arguments`, an object.")
    arguments = given["arguments"]
    if not isinstance(arguments, dict | str):
        return Question(None, "`arguments` has to be an object with the arguments of the call.")
    if given["tool"] == TOOL:
        return Question(None, f"{TOOL} runs at once, and asks nobody.")
    return Question(AskedCall(given["tool"], arguments, None, ""))


def refused(problem: str) -> str:
    """The answer to what cannot be answered."""
    return json.dumps({"answer": "denied", "reason": problem}, ensure_ascii=False)


def answer(request: Request) -> str:
    """What the agent reads: what the request would have been, were it the call itself."""
    told = _told(request)
    if request.budgets:
        told["budgets"] = [without_others(each) for each in request.budgets]
    return json.dumps({**told, "note": NO_PROMISE}, ensure_ascii=False)


def _told(request: Request) -> dict[str, Any]:
    if request.status is RequestStatus.APPROVED:
        return {"answer": "allowed", "reason": request.reason}
    if request.status is RequestStatus.PENDING:
        return {"answer": "asked", "reason": request.reason, **_asked_of(request)}
    result = request.result
    reason = request.reason if not isinstance(result, Result) else result.message or request.reason
    passed = [each for each in request.budgets if each.passes is Limit.HARD]
    if passed:
        reason = f"{without_others(passed[0])}."
    return {"answer": "denied", "reason": reason}


def _asked_of(request: Request) -> dict[str, Any]:
    people = [f"{stage.quorum} of {' or '.join(stage.roles)}" for stage in request.stages]
    told: dict[str, Any] = {"asked_of": people}
    if request.expires_at is not None:
        span = (request.expires_at - request.created_at).total_seconds()
        told["they_have"] = duration_words(span)
    return told
