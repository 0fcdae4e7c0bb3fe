"""Facts: what conditions may speak of, with its types, and the values for one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from countersign.approvals.models import JsonObject, Reversibility, ToolCall, Value
from countersign.approvals.rules.conditions.calendars import Calendars
from countersign.approvals.rules.conditions.types import (
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    Type,
    list_of,
    object_of,
    of_schema,
)
from countersign.approvals.rules.conditions.values import EvaluationError, lifted

UNKNOWN_CLASS = Reversibility.IRREVERSIBLE
"""Of a tool of which nobody has said."""


class Situation(Value):
    """Around a call: where, for whom and when it was proposed. None is what nobody knows here."""

    workflow: str | None = None
    requester: str | None = None
    roles: frozenset[str] | None = None
    """Of the requester, today."""
    at: datetime | None = None
    """When the call was proposed: it stays the same while people decide."""
    history: JsonObject | None = None
    """What was counted of calls before this one when it was proposed."""
    batch: JsonObject | None = None
    """Of all calls that were proposed together."""
    rollout: JsonObject | None = None
    """Where the rules of its tool stood when it was proposed, and whether people were to be asked;
    no condition speaks of it."""


NOWHERE = Situation()


@dataclass(frozen=True)
class Catalogue:
    """The types of all that a condition on one tool may speak of."""

    tool: str
    arguments: Type = DYN
    """An object with the arguments as its fields; `dyn` where the tool is not known."""
    calendars: Calendars = field(default_factory=dict)
    zone: str | None = None
    """In which a day of `history` begins."""
    is_preliminary: bool = False
    """Whether the condition is checked again once the tool is known: then what only its types can
    say is not asked."""

    @property
    def names(self) -> Mapping[str, Type]:
        """The types by name."""
        return {**_NAMES, "args": self.arguments}


_CLASSES = Type("string", values=tuple(map(str, Reversibility)))
_NAMES: Mapping[str, Type] = {
    "args": DYN,
    "tool": object_of({"name": STRING, "reversibility": _CLASSES}),
    "agent": STRING,
    "workflow": STRING,
    "requester": object_of({"id": STRING, "roles": list_of(STRING)}),
    "now": TIMESTAMP,
    "history": object_of({"today": INT, "by_requester_today": INT}),
    "batch": object_of({"size": INT, "reversibility": _CLASSES}),
}
NOT_ARGUMENTS = frozenset(_NAMES) - {"args"}
"""What conditions may speak of besides the arguments of a call."""
OF_BEFORE = frozenset({"history", "batch"})
"""Facts that are read, or counted, when a call is proposed; what was seen then stays so."""


def arguments_type(schema: JsonObject | None) -> Type:
    """The type of `args` by the JSON Schema of a tool's arguments."""
    found = DYN if schema is None else of_schema(schema)
    return found if found.kind == "object" and found.fields is not None else DYN


class Facts(dict[str, Any]):
    """The values for one call, each made when it is first asked for."""

    __slots__ = ("_call", "_class", "_situation", "calendars", "steps")

    def __init__(
        self,
        call: ToolCall,
        situation: Situation,
        reversibility: Reversibility,
        calendars: Calendars,
    ):
        super().__init__()
        self._call, self._situation, self._class = call, situation, reversibility
        self.calendars = calendars
        self.steps = [0]
        """Elements that were looked at, in all of one ruling."""

    def __missing__(self, name: str) -> Any:
        self[name] = value = self._made(name)
        return value

    def having(self, name: str, value: Any) -> Facts:
        """These, and the element of a macro."""
        inner = Facts(self._call, self._situation, self._class, self.calendars)
        inner.update(self)
        inner.steps = self.steps
        inner[name] = value
        return inner

    def _made(self, name: str) -> Any:
        call, situation = self._call, self._situation
        if name == "args":
            return lifted(call.arguments, "args")
        if name == "tool":
            return {"name": call.tool, "reversibility": str(self._class)}
        if name == "agent":
            return call.agent
        known = {
            "workflow": situation.workflow,
            "now": situation.at,
            "requester": self._requester(),
            "history": situation.history,
            "batch": situation.batch,
        }
        if not known.get(name):
            raise EvaluationError(name, "is not known here")
        return known[name]

    def _requester(self) -> JsonObject:
        known: JsonObject = {}
        if self._situation.requester is not None:
            known["id"] = self._situation.requester
        if self._situation.roles is not None:
            known["roles"] = sorted(self._situation.roles)
        return known
