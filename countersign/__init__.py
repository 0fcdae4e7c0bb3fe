"""A person's approval between an AutoGen agent and a risky tool call: what workflows import.

The folders beside this one are its parts, by symbolic links: `countersign.agents` is `agents/`. A
wheel holds them in here, and nothing else. What follows is read on first use, because `autogen` is
imported by it and most commands need none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from countersign.agents import (
        ApprovalProxy,
        Chat,
        NothingHappenedError,
        OutcomeUnknownError,
        PreconditionFailedError,
        Registry,
        SessionManager,
        WorkflowContext,
        current_execution,
        workflow,
    )

__all__ = [
    "ApprovalProxy",
    "Chat",
    "NothingHappenedError",
    "OutcomeUnknownError",
    "PreconditionFailedError",
    "Registry",
    "SessionManager",
    "WorkflowContext",
    "current_execution",
    "workflow",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'countersign' has no attribute {name!r}")
    value = getattr(import_module("countersign.agents"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
