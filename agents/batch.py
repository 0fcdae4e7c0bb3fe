"""A batch: the calls of one message with the requests that were made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countersign.agents.calls import Call
from countersign.agents.ports import Runner
from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import (
    Request,
    RequestKind,
    RequestStatus,
    ToolCall,
)
from countersign.approvals.rules.proposals import written_by_agent


@dataclass(frozen=True)
class Batch:
    """The calls of one message and their requests, in the same order; a question what would become
    of a call has none."""

    calls: tuple[Call, ...]
    requests: tuple[Request, ...]
    asker: str = ""
    """The agent that wrote it."""
    questions: frozenset[str] = frozenset()
    """The ids of the calls that are such questions."""

    @property
    def waits(self) -> bool:
        """Whether one of them is pending."""
        return any(request.status is RequestStatus.PENDING for request in self.requests)


def require_calls(runner: Runner, calls: Sequence[Call], batch: Sequence[Request]) -> None:
    """Return if the stored requests are these calls. Raises IntegrityError."""
    asked = [(call.call_id, call.tool, call.arguments, runner.name) for call in calls]
    stored = [(r.call_id, r.tool, written_by_agent(r), r.executor) for r in batch]
    if asked != stored or any(r.kind is not RequestKind.TOOL for r in batch):
        raise _other(batch, "are not the calls of the restored chat")


def require_question(runner: Runner, call: ToolCall, batch: Sequence[Request]) -> None:
    """Return if the stored request is this question. Raises IntegrityError."""
    expected = [(RequestKind.INPUT, call.call_id, runner.name)]
    if [(r.kind, r.call_id, r.executor) for r in batch] != expected:
        raise _other(batch, "are not the question of the restored chat")


def _other(batch: Sequence[Request], what: str) -> IntegrityError:
    return IntegrityError(
        f"The stored requests {', '.join(r.id for r in batch)} {what}. The session was not "
        "continued; start it again."
    )
