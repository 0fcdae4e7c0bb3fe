"""Tool messages: what agents read about their calls, typed, so that they do not loop."""

from __future__ import annotations

import json
from typing import Any

from countersign.approvals.forms.changers import other_changers
from countersign.approvals.models import (
    Cause,
    Outcome,
    Request,
    Result,
    Via,
)

_WITHOUT_PEOPLE = frozenset({Via.POLICY, Via.CLOCK})


def text_of(request: Request, result: Result) -> str:
    """The tool message for one call that is over.

    A call that a rule allowed gives the tool's own return value, as without a gate; everything
    else is a JSON object with `status`, and with `decision` where a person decided.
    """
    match result.outcome:
        case Outcome.EXECUTED | Outcome.EXECUTED_WITH_CHANGES:
            return _executed(request, result)
        case Outcome.FAILED:
            return _dumps({"status": Outcome.FAILED, "error": result.content})
        case Outcome.NOT_EXECUTED:
            return _not_executed(request, result)


def limited(message: str, *, retry: bool) -> str:
    """The tool message for a call that a limit kept from being asked."""
    body = {"status": Outcome.NOT_EXECUTED, "cause": Cause.LIMIT, "retry": retry}
    return _dumps({**body, "message": message})


def _executed(request: Request, result: Result) -> str:
    decider = _person(request)
    if decider is None:
        return result.content
    answer: dict[str, Any] = {"decision": "USER_APPROVE", "status": Outcome.EXECUTED}
    if request.modified or result.outcome is Outcome.EXECUTED_WITH_CHANGES:
        answer["status"] = Outcome.EXECUTED_WITH_CHANGES
        answer["arguments_used"] = request.arguments
        if who := other_changers(request):
            answer["changed_by"] = who
    elif request.written is not None and not _holds(request.arguments, request.written):
        answer["arguments_used"] = request.arguments
        if request.asked_again:
            answer["note"] = request.asked_again
    return _dumps({**answer, "result": result.content, "decided_by": decider})


def _not_executed(request: Request, result: Result) -> str:
    decider = _person(request)
    if decider is not None and result.cause is Cause.REJECTED:
        feedback = request.decision.comment if request.decision else result.message
        return _dumps(
            {
                "decision": "USER_REJECT",
                "status": Outcome.NOT_EXECUTED,
                "cause": Cause.REJECTED,
                "feedback": feedback,
                "retry": True,
                "decided_by": decider,
            }
        )
    return _dumps(
        {
            "status": Outcome.NOT_EXECUTED,
            "cause": result.cause,
            "retry": result.retry,
            "message": result.message,
        }
    )


def _person(request: Request) -> str | None:
    """The name of the person who decided; None where a rule or the clock did."""
    decision = request.decision
    if decision is None or decision.via in _WITHOUT_PEOPLE:
        return None
    return decision.by_name


def _holds(complete: Any, written: Any) -> bool:
    """Whether what was written stands in what ran, however much the tool filled in besides."""
    if isinstance(complete, dict) and isinstance(written, dict):
        return all(key in complete and _holds(complete[key], written[key]) for key in written)
    if isinstance(complete, list) and isinstance(written, list):
        return len(complete) == len(written) and all(map(_holds, complete, written))
    return bool(complete == written)


def _dumps(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
