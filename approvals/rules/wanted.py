"""Wanted: what somebody looks for among the requests that wait for them. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import Request, RequestKind, Risk, Value


class Order(StrEnum):
    """What comes first in a list of what waits."""

    OLDEST = "oldest"
    NEWEST = "newest"
    DUE = "due"
    """Whose deadline is next; what has none comes last."""
    RISK = "risk"
    """The highest; of the same risk whose deadline is next."""


_RISKS = (Risk.HIGH, Risk.MEDIUM, Risk.LOW)


class Glimpse(NamedTuple):
    """As much of a request as is looked at: all of it takes ten times as long to read."""

    id: str
    created_at: datetime
    expires_at: datetime | None
    kind: RequestKind
    risk: Risk
    tool: str
    arguments: str
    """As JSON."""
    rationale: str
    requester: str
    agent: str


def rank(order: Order, request: Request | Glimpse) -> tuple[int, datetime, datetime, str]:
    """By which requests are sorted for DUE and RISK."""
    due = request.expires_at or datetime.max.replace(tzinfo=UTC)
    risk = _RISKS.index(request.risk) if order is Order.RISK else 0
    return risk, due, request.created_at, request.id


class Wanted(Value):
    """All of it has to be true of a request."""

    text: str = ""
    """Stands in its tool, arguments, rationale, or in who asked; case does not matter."""
    risk: Risk | None = None
    due_before: datetime | None = None
    kind: RequestKind | None = None

    @property
    def is_all(self) -> bool:
        """Whether every request is wanted."""
        return self == Wanted()

    def fits(self, request: Request | Glimpse) -> bool:
        """Whether this request is one."""
        if self.risk is not None and request.risk is not self.risk:
            return False
        if self.kind is not None and request.kind is not self.kind:
            return False
        if self.due_before is not None and (
            request.expires_at is None or request.expires_at > self.due_before
        ):
            return False
        wanted = self.text.casefold().split()
        text = _read(request) if wanted else ""
        return all(word in text for word in wanted)


def _read(request: Request | Glimpse) -> str:
    arguments = request.arguments
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
    tool = f"{request.tool} {in_words(request.tool)}"
    words = (tool, arguments, request.rationale, request.requester, request.agent)
    return " ".join(words).casefold()
