"""How a workflow is written: a factory that builds an AutoGen chat, with a name and a version.

@workflow("sales_quote", version="1", title="Sales quote", triggers=("quote",))
def sales_quote(context: WorkflowContext) -> Chat:
    ...
    return Chat(starter=gatekeeper, recipient=manager)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from countersign.agents.classic.built import Mode
from countersign.agents.classic.chat import Chat
from countersign.agents.classic.parallel import Parallel


@dataclass(frozen=True)
class WorkflowContext:
    """What a factory builds with: the agents' model, and the application's own settings."""

    llm_config: dict[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)


Factory = Callable[[WorkflowContext], Chat | Parallel]


@dataclass(frozen=True)
class Workflow:
    """A named factory of a chat, or of several that work side by side."""

    name: str
    version: str
    title: str
    triggers: tuple[str, ...]
    """Words by which the bot picks this workflow: one of them at the beginning of a message."""
    example: str
    """A message that starts it, to show to people."""
    mode: Mode
    pooled: bool
    """Whether a chat is reused, after a reset, for the next session. Say False if the factory
    keeps state where the reset cannot see it: in module globals or in closures."""
    factory: Factory

    def __call__(self, context: WorkflowContext) -> Chat | Parallel:
        """Build them once."""
        return self.factory(context)


def workflow(
    name: str,
    version: str,
    title: str,
    triggers: Sequence[str] = (),
    example: str = "",
    mode: Mode = "async",
    pooled: bool = True,
) -> Callable[[Factory], Workflow]:
    """Declare the decorated factory as a workflow.

    A chat with `mode="sync"` runs in a thread with AutoGen's sync methods.
    """

    def declare(factory: Factory) -> Workflow:
        return Workflow(name, version, title, tuple(triggers), example, mode, pooled, factory)

    return declare
