"""Tests of workflows: a scripted model, and an application in which they run (`pytest` fixtures).

`countersign.testing.plugin` has the fixtures; pytest finds it by itself. What follows is read on
first use, so that test runs without it pay nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from countersign.approvals.errors import RefusedError
    from countersign.sandbox.openai.conversation import Call, Conversation, Raw, Say, ToolCall
    from countersign.testing.app import App, Ran, Request, Session, running
    from countersign.testing.script import ModelScript, ScriptError, call

__all__ = [
    "App",
    "Call",
    "Conversation",
    "ModelScript",
    "Ran",
    "Raw",
    "RefusedError",
    "Request",
    "Say",
    "ScriptError",
    "Session",
    "ToolCall",
    "call",
    "running",
]
_MODULES = {
    "countersign.approvals.errors": ("RefusedError",),
    "countersign.sandbox.openai.conversation": ("Call", "Conversation", "Raw", "Say", "ToolCall"),
    "countersign.testing.app": ("App", "Ran", "Request", "Session", "running"),
    "countersign.testing.script": ("ModelScript", "ScriptError", "call"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(module), name)
            return value
    raise AttributeError(f"module 'countersign.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
