"""One tool with arguments of every type, and a call of it, to ask conditions of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from countersign.approvals.models import Reversibility, SessionId, ToolCall
from countersign.approvals.rules.conditions.calendars import Calendar
from countersign.approvals.rules.conditions.checking import check
from countersign.approvals.rules.conditions.condition import Condition
from countersign.approvals.rules.conditions.facts import (
    Catalogue,
    Facts,
    Situation,
    arguments_type,
)
from countersign.approvals.rules.conditions.syntax import parse

NOON = datetime(2026, 12, 1, 11, 0, tzinfo=UTC)
"""A Tuesday, 12:00 in Berlin."""
_LINE = {"type": "object", "properties": {"sku": {"type": "string"}, "amount": {"type": "number"}}}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "amount": {"type": "number"},
        "count": {"type": "integer"},
        "name": {"type": "string"},
        "urgent": {"type": "boolean"},
        "currency": {"enum": ["EUR", "USD"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "limit": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "total": {"anyOf": [{"type": "number"}, {"type": "string"}]},
        "price": {
            "type": "object",
            "properties": {"amount": {"type": "number"}, "currency": {"type": "string"}},
        },
        "euros": {
            "type": "object",
            "properties": {"amount": {"type": "number"}, "currency": {"const": "EUR"}},
        },
        "lines": {"type": "array", "items": _LINE},
        "tags": {"type": "array", "items": {"type": "string"}},
        "numbers": {"type": "array", "items": {"type": "number"}},
        "maybe": {"type": "array", "items": {"type": ["number", "null"]}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "due": {"type": "string", "format": "date-time"},
        "anything": {},
    },
}
ARGUMENTS: dict[str, Any] = {
    "amount": 0.1,
    "count": 7,
    "name": "Rosé GmbH",
    "urgent": True,
    "currency": "EUR",
    "note": None,
    "limit": 5,
    "total": "12.50",
    "price": {"amount": 5, "currency": "USD"},
    "euros": {"amount": 40, "currency": "EUR"},
    "lines": [{"sku": "a", "amount": 0.2}, {"sku": "b", "amount": 0.1}],
    "tags": ["new", "vip"],
    "numbers": [1, 2.5, 3],
    "maybe": [1, None],
    "labels": {"team": "north"},
    "due": "2026-12-24T08:00:00+01:00",
    "anything": {"deep": [1, "two", None]},
}
CALENDARS = {
    "office": Calendar(zone="Europe/Berlin", hours="09:00-17:00", holidays="DE-BE"),
    "night": Calendar(zone="America/New_York", hours="18:00-24:00", days=("sat",)),
}
SITUATION = Situation(
    workflow="refunds", requester="sam", roles=frozenset({"rep", "lead"}), at=NOON
)
TYPED = Catalogue("pay", arguments_type(SCHEMA), CALENDARS)
UNTYPED = Catalogue("the tool", calendars=CALENDARS)


def facts(arguments: dict[str, Any] | None = None, situation: Situation = SITUATION) -> Facts:
    """The facts of a call of the tool."""
    call = ToolCall(
        session_id=SessionId("S-1"),
        call_id="call-1",
        tool="pay",
        arguments=ARGUMENTS if arguments is None else arguments,
        agent="seller",
        executor="gate",
    )
    return Facts(call, situation, Reversibility.IRREVERSIBLE, CALENDARS)


def condition(text: str, catalogue: Catalogue = TYPED) -> Condition:
    """The condition, which has to be right."""
    made = Condition.of(parse(text), catalogue)
    assert isinstance(made, Condition), made.problems
    return made


def problems(text: str, catalogue: Catalogue = TYPED) -> Sequence[str]:
    """What is wrong with a condition."""
    return check(parse(text), catalogue).problems


def ask(text: str, arguments: dict[str, Any] | None = None, catalogue: Catalogue = TYPED) -> bool:
    """What a condition says of the call."""
    return condition(text, catalogue).holds(facts(arguments))
