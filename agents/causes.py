"""Causes: why the gate itself ends a chat, or does not ask a call."""

from __future__ import annotations

import json
from collections.abc import Sequence

from countersign.agents.calls import Call
from countersign.agents.limits import ENDED_BY_PERSON, NotAsked
from countersign.approvals.forms.causes import Ending, OpenCall, SessionCause
from countersign.approvals.forms.wording import cut
from countersign.approvals.models import JsonObject, Result

SHOWN = 200
"""Characters of the arguments of a call, where it is named."""
NAMED = 20
"""So many calls of one message are named."""


def stopped(because: NotAsked, calls: Sequence[Call], agent: str) -> Ending:
    """The ending of a chat that ends with calls that were not asked."""
    unasked = open_calls(calls, agent, because.words)
    by_person = because.limit == ENDED_BY_PERSON.limit
    return Ending(
        cause=SessionCause.ENDED_BY_PERSON if by_person else SessionCause.LIMIT,
        words=sentences(because.words, unasked),
        open_calls=unasked,
    )


def unanswered(result: Result) -> Ending:
    """The ending of a chat in which nobody answered a question."""
    why = result.message or "Nobody answered the question in time."
    return Ending(cause=SessionCause.NOBODY_ANSWERED, words=why)


def limited(because: NotAsked, calls: Sequence[Call], agent: str) -> tuple[str, JsonObject]:
    """The one entry on the ledger for a message of which nothing is asked."""
    shown = [{"tool": call.tool, "arguments": call.arguments} for call in calls[:NAMED]]
    body: JsonObject = {
        "limit": because.limit,
        "message": because.words,
        "agent": agent,
        "count": len(calls),
        "calls": shown,
    }
    return "limit_reached", body


def open_calls(calls: Sequence[Call], agent: str, reason: str) -> tuple[OpenCall, ...]:
    """The calls as what was neither asked nor run."""
    return tuple(
        OpenCall(
            call_id=call.call_id,
            tool=call.tool,
            arguments=call.arguments,
            agent=agent,
            reason=reason,
        )
        for call in calls
    )


def sentences(why: str, unasked: Sequence[OpenCall]) -> str:
    """`why`, and which calls it left open."""
    if not unasked:
        return why
    names = ", ".join(named(call) for call in unasked[:NAMED])
    if len(unasked) > NAMED:
        names += f" and {len(unasked) - NAMED} more"
    verb = "was" if len(unasked) == 1 else "were"
    return f"{why} {names} {verb} proposed and neither asked nor run."


def named(call: OpenCall) -> str:
    """The call in a line: its tool and arguments, cut where they are long."""
    text = json.dumps(call.arguments, ensure_ascii=False)[1:-1]
    return f"{call.tool}({cut(text, SHOWN)})"
