"""A person's approval between an AutoGen agent and a risky tool call: what workflows import.

The folders beside this one are its parts, by symbolic links: `countersign.agents` is `agents/`. A
wheel holds them in here, and nothing else. What follows is read on first use, because `autogen` is
imported by it and most commands need none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from countersign.agents.classic.chat import Chat
    from countersign.agents.classic.gatekeeper import ApprovalProxy
    from countersign.agents.classic.parallel import Parallel
    from countersign.agents.classic.registry import Registry
    from countersign.agents.classic.workflows import WorkflowContext, workflow
    from countersign.agents.session_manager import SessionManager
    from countersign.agents.tools.outcomes import NothingHappenedError, OutcomeUnknownError
    from countersign.agents.tools.permit import current_execution
    from countersign.agents.tools.undo import Undo
    from countersign.approvals.errors import PreconditionFailedError

__all__ = [
    "ApprovalProxy",
    "Chat",
    "NothingHappenedError",
    "OutcomeUnknownError",
    "Parallel",
    "PreconditionFailedError",
    "Registry",
    "SessionManager",
    "Undo",
    "WorkflowContext",
    "current_execution",
    "workflow",
]

_HOMES = {
    "ApprovalProxy": "agents.classic.gatekeeper",
    "Chat": "agents.classic.chat",
    "NothingHappenedError": "agents.tools.outcomes",
    "OutcomeUnknownError": "agents.tools.outcomes",
    "Parallel": "agents.classic.parallel",
    "PreconditionFailedError": "approvals.errors",
    "Registry": "agents.classic.registry",
    "SessionManager": "agents.session_manager",
    "WorkflowContext": "agents.classic.workflows",
    "Undo": "agents.tools.undo",
    "current_execution": "agents.tools.permit",
    "workflow": "agents.classic.workflows",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'countersign' has no attribute {name!r}")
    value = getattr(import_module(f"countersign.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
